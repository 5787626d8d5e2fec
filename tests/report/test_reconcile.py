from typing import Any

import pytest

from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Period, Query


@pytest.fixture
def tables(shop: Any) -> dict[str, Rows]:
    """Nine orders, one for each reason that needs its own facts, and one visitor for each."""
    now, day = shop.NOW, shop.DAY
    ids, back = "abcdefghi", {"f": 9 * day}
    browser = {"browser": 1}
    came = {"a": "meta", "b": "email", "c": "email", "d": "google", "f": "meta", "g": "email"}
    claims = {"a": "7d_click", "b": "1d_view", "c": "7d_click", "e": "7d_click"}
    return {
        "orders": shop.orders(
            *({"order_id": i, **(browser if i in "ab" else {})} for i in "abcdefg"),
            {"order_id": "h", "refunded_minor": 10_000},
            {"order_id": "i", "eligible": 0, "reason": "test_order"},
        ),
        "order_keys": shop.order_keys(*((i, "order", i) for i in ids)),
        "links": shop.links(*(("order", i, f"v{i}", now) for i in came)),
        "touches": shop.touches(*((f"v{i}", now - back.get(i, day), came[i]) for i in came)),
        "conversions": shop.table(
            "conversions",
            *({"order_id": i, "window": window} for i, window in claims.items()),
            campaign_id="c1",
            currency="USD",
            value_minor=10_000,
            at=now,
        ),
        "matches": shop.table(
            "matches",
            *({"order_id": i, "matched": int(i not in "dg")} for i in "abcdefh"),
        ),
        **shop.senders(),
    }


def report(name: str, tables: dict[str, Rows], **query: Any) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(**query))


def test_each_order_has_a_reason(tables: dict[str, Rows]) -> None:
    found = {row["order_id"]: row["reason"] for row in report("reconcile", tables)}
    assert found == {
        "a": "AGREED",
        "b": "VIEW_ONLY",
        "c": "OTHER_CHANNEL_LAST",
        "d": "UNMATCHED_IDENTITY",
        "e": "NO_TOUCH",
        "f": "OUT_OF_WINDOW",
        "g": "NO_DESTINATION",
        "h": "REFUNDED",
        "i": "ORDER_TYPE_EXCLUDED",
    }


def test_each_order_tells_what_either_side_saw_of_it(shop: Any, tables: dict[str, Rows]) -> None:
    told = tables | {
        "deliveries": shop.table(
            "deliveries",
            {"order_id": "a", "state": "delivered"},
            {"order_id": "c", "state": "dead", "reason": "refused"},
            shop="demo",
            destination="meta:1",
        ),
        "sightings": shop.table(
            "sightings", {"order_id": "a", "browser_copies": 1, "server_copies": 1, "absorbed": 1}
        ),
        "shop_journeys": shop.table(
            "shop_journeys", {"shop": "demo", "order_id": "a", "source": "facebook", "visits": 3}
        ),
    }
    found = {row["order_id"]: row for row in report("reconcile", told)}
    seen = ("browser", "server", "delivery", "received", "matched", "absorbed", "platform_window")
    assert [found["a"][name] for name in seen] == [
        *(True, True, "delivered", True, True, 1, "7d_click"),
    ]
    own = ("channel", "campaign_id", "journey_source", "journey_visits")
    assert [found["a"][name] for name in own] == ["Paid Social", "c1", "facebook", 3]
    assert (found["c"]["delivery"], found["c"]["delivery_reason"]) == ("dead", "refused")
    assert (found["g"]["delivery"], found["g"]["received"]) == (None, False)


def test_an_order_that_both_leave_to_others(shop: Any, tables: dict[str, Rows]) -> None:
    names, rows = tables["matches"]
    known = (names, [(*order, 1) for *order, _ in rows])
    found = {r["order_id"]: r["reason"] for r in report("reconcile", tables | {"matches": known})}
    assert found["d"] == "AGREED_NOT_THE_PLATFORMS"
    assert report("reconcile", tables, period=Period(stop=shop.NOW)) == []


