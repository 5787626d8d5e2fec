"""Markov and Shapley over the shop's own paths, with those that led to nothing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tillpost.core.markov import removal_effects
from tillpost.core.outcome import Misconfigured
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


def test_by_touch_date_a_path_has_no_day() -> None:
    with pytest.raises(Misconfigured, match="leave basis at cash"):
        REPORTS["path_models"]({}, Query(basis="accrual"))
