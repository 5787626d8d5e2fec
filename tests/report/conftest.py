"""A small shop's tables in the store's shape, from short rows."""

from typing import Any

import pytest

from tillpost.ports import Rows
from tillpost.report.engine import LABEL, SCHEMA

DAY = 86_400
NOW = 1_780_000_000
DATASET = "1"
"""To which the shop sends, and where the receiver got what it tells of."""


CAME: dict[str, dict[str, Any]] = {
    "direct": {"channel": "Direct", "source": "(direct)", "medium": "(none)", "direct": 1},
    "meta": {
        "channel": "Paid Social",
        "source": "facebook",
        "medium": "cpc",
        "paid": 1,
        "campaign": "Spring",
        "campaign_id": "c1",
        "adset_id": "s1",
        "ad_id": "a1",
    },
    "google": {"channel": "Organic Search", "source": "google", "medium": "organic"},
    "adwords": {
        "channel": "Paid Search",
        "source": "google",
        "medium": "cpc",
        "paid": 1,
        "campaign": "Brand",
    },
    "email": {"channel": "Email", "source": "newsletter", "medium": "email"},
}


class Shop:
    DAY = DAY
    NOW = NOW

    @staticmethod
    def table(name: str, *rows: dict[str, Any], **defaults: Any) -> Rows:
        columns = list(SCHEMA[name]) + (list(LABEL) if name == "touches" else [])
        unknown = {key for row in rows for key in row} - set(columns)
        assert not unknown, unknown
        given = {"dataset_id": DATASET, **defaults}
        numbered = ({"seq": number, **given, **row} for number, row in enumerate(rows, 1))
        return columns, [tuple(row.get(c) for c in columns) for row in numbered]

    @staticmethod
    def senders(**shops: str) -> dict[str, Rows]:
        """The dataset that each shop sends to."""
        told = list((shops or {"demo": DATASET}).items())
        return {"senders": (list(SCHEMA["senders"]), told)}

    @staticmethod
    def orders(*rows: dict[str, Any]) -> Rows:
        filled = [{"name": f"#{row['order_id']}", **row} for row in rows]
        return Shop.table(
            "orders",
            *filled,
            shop="demo",
            at=NOW,
            kind="web",
            eligible=1,
            value_minor=10_000,
            currency="USD",
            refunded_minor=0,
            browser=0,
            server=1,
        )

    @staticmethod
    def order_keys(*rows: tuple[str, str, str]) -> Rows:
        return Shop.table(
            "order_keys",
            *({"order_id": o, "kind": k, "value": v} for o, k, v in rows),
            shop="demo",
        )

    @staticmethod
    def links(*rows: tuple[str, str, str, int]) -> Rows:
        return Shop.table(
            "links",
            *({"kind": k, "value": v, "visitor_id": w, "at": at} for k, v, w, at in rows),
            shop="demo",
        )

    @staticmethod
    def touches(*rows: tuple[str, int, str]) -> Rows:
        return Shop.table(
            "touches",
            *(
                {"id": i, "visitor_id": visitor, "at": at, **CAME[came]}
                for i, (visitor, at, came) in enumerate(rows, 1)
            ),
            shop="demo",
            direct=0,
            paid=0,
            rules=1,
        )

    @staticmethod
    def spend(*rows: dict[str, Any]) -> Rows:
        return Shop.table(
            "spend",
            *rows,
            shop="demo",
            platform="meta",
            account_id="act",
            day="2026-05-28",
            campaign_id="",
            campaign="",
            adset_id="",
            adset="",
            ad_id="",
            ad="",
            currency="USD",
            spend_minor=0,
            impressions=0,
            clicks=0,
        )


@pytest.fixture
def shop() -> type[Shop]:
    return Shop
