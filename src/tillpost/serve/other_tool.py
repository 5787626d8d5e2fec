"""Another tool's Purchases beside ours: from a file of its payloads, or as the receiver got them.

In shadow everything is built here and nothing sent; the other tool goes on. What it sends is
taken from its own log, or it sends a copy to a dataset of the receiver that is named for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tillpost.core import capi, other_tool
from tillpost.core.event import Event
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.other_tool import Own, Pair
from tillpost.core.outcome import Misconfigured, Reason, State
from tillpost.core.received import ReceivedEvent
from tillpost.ports import Sealer
from tillpost.receive.accept import server_event
from tillpost.receive.wire import GraphCall
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, Node, destination_name
from tillpost.serve.settings import Settings
from tillpost.store import other_tool as rows
from tillpost.store.sqlite import Database

MOST_SHOWN = 1000
"""Sales that are listed; all are counted."""
_MARGIN = 3600
_LAST = 2**33
"""A Unix second that no event is later than."""
WORDS = {
    "same": "same",
    "differs": "differs",
    "only_ours": "only here",
    "only_theirs": "only there",
    "unusable": "unusable there",
}
"""What the verdicts on a field are called."""


class Payloads(Struct, frozen=True):
    """Purchases of a file, and how many of its entries were no events."""

    events: tuple[ReceivedEvent, ...]
    unread: int = 0


def payloads(text: bytes) -> Payloads:
    """The Purchases of request bodies, lists of events or single events, one or one a line.

    Raises `Misconfigured` if nothing of it can be read.
    """
    found, unread = _documents(text)
    made: list[ReceivedEvent] = []
    for given in (one for document in found for one in _events(document)):
        event = _received(given)
        if event is None:
            unread += 1
        elif event.event_name == "Purchase":
            made.append(event)
    if not made:
        raise Misconfigured(
            "these payloads hold no Purchase: give Conversions API request bodies or events, one "
            "JSON document or one a line"
        )
    return Payloads(tuple(made), unread)


def _documents(text: bytes) -> tuple[list[Any], int]:
    """The JSON documents of a text, and how many of its lines are none."""
    try:
        return [msgspec.json.decode(text)], 0
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    found, wrong = [], 0
    for line in text.splitlines():
        if line.strip():
            try:
                found.append(msgspec.json.decode(line))
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                wrong += 1
    return found, wrong


def _events(document: Any) -> Iterable[Any]:
    if isinstance(document, dict) and "data" in document:
        document = document["data"]
    return document if isinstance(document, list) else [document]


def _received(given: Any) -> ReceivedEvent | None:
    """The event as the receiver would keep it; None for what is none."""
    if not isinstance(given, dict) or not isinstance(given.get("event_name"), str):
        return None
    try:
        at = int(given["event_time"])
        if not 0 <= at <= _LAST:
            return None
        return server_event({**given, "event_time": at}, GraphCall(""), 0.0)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


class Comparer:
    """Compares for the shops of one data directory."""

    def __init__(self, settings: Settings, directory: Path, sealer: Sealer) -> None:
        self._settings = settings
        self._directory = directory
        self._sealer = sealer

    def dataset(self, shop: str) -> str | None:
        """The receiver's dataset that the shop's other tool sends to, if one is named."""
        named = (d.id for d in self._settings.receiver.datasets if d.beside == shop)
        return next(named, None)

    def of_file(self, shop: str, text: bytes) -> dict[str, Any]:
        """What `report` tells of a file of payloads, over the time that they are of.

        And `unread` entries that are no events, `unreadable` sales here whose rows are damaged.
        """
        given = payloads(text)
        times = [event.event_time for event in given.events]
        span = (max(min(times) - _MARGIN, 0), max(times) + _MARGIN)
        told = self._compared(shop, given.events, span)
        return {**told, "unread": given.unread}

    def of_dataset(self, shop: str, span: tuple[int, int]) -> dict[str, Any]:
        """What `report` tells of what the shop's other tool sent to the receiver in that time.

        Raises `Misconfigured` if no dataset is named for it.
        """
        dataset = self.dataset(shop)
        if dataset is None:
            raise Misconfigured(
                f'no dataset is named for another tool of {shop}: write beside = "{shop}" under '
                "the [[receiver.datasets]] that it sends to, or compare a file of its payloads"
            )
        span = max(span[0], 0), min(span[1], _LAST)
        receiver = Database(self._directory / RECEIVER_FILE, "receiver", readonly=True)
        try:
            found = rows.theirs(receiver, dataset, span)
        finally:
            receiver.close()
        return {**self._compared(shop, found, span), "unread": 0}

    def _compared(
        self, shop: str, theirs: Sequence[ReceivedEvent], span: tuple[int, int]
    ) -> dict[str, Any]:
        destination = self._destination(shop)
        database = Database(self._directory / GATEWAY_FILE, "gateway", readonly=True)
        try:
            found = rows.ours(database, self._sealer, shop, destination, span)
        finally:
            database.close()
        own = [_own(event, row) for row in found if (event := row.event) is not None]
        return {
            "shop": shop,
            "destination": destination,
            "since": iso(span[0]),
            "until": iso(span[1]),
            "unreadable": len(found) - len(own),
            **report(other_tool.pairs(own, theirs)),
        }

    def _destination(self, shop: str) -> str:
        """The shop's destination that is compared: the first of Meta, else the first."""
        own = [d for d in self._settings.destinations if d.shop == shop]
        if not own:
            raise Misconfigured(f"shop {shop[:50]!r} has no destination: name one")
        return destination_name(min(own, key=lambda d: d.kind != "meta"), self._settings)


