"""One order and all its evidence: journey, both sides, deduplication, delivery, match, credit."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core.attribution import MODELS, WHOLE
from tillpost.core.books import Books, EventRow, OrderRow, Sighting, Transition, Wanted
from tillpost.core.capi import user_data
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string, to_minor
from tillpost.core.outcome import Misconfigured, State
from tillpost.serve.screens.ask import MODEL_NAMES, Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.journey import Step, steps
from tillpost.serve.screens.opinion import opinions
from tillpost.serve.screens.orders import given_back, standing
from tillpost.serve.screens.table import Column, Table, state
from tillpost.serve.screens.view import Screen, View
from tillpost.store.glance import Delivery
from tillpost.store.page_rows import Edit, Landing, OrderLine, Refund

DIRECT: dict[str, str] = {
    "sent": "the page's own hit went out too",
    "blocked": "the page's own hit was blocked",
}
"""What the beacon says of the vendor's own pixel."""


NO_NEW_TOTAL = "its new total has not come: send orders/updated here too"
"""What is said of an edit that no report of the order followed."""


class Moment(Struct, frozen=True):
    """Something that happened: when (ISO UTC), of what kind, what, and more about it."""

    at: str
    kind: str
    title: str
    detail: str = ""


class MatchKey(Struct, frozen=True):
    """A match key that the Purchase carries, and whether the platform found the buyer by it."""

    name: str
    found: bool


class Evidence(Struct, frozen=True):
    """All that the stores know of one order."""

    line: OrderLine
    row: OrderRow
    sighting: Sighting | None
    events: Sequence[EventRow]
    deliveries: Sequence[Delivery]
    moves: Sequence[Transition]
    """How its Purchase moved from state to state with each destination."""
    refunds: Sequence[Refund]
    edits: Sequence[Edit]
    landings: Sequence[Landing]
    received: Sequence[Mapping[str, Any]]
    """The receiver's items of its event id, in the shape of `/api/v1/receiver/events`."""


class OrderView(View, frozen=True, kw_only=True):
    """One order; `verdicts` say in words what became of it."""

    order_id: str
    name: str
    at: str
    value: str
    refunded: str
    currency: str
    kind: str
    buyer: str | None
    event_id: str | None
    browser: bool
    server: bool
    counts: str
    is_counted: bool
    state: dict[str, Any] | None
    matched: bool | None
    unmatched: str | None
    """Why the platform knew nobody, in its own words."""
    moments: tuple[Moment, ...]
    keys: tuple[MatchKey, ...]
    told: bool
    """Whether the platform tells what it received."""
    kept_once: bool | None
    """Whether the platform keeps exactly one of what it received; None if it does not tell."""


def read(desk: Desk, ask: Ask) -> OrderView:
    """The order that the address names; raises `Misconfigured` if the shop has none of that id."""
    order_id = ask.one("id")
    books = desk.node.store.recall(Wanted(orders={(ask.shop, order_id)}))
    row = books.orders.get((ask.shop, order_id))
    with desk.rows(ask) as rows:
        lines = rows.orders([order_id])
        if row is None or not lines:
            raise Misconfigured(f"id: {ask.shop} has no order {order_id[:50]!r}; look in Orders")
        deliveries = rows.deliveries([order_id]).get(order_id, [])
        evidence = Evidence(
            line=lines[0],
            row=row,
            sighting=_sighting(books, row),
            events=[e for e in books.events.values() if e.order_id == order_id],
            deliveries=deliveries,
            moves=_moves(desk, books, order_id),
            refunds=rows.refunds([order_id]).get(order_id, []),
            edits=rows.edits([order_id]).get(order_id, []),
            landings=rows.journeys([order_id]).get(order_id, []),
            received=_received(desk, ask, [d.event_id for d in deliveries]),
        )
    return view(evidence, ask, told=desk.is_embedded(ask))


def _moves(desk: Desk, books: Books, order_id: str) -> list[Transition]:
    own = (e.id for e in books.events.values() if e.order_id == order_id)
    return [move for number in own for move in desk.node.store.transitions(number)]


def _sighting(books: Books, row: OrderRow) -> Sighting | None:
    token = row.seen.checkout_token
    return books.sightings.get((row.shop, token)) if token else None


