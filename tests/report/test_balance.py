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
    return {
        "orders": (ORDERS, orders),
        "deliveries": (PURCHASES, stands),
        "shop_orders": ([*ORDERS, "why", "own_minor"], []),
        "shop_checks": (["shop", "since", "until"], []),
    }


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


def test_what_the_shop_s_own_list_has_is_part_of_its_total() -> None:
    """#1001 never came, #1002 was edited to 3.00 more, a refund of #1000 is missing."""
    told = tables((1000, "delivered", None), (1002, "delivered", None))
    told["shop_orders"][1].extend(
        [
            ("demo", "1001", "#1001", 1001 * HOUR, 700, "USD", "webhook_never_came", None),
            ("demo", "1002", "#1002", 1002 * HOUR, 2307, "USD", "total_differs", 2007),
            ("demo", "1000", "#1000", 1000 * HOUR, 2005, "USD", "refund_never_came", 2005),
        ]
    )
    told["shop_checks"][1].append(("demo", 0.0, 2000.0 * HOUR))
    total, *parts = balance(told, Query())
    assert (total["orders"], total["value"], total["lost"]) == (3, "50.12", 1)
    assert total["accuracy"] == round(2 / 3, 4)
    assert {(row["part"], row["reason"], row["orders"], row["value"]) for row in parts} == {
        ("counted", None, 2, "40.12"),
        ("missing", "refund_never_came", 0, "0.00"),
        ("missing", "total_differs", 0, "3.00"),
        ("missing", "webhook_never_came", 1, "7.00"),
    }
    listed = [(row["name"], row["value"], row["why"]) for row in missing(told, Query())]
    assert listed == [
        ("#1001", "7.00", "webhook_never_came"),
        ("#1002", "3.00", "total_differs"),
        ("#1000", "0.00", "refund_never_came"),
    ]


@pytest.mark.parametrize(("until", "gaps"), [(1001 * HOUR, 0), (1000 * HOUR, 1)])
def test_where_the_shop_s_list_was_read_a_gap_in_the_numbers_is_no_loss(
    until: float, gaps: int
) -> None:
    told = tables((1000, "delivered", None), (1002, "delivered", None), (1003, "delivered", None))
    told["orders"][1][:] = [(*row[:3], row[3] - HOUR, *row[4:]) for row in told["orders"][1]]
    told["shop_checks"][1].append(("demo", 0.0, until))
    assert balance(told, Query())[0]["lost"] == gaps