def comparer(node: Node) -> Comparer:
    """Who compares for the shops of a running node."""
    return Comparer(node.settings, node.directory, node.sealer)


def _own(event: Event, row: rows.OwnRow) -> Own:
    built = msgspec.json.decode(capi.encode(capi.server_event(event)))
    received = server_event(built, GraphCall(""), 0.0)
    is_sent = row.state == State.DELIVERED or row.reason == Reason.SHADOW
    return Own(received, row.name, is_sent, None if is_sent else row.reason or row.state)


def report(pairs: Sequence[Pair]) -> dict[str, Any]:
    """How both sides compare, and each sale that is not the same.

    `{"sales": [{"who", "orders", "value", "currency"}], "fields": [{"field", "same", "differs",
    "only_ours", "only_theirs", "unusable"}], "orders": [{"order_id", "name", "who", "why",
    "copies", "ids", "differences"}], "left"}`; `left` counts sales beyond the first thousand.
    """
    odd = [row for row in map(_sale, pairs) if row is not None]
    return {
        "sales": _sums(pairs),
        "fields": [
            {"field": name, **{verdict: counts[verdict] for verdict in WORDS}}
            for name, counts in other_tool.fields(pairs).items()
        ],
        "orders": odd[:MOST_SHOWN],
        "left": max(len(odd) - MOST_SHOWN, 0),
    }


def _sums(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Sales and their value by who sends them; of both, the value is ours."""
    sums: dict[tuple[str, str], list[int]] = {}
    for pair in pairs:
        event = pair.ours.event if pair.ours is not None else pair.theirs
        if event is not None:
            sums.setdefault((pair.who, event.currency or ""), []).append(event.value or 0)
    return [
        {
            "who": who,
            "orders": len(values),
            "value": decimal_string(sum(values), currency) if currency else None,
            "currency": currency or None,
        }
        for (who, currency), values in sorted(sums.items())
    ]


def _sale(pair: Pair) -> Mapping[str, Any] | None:
    """A sale that is not the same on both sides; None for one that is, or that nobody sends."""
    unlike = [d for d in pair.differences if d.verdict != "same"]
    if pair.who == "neither" or (pair.who == "both" and not unlike and pair.ids < 2):
        return None
    event = pair.ours.event if pair.ours is not None else pair.theirs
    return {
        "order_id": event.order_id if event else None,
        "name": pair.ours.name if pair.ours is not None else "",
        "who": pair.who,
        "why": pair.ours.why if pair.ours is not None else None,
        "copies": pair.copies,
        "ids": pair.ids,
        "differences": msgspec.to_builtins(unlike),
    }
