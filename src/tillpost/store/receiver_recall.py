"""What settling asks the receiver's tables for, a whole slice of events at once.

A slice's keys go into one statement, in the order in which they lie in the file: a statement
for each would cost more than what it finds.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from tillpost.core.match_key import Code, Key, pack, unpack
from tillpost.core.matching import STRANGER
from tillpost.core.received import Click, Known, Settled, Touch
from tillpost.store.receiver_rows import ACTION_NAMES, settled_event


class Chains:
    """Events with all that they are duplicates of, one after another, read in few rounds."""

    def __init__(
        self, connection: sqlite3.Connection, sql: Mapping[str, str], lacking: set[int]
    ) -> None:
        self.events: dict[int, Settled] = {}
        while lacking:
            rows = connection.execute(sql["events"], (listed(sorted(lacking)),)).fetchall()
            read = [settled_event(row) for row in rows]
            self.events.update((event.seq, event) for event in read)
            lacking = {event.twin for event in read if event.twin is not None} - self.events.keys()

    def up(self, seq: int | None) -> Iterator[Settled]:
        """The event, and those it is a duplicate of, up to the one that counts."""
        while seq is not None:
            yield self.events[seq]
            seq = self.events[seq].twin


def earlier(
    connection: sqlite3.Connection, sql: Mapping[str, str], marks: Iterable[int]
) -> dict[int, list[Settled]]:
    """See `ports.ReceiverStore.earlier`."""
    trail = connection.execute(sql["trail"], (listed(sorted(marks)),)).fetchall()
    chains = Chains(connection, sql, {seq for _, seq in trail})
    found: dict[int, list[Settled]] = {}
    for mark, seq in trail:
        found.setdefault(mark, []).extend(chains.up(seq))
    return found


def touches(
    connection: sqlite3.Connection, sql: Mapping[str, str], asked: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], list[Touch]]:
    """See `ports.ReceiverStore.touches`."""
    found: dict[tuple[int, int], list[Touch]] = {pair: [] for pair in sorted(asked)}
    rows = connection.execute(sql["contenders"], (listed(list(found)),)).fetchall()
    for person, at, action, touched, ad in rows:
        found[person, at].append(Touch(touched, ACTION_NAMES[action], ad))
    return found


def known(
    connection: sqlite3.Connection,
    sql: Mapping[str, str],
    keys: Iterable[Key],
    learned: Iterable[Key],
) -> Known:
    """See `ports.ReceiverStore.known`."""
    sought = sorted(keys)
    clicks = _clicks(connection, sql, [key for key in sought if key[0] == Code.fbc])
    owners = _several(connection, sql["owners"], sought)
    taught = _several(connection, sql["learned"], sorted(learned))
    for key, click in clicks.items():
        if click.person is not None:
            owners[key] = (click.person,)
    people = {person for several in (owners, taught) for own in several.values() for person in own}
    rows = connection.execute(sql["accounts"], (listed(sorted(people - {STRANGER})),)).fetchall()
    return Known(
        owners, taught, {person: frozenset(unpack(packed)) for person, packed in rows}, clicks
    )


def _several(
    connection: sqlite3.Connection, statement: str, keys: Sequence[Key]
) -> dict[Key, tuple[int, ...]]:
    """Key -> the accounts that the statement finds for it."""
    found: dict[Key, tuple[int, ...]] = {}
    for key, person in connection.execute(statement, {"keys": b"".join(keys)}).fetchall():
        found[key] = (*found[key], person) if key in found else (person,)
    return found


def _clicks(
    connection: sqlite3.Connection, sql: Mapping[str, str], keys: Sequence[Key]
) -> dict[Key, Click]:
    rows = connection.execute(sql["clicks"], {"keys": pack(keys)}).fetchall()
    return {key: Click(person, Touch(at, "link_click", ad)) for key, person, at, ad in rows}


def listed(items: Sequence[int] | Sequence[tuple[int, int]]) -> str:
    """Numbers, or pairs of them, as one parameter of a statement."""
    return msgspec.json.encode(items).decode()
