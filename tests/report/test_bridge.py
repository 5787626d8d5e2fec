"""From gross to what the platform credits: every order ends once, and the steps add up."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Period, Query

Tables = dict[str, Rows]


def rows(name: str, tables: Tables, **query: Any) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(**query))


@pytest.fixture
def tables(shop: Any) -> Tables:
    """One order for each way to end, and one more that the platform credits for a click."""
    now = shop.NOW
    states = {
        "held": ("held", "awaiting_payment"),
        "denied": ("dropped", "consent_denied"),
        "dead": ("dead", "refused"),
        "old": ("expired", "too_old"),
        "lost": ("delivered", None),
    }
    names = [
        *("test", "cancelled", "refunded", *states, "nowhere", "stranger", "late", "no_ad"),
        *("viewed", "watched", "clicked", "elsewhere"),
    ]
    special: dict[str, dict[str, Any]] = {
        "test": {"eligible": 0, "reason": "test_order"},
        "cancelled": {"cancelled_at": now + 9},
        "refunded": {"refunded_minor": 10_000},
        "clicked": {"refunded_minor": 2_500, "browser": 1},
    }
    received = ("stranger", "late", "no_ad", "viewed", "watched", "clicked", "elsewhere")
    claims = {"viewed": "1d_view", "watched": "1d_engage", "clicked": "7d_click",
              "elsewhere": "7d_click"}  # fmt: skip
    ways = [(name, *states[name]) for name in states] + [(n, "delivered", None) for n in received]
    return {
        "orders": shop.orders(*({"order_id": n, "at": now, **special.get(n, {})} for n in names)),
        "order_keys": shop.order_keys(*((n, "visitor", f"v-{n}") for n in names)),
        "touches": shop.touches(
            ("v-late", now - 8 * shop.DAY, "meta"),
            ("v-clicked", now - 9, "meta"),
            ("v-elsewhere", now - 9, "email"),
        ),
        "deliveries": shop.table(
            "deliveries",
            *({"order_id": n, "state": s, "reason": r} for n, s, r in ways),
            {"order_id": "clicked", "destination": "webhook:x", "state": "dead"},
            shop="demo",
            destination="meta:1",
        ),
        **shop.senders(),
        "matches": shop.table(
            "matches", *({"order_id": n, "matched": int(n != "stranger")} for n in received)
        ),
        "conversions": shop.table(
            "conversions",
            *({"order_id": n, "window": w} for n, w in claims.items()),
            campaign_id="c1",
            value_minor=10_000,
            currency="USD",
            at=now,
        ),
        "sightings": shop.table(
            "sightings",
            {"order_id": "clicked", "browser_copies": 1, "server_copies": 2, "absorbed": 2},
        ),
        "shop_journeys": shop.table(
            "shop_journeys",
            {"shop": "demo", "order_id": "clicked", "source": "facebook", "visits": 2},
        ),
    }


ENDS = {
    "test": ("not_counted", "TEST_ORDER"),
    "cancelled": ("given_back", "CANCELLED"),
    "refunded": ("given_back", "REFUNDED"),
    "denied": ("not_sent", "CONSENT_DENIED"),
    "dead": ("failed", "REFUSED"),
    "old": ("failed", "TOO_OLD"),
    "held": ("waiting", "AWAITING_PAYMENT"),
    "nowhere": ("not_received", "NO_DESTINATION"),
    "lost": ("not_received", "NOT_TOLD"),
    "stranger": ("unmatched", "UNMATCHED_IDENTITY"),
    "late": ("not_credited", "OUT_OF_WINDOW"),
    "no_ad": ("not_credited", "AGREED_NOT_THE_PLATFORMS"),
    "viewed": ("by_view", "VIEW_ONLY"),
    "watched": ("by_engagement", "OTHER_CHANNEL_LAST"),
    "clicked": ("by_click", "PARTLY_REFUNDED"),
    "elsewhere": ("by_click", "OTHER_CHANNEL_LAST"),
}


def test_every_order_ends_at_one_step_for_one_reason(tables: Tables) -> None:
    found = rows("bridge_orders", tables)
    assert {row["order_id"]: (row["step"], row["code"]) for row in found} == ENDS


def test_the_steps_add_up_to_the_whole_and_to_their_orders(tables: Tables) -> None:
    first, *steps = rows("bridge", tables)
    assert (first["step"], first["orders"], first["value"]) == ("gross", len(ENDS), "1600.00")
    assert sum(row["orders"] for row in steps) == first["orders"]
    assert sum(Decimal(row["value"]) for row in steps) == Decimal(first["value"])
    assert (steps[-1]["left_orders"], steps[-1]["left_value"]) == (0, "0.00")
    ends = Counter(ENDS.values())
    told = {(r["step"], r["code"]): r["orders"] for r in steps if r["orders"]}
    assert told == dict(ends)


def test_what_was_given_back_in_part_leaves_before_the_platform(tables: Tables) -> None:
    found = {(row["step"], row["code"]): row for row in rows("bridge", tables)}
    assert found["given_back", "PARTLY_REFUNDED"]["value"] == "25.00"
    assert found["given_back", "PARTLY_REFUNDED"]["orders"] == 0
    assert found["by_click", "PARTLY_REFUNDED"]["value"] == "75.00"


def test_an_orders_evidence(tables: Tables) -> None:
    row = next(r for r in rows("bridge_orders", tables) if r["order_id"] == "clicked")
    assert (row["browser"], row["delivery"], row["received"], row["matched"]) == (
        True,
        "delivered",
        True,
        True,
    )
    assert (row["browser_copies"], row["server_copies"], row["absorbed"]) == (1, 2, 2)
    assert (row["platform_window"], row["platform_campaign_id"]) == ("7d_click", "c1")
    assert (row["channel"], row["campaign_id"], row["journey_source"]) == (
        "Paid Social",
        "c1",
        "facebook",
    )


def test_only_the_period_and_the_shop_asked_for(shop: Any, tables: Tables) -> None:
    assert rows("bridge", tables, shop="other") == []
    assert rows("bridge_orders", tables, period=Period(start=shop.NOW + 1)) == []
