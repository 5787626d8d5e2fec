"""What was spent, beside what is known of it: money without a rate, spend without orders."""

from collections.abc import Mapping
from typing import Any

from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query


def rates(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Money of the period that stands apart because no rate of its days is known.

    Rows of `what` (spend, orders or claims), `currency, into_currency, amount, days, first_day,
    last_day`; none is good.
    """
    with opened(tables) as engine:
        found = engine.run((), "unrated", query)
    return [
        {
            **{name: row[name] for name in ("what", "currency", "into_currency")},
            "amount": decimal_string(row["minor"], row["currency"]),
            **{name: row[name] for name in ("days", "first_day", "last_day")},
        }
        for row in found
    ]
