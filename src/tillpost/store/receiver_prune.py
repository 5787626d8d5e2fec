"""Forgets what is too old or too much, a bounded part at a time, so that no writer waits long."""

import sqlite3
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from tillpost.core import dedup
from tillpost.core.received import Bound, Bounds
from tillpost.store.receiver_rows import settled_event

AT_ONCE = 5_000
"""About how many rows of one kind go in one transaction."""

MOST_ROUNDS = 200
"""Transactions of one pruning; what is left goes with the next."""

_DAY = 86_400
_SEEN_DAYS = 8


class Cut(NamedTuple):
    """Before which time each kind goes; of calls, also up to which number."""

    calls: float
    most_calls: int
    events: float
    touches: float
    seen: float


def cut(connection: sqlite3.Connection, sql: Mapping[str, str], bounds: Bounds, now: float) -> Cut:
    """Where the bounds lie, by age or by number, whichever is nearer."""
    events = connection.execute(sql["first_event_within"], (bounds.events.most,)).fetchone()
    touches = connection.execute(sql["first_touch_within"], (bounds.touches.most,)).fetchone()
    return Cut(
        calls=_since(bounds.calls, now),
        most_calls=bounds.calls.most,
        events=max(_since(bounds.events, now), events[0] if events else 0.0),
        touches=max(_since(bounds.touches, now), touches[0] if touches else 0.0),
        seen=now - _SEEN_DAYS * _DAY,
    )


def prune(connection: sqlite3.Connection, sql: Mapping[str, str], before: Cut) -> int:
    """Remove one part of what lies before the cut; returns how many rows, 0 if none is left."""
    calls = connection.execute(sql["prune_calls"], (before.calls, before.most_calls)).rowcount
    connection.execute(sql["prune_refusals"], (int(before.events) // _DAY,))
    touches = sum(
        connection.execute(sql[statement], (before.touches, AT_ONCE)).rowcount
        for statement in ("prune_touches", "prune_clicks")
    )
    connection.execute(sql["prune_seen"], (before.seen,))
    connection.execute(sql["prune_spend"], (int(before.touches) // _DAY,))
    return calls + touches + _events(connection, sql, before.events)


def _events(connection: sqlite3.Connection, sql: Mapping[str, str], before: float) -> int:
    """Events by their first receipt, so that a duplicate goes with the event that counts."""
    rows = connection.execute(sql["oldest_events"], (before, AT_ONCE)).fetchall()
    settled = [settled_event(row) for row in rows]
    numbers = [(event.seq,) for event in settled]
    written = ([(mark, e.seq) for mark in dedup.marks(e.event).written] for e in settled)
    connection.executemany(sql["forget_mark"], chain.from_iterable(written))
    for statement in ("drop_conversion", "drop_contenders", "forget_event"):
        connection.executemany(sql[statement], numbers)
    return len(numbers)


def _since(bound: Bound, now: float) -> float:
    return now - bound.days * _DAY
