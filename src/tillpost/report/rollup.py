"""What touches earned, kept beside the facts, so that a report over millions is a moment's work.

Two things are kept. All rule models and windows are summed by shop, day of the shop's zone,
label and kind of buyer: reports that sum credits over whole days are answered from there. And
every order stands in one row with its money, each journey in another with all its touches:
whatever else is asked (by touch date, refunds on their own day, single orders, paths) is made
of these, without looking for the touches again. Only other currencies go back to the facts.

What is kept follows the facts by changed day: of a later snapshot only the days are made again
whose orders, or what those were credited by, have changed. It may lie in a file, and goes on
from there after a restart.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tillpost.core.attribution import DAY, MODELS, WINDOWS
from tillpost.core.facts import CURSORS, EXACT, FOLLOWED, SEGMENTS, changed
from tillpost.ports import Rows
from tillpost.report import changes
from tillpost.report.engine import SCHEMA, Engine, Held, connected, declared_as, in_columns
from tillpost.report.query import FOREVER, Period, Query, numbered
from tillpost.report.question import Mode, Question
from tillpost.report.steps import CREDITING, SALES, every_text, text
from tillpost.report.zones import offsets_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ORDERS_AT_ONCE = 250_000
"""Orders that are summed together: more take memory and no less time."""

SUMS = frozenset(
    {"ads", "channels", "campaigns", "models", "breakdown", "drill", "utm", "utm_health"}
)
"""Reports that sum credits, landings, spend or claims."""

FORM = 3
"""Raised when what is kept is made in another way than by other texts."""

KEPT = {"tallied": "tallied", "sold": "kept/sold", "packed": "kept/packed"}
"""What is kept by shop and day of the order, and the steps that make it."""

WHOLE = ("spend",)
"""Tables that are read whole each time."""

_STEPS = (*SALES, "days", *CREDITING[len(SALES) :], "tallied")


class Outdated(Exception):
    """What is kept has to be made anew."""


class RollUp(Engine):
    """Keeps sums, orders and journeys, and the facts, by which it follows what changes.

    Questions see what the last `settle` left, also while `prepare` works; `end` it after use.
    """

    def __init__(
        self, tables: Mapping[str, Rows] | None, zones: Mapping[str, str], file: Path | None = None
    ) -> None:
        """Make all that is kept from these tables, in memory or in a file that is not there yet.

        `zones` are the shops' time zones by name. With no tables, what the file holds is opened;
        raises `Outdated` if that is not what this version would make for these shops.
        """
        self.connection = connected()
        self._zones = dict(zones)
        self._signature = _signature(zones)
        self._work: _Work | None = None
        self.cursors: dict[str, str] = {}
        """How far the stores were read for `FOLLOWED`: what has changed since is asked for."""
        place = ":memory:" if file is None else str(file).replace("'", "''")
        self.connection.execute(f"ATTACH '{place}' AS kept")
        self.connection.execute("SET search_path = 'kept.main,memory.main'")
        if tables is not None:
            self._make(tables)
        elif not self._resume():
            self.connection.close()
            raise Outdated

    def _resume(self) -> bool:
        """Whether what is kept is what this version would make for these shops; then go on."""
        run = self.connection.execute
        if not run("SELECT 1 FROM duckdb_tables() WHERE table_name = 'state'").fetchall():
            return False
        found = run("FROM state").fetchall()
        if len(found) != 1 or found[0][0] != self._signature:
            return False
        self._files, self._lasting = frozenset(json.loads(found[0][1])), found[0][2]
        self.cursors = json.loads(found[0][3])
        return True

    def _make(self, tables: Mapping[str, Rows]) -> None:
        run = self.connection.execute
        self._files, self._lasting, self.cursors = _files(tables), _lasting(tables), _read(tables)
        self._load(tables)
        self.append("zones", offsets_of(self._zones))
        run("CREATE TABLE all_windows (number INTEGER, window_name VARCHAR, seconds BIGINT)")
        self.append("all_windows", numbered(tuple(WINDOWS)))
        run("CREATE TABLE letters (channel VARCHAR, letter VARCHAR)")
        work = self._working()
        for number, span in enumerate(work.spans()):
            work.sum(span)
            for name in KEPT:
                into = "INSERT INTO" if number else "CREATE TABLE"
                work.run_text(f"{into} kept.{name} {'' if number else 'AS '}FROM {name}")
        work.close()
        run(
            "CREATE TABLE state"
            " (signature VARCHAR, files VARCHAR, lasting VARCHAR, cursors VARCHAR)"
        )
        self._note(self)

    def _note(self, engine: Engine) -> None:
        """Write down what all that is kept is of."""
        engine.connection.execute("DELETE FROM kept.state")
        engine.connection.execute(
            "INSERT INTO kept.state VALUES ($1, $2, $3, $4)",
            [
                self._signature,
                json.dumps(sorted(self._files)),
                self._lasting,
                json.dumps(self.cursors),
            ],
        )

    def _working(self) -> "_Work":
        return _Work(_beside(self.connection))

    def prepare(self, tables: Mapping[str, Rows]) -> int:
        """Make the days again that a later snapshot changes; how many there are.

        Questions see nothing new before `settle`; if this fails, nothing has happened. Raises
        `Outdated` if all has to be made anew, since money is turned at other rates.
        """
        if _lasting(tables) != self._lasting:
            raise Outdated
        self._leave()
        work = self._work = self._working()
        work.run_text("BEGIN")
        files = _files(tables)
        whole = SEGMENTS not in tables or bool(self._files - files)
        looked = [json.loads(f)[0] for f in sorted(files if whole else files - self._files)]
        changes.look(work, tables, looked, whole=whole)
        days = self._follow(work)
        self._files = files
        self.cursors = _read(tables)
        for name in (*WHOLE, *FOLLOWED):
            if changed(name) in tables:
                _replace(work, name, tables[name], tables[changed(name)])
            else:
                _renew(work, name, tables.get(name, ([], [])))
        return days

    @staticmethod
    def _follow(work: "_Work") -> int:
        """Take what has changed, and make the days again that it had or now has a part in."""
        work.run_text(f"CREATE TEMP TABLE affected AS {text('affected')}")
        changes.take(work)
        work.run_text(f"INSERT INTO affected {text('affected')}")
        since, until, days = work.run_text(
            "SELECT MIN(first_moment), MAX(last_moment), COUNT(DISTINCT (shop, day)) FROM affected"
        ).fetchall()[0]
        for name in KEPT:
            work.run_text(
                f"DELETE FROM kept.{name} WHERE (shop, day) IN (SELECT (shop, day) FROM affected)"
            )
        for span in work.spans(since - 2 * DAY, until + 2 * DAY) if days else ():
            work.sum(span, chosen=True)
            for name in KEPT:
                work.run_text(f"INSERT INTO kept.{name} FROM {name}")
        return int(days)

    def settle(self) -> None:
        """Let questions see what `prepare` made; nothing if it made nothing."""
        work, self._work = self._work, None
        if work is None:
            return
        self._note(work)
        work.run_text("COMMIT")
        work.close()

    def _leave(self) -> None:
        """Undo what was prepared and not settled."""
        if self._work is not None:
            self._work.close()
            self._work = None
            self._resume()

    def mode(self, name: str, query: Query) -> Mode:
        """What the report can be made of: sums of days, orders with their journeys, or facts."""
        if query.currency is not None:
            return "facts"
        plain = (query.basis, query.refunds) == ("cash", "restate")
        parts = query.model == "participation" and name == "campaigns"
        zones = {z for shop, z in self._zones.items() if query.shop in {None, shop}}
        whole = len(zones) == 1 and _whole(query.period, ZoneInfo(next(iter(zones))))
        return "days" if name in SUMS and plain and not parts and whole else "orders"

    def question(self, name: str, query: Query, beside: Mapping[str, Rows] | None = None) -> Held:
        """What the report is given for its tables, to be asked once; `beside` are further ones."""
        engine = Question(_beside(self.connection), self.mode(name, query), beside or {})
        return Held(engine, beside)

    def close(self) -> None:
        """Leave what is kept, and free the memory."""
        self._leave()
        self.connection.execute("CHECKPOINT kept")
        super().close()


def left(zones: Mapping[str, str], file: Path) -> RollUp | None:
    """The roll-up that was left in a file; None if it cannot be gone on from.

    What it holds is of the moment at which it was left: `prepare` and `settle` come next.
    """
    import duckdb

    try:
        return RollUp(None, zones, file)
    except (Outdated, duckdb.Error):
        return None


class _Work(Engine):
    """A connection of its own, whose tables nobody else sees, in which what is kept is made."""

    _create = "CREATE OR REPLACE TEMP"

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self.connection = connection
        self.run_text = connection.execute

    def spans(self, since: int = -FOREVER, until: int = FOREVER) -> Iterator[Period]:
        """Periods of about `ORDERS_AT_ONCE` orders each, that together are this time."""
        edges = self.run_text(
            "SELECT moment FROM (SELECT moment, ROW_NUMBER() OVER (ORDER BY moment) AS place"
            " FROM orders WHERE moment > $1 AND moment < $2) WHERE place % $3 = 0",
            [since, until, ORDERS_AT_ONCE],
        ).fetchall()
        starts = [since, *sorted({moment for (moment,) in edges})]
        for start, stop in zip(starts, [*starts[1:], until], strict=True):
            yield Period(start=start, stop=stop)

    def sum(self, span: Period, *, chosen: bool = False) -> None:
        """Make what is kept of a period's orders, or of those of its `affected` days."""
        self.ask(Query(period=span), "channels", MODELS, tuple(WINDOWS))
        self.run_text(f"INSERT INTO kept.letters {text('kept/letters')}")
        for step in _STEPS:
            self.make(step, MODELS)
            if step == "days" and chosen:
                self.run_text(f"DELETE FROM sales WHERE {text('unaffected')}")
        for name in ("sold", "packed"):
            self.run_text(f"{self._create} TABLE {name} AS {text(KEPT[name])}")


