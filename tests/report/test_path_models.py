"""Markov and Shapley over the shop's own paths, with those that led to nothing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tillpost.core.markov import removal_effects
from tillpost.core.paths import Path, shapley_rate, shapley_total
from tillpost.ports import Rows
from tillpost.report.catalog import REPORTS
from tillpost.report.query import Period, Query

CAME = {"direct": "Direct", "meta": "Paid Social", "google": "Organic Search", "email": "Email"}

BOUGHT = (("google", "email"), ("direct",), ("google", "meta", "email"), ("google", "email"))
LEFT = (("google", "meta"), ("meta",), ("meta",), ("direct",))


def path(came: tuple[str, ...], conversions: float, null: float) -> Path:
    return Path(tuple(CAME[name] for name in came), conversions, null=null)


PATHS = [path(came, 1, 0) for came in BOUGHT] + [path(came, 0, 1) for came in LEFT]


def tables_of(shop: Any, later: tuple[tuple[str, int, str], ...] = ()) -> dict[str, Rows]:
    ways = {f"v{i}": came for i, came in enumerate((*BOUGHT, *LEFT))}
    landed = [
        (visitor, shop.NOW - (len(came) - i) * shop.DAY, name)
        for visitor, came in ways.items()
        for i, name in enumerate(came)
    ]
    ids = [str(i) for i in range(len(BOUGHT))]
    return {
        "orders": shop.orders(*({"order_id": i, "value_minor": 1001} for i in ids)),
        "order_keys": shop.order_keys(*((i, "order", i) for i in ids)),
        "links": shop.links(*(("order", i, f"v{i}", shop.NOW) for i in ids)),
        "touches": shop.touches(*landed, *later),
    }


def by_channel(tables: Mapping[str, Rows], **asked: Any) -> dict[str, dict[str, Any]]:
    return {row["channel"]: row for row in REPORTS["path_models"](tables, Query(**asked))}


def test_every_model_says_what_its_definition_says_of_the_same_paths(shop: Any) -> None:
    rows = by_channel(tables_of(shop))
    assert set(rows) == set(CAME.values())
    for order in (1, 2, 3):
        told = removal_effects(PATHS, order)
        for channel, row in rows.items():
            effect = row[f"markov_{order}_removal_effect"]
            assert effect == pytest.approx(told.removal_effect[channel], abs=1e-6)
            assert row[f"markov_{order}"] == pytest.approx(told.conversions[channel], abs=1e-4)
    distinct, rates = shapley_total(PATHS), shapley_rate(PATHS)
    for channel, row in rows.items():
        assert row["shapley"] == pytest.approx(distinct[channel], abs=1e-4)
        assert row["shapley_rate"] == pytest.approx(rates[channel], abs=1e-6)


def test_money_is_given_away_to_the_cent(shop: Any) -> None:
    rows = by_channel(tables_of(shop)).values()
    for column in ("markov_1", "markov_2", "markov_3", "shapley"):
        assert sum(Decimal(row[f"{column}_revenue"]) for row in rows) == Decimal("40.04"), column


def test_a_window_cuts_what_led_to_orders_and_what_led_to_nothing(shop: Any) -> None:
    rows = by_channel(tables_of(shop), window="1")
    cut = [path(p[-1:], 1, 0) for p in BOUGHT] + [path(p, 0, 1) for p in LEFT]
    told = removal_effects(cut).removal_effect
    found = {channel: row["markov_1_removal_effect"] for channel, row in rows.items()}
    assert found == pytest.approx(told, abs=1e-6)


def test_visits_after_an_order_are_a_path_of_their_own(shop: Any) -> None:
    again = by_channel(tables_of(shop, (("v0", shop.NOW + shop.DAY, "meta"),)))
    told = removal_effects([*PATHS, path(("meta",), 0, 1)]).removal_effect
    assert again["Paid Social"]["markov_1_removal_effect"] == pytest.approx(
        told["Paid Social"], abs=1e-6
    )


def test_who_bought_after_the_period_did_not_come_for_nothing(shop: Any) -> None:
    tables = tables_of(shop)
    orders, (first, *others) = tables["orders"]
    later = dict(zip(orders, first, strict=True)) | {"at": shop.NOW + shop.DAY}
    tables["orders"] = (orders, [tuple(later.values()), *others])
    tables["links"] = shop.links(*(("order", str(i), f"v{i}", shop.NOW) for i in range(4)))
    rows = by_channel(tables, period=Period(stop=shop.NOW + 1))
    told = removal_effects(PATHS[1:]).removal_effect
    found = {channel: row["markov_1_removal_effect"] for channel, row in rows.items()}
    assert found == pytest.approx(told, abs=1e-6)


def test_currencies_are_shared_apart_by_one_chain(shop: Any) -> None:
    tables = tables_of(shop)
    columns, rows = tables["orders"]
    place = columns.index("currency")
    first = (*rows[0][:place], "EUR", *rows[0][place + 1 :])
    found = REPORTS["path_models"]({**tables, "orders": (columns, [first, *rows[1:]])}, Query())
    orders = {
        currency: sum(row["markov_1"] for row in found if row["currency"] == currency)
        for currency in ("EUR", "USD")
    }
    assert orders == pytest.approx({"EUR": 1, "USD": 3}, abs=1e-3)


def test_new_and_returning_buyers_have_chains_of_their_own(shop: Any) -> None:
    tables = tables_of(shop)
    columns, rows = tables["orders"]
    place = columns.index("returning")
    told = [(*row[:place], int(i == 1), *row[place + 1 :]) for i, row in enumerate(rows)]
    tables["orders"] = (columns, told)
    lost = PATHS[len(BOUGHT) :]
    for buyers, bought in (("new", [*PATHS[:1], *PATHS[2:4]]), ("returning", PATHS[1:2])):
        found = by_channel(tables, buyers=buyers)
        told_of = removal_effects([*bought, *lost])
        shares = sum(row["markov_1"] for row in found.values())
        assert shares == pytest.approx(len(bought), abs=1e-3)
        for channel, row in found.items():
            effect = told_of.removal_effect[channel]
            assert row["markov_1_removal_effect"] == pytest.approx(effect, abs=1e-6)
    assert len(REPORTS["journeys"](tables, Query(buyers="returning"))) == 1


def test_without_orders_there_is_nothing_to_share(shop: Any) -> None:
    tables = tables_of(shop)
    assert REPORTS["path_models"]({"touches": tables["touches"]}, Query()) == []


def test_by_touch_date_all_time_says_what_the_order_date_says(shop: Any) -> None:
    tables = tables_of(shop)
    assert by_channel(tables, basis="accrual") == by_channel(tables)


WAYS = (("google", "meta", "google"), ("meta", "email"), ("email",), ("direct", "meta"))
AGES = ((9, 6, 1), (5, 4), (8,), (20, 7))
"""Days before the order of each touch of four journeys that led to one, of 10.01 each."""
GONE = ((("google", "meta"), (7, 1)), (("email",), (4,)), (("meta",), (2,)))
"""The same of three that led to nothing, before now."""
FROM, TO = 8, 3
"""The touches that count: of 8 to 4 days ago."""


def dated(shop: Any) -> dict[str, Rows]:
    visitors = [(f"v{n}", *way) for n, way in enumerate(zip(WAYS, AGES, strict=True))]
    visitors += [(f"w{n}", *way) for n, way in enumerate(GONE)]
    touches = [
        (visitor, shop.NOW - age * shop.DAY, came)
        for visitor, way, ages in visitors
        for came, age in zip(way, ages, strict=True)
    ]
    ids = [str(n) for n in range(len(WAYS))]
    return {
        "orders": shop.orders(*({"order_id": i, "value_minor": 1001} for i in ids)),
        "order_keys": shop.order_keys(*((i, "order", i) for i in ids)),
        "links": shop.links(*(("order", i, f"v{i}", shop.NOW) for i in ids)),
        "touches": shop.touches(*touches),
    }


def test_by_touch_date_each_touch_counts_on_its_own_day(shop: Any) -> None:
    span = Period(shop.NOW - FROM * shop.DAY, shop.NOW - TO * shop.DAY)
    rows = by_channel(dated(shop), basis="accrual", period=span)
    sold = list(zip(WAYS, AGES, strict=True))
    left = [path(way, 0, 1) for way, ages in GONE if any(TO < age <= FROM for age in ages)]
    assert len(left) == 2
    every = [path(way, 1, 0) for way in WAYS] + left
    for order in (1, 2, 3):
        told = removal_effects(every, order)
        for name, channel in CAME.items():
            inside, whole = 0.0, 0.0
            for way, ages in sold:
                effects = [told.removal_effect[CAME[step]] for step in way]
                for step, age, effect in zip(way, ages, effects, strict=True):
                    whole += (step == name) * effect / sum(effects)
                    inside += (step == name) * (TO < age <= FROM) * effect / sum(effects)
            earned = told.conversions[channel] * inside / whole
            assert rows[channel][f"markov_{order}"] == pytest.approx(earned, abs=1e-4)
            assert float(rows[channel][f"markov_{order}_revenue"]) == pytest.approx(
                earned * 10.01, abs=0.011
            )
            effect = told.removal_effect[channel]
            assert rows[channel][f"markov_{order}_removal_effect"] == pytest.approx(
                effect, abs=1e-6
            )
    assert {channel: row["shapley"] for channel, row in rows.items()} == {
        "Organic Search": 0.0, "Paid Social": 1.5, "Email": 1.5, "Direct": 0.0,
    }  # fmt: skip
    assert {channel: row["shapley_revenue"] for channel, row in rows.items()} == {
        "Organic Search": "0.00", "Paid Social": "15.03", "Email": "15.01", "Direct": "0.00",
    }  # fmt: skip


def test_days_by_touch_date_add_up_where_one_chain_holds(shop: Any) -> None:
    """Every journey of the first week has one touch in it and one in the second."""
    tables = {
        **dated(shop),
        "touches": shop.touches(
            *((f"v{n}", shop.NOW - 10 * shop.DAY, "meta") for n in range(4)),
            *((f"v{n}", shop.NOW - 2 * shop.DAY, "email") for n in range(4)),
        ),
    }
    middle = shop.NOW - 5 * shop.DAY
    first = by_channel(tables, basis="accrual", period=Period(stop=middle))
    second = by_channel(tables, basis="accrual", period=Period(start=middle))
    assert [first[c]["markov_1"] for c in ("Paid Social", "Email")] == [2.0, 0.0]
    assert [second[c]["markov_1"] for c in ("Paid Social", "Email")] == [0.0, 2.0]
    earned = (first["Paid Social"]["markov_1_revenue"], second["Email"]["markov_1_revenue"])
    assert sum(map(Decimal, earned)) == Decimal("40.04")
    assert first["Email"]["markov_1_revenue"] == "0.00"


def test_by_touch_date_without_money_the_orders_say_which_day(shop: Any) -> None:
    tables = dated(shop)
    columns, rows = tables["orders"]
    place = columns.index("value_minor")
    tables["orders"] = (columns, [(*row[:place], 0, *row[place + 1 :]) for row in rows])
    span = Period(shop.NOW - FROM * shop.DAY, shop.NOW - TO * shop.DAY)
    found = by_channel(tables, basis="accrual", period=span)
    assert found["Email"]["shapley"] == 1.5
    assert {row["markov_1_revenue"] for row in found.values()} == {"0.00"}
