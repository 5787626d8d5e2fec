"""Claims in currencies without a rate, counted beside the row that they belong to.

A platform claims an order in the currency it was paid in. Where no rate is known, its value can
be added to nothing; a line of its own for each currency would only be noughts.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from tillpost.serve.screens.table import Column

ELSEWHERE = "claims_elsewhere"
_OWN = ("orders", "minor", "spend_minor", "own_orders", "impressions", "clicks")
"""What makes a row of another currency one to show."""


def gathered(
    rows: Sequence[Mapping[str, Any]],
    currency: str,
    claims: str,
    key: Callable[[Mapping[str, Any]], Hashable],
) -> list[dict[str, Any]]:
    """The rows, each in `currency` with the `claims` of its `key` in others as `ELSEWHERE`.

    A row in another currency stays if it has an order, a cost, or no row to go to.
    """
    homes = {key(row) for row in rows if row["currency"] == currency}
    kept: list[Mapping[str, Any]] = []
    more: dict[Hashable, float] = {}
    for row in rows:
        if row["currency"] != currency and key(row) in homes and not any(map(row.get, _OWN)):
            more[key(row)] = more.get(key(row), 0) + (row[claims] or 0)
        else:
            kept.append(row)
    return [
        {**row, ELSEWHERE: more.get(key(row), 0) if row["currency"] == currency else 0}
        for row in kept
    ]


def column(rows: Sequence[Mapping[str, Any]]) -> Column:
    """The column of such claims, there when any row has one."""
    return Column(
        ELSEWHERE,
        "In other currencies",
        "whole",
        shown=any(row[ELSEWHERE] for row in rows),
        about="claims beside these, without a rate: in no value and no ROAS",
    )
