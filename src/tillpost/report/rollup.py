"""Sums by day of what touches earned, so that a report over millions of orders is a moment's work.

All rule models and windows are summed once, by shop, day of the shop's zone, label and kind of
buyer. From there every report that sums credits over whole days is answered; other questions
(by touch date, refunds on their own day, parts of days, single orders) go to the facts.

The sums follow the facts by changed day: of a later snapshot only the days are summed again
whose orders, or what those were credited by, have changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tillpost.core.attribution import DAY, MODELS, WINDOWS
from tillpost.core.facts import SEGMENTS
from tillpost.ports import Rows
from tillpost.report import changes
from tillpost.report.engine import SCHEMA, Engine, in_columns
from tillpost.report.query import FOREVER, Period, Query, numbered
from tillpost.report.steps import CAMPAIGN_KEYS, CREDITING, SALES, SPENDING, text

ORDERS_AT_ONCE = 250_000
"""Orders that are summed together: more take memory and no less time."""

REPORTS = frozenset(
    {"ads", "channels", "campaigns", "models", "breakdown", "drill", "utm", "utm_health"}
)
"""Reports that sum credits, landings, spend or claims."""

_NEEDED = (*CAMPAIGN_KEYS, *SPENDING)
_STEPS = (*SALES, "days", *CREDITING[len(SALES) :], "tallied")

_WORK = "work"
"""The schema in which sums are made; reports know nothing of it."""
_FIRST, _LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


@cache
def offsets(zone: str) -> tuple[tuple[int, int, int], ...]:
    """Since, until (Unix seconds) and seconds east of UTC of a zone; changes from 2010 to 2040."""
    place = ZoneInfo(zone)
    found: list[tuple[int, int]] = [(-FOREVER, _east(_FIRST, place))]
    day = _FIRST
    while day < _LAST:
        after = day + timedelta(days=1)
        if _east(after, place) != found[-1][1]:
            found.append((_change(day, after, place), _east(after, place)))
        day = after
    ends = [since for since, _ in found[1:]] + [FOREVER]
    return tuple((since, end, east) for (since, east), end in zip(found, ends, strict=True))


def _east(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> int:
    """The first second of the new offset between two moments."""
    low, high = int(before.timestamp()), int(after.timestamp())
    old = _east(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _east(datetime.fromtimestamp(middle, UTC), zone) == old:
            low = middle
        else:
            high = middle
    return high


class Outdated(Exception):
    """Sums that have to be made anew."""


class RollUp(Engine):
    """An engine that holds the sums by day, and the facts, by which it follows what changes.

    One report at a time may ask it, also while `prepare` works, but not while `settle` does.
    """

    def __init__(self, tables: Mapping[str, Rows], zones: Mapping[str, str]) -> None:
        """Sum all that the tables hold; `zones` are the shops' time zones by name."""
        super().__init__(tables)
        self._zones = dict(zones)
        self._files = _files(tables)
        self._lasting: list[Any] | None = _lasting(tables)
        self._next: Mapping[str, Rows] = {}
        rows = [(shop, *row) for shop, zone in zones.items() for row in offsets(zone)]
        run = self.connection.execute
        run("CREATE TABLE zones (shop VARCHAR, since BIGINT, until BIGINT, seconds BIGINT)")
        self.append("zones", rows)
        run("CREATE TABLE all_windows (number INTEGER, window_name VARCHAR, seconds BIGINT)")
        self.append("all_windows", numbered(tuple(WINDOWS)))
        self._work = self.beside()
        self._work.clear(_WORK)
        self._run = self._work.connection.execute
        for number, span in enumerate(self._spans()):
            self._sum(span)
            into = "INSERT INTO main.tallied" if number else "CREATE TABLE main.tallied AS"
            self._run(f"{into} FROM tallied")
        self._work.clear(_WORK)

    def _spans(self, since: int = -FOREVER, until: int = FOREVER) -> Iterator[Period]:
        """Periods of about `ORDERS_AT_ONCE` orders each, that together are this time."""
        edges = self._work.connection.execute(
            "SELECT moment FROM (SELECT moment, ROW_NUMBER() OVER (ORDER BY moment) AS place"
            " FROM orders WHERE moment > $1 AND moment < $2) WHERE place % $3 = 0",
            [since, until, ORDERS_AT_ONCE],
        ).fetchall()
        starts = [since, *sorted({moment for (moment,) in edges})]
        for start, stop in zip(starts, [*starts[1:], until], strict=True):
            yield Period(start=start, stop=stop)

    def _sum(self, span: Period, *, chosen: bool = False) -> None:
        """Make the sums of a period's orders, or of those of its `affected` days."""
        self._work.ask(Query(period=span), "channels", MODELS, tuple(WINDOWS))
        for step in _STEPS:
            self._work.make(step, MODELS)
            if step == "days" and chosen:
                self._run(f"DELETE FROM sales WHERE {text('unaffected')}")

    def prepare(self, tables: Mapping[str, Rows]) -> int:
        """Sum again the days that a later snapshot changes; how many there are.

        Reports see no new sum before `settle`. Raises `Outdated` if all sums have to be made
        anew: money is turned at other rates, or an earlier round was broken off.
        """
        if _lasting(tables) != self._lasting:
            raise Outdated
        self._lasting = None
        files = _files(tables)
        whole = SEGMENTS not in tables or bool(self._files - files)
        looked = sorted(files if whole else files - self._files)
        changes.look(self._work, tables, looked, whole=whole)
        days = self._follow()
        self._files, self._next = files, tables
        return days

    def _follow(self) -> int:
        """Take what has changed, and sum the days again that it had or now has a part in."""
        self._run(f"CREATE TABLE affected AS {text('affected')}")
        changes.take(self._work)
        self._run(f"INSERT INTO affected {text('affected')}")
        since, until, days = self._run(
            "SELECT MIN(first_moment), MAX(last_moment), COUNT(DISTINCT (shop, day)) FROM affected"
        ).fetchall()[0]
        self._run("CREATE TABLE again AS FROM main.tallied LIMIT 0")
        for span in self._spans(since - 2 * DAY, until + 2 * DAY) if days else ():
            self._sum(span, chosen=True)
            self._run("INSERT INTO again FROM tallied")
        return int(days)

    def settle(self) -> None:
        """Let reports see what `prepare` made."""
        self._run("BEGIN")
        self._run(
            "DELETE FROM main.tallied WHERE (shop, day) IN (SELECT (shop, day) FROM affected)"
        )
        self._run("INSERT INTO main.tallied FROM again")
        for name in ("spend", "conversions"):
            self._run(f"DELETE FROM main.{name}")
            told = self._next.get(name, ([], []))
            self._work.append(name, list(in_columns(told, list(SCHEMA[name]))))
        self._run("COMMIT")
        self._lasting, self._next = _lasting(self._next), {}
        self._work.clear(_WORK)

    def fits(self, name: str, query: Query) -> bool:
        """Whether the report is one of sums over whole days of the shops it is about."""
        plain = (query.basis, query.refunds, query.currency) == ("cash", "restate", None)
        parts = query.model == "participation" and name == "campaigns"
        zones = {z for shop, z in self._zones.items() if query.shop in {None, shop}}
        whole = len(zones) == 1 and _whole(query.period, ZoneInfo(next(iter(zones))))
        return name in REPORTS and plain and not parts and whole

    def make(self, step: str, models: Sequence[str]) -> None:
        """What touches earned comes from the sums; the steps before it are not needed."""
        if step == "earned":
            self.connection.execute(f"CREATE OR REPLACE VIEW earned AS {text('earned_of_days')}")
        elif step in _NEEDED:
            super().make(step, models)

    def close(self) -> None:
        """Nothing: it serves the next report. `end` frees the memory."""

    def end(self) -> None:
        """Free the memory."""
        self._work.close()
        super().close()


def _files(tables: Mapping[str, Rows]) -> frozenset[str]:
    """The segments' files of these tables."""
    return frozenset(file for _, _, file in tables.get(SEGMENTS, ([], []))[1])


def _lasting(tables: Mapping[str, Rows]) -> list[Any]:
    """What all money in the sums was turned by."""
    return [list(tables.get(name, ([], []))[1]) for name in ("rates", "shops")]


def _whole(period: Period, zone: ZoneInfo) -> bool:
    """Whether a period begins and ends with days of the zone, or has no end."""
    edges = [edge for edge in (period.start, period.stop) if edge not in {0, FOREVER}]
    moments = [datetime.fromtimestamp(edge, zone) for edge in edges]
    return all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)
