"""What did not go through, in the gateway's database: looking at it, and sending it again."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core.event import Event
from tillpost.ports import Sealer
from tillpost.store import codec, queries
from tillpost.store.sqlite import Database


class Letter(Struct, frozen=True):
    """Where one event stands with one destination, and what it is."""

    event: int
    destination: str
    state: str
    reason: str | None
    detail: str | None
    attempts: int
    updated_at: float
    shop: str
    event_name: str
    event_id: str
    event_time: int
    order_id: str | None


class LetterStore:
    """Dead letters and replays over the gateway's tables."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer
        self._sql = queries.load("letters")

    def letters(self, after: int, limit: int, shop: str | None) -> list[Letter]:
        """What is dead, expired or came too late, after event number `after`."""
        found = self._found("letters", {"after": after, "limit": limit, "shop": shop})
        return _whole(found, limit)

    def letter(self, event: int) -> list[Letter]:
        """Where one event stands, by destination; empty if there is no such event."""
        return self._found("letter", (event,))

    def sent(
        self,
        since: float,
        until: float,
        states: Iterable[str],
        shop: str | None,
        page: tuple[int, int],
    ) -> list[Letter]:
        """Deliveries in these states of events received in that time; `page` is (after, limit)."""
        after, limit = page
        given = {"since": since, "until": until, "states": json.dumps(sorted(states))}
        found = self._found("sent", {**given, "shop": shop, "after": after, "limit": limit})
        return _whole(found, limit)

    def events(self, numbers: Iterable[int]) -> dict[int, Event | None]:
        """The events of these numbers; None stands for one whose row is damaged."""
        asked = json.dumps(sorted(set(numbers)))
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["events"], (asked,)).fetchall()
        return {row[0]: codec.readable_event(row[1], row[2], self._sealer) for row in rows}

    def payloads(self, numbers: Iterable[int]) -> dict[tuple[int, str], bytes]:
        """(event, destination) -> what was built for it, as far as it is kept and whole."""
        asked = json.dumps(sorted(set(numbers)))
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["payloads"], (asked,)).fetchall()
        return codec.readable((((row[0], row[1]), row[2]) for row in rows), self._sealer)

    def requeue(self, letters: Sequence[Letter], reason: str, now: float) -> int:
        """Make them due now, to be built anew; returns how many stood where they were seen."""
        rows = json.dumps([(row.event, row.destination, row.state) for row in letters])
        given = {"rows": rows, "reason": reason, "now": now}

        def work(conn: sqlite3.Connection) -> int:
            moved = conn.execute(self._sql["requeue"], given).rowcount
            conn.execute(self._sql["forget_payloads"], given)
            return moved

        return self._db.write_now(work)

    def _found(self, query: str, given: Any) -> list[Letter]:
        with self._db.reader() as conn:
            return [Letter(*row) for row in conn.execute(self._sql[query], given)]


def _whole(found: list[Letter], limit: int) -> list[Letter]:
    """A full page without its last event, whose other destinations may be on the next."""
    if len(found) < limit or found[0].event == found[-1].event:
        return found
    return [one for one in found if one.event != found[-1].event]
