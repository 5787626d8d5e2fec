"""The worked example of a small shop: every blended figure, with its definition by hand."""

from typing import Any

import pytest
from msgspec import structs

from tillpost.ports import Rows
from tillpost.report import catalog, drilling
from tillpost.report.query import Period, Query
from tillpost.report.spend.products import read

Tables = dict[str, Rows]


def rows(name: str, tables: Tables, **query: Any) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(**query))


@pytest.fixture
def tables(shop: Any) -> Tables:
    """Five orders: Meta brought a new and a returning buyer (all given back), Google a new one
    (50 given back), a mail a returning one, and one came directly."""
    now = shop.NOW
    orders = [
        ("1001", 12_000, 0, 0, "meta"),
        ("1002", 8_000, 1, 8_000, "meta"),
        ("1003", 20_000, 0, 5_000, "adwords"),
        ("1004", 6_000, 1, 0, "email"),
        ("1005", 4_000, 0, 0, "direct"),
    ]
    goods = {"1001": 4_500, "1002": 3_000, "1003": 7_000, "1004": 2_000, "1005": 1_500}
    return {
        "shops": shop.table("shops", {"shop": "demo", "currency": "USD"}),
        "orders": shop.orders(
            *(
                {"order_id": i, "value_minor": v, "returning": r, "refunded_minor": g}
                for i, v, r, g, _ in orders
            )
        ),
        "order_keys": shop.order_keys(*((i, "visitor", i) for i, *_ in orders)),
        "touches": shop.touches(*((i, now - 9, came) for i, *_, came in orders)),
        "spend": shop.spend(
            {"campaign_id": "c1", "campaign": "Spring", "spend_minor": 9_000},
            {"platform": "google", "campaign": "Brand", "spend_minor": 6_000},
        ),
        "order_costs": shop.table(
            "order_costs",
            *({"order_id": i, "goods_minor": g, "pieces_unknown": 0} for i, g in goods.items()),
            shop="demo",
            currency="USD",
        ),
        "cost_rules": shop.table(
            "cost_rules",
            {"shop": "demo", "fees_percent": "2.9", "fees_fixed": "0.64", "shipping_fixed": "0"},
        ),
    }


def test_the_shop_as_a_whole(tables: Tables) -> None:
    (row,) = rows("metrics", tables)
    assert (row["gross"], row["revenue"], row["refunded"]) == ("500.00", "370.00", "130.00")
    assert (row["orders"], row["new_orders"], row["returning_orders"]) == (5, 3, 2)
    assert (row["gross_mer"], row["mer"]) == (3.3333, 2.4667)
    assert (row["aov"], row["cac"], row["cpa"], row["acos"]) == ("100.00", "50.00", "30.00", 0.3)
    assert (row["visits"], row["conversion_rate"]) == (5, 1.0)
    assert (row["new_revenue"], row["nc_roas"]) == ("310.00", 2.0667)


def test_what_remains_after_every_cost(tables: Tables) -> None:
    (row,) = rows("metrics", tables)
    assert (row["goods"], row["fees"], row["spend"]) == ("180.00", "17.70", "150.00")
    assert (row["contribution"], row["contribution_share"]) == ("22.30", 0.0603)
    assert row["orders_without_costs"] == 0


def test_each_platform_net_and_gross(tables: Tables) -> None:
    def by(channel: str, **query: Any) -> dict[str, Any]:
        grain = rows("drill", tables, **query)
        found = drilling.drilled(grain, {}, None, "USD")
        return next(row for row in found if row["key"] == channel)

    meta, google = by("Paid Social"), by("Paid Search")
    assert (meta["roas"], meta["nc_roas"], meta["cpa"], meta["cac"]) == (
        1.3333,
        1.3333,
        "45.00",
        "90.00",
    )
    assert (google["roas"], google["nc_roas"], google["cpa"], google["cac"]) == (
        2.5,
        2.5,
        "60.00",
        "60.00",
    )
    assert by("Paid Social", refunds="gross")["roas"] == 2.2222
    assert by("Paid Search", refunds="gross")["roas"] == 3.3333


def test_a_share_stands_in_for_goods_that_nothing_tells(shop: Any, tables: Tables) -> None:
    some = shop.table(
        "order_costs",
        {"shop": "demo", "order_id": "1001", "currency": "USD", "goods_minor": 4_500,
         "pieces_unknown": 0},
        {"shop": "demo", "order_id": "1002", "currency": "USD", "goods_minor": 10,
         "pieces_unknown": 1},
    )  # fmt: skip
    (bare,) = rows("metrics", tables | {"order_costs": some})
    assert (bare["contribution"], bare["orders_without_costs"]) == (None, 4)
    rules = shop.table("cost_rules", {"shop": "demo", "goods_percent": "60"})
    (row,) = rows("metrics", tables | {"order_costs": some, "cost_rules": rules})
    assert (row["goods"], row["orders_without_costs"]) == ("273.00", 0)


