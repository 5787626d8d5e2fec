"""What the shop took and when, with who told of it: the orders alone, without what brought them."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.steps import SALES


def takings(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by quarter of an hour, currency, side and kind of buyer: orders, and revenue restated.

    `returning` is None for buyers that nobody can name. All rows together are the shop's total.
    """
    with opened(tables) as engine:
        found = engine.run(SALES, "takings", structs.replace(query, basis="cash"))
    return [
        {
            "at": iso(row["moment"]),
            "orders": row["orders"],
            "revenue": decimal_string(row["minor"], row["currency"]),
            "currency": row["currency"],
            "browser": bool(row["browser"]),
            "server": bool(row["server"]),
            "returning": None if row["is_returning"] is None else bool(row["is_returning"]),
        }
        for row in found
    ]
