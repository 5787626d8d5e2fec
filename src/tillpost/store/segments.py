"""Segments: immutable Parquet files of the facts that reports are made from, and a manifest.

Only the server writes them, one round after another. What changes after a segment is logged
by the database itself (`fresh`), so that reading finds, at one snapshot, the facts of the
files and those that have changed since. When facts have to leave (an erasure), or files are
many, all files of a kind become one.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tillpost.core.facts import EXACT, KINDS, SEGMENTS, STALE, STALE_COLUMNS, declared, merged
from tillpost.ports import Rows
from tillpost.store import queries
from tillpost.store.sqlite import Database

CHANGES_A_SEGMENT = 20_000
"""So many changes are kept beside the segments; more make a report slow to begin."""

MOST_FILES = 8
"""More files of one kind become one."""

AT_ONCE = 50_000
"""Rows that go from the database to a file together: however much waits, no more are held."""

MEMORY = "512MB"
"""What is held of a segment that is being written; beyond it, rows lie beside the segments."""

_ALL = 2**62

GRACE_SECONDS = 60.0
"""How long a file that is no longer listed stays for those that read it."""


def tables(conn: sqlite3.Connection, directory: Path, names: Iterable[str]) -> dict[str, Rows]:
    """These tables at the connection's snapshot: of kinds in segments, only what is fresh.

    If any is in segments, the manifest and what is stale in the files stand beside them.
    """
    manifest = conn.execute(queries.load("segments")["manifest"]).fetchall()
    found = {name: rows_of(conn, _text(name, within=bool(manifest))) for name in names}
    if manifest and KINDS.keys() & found.keys():
        listed = [(number, kind, str(directory / file)) for number, kind, file in manifest]
        found[SEGMENTS] = ["number", "kind", "file"], listed
        found[STALE] = rows_of(conn, queries.load("segments")["stale"])
    return found


def rows_of(conn: sqlite3.Connection, text: str) -> Rows:
    """Column names and rows of a query."""
    cursor = conn.execute(text)
    return [column[0] for column in cursor.description], cursor.fetchall()


def _text(name: str, *, within: bool) -> str:
    if within and name in KINDS:
        return queries.load("segments")[f"fresh_{name}"]
    return queries.load("gateway")[f"table_{name}"]


class SegmentWriter:
    """Writes the segments of one gateway database, beside it; `clock` is monotonic seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._db = database
        self._directory = database.path.parent
        self._clock = clock
        self._sql = queries.load("segments")
        self._left: dict[str, float] = {}

    def round(self) -> int:
        """Write a segment if enough has changed; returns how many facts were written.

        Files that no reading of the last minute can need are removed.
        """
        with self._db.reader() as conn:
            _, changes, last, before = conn.execute(self._sql["state"]).fetchone()
            files = _by_kind(conn.execute(self._sql["manifest"]).fetchall())
            due = max(changes, last - before) >= CHANGES_A_SEGMENT
            lost = due and conn.execute(self._sql["lost"]).fetchone()[0]
        if due:
            many = max((len(listed) for listed in files.values()), default=0) >= MOST_FILES
            return self.write(whole=bool(many or lost))
        self._remove({Path(file).name for listed in files.values() for file in listed})
        return 0

    def facts(self) -> int:
        """How many facts the files hold."""
        with self._db.reader() as conn:
            return int(conn.execute(self._sql["facts"]).fetchone()[0])

    def forget(self) -> None:
        """Once facts were erased: rewrite every file without them, and the log that named them."""
        with self._db.reader() as conn:
            any_files = conn.execute(self._sql["manifest"]).fetchone() is not None
        if any_files:
            self.write(whole=True)
            self._left.clear()
            self._remove(self._listed())
        else:
            self._db.write_now(self._trim)

    def write(self, *, whole: bool) -> int:
        """Write what has changed into new files; `whole` ones hold what the older ones held."""
        with self._db.reader() as conn:
            reach, _, last, _ = conn.execute(self._sql["state"]).fetchone()
            files = _by_kind(conn.execute(self._sql["manifest"]).fetchall())
            made = self._files(conn, files, whole=whole)

        def work(conn: sqlite3.Connection) -> None:
            if whole:
                conn.execute(self._sql["drop_segments"])
            conn.executemany(self._sql["add_segment"], made)
            conn.execute(self._sql["reach"], (last,))
            self._trim(conn, reach)

        self._db.write_now(work)
        if whole:
            self._left |= {file: self._clock() for listed in files.values() for file in listed}
        return sum(facts for _, _, _, facts in made)

    def _trim(self, conn: sqlite3.Connection, reach: int = _ALL) -> None:
        """Drop the log up to this change."""
        conn.execute(self._sql["trim"], (reach,))

    def _files(
        self, conn: sqlite3.Connection, files: Mapping[str, list[str]], *, whole: bool
    ) -> list[tuple[int, str, str, int]]:
        """A new file of each kind, as the manifest lists it, of fresh facts and older files."""
        import duckdb

        (self._directory / SEGMENTS).mkdir(exist_ok=True)
        number = _next(files)
        made: list[tuple[int, str, str, int]] = []
        with duckdb.connect(":memory:") as engine:
            engine.execute(EXACT)
            engine.execute(f"SET memory_limit = '{MEMORY}'")
            engine.execute("SET temp_directory = $1", [str(self._spilled())])
            engine.execute(f"CREATE TABLE {STALE} ({declared(STALE_COLUMNS)})")
            pour(engine, STALE, conn.execute(self._sql["stale"]))
            for name, kind in KINDS.items():
                engine.execute(f"CREATE TABLE {name} ({declared(kind.columns)})")
                pour(engine, name, conn.execute(_text(name, within=bool(files))))
                old = [str(self._directory / file) for file in files.get(name, ()) if whole]
                query = f"SELECT * FROM {name}" + (f" UNION ALL {merged(name, old)}" if old else "")
                file = f"{SEGMENTS}/{number:08d}-{name}.parquet"
                facts = _copy(engine, query, number, self._directory / file)
                engine.execute(f"DROP TABLE {name}")
                made.append((number, name, file, facts))
        return made

    def _spilled(self) -> Path:
        """Where rows lie that memory does not hold; nothing of a write that was broken off."""
        folder = self._directory / f"{SEGMENTS}.part"
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _listed(self) -> set[str]:
        with self._db.reader() as conn:
            return {Path(file).name for _, _, file in conn.execute(self._sql["manifest"])}

    def _remove(self, listed: set[str]) -> None:
        """Remove files that are listed no more."""
        folder = self._directory / SEGMENTS
        for file in folder.iterdir() if folder.is_dir() else ():
            since = self._left.get(f"{SEGMENTS}/{file.name}", float("-inf"))
            if file.name not in listed and self._clock() - since > GRACE_SECONDS:
                file.unlink()
                self._left.pop(f"{SEGMENTS}/{file.name}", None)


