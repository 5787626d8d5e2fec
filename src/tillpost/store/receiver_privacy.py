"""Forgetting a person, or a shop's datasets, at the platform's side.

An account of that person loses its keys, its learned keys and its clicks; events of the
shop's datasets lose their keys and their ids. What was counted and attributed stays.
"""

import json
import sqlite3
from collections.abc import Iterable

import msgspec

from tillpost.core import dedup, match_key, privacy
from tillpost.core.event import PrivacyAsked
from tillpost.core.match_key import Code, Key
from tillpost.core.matching import learned_key
from tillpost.core.outcome import Permanent
from tillpost.ports import Sealer
from tillpost.store import queries
from tillpost.store.receiver_rows import EVENT_COLUMNS, settled_event
from tillpost.store.sqlite import Database

_STRONG = frozenset(Code[name] for name in privacy.STRONG)


class Found(msgspec.Struct):
    """Where a person stands in the receiver's tables."""

    keys: tuple[Key, ...]
    people: list[int]
    events: list[int]
    """Events that are theirs by a key of their own."""
    others: list[int]
    """Events that only share a browser's cookies with them."""
    calls: list[int]
    """Kept calls that name them, and those that are damaged, which may."""
    learned: list[Key]
    """Their keys, as the datasets may have learned them, whoever they were learned for."""
    unreadable: int = 0
    """How many of the calls are damaged."""

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind are theirs, and how many could not be read."""
        kinds = {"people": self.people, "events": self.events, "calls": self.calls}
        return {f"receiver_{kind}": len(rows) for kind, rows in kinds.items()} | self.unread

    @property
    def unread(self) -> dict[str, int]:
        """`receiver_unreadable`, if any row is."""
        return {"receiver_unreadable": self.unreadable} if self.unreadable else {}


class ReceiverPrivacy:
    """Finds and forgets over the receiver's database."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer
        self._sql = queries.load("receiver_privacy")

    def find(self, asked: PrivacyAsked, cookies: Iterable[str], datasets: Iterable[str]) -> Found:
        """All rows of this person: accounts, events of these datasets, kept calls."""
        keys = keys_of(asked, cookies)
        strong = [key for key in keys if key[0] in _STRONG]
        named = json.dumps(sorted(datasets))
        with self._db.reader() as conn:
            own = self._holding(conn, named, strong)
            shared = self._holding(conn, named, [key for key in keys if key not in strong])
            people = {row[0] for key in strong for row in conn.execute(self._sql["owners"], (key,))}
            calls, unreadable = self._calls(conn, asked)
        learned = [learned_key(dataset, key) for dataset in json.loads(named) for key in keys]
        others = sorted(shared - own)
        return Found(keys, sorted(people), sorted(own), others, calls, learned, unreadable)

    def erase(self, found: Found) -> dict[str, int]:
        """Forget all that was found; returns what was forgotten, by kind."""

        def work(conn: sqlite3.Connection) -> None:
            for seq in found.events:
                self._forget_event(conn, seq)
            for seq in found.others:
                self._drop_keys(conn, seq, frozenset(found.keys))
            for person in found.people:
                for what in ("person", "person_keys", "learned", "clicks"):
                    conn.execute(self._sql[f"forget_{what}"], (person,))
            conn.executemany(self._sql["forget_key"], [(key,) for key in found.learned])
            conn.executemany(self._sql["forget_click"], [(key,) for key in found.keys])
            conn.executemany(self._sql["forget_call"], [(call,) for call in found.calls])

        self._db.write_now(work)
        return found.counts

    def erase_datasets(self, datasets: Iterable[str]) -> dict[str, int]:
        """Forget every event of these datasets."""
        named = (json.dumps(sorted(datasets)),)

        def work(conn: sqlite3.Connection) -> int:
            for what in ("conversions", "contenders", "trail", "seen"):
                conn.execute(self._sql[f"forget_{what}"], named)
            return conn.execute(self._sql["forget_events"], named).rowcount

        return {"receiver_events": self._db.write_now(work)}

    def empty_log(self) -> bool:
        """Leave no old page in the write-ahead log; False if it must be tried again."""
        return self._db.empty_log()

    def _calls(self, conn: sqlite3.Connection, asked: PrivacyAsked) -> tuple[list[int], int]:
        """The calls to forget, and how many of them nobody can read."""
        found, unreadable = [], 0
        for number, box in conn.execute(self._sql["calls"]):
            try:
                is_theirs = privacy.mentions(self._sealer.open(box), asked)
            except Permanent:
                is_theirs, unreadable = True, unreadable + 1
            if is_theirs:
                found.append(number)
        return found, unreadable

    def _holding(self, conn: sqlite3.Connection, datasets: str, keys: Iterable[Key]) -> set[int]:
        text = self._sql["events_holding"]
        return {
            row[0] for key in keys for row in conn.execute(text, {"datasets": datasets, "key": key})
        }

    def _forget_event(self, conn: sqlite3.Connection, seq: int) -> None:
        row = conn.execute(self._sql["event"], (seq,)).fetchone()
        for mark in dedup.marks(settled_event(row[:EVENT_COLUMNS]).event).written:
            conn.execute(self._sql["forget_mark"], (mark, seq))
        conn.execute(self._sql["forget_event"], (seq,))

    def _drop_keys(self, conn: sqlite3.Connection, seq: int, keys: frozenset[Key]) -> None:
        row = conn.execute(self._sql["event"], (seq,)).fetchone()
        settled = settled_event(row[:EVENT_COLUMNS])
        left = match_key.pack(key for key in settled.event.keys if key not in keys)
        held = match_key.pack(key for key in settled.held if key not in keys)
        conn.execute(self._sql["keep_keys"], {"seq": seq, "keys": left, "held": held})


def keys_of(asked: PrivacyAsked, cookies: Iterable[str]) -> tuple[Key, ...]:
    """The receiver's keys of a person: by their hashes, and by their browsers' cookies."""
    hashed = {
        name: [digest for _, digest in asked.person.keys.get(name, ())] for name in privacy.STRONG
    }
    seen = list(cookies)
    return match_key.find({**hashed, "fbc": seen, "fbp": seen}).keys
