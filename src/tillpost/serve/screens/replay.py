"""Replay: what a span of time left undone, what sending it again would do, and then doing it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

MOST_CHANGES = 500
"""Differences that are listed; all are counted."""


class Replay(View, frozen=True, kw_only=True):
    """The span that was named, and what replaying it would do; None before a span is named."""

    since: str
    until: str
    """ISO times of the shop's zone without it, as its form's fields hold them; empty before."""
    begin: str
    end: str
    """The same as exact ISO times."""
    delivered: bool
    problem: str
    events: int | None
    would_send: int
    changed: int


def read(desk: Desk, ask: Ask) -> Replay:
    """A dry run of the span that the address names, in the shop's time zone."""
    zone = desk.zone(ask)
    try:
        span = span_of(ask.one("begin"), ask.one("end"), zone)
    except Misconfigured as error:
        return view(None, None, ask, str(error))
    if span is None:
        return view(None, None, ask)
    delivered = bool(ask.one("delivered"))
    told = desk.node.letters.replay(*span, ask.shop, delivered=delivered, dry_run=True)
    return view(span, told, ask, zone=zone)


def span_of(begin: str, end: str, zone: tzinfo) -> tuple[float, float] | None:
    """Unix seconds of two local times as forms give them; None if neither is there.

    Raises `Misconfigured` for one that is no time, or an end that is not after its beginning.
    """
    if not begin and not end:
        return None
    since, until = _moment("begin", begin, zone), _moment("end", end, zone)
    if until <= since:
        raise Misconfigured("end: it must be later than the beginning")
    return since, until


def _moment(name: str, text: str, zone: tzinfo) -> float:
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise Misconfigured(
            f"{name}: {text[:40]!r} is no time; write it as 2026-11-01T09:00"
        ) from None


def view(
    span: tuple[float, float] | None,
    told: Mapping[str, Any] | None,
    ask: Ask,
    problem: str = "",
    zone: tzinfo = UTC,
) -> Replay:
    """The screen of what a dry run told."""
    found = told or {"would_send": 0, "changed": 0, "left": [], "changes": []}
    local = [datetime.fromtimestamp(at, zone) for at in span] if span else []
    listed = told is not None and told["events"]
    tables = (_change_table(found["changes"], ask), _left_table(found["left"], ask))
    return Replay(
        tables=tables if listed else (),
        since=local[0].replace(tzinfo=None).isoformat(timespec="seconds") if local else "",
        until=local[1].replace(tzinfo=None).isoformat(timespec="seconds") if local else "",
        begin=local[0].isoformat() if local else "",
        end=local[1].isoformat() if local else "",
        delivered=bool(ask.one("delivered")),
        problem=problem,
        events=told["events"] if told else None,
        would_send=found["would_send"],
        changed=found["changed"],
    )


def _change_table(changes: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    rows = [
        {
            "event": one["event_id"],
            "href": ask.leave("/event", id=one["id"]),
            "destination": one["destination"],
            "path": change["path"],
            "was": _plain(change["was"]),
            "now": _plain(change["now"]),
        }
        for one in changes
        for change in one["diff"]
    ]
    return Table(
        name="changes",
        caption="What would differ from what was sent before",
        columns=(
            Column("event", "Event id"),
            Column("destination", "Destination"),
            Column("path", "Field"),
            Column("was", "Was"),
            Column("now", "Would be"),
        ),
        rows=rows[:MOST_CHANGES],
        empty="Nothing: under today's rules every event is built as it was before.",
    )


def _plain(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()


def _left_table(left: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    rows = [
        {
            "event": str(one["id"]),
            "href": ask.leave("/event", id=one["id"]),
            "destination": one["destination"],
            "why": one["detail"] or (one["reason"] or "").replace("_", " "),
        }
        for one in left
    ]
    return Table(
        name="left",
        caption="What would stay, and why",
        columns=(
            Column("event", "Event"),
            Column("destination", "Destination"),
            Column("why", "Why"),
        ),
        rows=rows,
        most=50,
        empty="Nothing: all of it may go.",
    )


def told_span(span: tuple[float, float]) -> str:
    """A span for the audit log."""
    return f"{iso(span[0])} to {iso(span[1])}"


SCREEN = Screen(
    path="/replay",
    title="Replay",
    group="Signal",
    about="Send a span of time again: what was refused or came too late, with the same event ids "
    "and times, built under today's rules. First see what would happen, then do it.",
    read=read,
    template="replay.html",
    own=("begin", "end", "delivered"),
    act="send",
)
