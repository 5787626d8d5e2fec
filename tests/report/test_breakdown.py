"""Every level of the drill-down adds up to the same: the channels report, and the shop's orders."""

from typing import Any

import pytest

from tillpost.core.attribution import MODELS
from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.breakdown import LEVELS, Place, breakdown, fold
from tillpost.report.query import Query


@pytest.fixture
def tables(shop: Any) -> dict[str, Rows]:
    """Three orders, two campaigns and an e-mail; one buyer is new, one returns."""
    now, day = shop.NOW, shop.DAY
    return {
        "orders": shop.orders(
            {"order_id": "1", "value_minor": 12_000, "returning": 0},
            {"order_id": "2", "value_minor": 5_001, "returning": 1, "at": now + 1},
            {"order_id": "3", "value_minor": 700, "at": now + 2},
        ),
        "order_keys": shop.order_keys(("1", "checkout", "t1"), ("2", "em", "hash")),
        "links": shop.links(
            ("checkout", "t1", "phone", now - 10), ("em", "hash", "desk", now - day)
        ),
        "touches": shop.touches(
            ("phone", now - 2 * day, "meta"),
            ("phone", now - day, "email"),
            ("desk", now - 3 * day, "meta"),
            ("desk", now - 2 * day, "adwords"),
        ),
        "spend": shop.table(
            "spend",
            {"campaign_id": "c1", "campaign": "Spring", "adset_id": "s1", "adset": "Women",
             "ad_id": "a1", "ad": "Tea", "spend_minor": 1_000, "impressions": 900, "clicks": 30},
            {"campaign_id": "c1", "campaign": "Spring", "adset_id": "s2", "adset": "Men",
             "ad_id": "a2", "ad": "Mug", "spend_minor": 500, "impressions": 100, "clicks": 2},
            shop="demo", platform="meta", account_id="1", day="2026-05-28", currency="USD",
        ),
        "conversions": shop.table(
            "conversions",
            {"event_id": "e1", "order_id": "1", "campaign_id": "c1", "adset_id": "s1",
             "ad_id": "a1", "window": "7d_click", "value_minor": 12_000},
            account_id="1", campaign="Spring", adset="Women", ad="Tea", currency="USD", at=now,
        ),
    }  # fmt: skip


def sums(rows: list[dict[str, Any]], *names: str) -> tuple[float, ...]:
    return tuple(round(sum(row[name] or 0 for row in rows), 3) for name in names)


@pytest.mark.parametrize("model", [m for m in MODELS if m != "participation"])
def test_every_level_adds_up_to_the_shop(tables: dict[str, Rows], model: str) -> None:
    grain = breakdown(tables, Query(model=model))
    for level in LEVELS:
        rows = fold(grain, level, Place(), currency="USD")
        assert sums(rows, "orders", "minor", "spend_minor", "visits") == (3, 17_701, 1_500, 4)
        assert sums(rows, "platform_orders") == (1,)


def test_the_top_is_the_channels_report(tables: dict[str, Rows]) -> None:
    query = Query(model="linear")
    top = fold(breakdown(tables, query), "channel", Place(), currency="USD")
    known = {row["channel"]: row for row in catalog.REPORTS["channels"](tables, query)}
    for row in top:
        channel = known[row["name"]]
        assert (row["orders"], row["revenue"], row["spend"], row["roas"]) == tuple(
            channel[name] for name in ("orders", "revenue", "spend", "roas")
        )


def test_a_place_holds_what_its_own_levels_add_up_to(tables: dict[str, Rows]) -> None:
    grain = breakdown(tables, Query(model="first"))
    (whole,) = [r for r in fold(grain, "channel", Place(), currency="USD") if r["spend_minor"]]
    inside = fold(grain, "adset", Place({"channel": whole["key"]}), currency="USD")
    assert sums(inside, "orders", "minor", "spend_minor", "platform_orders") == sums(
        [whole], "orders", "minor", "spend_minor", "platform_orders"
    )
    women = next(row for row in inside if row["key"] == "s1")
    assert (women["name"], women["spend"], women["impressions"]) == ("Women", "10.00", 900)
    assert (women["cpc"], women["cpm"], women["ctr"]) == ("0.33", "11.11", 0.0333)
    assert women["delta"] == -1.0


def test_new_and_returning_buyers_are_told_apart_over_the_whole_spend(
    tables: dict[str, Rows],
) -> None:
    grain = breakdown(tables, Query(model="first"))
    (new,) = fold(grain, "campaign", Place({"campaign": "c1"}), "new", currency="USD")
    (back,) = fold(grain, "campaign", Place({"campaign": "c1"}), "returning", currency="USD")
    assert (new["revenue"], new["orders"], new["spend"]) == ("120.00", 1, "15.00")
    assert (back["revenue"], back["orders"], back["spend"]) == ("50.01", 1, "15.00")
    assert (new["nc_roas"], back["new_orders"]) == (8.0, 1)


def test_a_claim_that_came_with_the_spend_is_not_counted_again(
    tables: dict[str, Rows], shop: Any
) -> None:
    columns, values = tables["spend"]
    place = columns.index("claims_micro")
    told = [(*row[:place], 2_000_000, 9_900, *row[place + 2 :]) for row in values]
    grain = breakdown({**tables, "spend": (columns, told)}, Query())
    (row,) = fold(grain, "campaign", Place({"campaign": "c1"}), currency="USD")
    assert (row["platform_orders"], row["platform_value"]) == (4, "198.00")
