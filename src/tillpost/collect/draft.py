"""The rows of a batch while it is folded: what was recalled, and what has changed since."""

from collections.abc import Mapping

from msgspec import structs

from tillpost.core import retry
from tillpost.core.books import (
    ALSO,
    Books,
    Changes,
    Delivery,
    EditRow,
    EventRow,
    Link,
    OrderRow,
    PrivacyRow,
    RefundRow,
    Sighting,
    Slip,
    Touch,
    Visitor,
)
from tillpost.core.outcome import FINAL, State
from tillpost.core.policy import Standing
from tillpost.core.shop import Route


def is_sale(row: EventRow) -> bool:
    """Whether the event is the Purchase of an order or of a browser that waits for its order."""
    return row.fold_key.startswith(("sale:", "order:"))


class Draft:
    """Reads see the batch's own writes; `changes()` gives each changed row once, as it is last."""

    def __init__(self, books: Books, routes: Mapping[str, tuple[Route, ...]]) -> None:
        self._books = books
        self._routes = routes
        self.position: int | None = None
        self._orders: dict[tuple[str, str], OrderRow] = {}
        self._refunds: dict[tuple[str, str], RefundRow] = {}
        self._sightings: dict[tuple[str, str], Sighting] = {}
        self._visitors: dict[tuple[str, str], Visitor] = {}
        self._links: dict[tuple[str, str, str, str], Link] = {}
        self._touches: list[Touch] = []
        self._slips: list[Slip] = []
        self._events: dict[int, EventRow] = {}
        self._sales = {
            (row.shop, row.order_id): row for row in books.events.values() if is_sale(row)
        }
        self._of_visitors: dict[tuple[str, str], set[str]] = {}
        for row in books.events.values():
            if row.visitor_id is not None:
                self._of_visitors.setdefault((row.shop, row.visitor_id), set()).add(row.fold_key)
        self._deliveries: dict[tuple[int, str], Delivery] = {}
        self._accepted: dict[tuple[str, str], int] = {}
        self._privacy: list[PrivacyRow] = []
        self._edits: list[EditRow] = []

    def changes(self) -> Changes:
        """All that changed, ready to be committed."""
        return Changes(
            position=self.position,
            orders=list(self._orders.values()),
            refunds=list(self._refunds.values()),
            sightings=list(self._sightings.values()),
            visitors=list(self._visitors.values()),
            links=list(self._links.values()),
            touches=self._touches,
            events=list(self._events.values()),
            deliveries=list(self._deliveries.values()),
            accepted=self._accepted,
            privacy=self._privacy,
            slips=self._slips,
            edits=self._edits,
        )

    def order(self, shop: str, order_id: str) -> OrderRow | None:
        """The order of this id."""
        return self._books.orders.get((shop, order_id))

    def order_of(self, shop: str, token: str | None) -> OrderRow | None:
        """The order of this checkout token."""
        order_id = self._books.tokens.get((shop, token or ""))
        return self.order(shop, order_id) if order_id else None

    def sighting(self, shop: str, token: str | None) -> Sighting | None:
        """The browser's Purchase of this checkout token."""
        return self._books.sightings.get((shop, token or ""))

    def visitor(self, shop: str, visitor_id: str | None) -> Visitor | None:
        """The visitor of this id."""
        return self._books.visitors.get((shop, visitor_id or ""))

    def visitor_of(self, shop: str, token: str | None) -> str | None:
        """The id of the visitor seen with this checkout token."""
        return self._books.checkouts.get((shop, token or ""))

    def event(self, shop: str, fold_key: str) -> EventRow | None:
        """The event of this fold key."""
        return self._books.events.get((shop, fold_key))

    def sale(self, shop: str, order_id: str) -> EventRow | None:
        """The Purchase of the order of this id."""
        return self._sales.get((shop, order_id))

    def waiting(self, shop: str, visitor_id: str) -> list[EventRow]:
        """The visitor's events that are held."""
        keys = sorted(self._of_visitors.get((shop, visitor_id), ()))
        rows = [self._books.events[shop, key] for key in keys]
        return [row for row in rows if row.hold_until is not None]

    def deliveries(self, event: int) -> list[Delivery]:
        """Where the event stands with each destination."""
        return list(self._books.deliveries.get(event, {}).values())

    def put_order(self, row: OrderRow) -> None:
        """Keep the order as it is now known."""
        key = row.shop, row.seen.order_id
        before = self._books.orders.get(key)
        if before is not None and before.seen.also:
            self._books.tokens.pop((row.shop, f"{ALSO}{before.seen.also}"), None)
        self._orders[key] = self._books.orders[key] = row
        if row.seen.checkout_token:
            self._books.tokens[row.shop, row.seen.checkout_token] = row.seen.order_id
        if row.seen.also:
            self._books.tokens[row.shop, f"{ALSO}{row.seen.also}"] = row.seen.order_id
        visitor_id = row.seen.carried.visitor_id
        if visitor_id:
            self._books.tokens[row.shop, f"visitor:{visitor_id}"] = row.seen.order_id

    def put_sighting(self, row: Sighting) -> None:
        """Keep the first Purchase that a browser reported for a checkout."""
        key = row.shop, row.token
        self._sightings[key] = self._books.sightings[key] = row

    def put_visitor(self, row: Visitor) -> None:
        """Keep the visitor as it is now known."""
        key = row.shop, row.visitor_id
        self._visitors[key] = self._books.visitors[key] = row

    def link_checkout(self, shop: str, token: str, visitor: Visitor, at: int) -> None:
        """Tie a checkout, or a cart by its name, to the first visitor seen with it."""
        self._books.checkouts.setdefault((shop, token), visitor.visitor_id)
        self.add_link(Link(shop, "checkout", token, visitor.visitor_id, at))

    def add_link(self, link: Link) -> None:
        """Keep a link, from the earliest time it was seen."""
        key = link.shop, link.kind, link.value, link.visitor_id
        known = self._links.get(key)
        if known is None or link.at < known.at:
            self._links[key] = link

    def add_touch(self, touch: Touch) -> None:
        """Keep a landing; the store ignores one that it has already."""
        self._touches.append(touch)

    def add_slip(self, slip: Slip) -> None:
        """Count campaign tags that stood on a link inside the shop."""
        self._slips.append(slip)

    def add_refund(self, row: RefundRow) -> None:
        """Keep a refund; the same one again is the same row."""
        old = self._refunds.get((row.shop, row.refund_id), row)
        first = structs.replace(row, at=min(old.at, row.at))
        self._refunds[row.shop, row.refund_id] = first

    def add_edit(self, row: EditRow) -> None:
        """Keep that an order was edited; the store ignores an edit that it has already."""
        self._edits.append(row)

    def add_privacy(self, row: PrivacyRow) -> None:
        """Keep a request about somebody's data, to be carried out."""
        self._privacy.append(row)

    def put_event(self, old: EventRow | None, new: EventRow, where: Standing) -> None:
        """Keep an event, new or changed, and where it now stands with every destination.

        What an earlier report of it told first stays: its number, its sender, its time.
        """
        row = structs.replace(
            new,
            id=old.id if old else self._next_event(),
            source=old.source if old and old.order_id else new.source,
            received_at=old.received_at if old else new.received_at,
            visitor_id=new.visitor_id or (old.visitor_id if old else None),
            hold_until=where.until,
        )
        self._events[row.id] = self._books.events[row.shop, row.fold_key] = row
        if is_sale(row):
            self._sales[row.shop, row.order_id] = row
        if row.visitor_id is not None:
            self._of_visitors.setdefault((row.shop, row.visitor_id), set()).add(row.fold_key)
        for route in self._routes.get(row.shop, ()):
            if route.takes(row.event.event_name):
                self._put_delivery(row, route, where)

    def amend_event(self, row: EventRow) -> None:
        """Keep what is now known of an event; where it stands with its destinations stays."""
        self._events[row.id] = self._books.events[row.shop, row.fold_key] = row

    def _next_event(self) -> int:
        number = self._books.next_event
        self._books.next_event += 1
        return number

    def _put_delivery(self, row: EventRow, route: Route, where: Standing) -> None:
        destination = route.destination
        known = self._books.deliveries.setdefault(row.id, {})
        old = known.get(destination)
        if old is None:
            key = row.shop, destination
            self._accepted[key] = self._accepted.get(key, 0) + 1
            old = Delivery(row.id, destination, row.shop, where.state, row.received_at)
        elif old.state in FINAL and old.state is not State.DROPPED:
            return
        due_at = where.until if where.until is not None else row.received_at
        reason = str(where.reason) if where.reason else None
        deadline = retry.deadline(row.event, route.horizon)
        new = structs.replace(
            old, state=where.state, reason=reason, due_at=due_at, deadline=deadline
        )
        known[destination] = self._deliveries[row.id, destination] = new
