"""Currency rates from a CSV file: our own columns, or the European Central Bank's table.

Own: `date,currency,into,rate`, where one unit of `currency` buys `rate` units of `into`.
The bank's: `Date,USD,JPY,...`, what one euro buys; `N/A` is no rate. Sans-I/O.
"""

import csv
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO

from tillpost.core.exchange import Rate
from tillpost.core.money import is_currency
from tillpost.report.spend.problem import Problem

OWN = ("date", "currency", "into", "rate")
BANKS_BASE = "EUR"
NOTHING = frozenset({"", "N/A", "-"})
_FIX = "write date,currency,into,rate with a line as 2026-11-20,EUR,USD,1.0842"


def read(text: str) -> tuple[list[Rate], list[Problem]]:
    """The rates of a file, and a problem for each line that holds none. Never raises."""
    try:
        rows = list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        return [], [Problem(1, "", f"not a CSV file: {error}", "export it as CSV in UTF-8")]
    head = [cell.strip() for cell in rows[0]] if rows else []
    names = [cell.lower() for cell in head]
    if all(name in names for name in OWN):
        wide = [_own(row, names) for row in rows[1:]]
    elif names[:1] == ["date"] and any(is_currency(cell) for cell in head[1:]):
        wide = [_banks(row, head) for row in rows[1:]]
    else:
        return [], [Problem(1, "", "no heading line of rates", _FIX)]
    rates: list[Rate] = []
    problems: list[Problem] = []
    for line, (row, cells) in enumerate(zip(rows[1:], wide, strict=True), 2):
        if not any(cell.strip() for cell in row):
            continue
        found = [_rate(line, cell) for cell in cells]
        rates += [rate for rate in found if isinstance(rate, Rate)]
        problems += [problem for problem in found if isinstance(problem, Problem)]
    return rates, problems


_Cells = tuple[str, str, str, str]


def _own(row: Sequence[str], names: Sequence[str]) -> list[_Cells]:
    day, currency, into, rate = (
        row[names.index(name)].strip() if names.index(name) < len(row) else "" for name in OWN
    )
    return [(day, currency.upper(), into.upper(), rate)]


def _banks(row: Sequence[str], head: Sequence[str]) -> list[_Cells]:
    """One line of the bank's table; its former currencies have no code any more."""
    day = row[0].strip() if row else ""
    pairs = zip(head[1:], row[1:], strict=False)
    return [
        (day, BANKS_BASE, code, cell.strip())
        for code, cell in pairs
        if is_currency(code) and cell.strip() not in NOTHING
    ]


def _rate(line: int, cells: _Cells) -> Rate | Problem:
    day, currency, into, text = cells
    if not _is_day(day):
        return Problem(line, "date", f"{day[:40]!r} is not a day", "write it as 2026-11-20")
    for column, code in (("currency", currency), ("into", into)):
        if not is_currency(code):
            fix = "use an ISO 4217 code, as EUR"
            return Problem(line, column, f"{code[:40]!r} is not a currency", fix)
    if currency == into:
        return Problem(line, "into", "a currency into itself", "name two currencies")
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not Decimal("1e-12") <= rate <= Decimal("1e12"):
        return Problem(line, "rate", f"{text[:40]!r} is not a rate", "write it as 1.0842")
    return Rate(day, currency, into, rate)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
