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
    """What a cohort has spent a customer by the end of a month, how many bought in it; `shade`."""

    ltv: str
    retention: float
    shade: int


class Cohort(Struct, frozen=True):
    """The customers whose first order was in `month`, and their months since (None: not yet)."""

    month: str
    customers: int
    currency: str
    cells: tuple[Cell | None, ...]


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
            month, found[0]["customers"] if 0 in found else 0, currency, _cells(found, months, most)
        )
        for (month, currency), found in sorted(by_cohort.items(), reverse=True)
    )
    return Cohorts(tables=(_table(rows),), cohorts=cohorts, months=months)


def _size(found: Mapping[int, Mapping[str, Any]]) -> int:
    customers: int = found[min(found)]["customers"]
    return customers


def _cells(
    found: Mapping[int, Mapping[str, Any]], months: int, most: Decimal
) -> tuple[Cell | None, ...]:
    """A cell a month up to the last that is known; a month without an order keeps the last sum."""
    made: list[Cell | None] = []
    last = max(found)
    ltv = "0"
    for month in range(months):
        row = found.get(month)
        if month > last:
            made.append(None)
            continue
        ltv = row["ltv"] if row else ltv
        shade = int(Decimal(ltv) / most * (SHADES - 1)) if most else 0
        made.append(Cell(ltv, row["retention"] if row else 0.0, max(0, shade)))
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
    "every month since, after refunds.",
    read=read,
    template="cohorts.html",
    filters=("period",),
)
