"""Sums by day answer as the facts do, whatever the question."""

import random
from datetime import date, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tillpost.core.attribution import DAY, MODELS, WINDOWS
from tillpost.report import breakdown, journeys, roas, rollup
from tillpost.report.engine import Held
from tillpost.report.query import Buyers, Query, period
from tillpost.report.rollup import RollUp, offsets

ZONE = "Europe/Berlin"
NOW = 1_774_746_000
"""Half past one in the night in which Berlin changes to summer time, 2026-03-29."""

REPORTS = {
    "channels": roas.channels,
    "campaigns": roas.campaigns,
    "models": journeys.models,
    "breakdown": breakdown.breakdown,
}


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
    came = ("meta", "google", "direct", "email", "adwords")
    touches = [
        (f"v{dice.choice(names)}", NOW - dice.randrange(-DAY, 70 * DAY), dice.choice(came))
        for _ in range(120)
    ]
    return {
        "orders": shop.orders(*orders),
        "order_keys": shop.order_keys(*((name, "order", name) for name in names)),
        "links": shop.links(*(("order", name, f"v{name}", 0) for name in names)),
        "touches": shop.touches(*touches),
        "spend": shop.spend({"campaign": "Spring", "spend_minor": 700, "day": "2026-03-28"}),
        "shops": (["shop", "currency"], [("demo", "USD")]),
    }


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
            first = date(2026, 3, 24) + timedelta(days=dice.randrange(7))
            last = first + timedelta(days=dice.randrange(4))
            span = period(first, last, ZoneInfo(ZONE)) if dice.random() < 0.8 else Query().period
            model, window = dice.choice(MODELS), dice.choice(sorted(WINDOWS))
            buyers = dice.choice(get_args(Buyers))
            query = Query(span, dice.choice([None, "demo"]), model, window, buyers=buyers)
            if held.fits(name, query):
                assert _sorted(report(Held(held), query)) == _sorted(report(tables, query))
    held.end()


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(row) for row in rows)


def test_other_questions_go_to_the_facts(shop: Any) -> None:
    held = RollUp(facts(shop, random.Random(1)), {"demo": ZONE, "other": "Asia/Tokyo"})
    plain = Query(shop="demo")
    assert held.fits("channels", plain)
    for name, query in (
        ("orders", plain),
        ("channels", structs.replace(plain, basis="accrual")),
        ("channels", structs.replace(plain, refunds="refund_day")),
        ("channels", structs.replace(plain, currency="EUR")),
        ("channels", structs.replace(plain, shop=None)),
        ("campaigns", structs.replace(plain, model="participation")),
        ("channels", structs.replace(plain, period=structs.replace(plain.period, start=NOW))),
    ):
        assert not held.fits(name, query)
    held.end()


def test_a_zone_changes_when_its_clocks_do() -> None:
    changes = {since: east for since, _, east in offsets("Europe/Berlin")}
    assert changes[1_774_746_000] == 7200
    assert changes[1_792_890_000] == 3600
    assert [east for _, _, east in offsets("Asia/Tokyo")] == [9 * 3600]
