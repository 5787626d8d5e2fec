"""The facts of reports as files: Parquet, CSV or JSON lines, from segments and what is fresh."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from tillpost.core.facts import EXACT, KINDS, SEGMENTS, STALE, STALE_COLUMNS, declared, merged
from tillpost.core.outcome import Misconfigured
from tillpost.ports import Rows
from tillpost.report.engine import SCHEMA

if TYPE_CHECKING:
    import duckdb

Format: TypeAlias = Literal["parquet", "csv", "jsonl"]

FORMATS: dict[Format, str] = {
    "parquet": "FORMAT parquet",
    "csv": "FORMAT csv, HEADER",
    "jsonl": "FORMAT json",
}

EXPORTED = ("orders", "refunds", "touches", "spend")
"""Facts without a key that names a person; identifiers and what they lead to stay."""

HIDDEN = frozenset({"checkout_token", "click_id"})
"""Columns that would tell whose a fact is."""


def export(tables: Mapping[str, Rows], folder: Path, style: Format) -> dict[str, int]:
    """Write a file a kind of fact into the folder; how many rows each has.

    Money is integer minor units, times are Unix seconds. Raises `Misconfigured` if the
    folder cannot be written to.
    """
    import duckdb

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:") as engine:
            engine.execute(EXACT)
            engine.execute(f"CREATE TABLE {STALE} ({declared(STALE_COLUMNS)})")
            _fill(engine, STALE, tables.get(STALE, ([], [])))
            return {name: _one(engine, tables, name, folder, style) for name in EXPORTED}
    except (OSError, duckdb.IOException) as error:
        raise Misconfigured(f"cannot write to {folder} ({error}): name another folder") from None


def _one(
    engine: "duckdb.DuckDBPyConnection",
    tables: Mapping[str, Rows],
    name: str,
    folder: Path,
    style: Format,
) -> int:
    columns = KINDS[name].columns if name in KINDS else SCHEMA[name]
    engine.execute(f"CREATE TABLE {name} ({declared(columns)})")
    _fill(engine, name, tables[name])
    shown = [column for column in columns if column not in HIDDEN]
    listed = ", ".join(f'"{column}"' for column in shown)
    query = f"SELECT {listed} FROM {name}"
    files = [file for _, kind, file in tables.get(SEGMENTS, ([], []))[1] if kind == name]
    if files:
        query += f" UNION ALL {merged(name, files, shown)}"
    target = str(folder / f"{name}.{style}").replace("'", "''")
    found = engine.execute(f"COPY ({query}) TO '{target}' ({FORMATS[style]})").fetchone()
    return int(found[0]) if found else 0


def _fill(engine: "duckdb.DuckDBPyConnection", name: str, rows: Rows) -> None:
    if rows[1]:
        appender = engine.appender(name)
        appender.append_rows(rows[1])
        appender.flush()
