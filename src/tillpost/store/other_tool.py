"""Purchases of ours and those that another tool sent to the receiver, for comparing them."""

from typing import NamedTuple

from tillpost.core.event import Event
from tillpost.core.received import ReceivedEvent
from tillpost.ports import Sealer
from tillpost.store import codec, queries
from tillpost.store.receiver_rows import settled_event
from tillpost.store.sqlite import Database

MOST = 20_000
"""So many Purchases of either side are compared at once."""


class OwnRow(NamedTuple):
    """An event of ours, its order's number, and where it stands with the destination.

    The event is None if its row is damaged.
    """

    event: Event | None
    name: str
    state: str
    reason: str | None


def ours(
    database: Database, sealer: Sealer, shop: str, destination: str, span: tuple[int, int]
) -> list[OwnRow]:
    """The shop's Purchases of `since <= event_time < until`, the oldest first."""
    given = {"shop": shop, "destination": destination, "since": span[0], "until": span[1]}
    with database.reader() as conn:
        rows = conn.execute(queries.load("other_tool")["ours"], {**given, "limit": MOST}).fetchall()
    return [OwnRow(codec.readable_event(row[0], row[1], sealer), *row[2:]) for row in rows]


def theirs(receiver: Database, dataset: str, span: tuple[int, int]) -> list[ReceivedEvent]:
    """What servers sent of that time to a dataset of the receiver, in order of receipt."""
    given = {"dataset": dataset, "since": span[0], "until": span[1], "limit": MOST}
    with receiver.reader() as conn:
        rows = conn.execute(queries.load("other_tool")["theirs"], given).fetchall()
    return [settled_event(row).event for row in rows]
