"""The shop's total is what a destination counts and each exclusion, to the cent."""

from decimal import Decimal
from typing import Any

import pytest

from tillpost.report.balance import balance, missing
from tillpost.report.query import Period, Query

HOUR = 3600
ORDERS = ["shop", "order_id", "name", "at", "value_minor", "currency"]
PURCHASES = ["shop", "order_id", "destination", "state", "reason"]


def tables(*sales: tuple[int, str | None, str | None], minor: int = 1005) -> dict[str, Any]:
    """Orders #1000 and on, an hour apart, each standing so with one destination."""
    orders = [("demo", str(n), f"#{n}", n * HOUR, minor + n, "USD") for n, _, _ in sales]
    stands = [("demo", str(n), "meta:1", state, why) for n, state, why in sales if state]
    return {"orders": (ORDERS, orders), "deliveries": (PURCHASES, stands)}


SALES = tables(
    (1000, "delivered", None),
    (1001, "dropped", "test_order"),
    (1002, "dropped", "consent_denied"),
    (1003, "pending", None),
    (1005, "dead", "refused"),
    (1006, None, None),
    (1007, "dropped", "shadow"),
    (1008, "expired", "too_old"),
)


def test_the_parts_add_up_to_the_total() -> None:
    total, *parts = balance(SALES, Query())
    assert total["part"] == "total"
    assert sum(Decimal(row["value"]) for row in parts) == Decimal(total["value"])
    assert sum(row["orders"] for row in parts) == total["orders"] == 8
    assert {(row["part"], row["reason"], row["orders"]) for row in parts} == {
        ("counted", None, 2),
        ("ignored", "test_order", 1),
        ("ignored", "consent_denied", 1),
        ("waiting", "pending", 1),
        ("missing", "refused", 1),
        ("missing", "no_purchase", 1),
        ("missing", "too_old", 1),
    }


def test_the_accuracy_counts_the_lost_too() -> None:
    total = balance(SALES, Query())[0]
    assert (total["lost"], total["accuracy"]) == (1, round(4 / 9, 4))


def test_the_missing_are_listed_with_their_reasons() -> None:
    found = [(row["name"], row["why"]) for row in missing(SALES, Query())]
    assert found == [
        ("#1005", "refused"),
        ("#1006", "no_purchase"),
        ("#1008", "too_old"),
        ("#1004", "webhook_never_came"),
    ]


def test_a_number_is_not_missed_before_its_webhook_had_time_to_come() -> None:
    late = tables((1000, "delivered", None), (1001, "delivered", None))
    late["orders"][1].append(("demo", "x", "#1003", 1001 * HOUR + 60, 100, "USD"))
    assert [row["why"] for row in missing(late, Query())] == ["no_purchase"]


def test_a_jump_of_the_numbering_is_no_loss() -> None:
    jump = tables((1000, "delivered", None), (9000, "delivered", None), (9001, "delivered", None))
    assert missing(jump, Query()) == []


@pytest.mark.parametrize(
    ("query", "orders"),
    [(Query(shop="demo"), 8), (Query(Period(0, 1002 * HOUR)), 2)],
)
def test_only_what_was_asked_for(query: Query, orders: int) -> None:
    assert balance(SALES, query)[0]["orders"] == orders
    assert balance(SALES, Query(shop="another")) == []


def test_each_currency_and_destination_stands_alone() -> None:
    both = tables((1000, "delivered", None))
    both["orders"][1].append(("demo", "y", "#1001", 1001 * HOUR, 500, "JPY"))
    stands = both["deliveries"][1]
    stands += [
        ("demo", "y", "meta:1", "delivered", None),
        ("demo", "y", "tiktok:C", "dropped", "not_subscribed"),
    ]
    totals = [row for row in balance(both, Query()) if row["part"] == "total"]
    assert [(row["destination"], row["currency"], row["value"]) for row in totals] == [
        ("meta:1", "JPY", "500"),
        ("meta:1", "USD", "20.05"),
        ("tiktok:C", "JPY", "500"),
        ("tiktok:C", "USD", "20.05"),
    ]
