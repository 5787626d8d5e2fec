"""Money of other currencies: turned at the day's rate, or apart and named; never guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Query
from tillpost.report.spend.rates import read

Tables = dict[str, Rows]


def rows(name: str, tables: Tables, **query: Any) -> list[dict[str, Any]]:
    return catalog.REPORTS[name](tables, Query(**query))


def day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


@pytest.fixture
def tables(shop: Any) -> Tables:
    """A shop in dollars, one order in euro of which half was given back, spend in yen."""
    at = shop.NOW
    return {
        "shops": shop.table("shops", {"shop": "demo", "currency": "USD"}),
        "rates": shop.table(
            "rates",
            {"day": day(at), "currency": "EUR", "quote": "USD", "rate": "1.1"},
            {"day": day(at), "currency": "EUR", "quote": "JPY", "rate": "165"},
        ),
        "orders": shop.orders(
            {"order_id": "1", "value_minor": 10_000},
            {"order_id": "2", "value_minor": 2_001, "currency": "EUR", "refunded_minor": 1_000},
        ),
        "spend": shop.spend(
            {"campaign_id": "c1", "day": day(at), "currency": "JPY", "spend_minor": 1_500},
        ),
        "conversions": shop.table(
            "conversions",
            {"order_id": "2", "campaign_id": "c1", "value_minor": 2_001, "currency": "EUR",
             "at": at, "window": "7d_click", "shop": "demo"},
        ),
    }  # fmt: skip


def test_orders_and_spend_stand_in_the_shops_currency(tables: Tables) -> None:
    (unknown, paid) = rows("channels", tables)
    assert (unknown["revenue"], unknown["currency"]) == ("111.01", "USD")
    assert (paid["spend"], paid["currency"]) == ("10.00", "USD")
    order = rows("orders", tables)[1]
    assert (order["value"], order["refunded"], order["currency"]) == ("22.01", "11.00", "USD")
    assert (order["told_value"], order["told_currency"]) == ("20.01", "EUR")


def test_the_platforms_claim_is_told_in_the_same_currency(tables: Tables) -> None:
    claimed = next(row for row in rows("campaigns", tables) if row["campaign_id"] == "c1")
    assert (claimed["platform_value"], claimed["currency"]) == ("22.01", "USD")
    assert claimed["platform_roas"] == 2.201


def test_claims_of_every_account_and_shop_are_turned_at_the_rate_of_their_day(shop: Any) -> None:
    """Two shops, three ad accounts, two days: each amount by its own day, into its own shop's."""
    first, second = shop.NOW, shop.NOW + shop.DAY
    rates = [(first, "1.10"), (second, "1.20")]
    claim = {"order_id": "1", "value_minor": 1_000, "window": "7d_click"}
    account = {"day": day(first), "claims_micro": 1_000_000}
    tables = {
        "shops": shop.table(
            "shops", {"shop": "demo", "currency": "USD"}, {"shop": "euro", "currency": "EUR"}
        ),
        "rates": shop.table(
            "rates",
            *({"day": day(at), "currency": "EUR", "quote": "USD", "rate": r} for at, r in rates),
            {"day": day(first), "currency": "EUR", "quote": "JPY", "rate": "165"},
        ),
        "conversions": shop.table(
            "conversions",
            {**claim, "campaign_id": "c1", "currency": "EUR", "at": first, "shop": "demo"},
            {**claim, "campaign_id": "c1", "currency": "EUR", "at": second, "shop": "demo"},
            {**claim, "campaign_id": "c2", "currency": "USD", "at": second, "shop": "euro"},
            {**claim, "campaign_id": "c3", "currency": "USD", "at": second},
        ),
        "spend": shop.spend(
            {**account, "account_id": "a", "campaign_id": "c4", "currency": "JPY",
             "claims_minor": 1_650},
            {**account, "account_id": "b", "campaign_id": "c5", "currency": "EUR",
             "claims_minor": 1_000, "day": day(second)},
            {**account, "account_id": "c", "campaign_id": "c6", "currency": "USD",
             "claims_minor": 1_100, "shop": "euro"},
        ),
    }  # fmt: skip
    told = {
        row["campaign_id"]: (row["platform_value"], row["currency"])
        for row in rows("campaigns", tables)
    }
    assert told == {
        "c1": ("23.00", "USD"),
        "c2": ("8.33", "EUR"),
        "c3": ("10.00", "USD"),
        "c4": ("11.00", "USD"),
        "c5": ("12.00", "USD"),
        "c6": ("10.00", "EUR"),
    }
    assert rows("rates", tables) == []


