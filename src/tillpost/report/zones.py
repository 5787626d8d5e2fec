"""How far the clocks of shops are from UTC, as tables that reports read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tillpost.report.query import FOREVER

_FIRST, _LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


def offsets_of(zones: Mapping[str, str]) -> list[tuple[str, int, int, int]]:
    """Rows of `shop, since, until, seconds`, as `offsets` has them of each shop's zone."""
    return [(shop, *row) for shop, zone in zones.items() for row in offsets(zone)]


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
