"""A roll-up follows the facts by changed day, and then says what one made anew would."""

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest
from msgspec import structs
from tests.report.test_rollup import NOW, REPORTS, ZONE, facts

from tillpost.core.attribution import DAY
from tillpost.core.facts import KINDS, SEGMENT_COLUMNS, SEGMENTS, STALE, STALE_COLUMNS, declared
from tillpost.report import rollup
from tillpost.report.engine import in_columns
from tillpost.report.query import Query, period
from tillpost.report.rollup import Outdated, RollUp
from tillpost.store.segments import fill

Tables = dict[str, Any]

SUMS = (
    "SELECT t.model, t.shop, t.day, t.currency, t.is_returning, t.first_window, t.last_window,"
    " b.* EXCLUDE (label), SUM(t.minor), SUM(t.shares)"
    " FROM tallied t JOIN labels b USING (label) GROUP BY ALL HAVING SUM(t.shares) <> 0"
)


def sums(held: RollUp) -> list[str]:
    return sorted(map(repr, held.connection.execute(SUMS).fetchall()))


def days_of(held: RollUp) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    place = [c[0] for c in held.connection.execute(SUMS).description].index("day")
    for row in held.connection.execute(SUMS).fetchall():
        found.setdefault(row[place], []).append(repr(row))
    return {day: sorted(rows) for day, rows in found.items()}


def edited(
    tables: Tables, name: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> Tables:
    columns, rows = tables[name]
    after = [change(dict(zip(columns, row, strict=True))) for row in rows]
    return {**tables, name: (columns, [tuple(row.values()) for row in after if row])}


def added(tables: Tables, **more: Any) -> Tables:
    return {**tables, **{k: (tables[k][0], tables[k][1] + list(v[1])) for k, v in more.items()}}


def followed(held: RollUp, tables: Tables) -> int:
    days = held.prepare(tables)
    held.settle()
    return days


def one_order(shop: Any, tables: Tables, **told: Any) -> Tables:
    order = {"order_id": "late", "at": NOW - 3 * DAY, "value_minor": 4321, **told}
    return added(
        tables, orders=shop.orders(order), order_keys=shop.order_keys(("late", "order", "late"))
    )


def test_a_late_order_changes_its_day_alone(shop: Any) -> None:
    tables = facts(shop, random.Random(3))
    held = RollUp(tables, {"demo": ZONE})
    before = days_of(held)
    after = one_order(shop, tables)
    assert followed(held, after) == 1
    now = days_of(held)
    assert {day for day in now if now[day] != before.get(day)} == {"2026-03-26"}
    assert sums(held) == sums(RollUp(after, {"demo": ZONE}))


def test_a_refund_changes_the_days_of_its_order_and_no_other(shop: Any) -> None:
    tables = facts(shop, random.Random(4))
    columns, rows = tables["orders"]
    order = dict(zip(columns, rows[0], strict=True))
    alone = edited(tables, "orders", lambda o: {**o, "customer_id": None})
    held = RollUp(alone, {"demo": ZONE})
    before = days_of(held)
    back = {"refund_id": "r", "order_id": order["order_id"], "at": NOW, "amount_minor": 7}
    refund = shop.table("refunds", back, shop="demo", currency="USD")
    after = edited(
        added(alone, refunds=refund),
        "orders",
        lambda o: {**o, "refunded_minor": 57} if o["order_id"] == order["order_id"] else o,
    )
    assert followed(held, after) == 1
    now = days_of(held)
    assert len([day for day in now if now[day] != before[day]]) == 1
    assert sums(held) == sums(RollUp(after, {"demo": ZONE}))


def test_spend_shows_and_sums_no_day_again(shop: Any) -> None:
    tables = facts(shop, random.Random(5))
    held = RollUp(tables, {"demo": ZONE})
    more = shop.spend({"campaign": "Spring", "spend_minor": 300, "day": "2026-03-27"})
    after = added(tables, spend=more)
    assert followed(held, after) == 0
    day = period(date(2026, 3, 27), date(2026, 3, 27))
    query = Query(structs.replace(day, start=0))
    spent = REPORTS["channels"](held.question("channels", query), query)
    assert sum(float(row["spend"]) for row in spent) == 3.0


def test_nothing_new_sums_nothing_again(shop: Any) -> None:
    tables = facts(shop, random.Random(6))
    held = RollUp(tables, {"demo": ZONE})
    assert followed(held, tables) == 0
    assert sums(held) == sums(RollUp(tables, {"demo": ZONE}))


def test_what_the_platform_knows_is_followed_however_much_it_is(shop: Any) -> None:
    tables = facts(shop, random.Random(6))
    columns, many = ["dataset_id", "order_id", "matched"], 130_000
    known = [("1", f"o{number}", 0) for number in range(many)]
    held = RollUp({**tables, "matches": (columns, known)}, {"demo": ZONE})
    followed(held, {**tables, "matches": (columns, [("1", "o0", 1), *known[1:]])})
    found = held.connection.execute("SELECT COUNT(*), SUM(matched) FROM matches").fetchall()
    assert found == [(many, 1)]
    held.close()


def test_only_what_changed_of_orders_is_put_in_its_place(shop: Any) -> None:
    tables = facts(shop, random.Random(6)) | {"cursors": (["store", "cursor"], [("gateway", "1")])}
    held = RollUp(tables, {"demo": ZONE})
    assert held.cursors == {"gateway": "1"}
    gone, moved = (("demo", name) for name in ("1", "2"))
    told = ("demo", "2", "meta:1", "dead", "bad_request")
    columns, rows = tables["deliveries"]
    followed(
        held,
        tables
        | {
            "deliveries": (columns, [told]),
            "changed_deliveries": (["shop", "order_id"], [gone, moved]),
            "cursors": (["store", "cursor"], [("gateway", "2")]),
        },
    )
    kept = held.connection.execute("FROM deliveries").fetchall()
    assert sorted(kept) == sorted([*(r for r in rows if r[:2] not in {gone, moved}), told])
    assert held.cursors == {"gateway": "2"}
    held.close()


def test_other_rates_need_new_sums(shop: Any) -> None:
    tables = facts(shop, random.Random(7))
    held = RollUp(tables, {"demo": ZONE})
    rates = (["day", "currency", "quote", "rate"], [("2026-01-01", "EUR", "USD", "1.1")])
    with pytest.raises(Outdated):
        held.prepare({**tables, "rates": rates})


def changed(shop: Any, tables: Tables, dice: random.Random) -> Tables:
    """The tables after some of what happens to a shop has happened."""
    names = [row[tables["orders"][0].index("order_id")] for row in tables["orders"][1]]
    some = frozenset(dice.sample(names, 3))
    kinds = {
        "order": lambda: one_order(shop, tables, at=NOW - dice.randrange(DAY), customer_id="c1"),
        "moved": lambda: edited(
            tables, "orders", lambda o: {**o, "at": o["at"] - DAY} if o["order_id"] in some else o
        ),
        "cancelled": lambda: edited(
            tables, "orders", lambda o: {**o, "cancelled_at": NOW} if o["order_id"] in some else o
        ),
        "erased": lambda: edited(
            tables, "orders", lambda o: None if o["order_id"] in some else o
        ),
        "renamed": lambda: edited(
            tables, "touches", lambda t: {**t, "channel": "Email"} if t["id"] % 7 == 0 else t
        ),
        "bots": lambda: edited(tables, "touches", lambda t: None if t["id"] % 5 == 0 else t),
        "linked": lambda: edited(
            tables, "links", lambda k: {**k, "visitor_id": "v0"} if k["value"] in some else k
        ),
        "customers": lambda: edited(
            tables, "orders", lambda o: {**o, "customer_id": "c2"} if o["order_id"] in some else o
        ),
    }  # fmt: skip
    return kinds[dice.choice(sorted(kinds))]()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_sums_are_those_made_anew(
    shop: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "ORDERS_AT_ONCE", 7)
    dice = random.Random(seed)
    tables = facts(shop, dice)
    held = RollUp(tables, {"demo": ZONE})
    for _ in range(4):
        tables = changed(shop, tables, dice)
        followed(held, tables)
        anew = RollUp(tables, {"demo": ZONE})
        assert sums(held) == sums(anew)
        query = dice.choice([Query(), Query(refunds="refund_day"), Query(basis="accrual")])
        for name in ("channels", "orders", "journeys"):
            told, new = (REPORTS[name](made.question(name, query), query) for made in (held, anew))
            assert _sorted(told) == _sorted(new), name
        anew.close()
    held.close()


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(row) for row in rows)


