"""One event: its payload as it is sent, what is odd about it, and where it stands."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tillpost.core import capi, quality, validation
from tillpost.core.books import EventRow, Transition, Wanted
from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Action, Column, Table, state
from tillpost.serve.screens.view import Screen, View
from tillpost.store.page_rows import EventDelivery

HIDDEN = ("client_ip_address", "client_user_agent")
"""Keys of `user_data` whose values no page shows."""


class EventView(View, frozen=True, kw_only=True):
    """One event; `payload` is JSON text in the platform's vocabulary, identifiers hashed."""

    id: int
    event_name: str
    event_id: str
    at: str
    source: str
    order_id: str | None
    order_href: str | None
    payload: str
    estimate: float
    """Our estimate of how well it can be matched, 0 to 10."""


def read(desk: Desk, ask: Ask) -> EventView:
    """The event that the address names; raises `Misconfigured` if the shop has none of it."""
    number = int(ask.one("id")) if ask.one("id").isdigit() else 0
    with desk.rows(ask) as rows:
        key = rows.event_key(min(number, 2**62))
        deliveries = rows.event_deliveries(min(number, 2**62))
    found = desk.node.store.recall(Wanted(events={(ask.shop, key)})).events if key else {}
    row = next((r for r in found.values() if r.id == number), None)
    if row is None:
        raise Misconfigured(f"id: {ask.shop} has no event {ask.one('id')[:30]!r}; look in Events")
    moves = desk.node.store.transitions(number)
    return view(row, deliveries, moves, ask, desk.node.clock.now())


def view(
    row: EventRow,
    deliveries: Sequence[EventDelivery],
    moves: Sequence[Transition],
    ask: Ask,
    now: float,
) -> EventView:
    """Everything of one event."""
    payload = capi.server_event(row.event)
    plain = msgspec.json.decode(capi.encode(payload))
    return EventView(
        tables=(_finding_table(plain, now), _delivery_table(row, deliveries), _move_table(moves)),
        id=row.id,
        event_name=row.event.event_name,
        event_id=row.event.event_id,
        at=iso(row.event.event_time),
        source=row.source,
        order_id=row.order_id,
        order_href=ask.leave("/order", id=row.order_id) if row.order_id else None,
        payload=msgspec.json.format(msgspec.json.encode(_shown(plain)), indent=2).decode(),
        estimate=quality.estimate(plain["user_data"]),
    )


def _shown(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload without the buyer's address and browser, which rest sealed."""
    hidden = {key: "***" for key in HIDDEN if key in payload["user_data"]}
    return {**payload, "user_data": {**payload["user_data"], **hidden}}


def _finding_table(event: dict[str, Any], now: float) -> Table:
    rows = [
        {"level": f.level, "path": f.path, "message": f.message, "fix": f.fix}
        for f in validation.lint([event], now)
    ]
    return Table(
        name="findings",
        caption="What is odd about it",
        columns=(
            Column("level", "Level"),
            Column("path", "Where"),
            Column("message", "What"),
            Column("fix", "How to fix"),
        ),
        rows=rows,
        empty="Nothing: the platform takes it as it is.",
    )


def _delivery_table(row: EventRow, deliveries: Sequence[EventDelivery]) -> Table:
    rows = [
        {
            "destination": d.destination,
            "state": state(d.state, d.reason),
            "attempts": d.attempts,
            "since": iso(d.updated_at),
            "detail": d.detail,
            "event": row.id,
            "acts": d.state in {"dead", "expired", "delivered"},
        }
        for d in deliveries
    ]
    return Table(
        name="deliveries",
        caption="Where it stands",
        columns=(
            Column("destination", "Destination"),
            Column("state", "State", "state"),
            Column("attempts", "Attempts", "whole"),
            Column("since", "Since", "moment"),
            Column("detail", "The platform's words"),
        ),
        rows=rows,
        action=Action("Send again", "/delivery/again", ("event",), "send"),
        empty="No destination takes this event.",
    )


def _move_table(moves: Sequence[Transition]) -> Table:
    rows = [
        {
            "at": iso(move.at),
            "destination": move.destination,
            "state": state(move.state, move.reason),
            "detail": move.detail,
        }
        for move in moves
    ]
    return Table(
        name="moves",
        caption="Every move of it",
        columns=(
            Column("at", "When", "moment"),
            Column("destination", "Destination"),
            Column("state", "Became", "state"),
            Column("detail", "More"),
        ),
        rows=rows,
        empty="It never moved.",
    )


SCREEN = Screen(
    path="/event",
    title="Event",
    group="Signal",
    read=read,
    template="event.html",
    own=("id",),
    listed=False,
)
