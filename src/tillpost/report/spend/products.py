"""What products cost the shop, from a CSV file: `product,cost,currency`. Sans-I/O.

A product is named by its SKU, its variant's id or its own id, whichever the file has.
"""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from tillpost.core import money
from tillpost.report.spend.problem import Problem

PRODUCT = ("product", "sku", "variant_id", "variant id", "product_id", "product id")
COST = ("cost", "cost per item", "unit cost", "unit_cost")


def read(text: str, currency: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows of `product, cost_minor, currency`, and a problem for each line that is none.

    `currency` stands in where no column tells it. Never raises for a file's content.
    """
    try:
        lines = list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        return [], [Problem(1, "", f"not a CSV file: {error}", "export it as CSV in UTF-8")]
    names = [cell.strip().lower() for cell in lines[0]] if lines else []
    product = next((names.index(name) for name in PRODUCT if name in names), None)
    cost = next((names.index(name) for name in COST if name in names), None)
    if product is None or cost is None:
        fix = "name the columns product and cost"
        return [], [Problem(1, "", "no heading line with a product and its cost", fix)]
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for line, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        told = _cell(cells, names.index("currency")) if "currency" in names else ""
        found = _row(line, _cell(cells, product), _cell(cells, cost), told.upper() or currency)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            rows.append(found)
    return rows, problems


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


def _row(line: int, product: str, cost: str, currency: str) -> dict[str, Any] | Problem:
    if not product:
        return Problem(line, "product", "no product is named", "write its SKU or id")
    try:
        minor = money.to_minor(cost, currency)
    except money.MoneyError as error:
        return Problem(line, "cost", str(error), "write it as 12.50, and the currency as USD")
    if minor < 0:
        return Problem(line, "cost", f"{cost[:40]!r} is below nothing", "write what a piece costs")
    return {"product": product, "cost_minor": minor, "currency": currency}
