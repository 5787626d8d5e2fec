"""Every path-based model over one table of paths, side by side."""

import csv
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from tillpost.core import markov, paths
from tillpost.core.markov import Removal
from tillpost.core.outcome import Misconfigured
from tillpost.core.paths import Path

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("path", ("path",)),
    ("conversions", ("conversions", "total_conversions", "conv")),
    ("value", ("value", "total_conversion_value", "conversion_value")),
    ("null", ("null", "nulls", "total_null")),
)
"""A path table's columns and the headings they go by; value and null may be missing."""

MAX_ORDER = 3
"""Longer memories see every path as its own: nothing is learned from them."""


def read_paths(lines: Iterable[str]) -> list[Path]:
    """Paths of a CSV text by lines: steps joined by ` > `, conversions, value, null.

    Comma, semicolon or tab apart. Raises `Misconfigured` naming line and fix.
    """
    rows = iter(lines)
    head = next(rows, "").removeprefix("\ufeff")
    delimiter = max(",;\t", key=head.count)
    headings = [cell.strip().strip('"').lower() for cell in head.split(delimiter)]
    columns = {
        name: headings.index(known)
        for name, names in COLUMNS
        for known in names
        if known in headings
    }
    if "path" not in columns or "conversions" not in columns:
        raise Misconfigured("line 1: no columns path and conversions; name them so")
    try:
        cells = list(csv.reader(rows, delimiter=delimiter))
    except csv.Error as error:
        raise Misconfigured(f"not a CSV file ({error}); export it as CSV in UTF-8") from None
    return [_path(columns, row, number) for number, row in enumerate(cells, 2) if any(row)]


def _path(columns: dict[str, int], row: Sequence[str], line: int) -> Path:
    if len(row) <= max(columns.values()):
        raise Misconfigured(f"line {line}: only {len(row)} cells; give as many as the heading has")
    steps = tuple(step.strip() for step in row[columns["path"]].split(">"))
    if not all(steps):
        raise Misconfigured(f"line {line}: an empty step; write the path as a > b > c")
    numbers = [_number(columns, name, row, line) for name in ("conversions", "value", "null")]
    return Path(steps, *numbers)


def _number(columns: dict[str, int], name: str, row: Sequence[str], line: int) -> float:
    text = row[columns[name]].strip() if name in columns else ""
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if number < 0 or not isfinite(number):
        raise Misconfigured(f"line {line}: {name} {text[:40]!r}; write a number, not negative")
    return number


def compare(table: Sequence[Path], order: int = 1) -> dict[str, Any]:
    """Conversions by channel under every path-based model.

    Keys are the rules of `core.paths.RULES`, `markov_1` to `markov_<order>` (each with
    `conversions`, `removal_effect`, `p_conversion` and `per_journey`), `shapley` (the
    closed form: linear over distinct channels) and `shapley_rate` (of conversion rates).
    """
    if not 1 <= order <= MAX_ORDER:
        raise Misconfigured(f"order {order}: use 1 to {MAX_ORDER}")
    models: dict[str, Any] = {name: paths.by_rule(name, table) for name in paths.RULES}
    for k, removal in enumerate(markov.by_order(table, order), 1):
        models[f"markov_{k}"] = _markov(table, removal)
    return models | {
        "shapley": paths.shapley_total(table),
        "shapley_rate": paths.shapley_rate(table),
    }


def _markov(table: Sequence[Path], removal: Removal) -> dict[str, Any]:
    return {
        "conversions": removal.conversions,
        "removal_effect": removal.removal_effect,
        "p_conversion": removal.p_conversion,
        "per_journey": markov.per_journey(table, removal.removal_effect),
    }
