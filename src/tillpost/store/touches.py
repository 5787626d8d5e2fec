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

FACTS = frozenset({"shop", "visitor_id", "at", "url", "referrer"})
"""What happened; all else of a touch is what the rules call it."""


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

    def rename(self, touches: Sequence[Renamed], rules: int, now: float) -> None:
        """Keep the classifications under `rules` and the old ones, all of them or none."""
        past = [(number, old.rules, now, _past(old)) for number, old, _ in touches]
        kept = [(number, new) for number, _, new in touches if new is not None]
        same = [(t.shop, t.visitor_id, t.at, t.channel, t.url, number) for number, t in kept]
        renamed = [(*_told(touch).values(), number) for number, touch in kept]
        dropped = [(rules, number) for number, _, new in touches if new is None]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(self._sql["keep_past"], past)
            for twin, row in zip(same, renamed, strict=True):
                conn.execute(self._sql["merge"], twin)
                conn.execute(self._sql["rename"], row)
            conn.executemany(self._sql["drop"], dropped)

        self._db.write_now(work)

    def past(self) -> list[tuple[int, dict[str, Any]]]:
        """Every earlier classification, with the touch's number, in order."""
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["past"]).fetchall()
        return [(number, msgspec.json.decode(told)) for number, told in rows]


def _touch(row: Sequence[Any]) -> Touch:
    given = dict(zip(Touch.__struct_fields__, row, strict=True))
    return Touch(**{**given, "direct": bool(given["direct"]), "paid": bool(given["paid"])})


def _told(touch: Touch) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(touch).items() if name not in FACTS}


def _past(touch: Touch) -> bytes:
    """A classification without the click identifier, which is one person's."""
    return msgspec.json.encode({**_told(touch), "click_id": None})
