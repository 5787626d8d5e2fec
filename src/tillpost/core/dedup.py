"""Which received events are one conversion: rules over the receiver's own memory.

One key is (dataset, event_name, event_id), for 48 hours from the first receipt
(meta-capi 6). Where Meta contradicts itself or is silent, the choice is a named
switch of `Policy`, documented as ours (domain-rules 5, 6, 23).
"""

import json
import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple

from msgspec import Struct

from tillpost.core.match_key import Code
from tillpost.core.received import JoinedBy, ReceivedEvent, Settled

WINDOW = 48 * 3600
"""Seconds from the first receipt in which an id is remembered."""

FAVOUR = 300
"""A browser's event wins over a server's that was received at most so many seconds before."""

_PUNCTUATION = re.compile(r"[\W_]+")

FALLBACK = frozenset({Code.fbp, Code.external_id})
"""Keys that can stand in for a missing event_id."""


class Policy(Struct, frozen=True):
    """The receiver's choices.

    `same_source`: whether two events of one source and one id are one (`absorb`) or two
    (`count`). `fallback`: whether fbp and external_id stand in for a missing event_id.
    `merge`: whether the kept event is matched by its twins' keys too.
    """

    same_source: Literal["absorb", "count"] = "absorb"
    fallback: bool = True
    merge: bool = True


class Marks(NamedTuple):
    """Numbers under which an event's earlier twins are sought, and later ones find it."""

    sought: tuple[int, ...]
    written: tuple[int, ...]


class Verdict(Struct, frozen=True, gc=False):
    """What an event is: a duplicate of `kept`, or one that counts.

    With `supersedes`, the event takes the place of `kept`, which becomes its duplicate.
    `by` names what joined the two; `reason` says why a likely twin was not joined.
    """

    kept: Settled | None = None
    supersedes: bool = False
    by: JoinedBy | None = None
    reason: str | None = None


def judge(event: ReceivedEvent, earlier: Sequence[Settled], policy: Policy) -> Verdict:
    """What the event is beside earlier ones that count and share one of its sought marks."""
    known = [kept for kept in earlier if kept.event.dataset_id == event.dataset_id]
    twin = _twin_by_id(event, known, policy)
    if twin is not None:
        return Verdict(kept=twin, supersedes=_favoured(event, twin), by="event_id")
    if policy.fallback and event.source == "server":
        found = _twin_by_key(event, known)
        if found is not None:
            return found
    return Verdict(reason=_why_apart(event, known, policy))


def marks(event: ReceivedEvent) -> Marks:
    """The marks of an event: two sightings of one sale share at least one.

    By browser and customer id a server's event that has an id of its own seeks only hits
    that have none, for which alone those keys stand in.
    """
    own = []
    if event.event_id is not None:
        own.append(id_mark(event.dataset_id, event.event_name, event.event_id))
    if event.order_id is not None:
        own.append(order_mark(event.dataset_id, event.event_name, event.order_id))
    lacking = event.event_id is None
    if event.source == "browser":
        kinds = ("key", "key of a hit without id") if lacking else ("key",)
        written = own + [mark for kind in kinds for mark in _of_keys(event, kind)]
        return Marks(tuple(own), tuple(written))
    sought = own + _of_keys(event, "key" if lacking else "key of a hit without id")
    return Marks(tuple(sought), tuple(own))


def id_mark(dataset_id: str, event_name: str, event_id: str) -> int:
    """The mark of an id, the same for ids that differ in case and punctuation only."""
    return _mark(f"id\0{dataset_id}\0{event_name.casefold()}\0{_loose(event_id)}")


def order_mark(dataset_id: str, event_name: str, order_id: str) -> int:
    """The mark of an order."""
    return _mark(f"order\0{dataset_id}\0{event_name.casefold()}\0{order_id}")


def _of_keys(event: ReceivedEvent, kind: str) -> list[int]:
    return [
        _mark(f"{kind}\0{event.dataset_id}\0{event.event_name}\0{key.hex()}")
        for key in event.keys
        if key[0] in FALLBACK
    ]


def _twin_by_id(event: ReceivedEvent, known: Iterable[Settled], policy: Policy) -> Settled | None:
    if event.event_id is None:
        return None
    twins = [
        kept
        for kept in known
        if kept.event.event_id == event.event_id
        and kept.event.event_name == event.event_name
        and event.received_at - kept.opened_at <= WINDOW
        and (policy.same_source == "absorb" or kept.event.source != event.source)
    ]
    return min(twins, key=lambda kept: kept.seq, default=None)


def _favoured(event: ReceivedEvent, kept: Settled) -> bool:
    return (
        event.source == "browser"
        and kept.event.source == "server"
        and event.received_at - kept.event.received_at <= FAVOUR
    )


def _twin_by_key(event: ReceivedEvent, known: Iterable[Settled]) -> Verdict | None:
    """The latest browser hit that no other event was joined to, one of the two lacking its id."""
    hits = [
        kept
        for kept in known
        if kept.event.source == "browser"
        and kept.event.event_name == event.event_name
        and not kept.absorbed
        and (kept.event.event_id is None or event.event_id is None)
        and event.received_at - kept.opened_at <= WINDOW
        and not _two_orders(event, kept)
    ]
    for kept in sorted(hits, key=lambda kept: kept.seq, reverse=True):
        shared = sorted(k[0] for k in set(event.keys) & set(kept.all_keys) if k[0] in FALLBACK)
        if shared:
            return Verdict(kept=kept, by="external_id" if shared[0] == Code.external_id else "fbp")
    return None


def _two_orders(event: ReceivedEvent, kept: Settled) -> bool:
    return (
        None not in (event.order_id, kept.event.order_id) and event.order_id != kept.event.order_id
    )


def _why_apart(event: ReceivedEvent, known: Iterable[Settled], policy: Policy) -> str | None:
    """The most telling difference to an event that looks like a twin; None if there is none."""
    for kept in sorted(known, key=lambda kept: kept.seq, reverse=True):
        reason = _difference(event, kept, policy)
        if reason is not None:
            return reason
    return None


def _difference(event: ReceivedEvent, kept: Settled, policy: Policy) -> str | None:
    if not _alike(event, kept):
        return None
    if kept.event.event_name != event.event_name:
        return f"names differ: {_quoted(kept.event.event_name)} vs {_quoted(event.event_name)}"
    if event.received_at - kept.opened_at > WINDOW:
        hours = int((event.received_at - kept.opened_at) // 3600)
        return f"first received {hours} h earlier: outside the 48 hours"
    if kept.event.event_id != event.event_id:
        return _ids_apart(event, kept)
    if policy.same_source == "count" and kept.event.source == event.source:
        return f"same id, both from the {event.source}: counted by same_source = count"
    return None


def _ids_apart(event: ReceivedEvent, kept: Settled) -> str:
    if None in (event.event_id, kept.event.event_id):
        return "an event_id is missing, and no fbp or external_id joins the two"
    return f"ids differ: {_quoted(kept.event.event_id)} vs {_quoted(event.event_id)}"


def _alike(event: ReceivedEvent, kept: Settled) -> bool:
    one_order = event.order_id is not None and event.order_id == kept.event.order_id
    if one_order:
        return True
    if event.event_id is None or kept.event.event_id is None:
        return False
    return _loose(event.event_id) == _loose(kept.event.event_id)


def _loose(event_id: str) -> str:
    return _PUNCTUATION.sub("", event_id.casefold()) or event_id


def _mark(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _quoted(text: str | None) -> str:
    return json.dumps((text or "")[:80], ensure_ascii=False)
