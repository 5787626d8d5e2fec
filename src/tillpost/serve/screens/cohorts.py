"""Cohorts: customers by the month of their first order, and what they have spent since."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

SHADES = 6
"""Steps of colour between the least and the most."""
MOST_MONTHS = 12


class Cell(Struct, frozen=True):
    """What a cohort has spent a customer by the end of a month, how many bought in it; `shade`.

    `pays` is true in the first month by whose end a customer has brought back what winning
    one had cost.
    """

    ltv: str
    retention: float
    shade: int
    pays: bool = False


class Cohort(Struct, frozen=True):
    """The customers whose first order was in `month`, and their months since (None: not yet)."""

    month: str
    customers: int
    currency: str
    cells: tuple[Cell | None, ...]
    cac: str | None = None
    """What winning a customer cost: the month's spend by its customers."""
    payback: str = ""


class Cohorts(View, frozen=True, kw_only=True):
    """The heat map, the latest cohort first; `months` is how many columns it has."""

    cohorts: tuple[Cohort, ...]
    months: int


def read(desk: Desk, ask: Ask) -> Cohorts:
    """The cohorts of this shop; the period decides which orders are known."""
    return view(desk.report("cohorts", ask))


def view(rows: Sequence[Mapping[str, Any]]) -> Cohorts:
    """The heat map of the report's rows, and the rows themselves as a table."""
    by_cohort: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        by_cohort.setdefault((row["cohort"], row["currency"]), {})[row["month"]] = row
    months = min(max((row["month"] for row in rows), default=-1) + 1, MOST_MONTHS)
    most = max((Decimal(row["ltv"]) for row in rows), default=Decimal(0))
    cohorts = tuple(
        Cohort(
            month=month,
            customers=found[min(found)]["customers"],
            currency=currency,
            cells=_cells(found, months, most),
            cac=found[min(found)]["cac"],
            payback=payback(found),
        )
        for (month, currency), found in sorted(by_cohort.items(), reverse=True)
    )
    return Cohorts(tables=(_table(rows),), cohorts=cohorts, months=months)


def payback(found: Mapping[int, Mapping[str, Any]]) -> str:
    """When a cohort's customers had brought back what winning them cost, in words."""
    if found[min(found)]["cac"] is None:
        return "no spend known"
    month = _paid_in(found)
    if month is None:
        return "not yet"
    return "in the first month" if month == 0 else f"after {month} months"


def _paid_in(found: Mapping[int, Mapping[str, Any]]) -> int | None:
    return min((month for month, row in found.items() if row["paid_back"]), default=None)


def _cells(
    found: Mapping[int, Mapping[str, Any]], months: int, most: Decimal
) -> tuple[Cell | None, ...]:
    """A cell a month up to the last that is known; a month without an order keeps the last sum."""
    made: list[Cell | None] = []
    last = max(found)
    ltv, paid = "0", _paid_in(found)
    for month in range(months):
        row = found.get(month)
        if month > last:
            made.append(None)
            continue
        ltv = row["ltv"] if row else ltv
        shade = int(Decimal(ltv) / most * (SHADES - 1)) if most else 0
        made.append(Cell(ltv, row["retention"] if row else 0.0, max(0, shade), month == paid))
    return tuple(made)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name="cohorts",
        caption="The same as rows",
        columns=(
            Column("cohort", "First order in"),
            Column("month", "Months since", "whole"),
            Column("customers", "Customers", "whole"),
            Column("active", "Bought", "whole"),
            Column("orders", "Orders", "whole"),
            Column("revenue", "Revenue", "money"),
            Column("ltv", "Spent a customer", "money"),
            Column("retention", "Came back", "share"),
            Column("cac", "Winning one cost", "money"),
            Column("paid_back", "Paid back", "mark"),
        ),
        rows=rows,
        empty="No order of a known customer in this period. Choose all time; orders of guests "
        "belong to nobody.",
    )


SCREEN = Screen(
    path="/cohorts",
    title="Cohorts",
    group="Money",
    about="Customers by the month of their first order, and what each has spent by the end of "
    "every month since, after refunds. The line marks the month in which they had brought back "
    "what winning them cost.",
    read=read,
    template="cohorts.html",
    filters=("period",),
)
