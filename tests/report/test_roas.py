from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Period, Query, period


def rows(name: str, tables: dict[str, Rows], **query: Any) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(**query))


def only(found: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


@pytest.fixture
def tables(shop: Any) -> dict[str, Rows]:
    """Five orders: two visitors, one landing page carried, one cancelled, one never seen."""
    now, day = shop.NOW, shop.DAY
    return {
        "orders": shop.orders(
            {"order_id": "1", "value_minor": 12_000, "browser": 1},
            {"order_id": "2", "refunded_minor": 2_500, "at": now + 1},
            {"order_id": "3", "at": now + 2},
            {"order_id": "4", "cancelled_at": now + 100, "at": now + 3},
            {"order_id": "5", "eligible": 0, "reason": "test_order"},
        ),
        "order_keys": shop.order_keys(
            ("1", "checkout", "t1"),
            ("2", "em", "hash"),
            ("3", "checkout", "t3"),
            ("4", "visitor", "phone"),
        ),
        "links": shop.links(
            ("checkout", "t1", "phone", now + 100),
            ("em", "hash", "laptop", now - 5),
            ("em", "hash", "phone", now + 500),
            ("checkout", "t3", "late", now + 400),
        ),
        "touches": shop.touches(
            ("phone", now - 14 * day, "meta"),
            ("phone", now - 7 * day, "google"),
            ("phone", now - day, "direct"),
            ("phone", now, "email"),
            ("laptop", now - 9, "direct"),
            ("order:2", now - 1800, "adwords"),
            ("order:1", now - 1800, "adwords"),
            ("late", now - 50, "meta"),
        ),
        "spend": shop.spend(
            {"campaign_id": "c1", "campaign": "Spring", "spend_minor": 4_000},
            {"platform": "google", "campaign": "Brand", "spend_minor": 500},
            {"platform": "tiktok", "campaign": "Nobody came", "spend_minor": 100},
        ),
        "conversions": shop.table(
            "conversions",
            {"order_id": "1", "window": "7d_click", "value_minor": 12_000},
            {"order_id": "3", "window": "1d_view", "value_minor": 10_000},
            campaign_id="c1",
            adset_id="s1",
            ad_id="a1",
            campaign="Spring",
            currency="USD",
            at=now,
        ),
        "matches": shop.table("matches", {"order_id": "1", "matched": 1}),
        **shop.senders(),
    }


def test_each_order_by_what_brought_it(tables: dict[str, Rows]) -> None:
    found = rows("orders", tables)
    assert only(found, "order_id", "channel", "source", "value", "refunded") == [
        ("1", "Email", "newsletter", "120.00", "0.00"),
        ("2", "Paid Search", "google", "100.00", "25.00"),
        ("3", "Unknown", None, "100.00", "0.00"),
        ("4", "Email", "newsletter", "100.00", "100.00"),
    ]
    assert only(found, "browser", "server", "matched", "cancelled")[0] == (True, True, True, False)
    first = rows("orders", tables, model="first")[0]
    assert (first["campaign"], first["campaign_id"], first["ad_id"]) == ("Spring", "c1", "a1")


def test_a_visitor_seen_only_directly_is_direct_and_nobody_seen_is_unknown(
    tables: dict[str, Rows],
) -> None:
    names, touches = tables["touches"]
    kept = [row for row in touches if not row[names.index("visitor_id")].startswith("order:")]
    found = rows("orders", tables | {"touches": (names, kept)})
    assert only(found, "order_id", "channel")[1:3] == [("2", "Direct"), ("3", "Unknown")]
    none = rows("orders", tables | {"touches": (names, [])})
    assert only(none, "channel", "source", "medium") == [
        ("Direct", "(direct)", "(none)"),
        ("Direct", "(direct)", "(none)"),
        ("Unknown", None, None),
        ("Direct", "(direct)", "(none)"),
    ]


def test_channels_with_spend_and_roas(tables: dict[str, Rows]) -> None:
    assert only(rows("channels", tables), "channel", "orders", "revenue", "spend", "roas") == [
        ("Email", 2, "120.00", "0.00", None),
        ("Unknown", 1, "100.00", "0.00", None),
        ("Paid Search", 1, "75.00", "5.00", 15.0),
        ("Paid Social", 0, "0.00", "41.00", 0.0),
    ]


def test_campaigns_beside_the_platforms_claim(tables: dict[str, Rows]) -> None:
    found = rows("campaigns", tables, model="first")
    assert only(found, "campaign_id", "campaign", "revenue", "true_roas", "platform_roas") == [
        ("c1", "Spring", "120.00", 3.0, 5.5),
        (None, "Brand", "75.00", 15.0, None),
        (None, "Nobody came", "0.00", 0.0, None),
        (None, None, "100.00", None, None),
    ]


def test_a_renamed_campaign_keeps_its_orders(shop: Any, tables: dict[str, Rows]) -> None:
    spend = shop.spend(
        {"campaign_id": "77", "campaign": "Brand", "day": "2026-05-01", "spend_minor": 500},
        {"campaign_id": "77", "campaign": "Brand 2026", "day": "2026-05-02", "spend_minor": 500},
    )
    found = rows("campaigns", tables | {"spend": spend, "conversions": ([], [])})
    assert only(found, "campaign_id", "campaign", "spend", "revenue")[0] == (
        "77",
        "Brand 2026",
        "10.00",
        "75.00",
    )


OF_THE_PLATFORM: dict[str, frozenset[str]] = {
    "campaigns": frozenset({"platform_conversions", "platform_value", "platform_roas"}),
    "metrics": frozenset({"platform_value", "overlap_factor"}),
    "orders": frozenset({"matched"}),
    "coverage": frozenset({"matched"}),
    **dict.fromkeys(
        ("channels", "journeys", "models", "path_models", "takings", "utm", "breakdown"),
        frozenset(),
    ),
}
"""Reports of own figures, and their columns that show what the platform says beside them."""


def is_claim_alone(row: dict[str, Any]) -> bool:
    """Whether a currency has a row only for what platforms claim in it."""
    return not (row["orders"] or float(row["spend"])) and row["platform_value"] is not None


@pytest.mark.parametrize("name", OF_THE_PLATFORM)
def test_deleting_all_that_the_platform_holds_changes_no_own_figure(
    name: str, tables: dict[str, Rows]
) -> None:
    def own(given: dict[str, Rows]) -> list[dict[str, Any]]:
        found = [
            {column: row[column] for column in sorted(row.keys() - OF_THE_PLATFORM[name])}
            for row in rows(name, given)
            if row.get("part") != "claim" and not (name == "metrics" and is_claim_alone(row))
        ]
        return sorted(found, key=repr)

    bare = {table: t for table, t in tables.items() if table not in catalog.RECEIVER_TABLES}
    assert len(bare) < len(tables)
    assert own(bare) == own(tables) != []


def test_ads_as_the_platform_claims_them(tables: dict[str, Rows]) -> None:
    claimed, level = rows("ads", tables)[:2]
    assert (claimed["ad_id"], claimed["conversions"], claimed["value"]) == ("a1", 2, "220.00")
    assert (claimed["7d_click"], claimed["1d_view"], claimed["1d_engage"]) == (1, 1, 0)
    assert (level["campaign_id"], level["ad_id"], level["spend"]) == ("c1", None, "40.00")


def test_a_claim_without_a_currency_is_counted_and_has_no_money(shop: Any) -> None:
    claim = {"order_id": "1", "campaign_id": "c9", "ad_id": "a9", "at": shop.NOW, "value_minor": 0}
    tables = {"conversions": shop.table("conversions", {**claim, "window": "7d_click"})}
    assert only(rows("ads", tables), "ad_id", "conversions", "value") == [("a9", 1, None)]
    found = rows("campaigns", tables)
    assert only(found, "campaign_id", "platform_conversions", "revenue") == [("c9", 1, None)]


@pytest.mark.parametrize("model", ["last_non_direct", "linear", "time_decay", "position", "first"])
@pytest.mark.parametrize("refunds", ["restate", "refund_day"])
def test_revenue_is_the_shops(tables: dict[str, Rows], model: str, refunds: str) -> None:
    total = {"restate": 29_500, "refund_day": 32_000}[refunds]
    for name in ("channels", "campaigns"):
        found = rows(name, tables, model=model, refunds=refunds)
        assert sum(round(float(row["revenue"]) * 100) for row in found) == total
        assert sum(row["orders"] for row in found) == pytest.approx(4)


def test_new_and_returning_buyers_apart(shop: Any, tables: dict[str, Rows]) -> None:
    columns, orders = tables["orders"]
    place = columns.index("returning")
    told = [(*row[:place], int(i == 0), *row[place + 1 :]) for i, row in enumerate(orders)]
    apart = tables | {"orders": (columns, told)}
    for name, column in (("channels", "revenue"), ("models", "last_revenue")):
        earned = {
            buyers: sum(Decimal(row[column]) for row in rows(name, apart, buyers=buyers))
            for buyers in ("all", "new", "returning")
        }
        assert earned["returning"] == 120
        assert earned["new"] == earned["all"] - 120


def test_refunds_on_the_day_they_are_given(shop: Any, tables: dict[str, Rows]) -> None:
    later = shop.NOW + 5 * shop.DAY
    dated = tables | {
        "refunds": shop.table(
            "refunds",
            {"refund_id": "r1", "order_id": "2", "at": later, "amount_minor": 2_500},
            shop="demo",
            currency="USD",
        )
    }
    span = Period(start=shop.NOW + shop.DAY, stop=later + 1)
    found = rows("channels", dated, refunds="refund_day", period=span)
    paid = next(row for row in found if row["channel"] == "Paid Search")
    assert (paid["orders"], paid["revenue"]) == (0, "-25.00")
    assert rows("orders", dated, refunds="refund_day", period=span) == []


def test_the_window_counts_in_seconds(shop: Any, tables: dict[str, Rows]) -> None:
    wide = rows("orders", tables, model="first", window="14")[0]
    narrow = rows("orders", tables, model="first", window="7")[0]
    day = rows("orders", tables, model="first", window="1d")[0]
    assert [row["source"] for row in (wide, narrow, day)] == ["facebook", "google", "(direct)"]
    assert rows("orders", tables, model="first", window="lifetime")[0] == wide


def test_one_shop_and_one_period(shop: Any, tables: dict[str, Rows]) -> None:
    assert rows("orders", tables, shop="other") == []
    span = Period(start=shop.NOW + 1, stop=shop.NOW + 3)
    assert only(rows("orders", tables, period=span), "order_id") == [("2",), ("3",)]


def test_money_of_two_currencies_is_never_added(shop: Any) -> None:
    tables = {"orders": shop.orders({"order_id": "1"}, {"order_id": "2", "currency": "JPY"})}
    assert only(rows("channels", tables), "revenue", "currency") == [
        ("100.00", "USD"),
        ("10000", "JPY"),
    ] or only(rows("channels", tables), "revenue", "currency") == [
        ("10000", "JPY"),
        ("100.00", "USD"),
    ]


def test_empty_tables_give_empty_reports() -> None:
    empty: dict[str, Rows] = {name: ([], []) for name in ("orders", *catalog.TABLES_OF["balance"])}
    assert all(report(empty, Query()) == [] for report in catalog.REPORTS.values())


def test_columns_are_found_by_name_and_others_are_left(shop: Any) -> None:
    names, values = shop.orders({"order_id": "1"})
    turned = ([*reversed(names), "extra"], [(*reversed(row), 1) for row in values])
    assert rows("orders", {"orders": turned})[0]["order_id"] == "1"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"model": "guess"}, "unknown model 'guess': use one of first, last"),
        ({"window": "5"}, r"unknown window '5': use one of 1, 7, 14"),
        ({"refunds": "never"}, "restate, refund_day or gross"),
        ({"basis": "feeling"}, "unknown basis 'feeling': cash or accrual"),
        ({"buyers": "old"}, "buyers: 'old'; use all, new or returning"),
        ({"basis": "accrual", "refunds": "refund_day"}, "refunds can only be restated"),
    ],
)
def test_wrong_parameters_are_told(query: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        rows("channels", {}, **query)


def test_a_period_is_of_days_of_the_zone_or_of_moments() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = period(date(2026, 3, 29), date(2026, 3, 29), berlin)
    assert day.stop - day.start == 23 * 3600
    assert (day.first_day, day.last_day) == ("2026-03-29", "2026-03-29")
    moments = period(
        datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), berlin
    )
    assert (moments.first_day, moments.last_day) == ("2026-03-29", "2026-03-29")
    assert period(None, None) == Period()