def test_segments_are_read_once_and_what_is_fresh_each_time(shop: Any, tmp_path: Any) -> None:
    tables = facts(shop, random.Random(8))
    first = in_segments(tables, tmp_path, 1)
    held = RollUp(first, {"demo": ZONE})
    tables = one_order(shop, tables)
    fresh = {
        name: (tables[name][0], tables[name][1][-1:])
        for name in ("orders", "order_keys")
    }  # fmt: skip
    stale = (list(STALE_COLUMNS), [("order", "demo", "late", "")])
    assert followed(held, {**first, **fresh, STALE: stale}) == 1
    assert sums(held) == sums(RollUp(tables, {"demo": ZONE}))
    tables = edited(tables, "orders", lambda o: {**o, "value_minor": 1})
    whole = in_segments(tables, tmp_path, 2)
    assert followed(held, whole) > 1
    assert sums(held) == sums(RollUp(tables, {"demo": ZONE}))


def in_segments(tables: Tables, folder: Any, number: int) -> Tables:
    """All facts in one segment, instead of those before."""
    listed: list[tuple[int, str, str]] = []
    empty: Tables = {}
    for name, kind in KINDS.items():
        rows = list(in_columns(tables.get(name, ([], [])), list(kind.columns)))
        file = str(folder / f"{number}-{name}.parquet")
        with duckdb.connect(":memory:") as writer:
            writer.execute(f"CREATE TABLE part ({declared(kind.columns)})")
            fill(writer, "part", rows)
            writer.execute(f"COPY (SELECT *, {number} AS version FROM part) TO '{file}'")
        listed.append((number, name, file))
        empty[name] = (list(kind.columns), [])
    return {
        **tables,
        **empty,
        SEGMENTS: (list(SEGMENT_COLUMNS), listed),
        STALE: (list(STALE_COLUMNS), []),
    }
