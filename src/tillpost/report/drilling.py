"""Rows of a report inside a place of channel > campaign > ad set > ad, or with given values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tillpost.core.outcome import Misconfigured
from tillpost.report.breakdown import KEYS, LEVELS, Level, Place, fold
from tillpost.report.query import Buyers

FIELDS: dict[str, tuple[str, ...]] = {
    "channel": ("channel",),
    "campaign": ("campaign_id", "campaign"),
    "adset": ("adset_id", "adset"),
    "ad": ("ad_id", "ad"),
}
"""The columns that tell a row's place at each level: its id, else its name."""

BUYERS: dict[str, Buyers] = {"": "all", "all": "all", "new": "new", "returning": "returning"}


def chosen(
    rows: Sequence[dict[str, Any]], within: Mapping[str, str], where: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The rows of this place that have these values; compared as text, without regard to case.

    Raises `Misconfigured` for a column that the report has not.
    """
    if not rows:
        return []
    wanted = [(FIELDS[level], value) for level, value in within.items()]
    wanted += [((column,), value) for column, value in where.items()]
    for columns, _ in wanted:
        if not any(column in rows[0] for column in columns):
            known = ", ".join(rows[0])
            raise Misconfigured(f"this report has no column {columns[0][:40]!r}; it has {known}")
    return [row for row in rows if all(_has(row, columns, value) for columns, value in wanted)]


def _has(row: Mapping[str, Any], columns: Iterable[str], value: str) -> bool:
    return any(_text(row.get(column)) == value.lower() for column in columns)


def _text(value: Any) -> str:
    """A cell as it stands in a table: yes and no, nothing for None."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).lower()


def drilled(
    grain: Sequence[Mapping[str, Any]],
    within: Mapping[str, str],
    buyers: str | None,
    currency: str,
) -> list[dict[str, Any]]:
    """The rows one level below a place: channels, the campaigns of one, its ad sets, its ads.

    `grain` is the report `breakdown`. A campaign may be named by its id or its name.
    """
    if (buyers or "") not in BUYERS:
        raise Misconfigured(f"buyers: {str(buyers)[:20]!r}; use all, new or returning")
    deepest = max((LEVELS.index(level) for level in _levels(within)), default=-1)
    if deepest == len(LEVELS) - 1:
        raise Misconfigured("below an ad are its orders: use the report orders with --ad")
    place = Place({level: _key(grain, level, within[level]) for level in _levels(within)})
    return fold(grain, LEVELS[deepest + 1], place, BUYERS[buyers or ""], currency=currency)


def _levels(within: Mapping[str, str]) -> list[Level]:
    return [level for level in LEVELS if level in within]


def _key(grain: Iterable[Mapping[str, Any]], level: Level, told: str) -> str:
    """The key that a place is known by: the one told, or that of the first row so named."""
    field = KEYS[level]
    keys = {str(row[field]) for row in grain}
    if told in keys:
        return told
    names = (row for row in grain if _has(row, (field, *FIELDS[level]), told))
    return next((str(row[field]) for row in names), told)
