"""A table of a page: columns that say what they hold, rows of JSON values, sorted and chosen.

The same table is shown, and given as CSV and JSON; money stays a decimal string with its
currency in the row.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from tillpost.serve.screens.ask import Ask
from tillpost.serve.sessions import Act

Kind: TypeAlias = Literal[
    "text",
    "whole",
    "number",
    "money",
    "times",
    "share",
    "part",
    "seconds",
    "moment",
    "day",
    "mark",
    "state",
]
"""What a cell holds: `part` is a share with a bar, `mark` a yes or no, `state` where an event
stands, `moment` an ISO time, `seconds` milliseconds."""

RIGHT = frozenset({"whole", "number", "money", "times", "share", "part", "seconds"})
"""Kinds that stand at the right, so that digits stand under digits."""

MOST_ROWS = 200
"""Rows that a page shows unless the table says otherwise; the files hold all of them."""


class Column(Struct, frozen=True):
    """One column: `shown` says whether it is there before anybody chooses."""

    name: str
    title: str
    kind: Kind = "text"
    shown: bool = True
    about: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its cells stand at the right."""
        return self.kind in RIGHT


class Action(Struct, frozen=True):
    """A button in each row that posts `fields` of the row to `path`; who may `act` sees it.

    A row whose `acts` is False has none.
    """

    title: str
    path: str
    fields: tuple[str, ...]
    act: Act


class Table(Struct, frozen=True, kw_only=True):
    """Rows under columns. A row's `href` is where its first cell leads; `foot` sums up.

    `empty` says what to do when there is nothing yet.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    empty: str
    foot: Mapping[str, Any] | None = None
    sort: str = ""
    following: str | None = None
    """Where the next page of rows is."""
    most: int = MOST_ROWS
    """Rows that the page shows of it."""
    action: Action | None = None
    fixed: bool = True
    """Whether order and columns stay as they are."""

    @property
    def visible(self) -> tuple[Column, ...]:
        """The columns that are shown; all, if none was chosen."""
        return tuple(column for column in self.columns if column.shown)

    @property
    def first_rows(self) -> Sequence[Mapping[str, Any]]:
        """As many rows as a page shows."""
        return self.rows[: self.most]

    @property
    def left(self) -> int:
        """Rows beyond those that a page shows."""
        return max(0, len(self.rows) - self.most)

    def as_asked(self, ask: Ask) -> "Table":
        """Sorted and with the columns that were chosen; names that are none change nothing."""
        names = {column.name for column in self.columns}
        chosen = set(ask.columns) & names
        columns = self.columns
        if chosen:
            first = self.columns[0].name
            columns = tuple(
                structs.replace(c, shown=c.name in chosen or c.name == first) for c in columns
            )
        sort = ask.sort if ask.sort.removeprefix("-") in names else self.sort
        rows = sorted_rows(self.rows, columns, sort) if ask.sort and sort == ask.sort else self.rows
        return structs.replace(self, columns=columns, rows=rows, sort=sort, fixed=False)

    def next_sort(self, column: Column) -> str:
        """What a click on the heading asks for: numbers the largest first, then the other way."""
        first = f"-{column.name}" if column.is_number else column.name
        other = column.name if column.is_number else f"-{column.name}"
        return other if self.sort == first else first

    def plain(self) -> list[dict[str, Any]]:
        """The rows for a file: the visible columns, and the currency where there is money."""
        names = [column.name for column in self.visible]
        if any(column.kind == "money" for column in self.visible):
            names.append("currency")
        return [{name: row.get(name) for name in names} for row in self.rows]


def state(name: str, reason: str | None, milliseconds: int | None = None) -> dict[str, Any]:
    """A cell of kind `state`: where an event stands, why, and how long it took."""
    return {"state": name, "reason": reason, "milliseconds": milliseconds}


def sorted_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], sort: str
) -> list[Mapping[str, Any]]:
    """The rows by one column, `-name` the largest first; cells without a value come last."""
    name = sort.removeprefix("-")
    kind = next(column.kind for column in columns if column.name == name)
    filled = [row for row in rows if row.get(name) is not None and row[name] != ""]
    blank = [row for row in rows if row.get(name) is None or row[name] == ""]
    key = _as_number if kind in RIGHT else _as_text
    return sorted(filled, key=lambda r: key(r[name]), reverse=sort.startswith("-")) + blank


def _as_number(value: Any) -> Decimal:
    return Decimal(str(value))


def _as_text(value: Any) -> str:
    return str(value).casefold()


def total(rows: Sequence[Mapping[str, Any]], name: str, currency: str | None = None) -> Decimal:
    """The sum of a column, of one currency's rows if one is named."""
    counted = (r for r in rows if currency in {None, r.get("currency")})
    return sum((Decimal(str(row[name] or 0)) for row in counted), Decimal(0))
