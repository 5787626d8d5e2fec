"""Sending again what did not go through: may it go, what would change, and what to mend.

Pure. An event goes again with the same event_id and event_time, built under today's rules;
identifiers are chosen anew among the hashes that were made when they came, never hashed again.
"""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from tillpost.core import capi, retry, validation
from tillpost.core.event import Event
from tillpost.core.outcome import BROKEN, Reason, State
from tillpost.deliver.outbox import Line

DELIVERED_HOURS = 47.0
"""A platform forgets an event_id after 48 hours: later, what it has already would count twice."""

_CODE = re.compile(r"(\d+)(?:/(\d+))?:")
_FIXES = {(row.subcode): row.fix for row in validation.RULES if row.subcode is not None}
_FIX_OF_REASON = {
    Reason.TOO_OLD: "The platform takes it no longer. See `transitions` for what held it up.",
    Reason.LATE_TWIN: "The browser's own copy was counted; a later one would count again.",
    Reason.CANNOT_BUILD: "That is a fault of Tillpost: report it with the words beside it.",
    Reason.UNREADABLE: "Its row is damaged: see `tillpost doctor`, and restore from a backup.",
    Reason.INVALID: "Mend the event at its source: `tillpost validate` names the field.",
}


class Verdict(Struct, frozen=True):
    """Whether an event may go to a destination now; `reason` and `detail` say why not."""

    may: bool
    reason: str | None = None
    detail: str | None = None


class Change(Struct, frozen=True):
    """One difference between what was built and what would be built; None stands for nothing."""

    path: str
    was: Any
    now: Any


def verdict(
    line: Line | None, event: Event | None, state: str, moved_at: float, now: float
) -> Verdict:
    """Whether an event that stands so since `moved_at` may go again; None for a damaged one."""
    if line is None:
        return Verdict(may=False, reason="no_destination", detail="it is not in the settings")
    if event is None:
        return Verdict(may=False, reason=Reason.UNREADABLE, detail="its row is damaged")
    if state == State.DELIVERED and now - moved_at > DELIVERED_HOURS * 3600:
        return Verdict(may=False, reason="counted", detail="delivered more than 47 hours ago")
    late = retry.too_late(event, now, line.destination.limits.horizon)
    try:
        built = line.destination.build(event, line.settings)
        end = late or line.destination.refuses(event, built, line.settings, now)
    except BROKEN as error:
        return Verdict(may=False, reason=Reason.CANNOT_BUILD, detail=type(error).__name__)
    return Verdict(may=True) if end is None else Verdict(False, end.reason, end.detail)


def today(line: Line, event: Event | None) -> bytes | None:
    """What would be built today; None where the row is damaged or a rule's code breaks on it."""
    try:
        return None if event is None else capi.encode(line.destination.build(event, line.settings))
    except BROKEN:
        return None


def fix(reason: str | None, detail: str | None) -> str:
    """What the owner can do about an event that ended so."""
    told = _CODE.match(detail or "")
    subcode = int(told[2] or 0) if told else 0
    if subcode in _FIXES:
        return _FIXES[subcode]
    for known, text in _FIX_OF_REASON.items():
        if reason == known:
            return text
    return "The platform's words say what it did not take; mend it at its source, then retry."


def changes(was: Any, now: Any, path: str = "") -> Iterator[Change]:
    """Where two JSON values differ, by dotted path."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            inner = f"{path}.{key}" if path else key
            yield from changes(was.get(key), now.get(key), inner)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from changes(old, new, f"{path}[{number}]")
    elif was != now:
        yield Change(path, was, now)
