"""A database of any earlier version becomes the newest one, and nothing in it is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.serve.commands import schemas
from tillpost.store import queries
from tillpost.store.sqlite import Database

EARLIER = [
    (schema, number)
    for schema in schemas.FILES.values()
    for number, _, _ in queries.migrations(schema)[:-1]
]
DERIVED = "segments"
"""What is made of the rest, and made anew where its columns change."""
_APPLICATION_ID = 0x7111_9057
_VALUES = {"INTEGER": 1, "REAL": 1.5, "TEXT": "x", "BLOB": b"x"}


def _earlier(path: Path, schema: str, number: int) -> None:
    """A database as the version with this migration left it, with a row in every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        for step, _, text in queries.migrations(schema)[:number]:
            database.executescript(text)
            database.execute(f"PRAGMA user_version={step}")
        for table in _tables(database):
            _fill(database, table)


def _fill(database: sqlite3.Connection, table: str) -> None:
    columns = database.execute(f"PRAGMA table_info({table})").fetchall()
    names = ", ".join(column[1] for column in columns)
    values = [_VALUES.get(column[2].split("(")[0].upper(), "x") for column in columns]
    holes = ", ".join("?" for _ in columns)
    database.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({holes})", values)


def _tables(database: sqlite3.Connection) -> list[str]:
    rows = database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [name for (name,) in rows]


def _counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        return {
            table: database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in _tables(database)
        }


def _shape(path: Path) -> dict[str, list[tuple[str, str, int, int]]]:
    """Every table's columns, whatever their order, and the names of the indexes."""
    with closing(sqlite3.connect(path)) as database:
        indexes = database.execute("SELECT name FROM sqlite_schema WHERE type <> 'table'")
        shape: dict[str, list[tuple[str, str, int, int]]] = {f"({name})": [] for (name,) in indexes}
        for table in _tables(database):
            columns = database.execute(f"PRAGMA table_info({table})").fetchall()
            shape[table] = sorted((c[1], c[2], c[3], c[5]) for c in columns)
        return shape


@pytest.mark.parametrize(("schema", "number"), EARLIER)
def test_every_earlier_schema_becomes_the_newest(tmp_path: Path, schema: str, number: int) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    _earlier(old, schema, number)
    before = _counts(old)
    Database(old, schema).close()
    Database(new, schema).close()
    assert _shape(old) == _shape(new)
    after = _counts(old)
    before.pop(DERIVED, None)
    assert {table: after.get(table) for table in before} == before
    with closing(sqlite3.connect(old)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_status_tells_what_is_to_do_and_migrate_does_it(tmp_path: Path) -> None:
    steps = queries.migrations("gateway")
    _earlier(tmp_path / "tillpost.db", "gateway", 2)
    (state,) = schemas.states(tmp_path)
    assert (state.version, state.newest) == (2, steps[-1][0])
    assert state.pending == tuple(name for number, name, _ in steps if number > 2)
    before, after = schemas.migrate(tmp_path)
    assert [s.version for s in before] == [2]
    assert [(s.version, s.pending) for s in after] == [(steps[-1][0], ())]


def test_a_file_that_is_no_database_of_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no database"):
        schemas.states(tmp_path)
    (tmp_path / "tillpost.db").write_bytes(b"not a database" * 100)
    with pytest.raises(Misconfigured, match="damaged"):
        schemas.states(tmp_path)
