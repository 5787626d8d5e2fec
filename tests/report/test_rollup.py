"""Sums by day answer as the facts do, whatever the question."""

import random
from datetime import date, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tillpost.core.attribution import DAY, MODELS, WINDOWS
from tillpost.report import catalog, rollup
from tillpost.report.query import Buyers, Query, period
from tillpost.report.rollup import RollUp
from tillpost.report.zones import offsets

ZONE = "Europe/Berlin"
NOW = 1_774_746_000
"""Half past one in the night in which Berlin changes to summer time, 2026-03-29."""

REPORTS = {
    name: report for name, report in catalog.REPORTS.items() if name not in {"rates", "drill"}
}
"""Every report that touches or orders are summed in."""

BESIDE: dict[str, Any] = {
    "shop_orders": (
        ["shop", "order_id", "name", "at", "value_minor", "currency", "why", "own_minor"],
        [("demo", "x", "#x", NOW - DAY, 700, "USD", "webhook_never_came", None)],
    ),
    "shop_checks": (["shop", "since", "until"], [("demo", 0.0, NOW - 3.0 * DAY)]),
}
"""What no roll-up keeps."""


def facts(shop: Any, dice: random.Random) -> dict[str, Any]:
    names = [str(number) for number in range(30)]
    orders = [
        {
            "order_id": name,
            "at": NOW + dice.randrange(-5 * DAY, 2 * DAY),
            "value_minor": dice.randrange(9_999),
            "refunded_minor": dice.choice([0, 0, 50]),
            "customer_id": f"c{dice.randrange(20)}",
        }
        for name in names
    ]
    for order in dice.sample(orders, 3):
        order.update(
            dice.choice([{"cancelled_at": NOW - DAY}, {"eligible": 0, "reason": "test_order"}])
        )
    came = ("meta", "google", "direct", "email", "adwords")
    visitors = [f"v{name}" for name in names] + ["order:3", "order:4", "nobody", "x"]
    touches = [
        (dice.choice(visitors), NOW - dice.randrange(-DAY, 70 * DAY), dice.choice(came))
        for _ in range(120)
    ]
    back = [
        {"refund_id": name, "order_id": name, "at": NOW - dice.randrange(-DAY, 3 * DAY)}
        for name in dice.sample(names, 9)
    ]
    claims = [
        {"event_id": name, "order_id": name, "campaign_id": "c1", "window": "1d_view"}
        for name in dice.sample(names, 5)
    ]
    return {
        "refunds": shop.table("refunds", *back, shop="demo", amount_minor=49, currency="USD"),
        "conversions": shop.table(
            "conversions", *claims, value_minor=5, currency="USD", at=NOW, touch_at=NOW
        ),
        **shop.senders(),
        "matches": shop.table(
            "matches", *({"order_id": name, "matched": dice.randrange(2)} for name in names[:20])
        ),
        "deliveries": shop.table(
            "deliveries",
            *(_delivery(dice, name, "meta:1") for name in names[:25]),
            *(_delivery(dice, name, "tiktok:C") for name in names[10:20]),
            shop="demo",
        ),
        "sightings": shop.table(
            "sightings",
            *({"order_id": name} for name in names[5:15]),
            browser_copies=1,
            server_copies=2,
            absorbed=1,
        ),
        "shop_journeys": shop.table("shop_journeys", {"order_id": "1", "visits": 3}, shop="demo"),
        **BESIDE,
        "orders": shop.orders(*orders),
        "order_keys": shop.order_keys(*((name, "order", name) for name in names)),
        "links": shop.links(*(("order", name, f"v{name}", 0) for name in names)),
        "touches": shop.touches(*touches),
        "spend": shop.spend({"campaign": "Spring", "spend_minor": 700, "day": "2026-03-28"}),
        "shops": (["shop", "currency"], [("demo", "USD")]),
    }


def _delivery(dice: random.Random, name: str, destination: str) -> dict[str, Any]:
    states = [("delivered", None), ("dead", "refused"), ("dropped", "shadow"), ("pending", None)]
    state, reason = dice.choice(states)
    return {"order_id": name, "destination": destination, "state": state, "reason": reason}


@pytest.mark.parametrize("seed", range(2))
def test_a_roll_up_answers_as_the_facts_do(
    shop: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "ORDERS_AT_ONCE", 7)
    dice = random.Random(seed)
    tables = facts(shop, dice)
    held = RollUp(tables, {"demo": ZONE})
    for name, report in REPORTS.items():
        for _ in range(6):
            query = _query(dice, name)
            told = report(held.question(name, query, BESIDE), query)
            assert _sorted(told) == _sorted(report(tables, query)), (name, query)
    held.close()


def _query(dice: random.Random, name: str) -> Query:
    first = date(2026, 3, 24) + timedelta(days=dice.randrange(7))
    last = first + timedelta(days=dice.randrange(4))
    span = period(first, last, ZoneInfo(ZONE)) if dice.random() < 0.8 else Query().period
    if dice.random() < 0.2:
        span = structs.replace(span, start=span.start + 4000)
    ways = [("restate", "cash"), ("restate", "accrual"), ("refund_day", "cash"), ("gross", "cash")]
    refunds, basis = dice.choice(ways)
    model, window = dice.choice(MODELS), dice.choice(sorted(WINDOWS))
    made = Query(span, dice.choice([None, "demo"]), model, window, refunds, basis)  # type: ignore[arg-type]
    return structs.replace(made, buyers=dice.choice(get_args(Buyers)))


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(row) for row in rows)


def test_sums_answer_for_whole_days_and_orders_for_the_rest(shop: Any) -> None:
    held = RollUp(facts(shop, random.Random(1)), {"demo": ZONE, "other": "Asia/Tokyo"})
    plain = Query(shop="demo")
    assert held.mode("channels", plain) == "days"
    for name, query in (
        ("orders", plain),
        ("channels", structs.replace(plain, basis="accrual")),
        ("channels", structs.replace(plain, refunds="refund_day")),
        ("channels", structs.replace(plain, shop=None)),
        ("campaigns", structs.replace(plain, model="participation")),
        ("channels", structs.replace(plain, period=structs.replace(plain.period, start=NOW))),
    ):
        assert held.mode(name, query) == "orders"
    assert held.mode("channels", structs.replace(plain, currency="EUR")) == "facts"
    held.close()


def test_a_zone_changes_when_its_clocks_do() -> None:
    changes = {since: east for since, _, east in offsets("Europe/Berlin")}
    assert changes[1_774_746_000] == 7200
    assert changes[1_792_890_000] == 3600
    assert [east for _, _, east in offsets("Asia/Tokyo")] == [9 * 3600]
