"""What has changed between the facts that an engine holds and those of a later snapshot.

Only what may differ is looked at: rows beside the segments, and files that are new. It is
compared row by row, so that a fact that is told again unchanged moves nothing. Where files
were rewritten (for an erasure, or many into one) every fact is compared.
"""

from collections.abc import Mapping, Sequence

from tillpost.core.facts import KINDS, NUMBER, STALE, STALE_COLUMNS, declared
from tillpost.ports import Rows
from tillpost.report.engine import RENAMED, Engine, columns_of, facts_of, in_columns

GRAINS = {
    grain: [name for name, kind in KINDS.items() if kind.grain == grain]
    for grain in ("order", "link", "touch")
}
"""The kinds of facts that change together, by the key of the first."""


def look(engine: Engine, tables: Mapping[str, Rows], files: Sequence[str], *, whole: bool) -> None:
    """Make the tables `next_<kind>` of what these files and the fresh rows tell.

    `changed_<grain>` are made of them: the keys whose facts are not as the engine holds them.
    With `whole` the files are all there are, and what is not in them is gone.
    """
    run = engine.connection.execute
    run(f"CREATE TEMP TABLE {STALE} ({declared(STALE_COLUMNS)})")
    engine.append(STALE, tables.get(STALE, ([], []))[1])
    for name in KINDS:
        wanted = columns_of(name)
        own = [file for file in files if file.endswith(f"-{name}.parquet")]
        run(f"CREATE TEMP TABLE fresh_{name} ({declared(wanted)})")
        engine.append(f"fresh_{name}", list(in_columns(tables.get(name, ([], [])), list(wanted))))
        run(f"CREATE TEMP TABLE next_{name} AS {facts_of(name, own)}")
    for grain, names in GRAINS.items():
        run(f"CREATE TEMP TABLE asked_{grain} AS {_asked(grain, names, whole=whole)}")
        run(f"CREATE TEMP TABLE changed_{grain} AS {_changed(grain, names)}")


def take(engine: Engine) -> None:
    """Put what has changed in the place of what the engine holds."""
    run = engine.connection.execute
    for grain, names in GRAINS.items():
        key = _key(names[0])
        for name in names:
            held = ", ".join(RENAMED.get(column, column) for column in KINDS[names[0]].key)
            run(f"DELETE FROM kept.{name} WHERE ({held}) IN (SELECT ({key}) FROM changed_{grain})")
            engine.take(
                name, f"SELECT n.* FROM next_{name} n SEMI JOIN changed_{grain} USING ({key})"
            )


def _key(name: str) -> str:
    return ", ".join(f'"{column}"' for column in KINDS[name].key)


def _held(name: str) -> str:
    """The facts of a kind as the engine holds them, in the columns that segments have."""
    listed = ", ".join(f'{RENAMED.get(c, c)} AS "{c}"' for c in columns_of(name))
    joined = " JOIN labels USING (label)" if name == "touches" else ""
    return f"SELECT {listed} FROM {name}{joined}"


def _asked(grain: str, names: Sequence[str], *, whole: bool) -> str:
    """The keys to be compared."""
    kind, key = KINDS[names[0]], _key(names[0])
    stale = ", ".join(
        f"CAST({place} AS {NUMBER})" if kind.columns[column] == NUMBER else place
        for column, place in zip(kind.key, kind.found, strict=True)
    )
    parts = [f"SELECT {key} FROM next_{name}" for name in names]
    parts.append(f"SELECT {stale} FROM {STALE} WHERE grain = '{grain}'")
    if whole:
        parts += [f"SELECT {key} FROM kept.{name}" for name in names]
    return " UNION ".join(parts)


def _changed(grain: str, names: Sequence[str]) -> str:
    """The keys of which a row is held and not told, or told and not held."""
    key = _key(names[0])
    parts = []
    for name in names:
        held = f"SELECT f.* FROM ({_held(name)}) f SEMI JOIN asked_{grain} USING ({key})"
        parts += [
            f"SELECT {key} FROM (FROM next_{name} EXCEPT ALL {held})",
            f"SELECT {key} FROM ({held} EXCEPT ALL FROM next_{name})",
        ]
    return " UNION ".join(parts)