def _received(desk: Desk, ask: Ask, event_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What the receiver got of these ids, for this shop's datasets, in order of receipt."""
    own = desk.datasets(ask)
    found: dict[int, dict[str, Any]] = {}
    for event_id in dict.fromkeys(event_ids):
        for item in desk.node.receiver.events(0, 50, event_id)["items"]:
            if item["dataset_id"] in own and item["event_name"] == "Purchase":
                found[item["id"]] = item
    return [found[key] for key in sorted(found)]


def view(evidence: Evidence, ask: Ask, *, told: bool) -> OrderView:
    """Everything of one order as it is shown."""
    line = evidence.line
    back = given_back(line, evidence.refunds)
    way = steps(line, evidence.landings, line.value_minor - back, ask.window)
    sent = next((d for d in evidence.deliveries if d.state == "delivered"), None)
    shown = sent or next(iter(evidence.deliveries), None)
    server = [item for item in evidence.received if item["source"] == "server"]
    kept = [item for item in evidence.received if item["duplicate_of"] is None]
    return OrderView(
        tables=(
            _credit_table(way, line),
            *opinions(evidence.row.seen.journey, way),
            _sides_table(evidence),
            _delivery_table(evidence),
            _item_table(evidence.row),
        ),
        order_id=line.order_id,
        name=line.name or line.order_id,
        at=iso(line.at),
        value=decimal_string(line.value_minor, line.currency),
        refunded=decimal_string(back, line.currency),
        currency=line.currency,
        kind=line.kind,
        buyer={None: None, True: "returning", False: "new"}[line.returning],
        event_id=shown.event_id if shown else None,
        browser=line.browser,
        server=line.server,
        counts="once" if line.eligible else (line.reason or "not").replace("_", " "),
        is_counted=line.eligible,
        state=standing(shown, line),
        matched=any(item["matched_merged"] for item in server) if server else None,
        unmatched=next((item["reason"] for item in server if item["reason"]), None),
        moments=_moments(evidence, way),
        keys=_keys(evidence),
        told=told,
        kept_once=len(kept) == 1 if evidence.received else None,
    )


def _keys(evidence: Evidence) -> tuple[MatchKey, ...]:
    """The keys that the Purchase carries, those that found the buyer first."""
    names = dict.fromkeys(name for row in evidence.events for name in user_data(row.event))
    found = {name for item in evidence.received for name in item["matched_by"]}
    return tuple(sorted((MatchKey(n, n in found) for n in names), key=lambda k: not k.found))


def _moments(evidence: Evidence, way: Sequence[Step]) -> tuple[Moment, ...]:
    """The order's life in order of time."""
    found = [*_visits(way), *_reports(evidence), *_sendings(evidence), *_receipts(evidence)]
    return tuple(sorted(found, key=lambda moment: moment.at))


def _visits(way: Sequence[Step]) -> list[Moment]:
    made = []
    for step in way:
        x = step.landing
        tags = " / ".join(filter(None, (x.source, x.medium, x.campaign)))
        more = [tags, f"click id {x.click_kind}" if x.click_kind else "", x.landing_path or ""]
        detail = ", ".join(filter(None, more))
        made.append(Moment(iso(x.at or 0), "visit", f"Visit: {x.channel}", detail))
    return made


def _reports(evidence: Evidence) -> list[Moment]:
    """What shop and browser told, and what was given back."""
    line = evidence.line
    made = [Moment(iso(line.at), "order", "Order placed", f"{line.kind}, as the shop dates it")]
    made.append(Moment(iso(line.first_received_at), "server", "The shop's server told"))
    if evidence.sighting is not None:
        at = iso(evidence.sighting.received_at)
        told = DIRECT.get(evidence.sighting.seen.direct, "")
        made.append(Moment(at, "browser", "The browser told", told))
    if line.cancelled_at is not None:
        made.append(Moment(iso(line.cancelled_at), "back", "Cancelled"))
    made += [Moment(iso(r.at), "back", "Given back", _amount(r)) for r in evidence.refunds]
    version = evidence.row.seen.version
    made += [Moment(iso(e.at), "order", "Edited", _edited(e, version)) for e in evidence.edits]
    return made


def _edited(edit: Edit, version: float) -> str:
    """What was changed, and whether the order's new total is known."""
    came = "the value shown is of after it" if version >= edit.at else NO_NEW_TOTAL
    return f"{edit.added} added, {edit.removed} removed; {came}"


def _amount(refund: Refund) -> str:
    return f"{decimal_string(refund.amount_minor, refund.currency)} {refund.currency}"


def _sendings(evidence: Evidence) -> list[Moment]:
    """Every move of the Purchase that a merchant may ask about; a lease is none."""
    made = []
    for move in evidence.moves:
        if move.state == State.LEASED:
            continue
        words = (move.reason or "").replace("_", " ")
        if move.state == State.DELIVERED:
            title = f"Delivered to {move.destination}"
        else:
            title = f"{move.destination}: {move.state.replace('_', ' ')}"
        made.append(Moment(iso(move.at), "sent", title, words))
    return made


def _receipts(evidence: Evidence) -> list[Moment]:
    made = []
    for item in evidence.received:
        side = "server's" if item["source"] == "server" else "browser's"
        if item["duplicate_of"] is None:
            title = f"The platform kept the {side} event"
        else:
            title = f"The platform dropped the {side} event as a duplicate"
        conversion = item["conversion"]
        detail = f"credited to ad {conversion['ad_id']}" if conversion else ""
        made.append(Moment(item["received_at"], "received", title, detail))
    return made


def _credit_table(way: Sequence[Step], line: OrderLine) -> Table:
    """Visits down, models across: what each model gives each visit."""
    columns = (
        Column("visit", "Visit"),
        Column("at", "When", "moment"),
        *(Column(model, MODEL_NAMES[model], "money") for model in MODELS),
    )
    rows = [
        {
            "visit": step.landing.campaign or step.landing.channel,
            "channel": step.landing.channel,
            "at": iso(step.landing.at or 0),
            "currency": line.currency,
            **{
                model: decimal_string(credit.minor, line.currency) if credit.share else None
                for model, credit in step.credits.items()
            },
            "shares": {model: credit.share / WHOLE for model, credit in step.credits.items()},
        }
        for step in way
    ]
    return Table(
        name="credit",
        caption="What each model gives to each visit",
        columns=columns,
        rows=rows,
        empty="No visit before this order was seen in the window, so no model can credit one. "
        "Put the pixel into the shop's theme, or choose a longer window.",
    )


def _sides_table(evidence: Evidence) -> Table:
    """Every event of the sale as the platform received it, and what became of it."""
    rows = [
        {
            "side": item["source"],
            "event_name": item["event_name"],
            "event_id": item["event_id"],
            "received_at": item["received_at"],
            "number": item["id"],
            "became": "kept"
            if item["duplicate_of"] is None
            else f"duplicate of {item['duplicate_of']}",
            "matched": item["matched_merged"],
            "matched_by": ", ".join(item["matched_by"]),
            "value": item["value"],
            "currency": item["currency"],
        }
        for item in evidence.received
    ]
    return Table(
        name="sides",
        caption="What the platform received of this sale",
        columns=(
            Column("side", "Side"),
            Column("number", "No.", "whole"),
            Column("event_id", "Event id"),
            Column("received_at", "Received", "moment"),
            Column("value", "Value", "money"),
            Column("became", "Became"),
            Column("matched", "Matched", "mark"),
            Column("matched_by", "By"),
        ),
        rows=rows,
        empty="The platform has not received this sale yet, or does not tell what it received.",
    )


def _delivery_table(evidence: Evidence) -> Table:
    rows = [
        {
            "destination": d.destination,
            "state": state(d.state, d.reason),
            "attempts": d.attempts,
            "updated_at": iso(d.updated_at),
            "detail": d.detail,
        }
        for d in evidence.deliveries
    ]
    return Table(
        name="deliveries",
        caption="Where its Purchase stands with each destination",
        columns=(
            Column("destination", "Destination"),
            Column("state", "State", "state"),
            Column("attempts", "Attempts", "whole"),
            Column("updated_at", "Since", "moment"),
            Column("detail", "The platform's words"),
        ),
        rows=rows,
        empty="No Purchase was made of this order, so there is nothing to deliver.",
    )


def _item_table(row: OrderRow) -> Table:
    currency = row.seen.presentment.currency
    rows = [
        {
            "title": item.title or item.sku or item.product_id or "item",
            "quantity": item.quantity,
            "price": decimal_string(to_minor(item.price, currency), currency),
            "currency": currency,
        }
        for item in row.seen.items
    ]
    return Table(
        name="items",
        caption="What was bought",
        columns=(
            Column("title", "Item"),
            Column("quantity", "Quantity", "whole"),
            Column("price", "Price", "money"),
        ),
        rows=rows,
        empty="The shop told of no items.",
    )


SCREEN = Screen(
    path="/order",
    title="Order",
    group="Money",
    about="",
    read=read,
    template="order.html",
    filters=("window",),
    own=("id",),
    listed=False,
)
