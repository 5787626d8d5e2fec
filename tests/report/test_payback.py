"""What customers have spent since their first order, and when they paid their winning back.

One small shop, counted by hand, in months of UTC:

    May    x 30.00, y 50.00; spend 120.00          -> each cost 60.00, has spent 40.00
    June   x 20.00                                 ->                            50.00
    July   nobody
    August y 40.00, of which 10.00 was given back  ->                            65.00: paid back
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tillpost.ports import Rows
from tillpost.report.journeys import cohorts
from tillpost.report.query import Query
from tillpost.serve.screens import cohorts as screen
from tillpost.serve.screens.table import Table

Tables = dict[str, Rows]
BOUGHT = (
    ("1", "x", 3_000, "2026-05-01T00:00:00"),
    ("2", "y", 5_000, "2026-05-31T23:59:59"),
    ("3", "x", 2_000, "2026-06-01T00:00:00"),
    ("4", "y", 4_000, "2026-08-20T12:00:00"),
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def bought(*lines: tuple[str, str | None, int, str], **more: Any) -> list[dict[str, Any]]:
    return [
        {"order_id": i, "customer_id": who, "value_minor": minor, "at": at(when), **more}
        for i, who, minor, when in lines
    ]


@pytest.fixture
def tables(shop: Any) -> Tables:
    orders = bought(*BOUGHT)
    orders[-1]["refunded_minor"] = 1_000
    return {
        "orders": shop.orders(*orders),
        "spend": shop.spend(
            {"campaign_id": "c1", "day": "2026-05-01", "spend_minor": 7_000},
            {"platform": "google", "day": "2026-05-31", "spend_minor": 5_000},
            {"campaign_id": "c1", "day": "2026-06-01", "spend_minor": 900_000},
        ),
    }


def more(shop: Any, tables: Tables, *orders: dict[str, Any]) -> Tables:
    columns, rows = tables["orders"]
    return {**tables, "orders": (columns, [*rows, *shop.orders(*orders)[1]])}


def told(tables: Tables, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in cohorts(tables, Query())]


def test_the_worked_example(tables: Tables) -> None:
    names = ("cohort", "month", "customers", "active", "orders", "revenue", "ltv", "retention")
    assert told(tables, *names) == [
        ("2026-05", 0, 2, 2, 2, "80.00", "40.00", 1.0),
        ("2026-05", 1, 2, 1, 1, "20.00", "50.00", 0.5),
        ("2026-05", 3, 2, 1, 1, "30.00", "65.00", 0.5),
    ]
    assert told(tables, "month", "cac", "paid_back") == [
        (0, "60.00", False), (1, "60.00", False), (3, "60.00", True),
    ]  # fmt: skip


def test_the_last_cent_decides(shop: Any, tables: Tables) -> None:
    for minor, paid in ((1_999, False), (2_000, True)):
        last = bought(("5", "y", minor, "2026-06-30T23:59:59"))
        june = told(more(shop, tables, *last), "month", "paid_back")[1]
        assert june == (1, paid)


def test_orders_of_guests_and_those_called_off_belong_to_nobody(shop: Any, tables: Tables) -> None:
    guest = bought(("5", None, 99_900, "2026-05-02T00:00:00"))
    off = bought(("6", "x", 99_900, "2026-05-03T00:00:00"), cancelled_at=at("2026-05-04T00:00:00"))
    excluded = bought(("7", "x", 99_900, "2026-05-03T00:00:00"), eligible=0)
    assert told(more(shop, tables, *guest, *off, *excluded), "customers", "ltv") == told(
        tables, "customers", "ltv"
    )


def test_customers_are_won_by_the_spend_of_their_own_month_and_currency(
    shop: Any, tables: Tables
) -> None:
    late = bought(("5", "z", 1_000, "2026-07-01T00:00:00"))
    euro = bought(("6", "e", 1_000, "2026-05-02T00:00:00"), currency="EUR")
    found = told(more(shop, tables, *late, *euro), "cohort", "currency", "customers", "cac")
    assert ("2026-07", "USD", 1, None) in found
    assert ("2026-05", "EUR", 1, None) in found
    assert ("2026-05", "USD", 2, "60.00") in found


def test_the_map_keeps_a_sum_through_a_quiet_month_and_marks_where_it_is_paid_back(
    shop: Any, tables: Tables
) -> None:
    late = bought(("5", "z", 1_000, "2026-07-01T00:00:00"))
    seen = screen.view(cohorts(more(shop, tables, *late), Query()))
    july, may = seen.cohorts
    assert (may.month, may.customers, may.cac, may.payback) == (
        "2026-05", 2, "60.00", "after 3 months",
    )  # fmt: skip
    cells = [(cell.ltv, cell.retention, cell.pays) for cell in may.cells if cell]
    assert cells == [
        ("40.00", 1.0, False), ("50.00", 0.5, False), ("50.00", 0.0, False), ("65.00", 0.5, True),
    ]  # fmt: skip
    shades = [cell.shade for cell in may.cells if cell]
    assert shades == sorted(shades)
    assert (july.payback, july.cells[1:]) == ("no spend known", (None, None, None))
    (rows,) = (t for t in seen.tables if isinstance(t, Table))
    assert [row["month"] for row in rows.rows] == [0, 1, 3, 0]


@pytest.mark.parametrize(
    ("minor", "words"),
    [(12_000, "after 3 months"), (8_000, "in the first month"), (13_001, "not yet")],
)
def test_payback_in_words(shop: Any, tables: Tables, minor: int, words: str) -> None:
    spend = shop.spend({"day": "2026-05-09", "spend_minor": minor})
    (may,) = screen.view(cohorts({**tables, "spend": spend}, Query())).cohorts
    assert may.payback == words
