"""From channels down to ads, and rows with given values."""

from typing import Any

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Rows
from tillpost.report import catalog, drilling
from tillpost.report.query import Query


@pytest.fixture
def grain(shop: Any) -> list[dict[str, Any]]:
    now = shop.NOW
    tables: dict[str, Rows] = {
        "orders": shop.orders(
            {"order_id": "1", "returning": 0}, {"order_id": "2", "returning": 1}, {"order_id": "3"}
        ),
        "order_keys": shop.order_keys(
            ("1", "visitor", "a"), ("2", "visitor", "b"), ("3", "visitor", "c")
        ),
        "touches": shop.touches(
            ("a", now - 9, "meta"), ("b", now - 9, "meta"), ("c", now - 9, "email")
        ),
        "spend": shop.spend(
            {"campaign_id": "c1", "campaign": "Spring", "adset_id": "s1", "ad_id": "a1",
             "spend_minor": 4_000},
        ),
    }  # fmt: skip
    return catalog.REPORTS["drill"](tables, Query())


def test_from_channels_to_the_ads_of_one_campaign(grain: list[dict[str, Any]]) -> None:
    def keys(**within: str) -> list[tuple[Any, ...]]:
        found = drilling.drilled(grain, within, None, "USD")
        return [(row["key"], row["orders"], row["revenue"], row["spend"]) for row in found]

    assert keys() == [("Paid Social", 2, "200.00", "40.00"), ("Email", 1, "100.00", "0.00")]
    assert keys(channel="paid social") == [("c1", 2, "200.00", "40.00")]
    assert keys(channel="Paid Social", campaign="Spring") == [("s1", 2, "200.00", "40.00")]
    assert keys(campaign="c1", adset="s1") == [("a1", 2, "200.00", "40.00")]
    assert keys(channel="Nothing") == []


def test_new_and_returning_buyers_apart(grain: list[dict[str, Any]]) -> None:
    (new,) = [r for r in drilling.drilled(grain, {}, "new", "USD") if r["key"] == "Paid Social"]
    assert (new["orders"], new["roas"]) == (1, 2.5)


def test_what_cannot_be_drilled(grain: list[dict[str, Any]]) -> None:
    with pytest.raises(Misconfigured, match="below an ad are its orders"):
        drilling.drilled(grain, {"ad": "a1"}, None, "USD")
    with pytest.raises(Misconfigured, match="use all, new or returning"):
        drilling.drilled(grain, {}, "old", "USD")


ROWS = [
    {"order_id": "1", "channel": "Email", "campaign": "May", "campaign_id": None, "browser": True},
    {"order_id": "2", "channel": "SMS", "campaign": None, "campaign_id": "7", "browser": False},
]


@pytest.mark.parametrize(
    ("within", "where", "found"),
    [
        ({}, {}, ["1", "2"]),
        ({"channel": "email"}, {}, ["1"]),
        ({"campaign": "may"}, {}, ["1"]),
        ({"campaign": "7"}, {}, ["2"]),
        ({}, {"browser": "no"}, ["2"]),
        ({}, {"campaign_id": ""}, ["1"]),
        ({"channel": "SMS"}, {"browser": "yes"}, []),
    ],
)
def test_rows_with_given_values(
    within: dict[str, str], where: dict[str, str], found: list[str]
) -> None:
    assert [row["order_id"] for row in drilling.chosen(ROWS, within, where)] == found


def test_a_column_that_the_report_has_not() -> None:
    with pytest.raises(Misconfigured, match="has no column 'step'; it has order_id, channel"):
        drilling.chosen(ROWS, {}, {"step": "x"})
    with pytest.raises(Misconfigured, match="has no column 'ad_id'"):
        drilling.chosen(ROWS, {"ad": "x"}, {})
    assert drilling.chosen([], {}, {"step": "x"}) == []
