"""Named SQL: every statement stands in a `.sql` file under `store/sql/`, with a name."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_NAME = re.compile(r"^-- name: *([a-z0-9_]+) *$", re.MULTILINE)


@cache
def load(schema: str) -> dict[str, str]:
    """The named queries of `store/sql/<schema>/queries.sql`: name -> SQL text."""
    return named((_folder(schema) / "queries.sql").read_text("utf-8"))


def named(text: str) -> dict[str, str]:
    """The queries of a text: each begins with a line `-- name: NAME`."""
    parts = _NAME.split(text)
    return {
        name: query.strip().rstrip(";")
        for name, query in zip(parts[1::2], parts[2::2], strict=True)
    }


@cache
def migrations(schema: str) -> tuple[tuple[int, str, str], ...]:
    """The numbered migrations of a schema, in order: (number, file name, SQL text)."""
    found = [
        (int(entry.name[:4]), entry.name, entry.read_text("utf-8"))
        for entry in (_folder(schema) / "migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return tuple(sorted(found))


def _folder(schema: str) -> Traversable:
    return files("tillpost.store") / "sql" / schema
