"""The worked example of a discrepancy: what platforms claim, what each side saw, what was sold."""

from typing import Any

import pytest

from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Query

Tables = dict[str, Rows]

CLAIMED = {"meta": 31_000, "tiktok": 14_000, "google": 11_000, "klaviyo": 9_000}
"""What each platform says it sold, of 42,000 in all."""

BROWSER, SERVER, ORDERS = 740, 980, 1_000
"""The browser saw the first so many orders but the last 20, which only it saw."""


def rows(name: str, tables: Tables, shop: str | None = None) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(shop=shop))


@pytest.fixture
def tables(shop: Any) -> Tables:
    """1,000 orders of 42.00: 740 seen by the browser, 980 by the server, 720 by both."""
    both = BROWSER + SERVER - ORDERS
    orders = [(str(i), int(i < both or i >= SERVER), int(i < SERVER)) for i in range(ORDERS)]
    seen = [
        {"order_id": i, "browser_copies": b, "server_copies": s, "absorbed": b * s}
        for i, b, s in orders
    ]
    return {
        "orders": shop.orders(
            *({"order_id": i, "browser": b, "server": s, "value_minor": 4_200}
              for i, b, s in orders)
        ),
        **shop.senders(),
        "sightings": shop.table("sightings", *seen),
        "matches": shop.table("matches", *({"order_id": i, "matched": 0} for i, *_ in orders)),
        "spend": shop.spend(
            *(
                {"platform": p, "campaign_id": p, "spend_minor": 1, "claims_micro": 1,
                 "claims_minor": value * 100}
                for p, value in CLAIMED.items()
            )
        ),
    }  # fmt: skip


def test_platforms_together_claim_half_as_much_again_as_was_sold(tables: Tables) -> None:
    (row,) = rows("metrics", tables)
    assert (row["gross"], row["platform_value"]) == ("42000.00", "65000.00")
    assert row["overlap_factor"] == 1.5476


def test_what_the_receiver_credits_is_claimed_too_but_never_twice(
    shop: Any, tables: Tables
) -> None:
    told = shop.table(
        "conversions",
        {"order_id": "1", "campaign_id": "meta", "value_minor": 4_200},
        {"order_id": "2", "campaign_id": "another", "value_minor": 4_200},
        {"order_id": "3", "campaign_id": "another", "value_minor": 4_200, "shop": "other"},
        shop="demo",
        currency="USD",
        at=shop.NOW,
        window="7d_click",
    )
    row, other = rows("metrics", tables | {"conversions": told})
    assert row["platform_value"] == "65042.00"
    assert (other["shop"], other["orders"], other["platform_value"]) == ("other", 0, "42.00")
    assert rows("metrics", tables | {"conversions": told}, shop="demo") == [row]
    (bare,) = rows("metrics", {"orders": tables["orders"]})
    assert (bare["platform_value"], bare["overlap_factor"]) == (None, None)


def test_who_saw_the_orders(tables: Tables) -> None:
    (row,) = rows("coverage", tables)
    assert (row["orders"], row["browser"], row["server"], row["both"]) == (1_000, 740, 980, 720)
    assert (row["browser_only"], row["server_only"]) == (20, 260)
    assert (row["browser_coverage"], row["server_coverage"]) == (0.74, 0.98)
    assert (row["overlap"], row["pixel_loss"]) == (0.973, 0.26)


def test_doubles_are_removed_once_and_the_bridge_holds_every_order(tables: Tables) -> None:
    found = rows("bridge_orders", tables)
    browser, server, doubles = (
        sum(row[name] for row in found) for name in ("browser_copies", "server_copies", "absorbed")
    )
    assert (browser, server, doubles, browser + server - doubles) == (740, 980, 720, 1_000)
    gross, unmatched = rows("bridge", tables)
    assert (gross["orders"], gross["value"]) == (1_000, "42000.00")
    assert (unmatched["step"], unmatched["orders"], unmatched["left_value"]) == (
        "unmatched",
        1_000,
        "0.00",
    )
