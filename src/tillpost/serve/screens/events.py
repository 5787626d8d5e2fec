"""Events as they come: what shop and browser told, and what the platform received of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tillpost.core.moment import iso
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table, state
from tillpost.serve.screens.view import Screen, View
from tillpost.store.page_rows import EventLine, Received

PAGE = 25
"""Events on one page, of each side."""
REACH = 200_000
"""How far back the list looks for events of one name."""
_FIRST = 2**62


class Events(View, frozen=True, kw_only=True):
    """The latest events on both sides; `names` are those that can be chosen."""

    search: str
    name: str
    names: tuple[str, ...]
    code: str
    told: bool
    live: bool
    """Whether newer events would show at the top of this page."""


def read(desk: Desk, ask: Ask) -> Events:
    """The latest events, or those that the address asks for."""
    told = desk.is_embedded(ask)
    with desk.rows(ask) as rows:
        if ask.one("q"):
            lines = rows.events_named(ask.one("q").strip(), PAGE)
        else:
            before = int(ask.one("before")) if ask.one("before").isdigit() else _FIRST
            lines = rows.latest_events(before, PAGE + 1, ask.one("name") or None, REACH)
        names = rows.event_names()
        received = rows.received(desk.datasets(ask), PAGE, ask.one("code") or None) if told else []
    return view(lines, received, names, ask, told=told)


def view(
    lines: Sequence[EventLine],
    received: Sequence[Received],
    names: Sequence[str],
    ask: Ask,
    *,
    told: bool,
) -> Events:
    """Both lists; a line more than `PAGE` says that there is a next page."""
    shown = lines[:PAGE]
    following = ask.link("/events", before=shown[-1].id) if len(lines) > PAGE else None
    tables = [_told_table(shown, ask, following)]
    if told:
        tables.append(_received_table(received))
    return Events(
        tables=tuple(tables),
        search=ask.one("q"),
        name=ask.one("name"),
        names=tuple(names),
        code=ask.one("code"),
        told=told,
        live=not ask.one("q") and not ask.one("before"),
    )


def _told_table(lines: Sequence[EventLine], ask: Ask, following: str | None) -> Table:
    return Table(
        name="events",
        caption="What shop and browser told",
        columns=(
            Column("event_name", "Event"),
            Column("at", "Received", "moment"),
            Column("browser", "Browser", "mark"),
            Column("server", "Server", "mark"),
            Column("order", "Order"),
            Column("event_id", "Event id"),
            Column("state", "Delivery", "state"),
        ),
        rows=[_told(line, ask) for line in lines],
        following=following,
        empty="No event yet. Open the shop with the script in its theme, or send an order; "
        "it shows here within a second.",
    )


def _told(line: EventLine, ask: Ask) -> dict[str, Any]:
    outcomes: list[dict[str, Any]] = msgspec.json.decode(line.outcomes)
    is_browser = line.source == "pixel"
    return {
        "id": line.id,
        "event_name": line.event_name,
        "href": ask.leave("/event", id=line.id),
        "at": iso(line.received_at),
        "browser": bool(line.browser) or is_browser,
        "server": not is_browser or line.order_id is not None,
        "order": line.order_name or line.order_id,
        "event_id": line.event_id,
        "state": worst(outcomes),
        "source": line.source,
    }


ORDER_OF_STATES = (
    "dead", "expired", "paused", "in_doubt", "held", "pending", "leased", "dropped", "delivered",
)  # fmt: skip
"""Of several destinations, the state that a list shows: what most needs a look comes first."""


def worst(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The outcome that a list shows of an event's several; None if it goes nowhere."""
    if not outcomes:
        return None
    found = min(outcomes, key=lambda o: ORDER_OF_STATES.index(o["state"]))
    return state(found["state"], found["reason"])


def _received_table(received: Sequence[Received]) -> Table:
    rows = [
        {
            "event_name": r.event_name,
            "at": iso(r.received_at),
            "side": "browser" if r.source == 2 else "server",
            "number": r.seq,
            "became": "kept" if r.twin is None else f"duplicate of {r.twin}",
            "matched": r.matched,
            "by": r.matched_by.replace(",", ", ") or r.unmatched,
            "event_id": r.event_id,
            "code": r.test_event_code,
        }
        for r in received
    ]
    return Table(
        name="received",
        caption="What the platform received",
        columns=(
            Column("event_name", "Event"),
            Column("at", "Received", "moment"),
            Column("side", "Side"),
            Column("number", "No.", "whole"),
            Column("became", "Became"),
            Column("matched", "Matched", "mark"),
            Column("by", "By, or why not"),
            Column("event_id", "Event id"),
            Column("code", "Test code", shown=any(row["code"] for row in rows)),
        ),
        rows=rows,
        empty="The platform has received nothing yet, or nothing under this test code.",
    )


SCREEN = Screen(
    path="/events",
    title="Events",
    group="Signal",
    about="Live: what shop and browser told beside what the platform received.",
    read=read,
    template="events.html",
    own=("q", "name", "before", "code"),
)