def _beside(connection: "DuckDBPyConnection") -> "DuckDBPyConnection":
    """Another connection to the same tables."""
    other = connection.cursor()
    other.execute(EXACT)
    other.execute("SET search_path = 'memory.main,kept.main'")
    return other


def _replace(work: _Work, name: str, told: Rows, keys: Rows) -> None:
    """Put these rows in the place of all that are kept under these keys."""
    columns = ", ".join(keys[0])
    typed = ", ".join(f"{column} {SCHEMA[name][column]}" for column in keys[0])
    work.run_text(f"CREATE OR REPLACE TEMP TABLE gone ({typed})")
    work.append("gone", list(keys[1]))
    work.run_text(f"DELETE FROM kept.{name} WHERE ({columns}) IN (SELECT ({columns}) FROM gone)")
    _tell(work, name, told)
    work.run_text(f"INSERT INTO kept.{name} FROM told")


def _tell(work: _Work, name: str, told: Rows) -> None:
    """Make the table `told` of these rows.

    DuckDB 2.0.0 loses what is added, from 122,880 rows on, to a table that the same transaction
    made of an empty query: so its columns are declared.
    """
    work.run_text(f"CREATE OR REPLACE TEMP TABLE told ({declared_as(name)})")
    work.append("told", list(in_columns(told, list(SCHEMA[name]))))


