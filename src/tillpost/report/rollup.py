"""Sums by day of what touches earned, so that a report over millions of orders is a moment's work.

All rule models and windows are summed once, by shop, day of the shop's zone, label and kind of
buyer. From there every report that sums credits over whole days is answered; other questions
(by touch date, refunds on their own day, parts of days, single orders) go to the facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tillpost.core.attribution import MODELS, WINDOWS
from tillpost.ports import Rows
from tillpost.report.engine import Engine
from tillpost.report.query import FOREVER, Period, Query
from tillpost.report.steps import CAMPAIGN_KEYS, CREDITING, SPENDING, text

ORDERS_AT_ONCE = 250_000
"""Orders that are summed together: more take memory and no less time."""

REPORTS = frozenset(
    {"ads", "channels", "campaigns", "models", "breakdown", "drill", "utm", "utm_health"}
)
"""Reports that sum credits, landings, spend or claims."""

_NEEDED = (*CAMPAIGN_KEYS, *SPENDING)
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


class RollUp(Engine):
    """An engine that holds the sums by day, and of the facts only what those reports still need.

    One report at a time may ask it.
    """

    def __init__(self, tables: Mapping[str, Rows], zones: Mapping[str, str]) -> None:
        """Sum all that the tables hold; `zones` are the shops' time zones by name."""
        super().__init__(tables)
        self._zones = dict(zones)
        rows = [(shop, *row) for shop, zone in zones.items() for row in offsets(zone)]
        run = self.connection.execute
        run("CREATE TABLE zones (shop VARCHAR, since BIGINT, until BIGINT, seconds BIGINT)")
        self._append("zones", rows)
        for number, span in enumerate(self._spans()):
            self.ask(Query(period=span), "channels", MODELS, tuple(WINDOWS))
            for step in (*CREDITING, "days", "tallied"):
                super().make(step, MODELS)
            run(f"{'INSERT INTO kept' if number else 'CREATE TABLE kept AS'} FROM tallied")
        run("DROP VIEW tallied")
        run("ALTER TABLE kept RENAME TO tallied")
        run("CREATE TABLE all_windows AS FROM windows")
        self._forget()

    def _spans(self) -> Iterator[Period]:
        """Periods of about `ORDERS_AT_ONCE` orders each, that together are all time."""
        edges = self.connection.execute(
            "SELECT moment FROM (SELECT moment, ROW_NUMBER() OVER (ORDER BY moment) AS place"
            " FROM orders) WHERE place % $1 = 0 ORDER BY moment",
            [ORDERS_AT_ONCE],
        ).fetchall()
        starts = [-FOREVER, *sorted({moment for (moment,) in edges})]
        for start, stop in zip(starts, [*starts[1:], FOREVER], strict=True):
            yield Period(start=start, stop=stop)

    def _forget(self) -> None:
        """Free what no report of sums reads."""
        run = self.connection.execute
        run("CREATE TABLE landed AS SELECT shop, moment, direct, paid, label FROM touches")
        run("DROP TABLE touches")
        run("ALTER TABLE landed RENAME TO touches")
        for name in ("journeys", "bounds", "order_visitors", "links", "order_keys", "days"):
            run(f"DROP TABLE {name}")

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
        super().close()


def _whole(period: Period, zone: ZoneInfo) -> bool:
    """Whether a period begins and ends with days of the zone, or has no end."""
    edges = [edge for edge in (period.start, period.stop) if edge not in {0, FOREVER}]
    moments = [datetime.fromtimestamp(edge, zone) for edge in edges]
    return all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)
