"""What we make of published and observed identifiers, counted: `python -m tests.oracles.vectors`.

A row is covered if one of our spellings is one of those listed. Every other row must stand
in the table of docs/reference/identifiers.md that says where we differ, and why.
"""
# ruff: noqa: T201

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.shared import SHARED

from tillpost.core import identity

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "identifiers.md"


def rows() -> list[dict[str, Any]]:
    """The rows of one typed value; those of cookies tell a story, and are in `test_click`."""
    found: list[dict[str, Any]] = json.loads((SHARED / "vectors" / "identifiers.json").read_text())
    return [row for row in found if row["field"] != "fbc"]


def kind(row: dict[str, Any]) -> str:
    """`documented` by Meta, `agreed` by all of its implementations, or `disputed`."""
    return "documented" if row["documented"] else "agreed" if row["agreed"] else "disputed"


def covered(row: dict[str, Any]) -> bool:
    """Whether one of our hashes is listed, or neither side makes any."""
    found = identity.normalize(row["field"], row["input"])
    listed = {output["normalized"] for output in row["outputs"]}
    return bool(listed.intersection(found.values)) or (
        not found.values and bool(listed & {None, ""})
    )


def explained(row: dict[str, Any]) -> bool:
    """Whether the docs say why we differ."""
    typed = re.escape(f"`{row['field']}` | `{row['input']}`")
    return re.search(rf"^\| {typed}", PAGE.read_text(), re.MULTILINE) is not None


def main() -> None:
    """Print the counts."""
    total, good = Counter[str](), Counter[str]()
    for row in rows():
        total[kind(row)] += 1
        good[kind(row)] += covered(row)
    for name, count in total.items():
        print(f"{name}: {good[name]} of {count} ({100 * good[name] / count:.0f} %)")


if __name__ == "__main__":
    main()