def _renew(work: _Work, name: str, told: Rows) -> None:
    """Put a table's rows in the place of those that are kept, as far as they differ."""
    _tell(work, name, told)
    work.run_text(f"CREATE OR REPLACE TEMP TABLE more AS FROM told EXCEPT ALL FROM kept.{name}")
    work.run_text(f"CREATE OR REPLACE TEMP TABLE gone AS FROM kept.{name} EXCEPT ALL FROM told")
    if work.run_text("SELECT 1 FROM gone LIMIT 1").fetchall():
        work.run_text(f"DELETE FROM kept.{name}")
        work.run_text(f"INSERT INTO kept.{name} FROM told")
    else:
        work.run_text(f"INSERT INTO kept.{name} FROM more")
    work.run_text("DROP TABLE told")


def _signature(zones: Mapping[str, str]) -> str:
    """What changes with all that decides how things are kept."""
    told = json.dumps([FORM, sorted(zones.items()), sorted(every_text()), str(SCHEMA)])
    return hashlib.sha256(told.encode()).hexdigest()


def _files(tables: Mapping[str, Rows]) -> frozenset[str]:
    """The segments' files of these tables, each as JSON: its path, size and time."""
    found = []
    for _, _, file in tables.get(SEGMENTS, ([], []))[1]:
        stat = Path(file).stat()
        found.append(json.dumps([file, stat.st_size, stat.st_mtime_ns]))
    return frozenset(found)


def _read(tables: Mapping[str, Rows]) -> dict[str, str]:
    """How far each store was read for `FOLLOWED`."""
    return dict(tables.get(CURSORS, ([], []))[1])


def _lasting(tables: Mapping[str, Rows]) -> str:
    """What all money in the sums was turned by."""
    return json.dumps([list(tables.get(name, ([], []))[1]) for name in ("rates", "shops")])


def _whole(period: Period, zone: ZoneInfo) -> bool:
    """Whether a period begins and ends with days of the zone, or has no end."""
    edges = [edge for edge in (period.start, period.stop) if edge not in {0, FOREVER}]
    moments = [datetime.fromtimestamp(edge, zone) for edge in edges]
    return all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)