def test_the_return_that_pays_for_itself(shop: Any, tables: Tables) -> None:
    rules = shop.table("cost_rules", {"shop": "demo", "goods_percent": "60"})
    given = shop.orders({"order_id": "1", "value_minor": 10_000})
    plain = {"orders": given, "cost_rules": rules, "shops": tables["shops"]}
    (row,) = rows("metrics", plain)
    assert row["break_even_roas"] == 2.5
    assert (row["mer"], row["cac"], row["conversion_rate"]) == (None, None, None)
    assert row["unknown_buyers"] == 1


def test_spend_without_any_order_is_shown(tables: Tables) -> None:
    (row,) = rows("metrics", tables | {"orders": ([], [])})
    assert (row["orders"], row["spend"], row["cac"], row["mer"]) == (0, "150.00", None, 0.0)


def test_a_cohort_pays_its_winning_back(shop: Any) -> None:
    day = "2026-05-10"
    tables = {
        "orders": shop.orders(
            {"order_id": "1", "customer_id": "a", "value_minor": 3_000, "at": shop.NOW},
            {"order_id": "2", "customer_id": "a", "value_minor": 9_000,
             "at": shop.NOW + 40 * shop.DAY},
        ),
        "spend": shop.spend({"campaign_id": "c1", "day": day, "spend_minor": 5_000}),
    }  # fmt: skip
    found = [(row["month"], row["cac"], row["paid_back"]) for row in rows("cohorts", tables)]
    assert found == [(0, "50.00", False), (2, "50.00", True)]


def test_a_file_of_what_products_cost() -> None:
    found, problems = read("SKU,Cost per item\nTEA-1,4.50\n\n ,1\nTEA-2,x\nTEA-3,-1\n", "EUR")
    assert found == [{"product": "TEA-1", "cost_minor": 450, "currency": "EUR"}]
    assert [(p.line, p.column) for p in problems] == [(4, "product"), (5, "cost"), (6, "cost")]
    told, none = read("product_id,cost,currency\n7,10,jpy\n", "EUR")
    assert (told[0]["cost_minor"], told[0]["currency"], none) == (10, "JPY", [])
    assert read("a,b\n", "EUR")[1][0].fix == "name the columns product and cost"


@pytest.mark.parametrize(
    "name",
    [
        "metrics", "takings", "cohorts", "journeys", "orders", "coverage", "reconcile", "reasons",
        "bridge", "bridge_orders",
    ],
)  # fmt: skip
def test_reports_of_orders_have_only_those_of_the_period(
    tables: Tables, shop: Any, name: str
) -> None:
    """By touch date too: a touch may lead to a later order, but no report of orders lists that."""
    more = {"deliveries": shop.table("deliveries"), "shop_journeys": shop.table("shop_journeys")}
    told = {**tables, **more}
    before = Period(stop=shop.NOW, last_day="2026-05-27")
    whole, past = Query(basis="accrual"), Query(period=before, basis="accrual")
    assert catalog.REPORTS[name](told, whole) == catalog.REPORTS[name](told, Query())
    of_order_date = catalog.REPORTS[name](told, structs.replace(past, basis="cash"))
    assert catalog.REPORTS[name](told, past) == of_order_date
    assert not any(row.get("orders") for row in of_order_date)


def test_a_claim_in_another_currency_is_not_lost(tables: Tables, shop: Any) -> None:
    claims = (("e1", "1001", "USD", 30_000), ("e2", "1003", "GBP", 4_000))
    tables["conversions"] = shop.table(
        "conversions",
        *({"event_id": e, "order_id": o, "currency": c, "value_minor": v} for e, o, c, v in claims),
        campaign_id="c1",
        shop="demo",
        at=shop.NOW,
    )
    own, other = rows("metrics", tables)
    assert (own["currency"], own["platform_value"], own["overlap_factor"]) == ("USD", "300.00", 0.6)
    assert (other["currency"], other["platform_value"], other["orders"]) == ("GBP", "40.00", 0)
    assert (other["shop"], other["gross"], other["overlap_factor"]) == ("demo", "0.00", None)


def test_what_nobody_told_is_claimed_by_nobody_rather_than_nought(tables: Tables) -> None:
    grain = rows("drill", tables)
    found = {row["key"]: row for row in drilling.drilled(grain, {}, None, "USD")}
    names = ("platform_orders", "platform_value", "platform_roas")
    assert [found["Paid Search"][name] for name in names] == [None, None, None]
    assert [found["Direct"][name] for name in names] == [None, None, None]
    assert [found["Paid Social"][name] for name in names] == [0, "0.00", None]
    told = {row["campaign"]: row["platform_conversions"] for row in rows("campaigns", tables)}
    assert told == {"Spring": 0, "Brand": None, None: None}
