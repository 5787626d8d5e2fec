"""Landings under new rules: renamed in place, with what they were called before kept beside."""

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import structs

from tillpost.core.books import Touch
from tillpost.store import queries
from tillpost.store.sqlite import Database

Renamed: TypeAlias = tuple[int, Touch, Touch | None]
"""A touch's number, how it was classified, and how it is now; None if it counts no more."""


class TouchStore:
    """The landings of the gateway's database, as their classification changes."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("touches")

    def stale(self, shop: str, rules: int, limit: int) -> list[tuple[int, Touch]]:
        """The oldest landings of the shop that other rules classified, with their numbers."""
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["stale"], (shop, rules, limit)).fetchall()
        return [(row[0], _touch(row[1:])) for row in rows]

    def rename(self, touches: Sequence[Renamed], now: float) -> None:
        """Keep the new classifications and the old ones, all of them or none."""
        past = [
            (number, old.rules, now, int(new is None), msgspec.json.encode(old))
            for number, old, new in touches
        ]
        renamed = [(*_classified(new), number) for number, _, new in touches if new is not None]
        dropped = [(number,) for number, _, new in touches if new is None]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(self._sql["keep_past"], past)
            conn.executemany(self._sql["rename"], renamed)
            conn.executemany(self._sql["drop"], dropped)

        self._db.write_now(work)

    def past(self) -> list[tuple[int, Touch, bool]]:
        """Every earlier classification: the touch's number, what it was, whether it was dropped."""
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["past"]).fetchall()
        return [(row[0], msgspec.json.decode(row[4], type=Touch), bool(row[3])) for row in rows]


def _touch(row: Sequence[Any]) -> Touch:
    given = dict(zip(Touch.__struct_fields__, row, strict=True))
    return Touch(**{**given, "direct": bool(given["direct"]), "paid": bool(given["paid"])})


def _classified(touch: Touch) -> tuple[Any, ...]:
    told = structs.asdict(touch)
    for fact in ("shop", "visitor_id", "at", "url", "referrer"):
        del told[fact]
    return tuple(told.values())