@pytest.mark.parametrize("model", ["last_non_direct", "linear"])
def test_coverage_counts_orders_under_any_model(tables: dict[str, Rows], model: str) -> None:
    (row,) = report("coverage", tables, model=model)
    assert (row["orders"], row["browser"], row["server"], row["both"]) == (8, 2, 8, 2)
    assert (row["server_only"], row["observed"], row["attributed"]) == (6, 6, 6)
    assert (row["matched"], row["pixel_loss"]) == (6, 0.75)


def test_tags_that_need_mending(shop: Any, tables: dict[str, Rows]) -> None:
    rows = report("utm", tables)
    assert {(row["source"], row["touches"]) for row in rows} == {
        ("facebook", 2),
        ("newsletter", 3),
        ("google", 1),
    }
    assert next(row for row in rows if row["source"] == "facebook")["findings"] == ["no_spend"]
    names, touches = tables["touches"]
    place, medium, channel = (names.index(n) for n in ("campaign", "medium", "channel"))
    odd = list(touches[0])
    odd[place], odd[medium], odd[channel] = "SPRING", "(not set)", "Unassigned"
    odd[0] = 99
    mixed = report("utm", tables | {"touches": (names, [*touches, tuple(odd)])})
    found = next(row for row in mixed if row["campaign"] == "SPRING")
    assert found["findings"] == ["case_variant", "unassigned", "medium_missing", "no_spend"]


def test_every_model_side_by_side(shop: Any, tables: dict[str, Rows]) -> None:
    rows = {row["channel"]: row for row in report("models", tables)}
    assert rows["Email"]["last"] == 3
    assert rows["Paid Social"]["linear_revenue"] == "200.00"
    assert sum(row["position"] for row in rows.values()) == 8


def test_paths_of_channels(shop: Any) -> None:
    now, day = shop.NOW, shop.DAY
    tables = {
        "orders": shop.orders({"order_id": "1"}, {"order_id": "2"}),
        "order_keys": shop.order_keys(("1", "visitor", "v"), ("2", "visitor", "v")),
        "touches": shop.touches(("v", now - 2 * day, "meta"), ("v", now - day, "email")),
    }
    assert report("journeys", tables) == [
        {
            "path": "Paid Social > Email",
            "orders": 2,
            "revenue": "200.00",
            "currency": "USD",
            "touches": 2,
            "mean_days": 2.0,
        }
    ]


def test_cohorts_by_the_month_of_the_first_order(shop: Any) -> None:
    may, month = shop.NOW, 30 * shop.DAY
    tables = {
        "orders": shop.orders(
            {"order_id": "1", "customer_id": "x"},
            {"order_id": "2", "customer_id": "y", "value_minor": 5_000},
            {"order_id": "3", "customer_id": "x", "at": may + month},
            {"order_id": "4", "customer_id": "z", "at": may + month},
            {"order_id": "5"},
        )
    }
    found = report("cohorts", tables)
    names = ("cohort", "month", "customers", "active", "revenue", "ltv", "retention")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("2026-05", 0, 2, 2, "150.00", "75.00", 1.0),
        ("2026-05", 1, 2, 1, "100.00", "125.00", 0.5),
        ("2026-06", 0, 1, 1, "100.00", "100.00", 1.0),
    ]


def test_by_touch_date_an_order_counts_on_the_days_of_its_touches(shop: Any) -> None:
    now, day = shop.NOW, shop.DAY
    tables = {
        "orders": shop.orders({"order_id": "1"}),
        "order_keys": shop.order_keys(("1", "visitor", "v")),
        "touches": shop.touches(("v", now - 9 * day, "meta"), ("v", now - day, "email")),
    }
    early = Period(start=now - 10 * day, stop=now - 8 * day)
    assert report("channels", tables, period=early, model="linear") == []
    (row,) = report("channels", tables, period=early, model="linear", basis="accrual")
    assert (row["channel"], row["orders"], row["revenue"]) == ("Paid Social", 0.5, "50.00")