def _next(files: Mapping[str, list[str]]) -> int:
    """The number of the next segment; files are named by theirs."""
    known = (int(Path(file).name.split("-")[0]) for listed in files.values() for file in listed)
    return max(known, default=0) + 1


def _by_kind(manifest: Iterable[tuple[int, str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, kind, file in manifest:
        found.setdefault(kind, []).append(file)
    return found


def fill(engine: Any, name: str, rows: list[tuple[Any, ...]]) -> None:
    """Append rows to a table of a DuckDB connection."""
    if rows:
        appender = engine.appender(name)
        appender.append_rows(rows)
        appender.flush()


def pour(engine: Any, name: str, rows: sqlite3.Cursor) -> None:
    """Append all rows of a cursor to a table of a DuckDB connection, `AT_ONCE` together."""
    while piece := rows.fetchmany(AT_ONCE):
        fill(engine, name, piece)


def _copy(engine: Any, query: str, version: int, file: Path) -> int:
    """Write a query's rows as a Parquet file that is on disk, whole, or not there at all."""
    part = file.with_suffix(".part")
    told = str(part).replace("'", "''")
    text = f"COPY (SELECT *, {version} AS version FROM ({query})) TO '{told}' (FORMAT parquet)"
    facts = int(engine.execute(text).fetchone()[0])
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(file)
    return facts
