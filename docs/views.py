"""What the page on SQL views prints: the views of a new database, with their comments."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from docs.tables import code, table

from tillpost.store import queries

_ABOUT = re.compile(r"^CREATE VIEW \w+ AS\n-- (.+)$", re.MULTILINE)
_COLUMN = re.compile(r" AS (\w+),? -- (.+)$", re.MULTILINE)


def views() -> Iterator[tuple[str, str]]:
    """Name and text of every view that others may read, by name."""
    with closing(sqlite3.connect(":memory:")) as database:
        for _, _, text in queries.migrations("gateway"):
            database.executescript(text)
        yield from database.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND name LIKE 'view_%' "
            "ORDER BY name"
        ).fetchall()


def reference() -> Iterator[str]:
    """A heading, a sentence and a table of columns for every view."""
    for name, text in views():
        about = _ABOUT.search(text)
        columns = table(("column", "is"), [(code(c), told) for c, told in _COLUMN.findall(text)])
        yield f"## {name}\n\n{about[1] if about else ''}\n\n{columns}\n"