def test_another_currency_may_be_asked_for(tables: Tables) -> None:
    assert {row["currency"] for row in rows("channels", tables, currency="EUR")} == {"EUR"}
    assert rows("orders", tables, currency="EUR")[1]["value"] == "20.01"
    with pytest.raises(Misconfigured, match="unknown currency 'EURO': use a code such as EUR"):
        rows("channels", tables, currency="EURO")


def test_without_a_rate_money_stands_apart_and_is_named(shop: Any, tables: Tables) -> None:
    bare = tables | {"rates": ([], [])}
    found = {(r["channel"], r["currency"]): r["revenue"] for r in rows("channels", bare)}
    assert found == {
        ("Unknown", "USD"): "100.00",
        ("Unknown", "EUR"): "10.01",
        ("Paid Social", "JPY"): "0",
    }
    named = [
        (r["what"], r["currency"], r["into_currency"], r["amount"]) for r in rows("rates", bare)
    ]
    assert named == [
        ("claims", "EUR", "USD", "20.01"),
        ("orders", "EUR", "USD", "20.01"),
        ("spend", "JPY", "USD", "1500"),
    ]
    assert rows("rates", tables) == []


def test_a_whole_refund_leaves_nothing_at_any_rate(shop: Any, tables: Tables) -> None:
    given = {"order_id": "3", "value_minor": 999, "currency": "EUR", "refunded_minor": 999}
    (row,) = rows("channels", tables | {"orders": shop.orders(given), "spend": ([], [])})
    assert row["revenue"] == "0.00"


def test_a_rates_file_of_our_own_columns() -> None:
    found, problems = read("date,currency,into,rate\n2026-11-20,eur,USD,1.0842\n\n")
    assert [(r.day, r.currency, r.into, str(r.rate)) for r in found] == [
        ("2026-11-20", "EUR", "USD", "1.0842")
    ]
    assert problems == []


def test_the_table_of_the_european_central_bank() -> None:
    text = "Date,USD,JPY,CYP,\n2026-11-20,1.0842,168.12,0.58,\n2026-11-19,N/A,168.00,N/A,\n"
    found, problems = read(text)
    assert [(r.day, r.into, str(r.rate)) for r in found] == [
        ("2026-11-20", "USD", "1.0842"),
        ("2026-11-20", "JPY", "168.12"),
        ("2026-11-19", "JPY", "168.00"),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        ("20.11.2026,EUR,USD,1", "date", "'20.11.2026' is not a day"),
        ("2026-11-20,EURO,USD,1", "currency", "'EURO' is not a currency"),
        ("2026-11-20,EUR,US,1", "into", "'US' is not a currency"),
        ("2026-11-20,EUR,EUR,1", "into", "a currency into itself"),
        ("2026-11-20,EUR,USD,0", "rate", "'0' is not a rate"),
        ("2026-11-20,EUR,USD", "rate", "'' is not a rate"),
        ("2026-11-20,EUR,USD,NaN", "rate", "'NaN' is not a rate"),
    ],
)
def test_each_wrong_line_is_named(line: str, column: str, what: str) -> None:
    _, (problem,) = read(f"date,currency,into,rate\n{line}\n")
    assert (problem.line, problem.column, problem.what) == (2, column, what)


def test_a_file_that_holds_no_rates() -> None:
    assert read("")[1][0].what == "no heading line of rates"
    assert read("a,b\n1,2\n")[1][0].fix.startswith("write date,currency,into,rate")
