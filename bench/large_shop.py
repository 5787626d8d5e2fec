"""A large shop on disk, made at once: what the gateway and the receiver keep of so many orders.

DuckDB makes every table from numbers alone, so that the same size is always the same shop;
the rows go into SQLite and the facts into a Parquet segment, as a server would have left them.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tillpost.core import dedup
from tillpost.core.channel import RULES_VERSION
from tillpost.core.facts import KINDS
from tillpost.store import queries
from tillpost.store.sqlite import Database

DAY = 86_400
DAYS = 180
DATASET = "1234567890123456"
DESTINATION = f"meta:{DATASET}"
AT_ONCE = 100_000

SQL = Path(__file__).with_suffix(".sql")


def fill(directory: Path, orders: int, touches: int, now: int) -> None:
    """A shop `demo` of so many orders over 180 days: its facts, events, deliveries and receipts."""
    given = {
        "orders": orders, "touches": touches, "now": now, "span": DAYS * DAY, "days": DAYS,
        "customers": max(1, orders * 2 // 5), "rules": RULES_VERSION,
        "destination": DESTINATION, "dataset": DATASET,
    }  # fmt: skip
    with duckdb.connect(":memory:") as made:
        made.execute("SET enable_progress_bar = false")
        texts = {
            name: text.format(**given) for name, text in queries.named(SQL.read_text()).items()
        }
        for text in _of("made", texts).values():
            made.execute(text)
        _gateway(made, directory, texts, given)
        _receiver(made, directory, texts)


def _of(part: str, texts: dict[str, str]) -> dict[str, str]:
    """The queries whose names begin with this word, by the rest of their names."""
    return {n.removeprefix(f"{part}_"): t for n, t in texts.items() if n.startswith(f"{part}_")}


def _gateway(made: Any, directory: Path, texts: dict[str, str], given: dict[str, Any]) -> None:
    database = _opened(directory / "tillpost.db", "gateway")
    (directory / "segments").mkdir(exist_ok=True)
    for name, text in _of("facts", texts).items():
        file = f"segments/00000001-{name}.parquet"
        target = str(directory / file).replace("'", "''")
        made.execute(f"COPY (SELECT *, 1 AS version FROM ({text})) TO '{target}'")
        count = made.execute(f"SELECT COUNT(*) FROM ({text})").fetchone()[0]
        database.execute("INSERT INTO segments VALUES (1, ?, ?, ?)", (name, file, count))
        if name != "orders":
            _copy(made, text, database, name, tuple(KINDS[name].columns))
    for name, text in _of("gateway", texts).items():
        _copy(made, text, database, name)
    database.execute("INSERT INTO progress VALUES ('segments', ?)", (given["touches"],))
    database.execute("INSERT INTO accepted VALUES ('demo', ?, ?)", (DESTINATION, given["orders"]))
    _close(database)


def _receiver(made: Any, directory: Path, texts: dict[str, str]) -> None:
    database = _opened(directory / "receiver.db", "receiver")
    for name, text in _of("receiver", texts).items():
        _copy(made, text, database, name)
    numbers = made.execute("SELECT i, browser FROM orders ORDER BY i")
    marks = (
        (dedup.id_mark(DATASET, "Purchase", f"purchase.t{i}"), 2 * i + 1 + b)
        for i, browser in _fetched(numbers)
        for b in range(1 + browser)
    )
    database.executemany("INSERT INTO trail VALUES (?, ?)", marks)
    _close(database)


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    """A new database without what keeps it consistent while rows come in; `_close` puts it back."""
    Database(path, schema).close()
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE " + _APART)
    for kind, name in database.execute("SELECT type, name FROM kept").fetchall():
        database.execute(f"DROP {kind} {name}")
    database.execute("BEGIN")
    return database


_APART = "sql IS NOT NULL AND type IN ('index', 'trigger')"


def _close(database: sqlite3.Connection) -> None:
    for (text,) in database.execute("SELECT sql FROM kept ORDER BY type").fetchall():
        database.execute(text)
    database.execute("COMMIT")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()


def _copy(
    made: Any, text: str, database: sqlite3.Connection, name: str, columns: tuple[str, ...] = ()
) -> None:
    """The rows of a query as rows of a table: of all its columns, or of those named."""
    cursor = made.execute(text)
    marks = ", ".join("?" * len(cursor.description))
    listed = f" ({', '.join(columns)})" if columns else ""
    database.executemany(f"INSERT INTO {name}{listed} VALUES ({marks})", _fetched(cursor))


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(AT_ONCE):
        yield from rows
