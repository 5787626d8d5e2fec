"""Rows of one shop for the dashboard's pages, read from both stores without a write."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, convert

from tillpost.core import dedup
from tillpost.store import glance, queries
from tillpost.store.glance import Delivery
from tillpost.store.sqlite import Database

REACH = 200_000
"""So many of the latest events are looked through for what is rare among them."""


class OrderLine(glance.OrderLine, frozen=True, array_like=True):
    """As the overview has it, with who bought."""

    returning: bool | None
    customer_id: str | None


class Landing(Struct, frozen=True, array_like=True):
    """A visit of somebody an order belongs to; without `id` that visitor has none."""

    order_id: str
    visitor_id: str
    id: int | None
    at: int | None
    channel: str | None
    source: str | None
    medium: str | None
    campaign: str | None
    campaign_id: str | None
    adset_id: str | None
    ad_id: str | None
    direct: bool | None
    paid: bool | None
    click_kind: str | None
    referrer_host: str | None
    landing_path: str | None


class Refund(Struct, frozen=True, array_like=True):
    """Money given back for an order, in minor units."""

    order_id: str
    refund_id: str
    at: int
    amount_minor: int
    currency: str


class Edit(Struct, frozen=True, array_like=True):
    """That the lines of an order were changed in the shop, in pieces."""

    order_id: str
    at: int
    added: int
    removed: int


class EventLine(Struct, frozen=True, array_like=True):
    """One event of the outbox; `browser` tells whether its order was seen there too.

    `outcomes` is a JSON array of `{"destination", "state", "reason"}`.
    """

    id: int
    received_at: float
    source: str
    event_name: str
    event_id: str
    event_time: int
    order_id: str | None
    order_name: str | None
    browser: bool | None
    outcomes: str


class EventDelivery(Struct, frozen=True, array_like=True):
    """Where one event stands with one destination."""

    destination: str
    state: str
    reason: str | None
    detail: str | None
    attempts: int
    due_at: float
    updated_at: float


class Received(Struct, frozen=True, array_like=True):
    """One event as the receiver settled it; `twin` is the one it duplicates."""

    seq: int
    source: int
    event_name: str
    event_id: str | None
    received_at: float
    twin: int | None
    matched: bool
    matched_by: str
    unmatched: str | None
    test_event_code: str | None


class PageRows:
    """Reads a gateway's and a receiver's files for one shop."""

    def __init__(self, gateway: Database, receiver: Database, shop: str) -> None:
        self._gateway = gateway
        self._receiver = receiver
        self._shop = shop
        self._sql = queries.load("pages")

    def order_totals(self, start: int, stop: int) -> list[tuple[str, int, int, int]]:
        """(currency, eligible orders, what they took, what was given back) of the period."""
        return self._rows("order_totals", start=start, stop=stop)

    def latest_orders(
        self, start: int, stop: int, limit: int, before: tuple[int, str]
    ) -> list[OrderLine]:
        """Orders of the period that are older than `before` (time, id), the newest first."""
        found = self._rows(
            "latest_orders",
            start=start,
            stop=stop,
            limit=limit,
            before=before[0],
            before_id=before[1],
        )
        return convert(found, list[OrderLine], strict=False)

    def orders(self, order_ids: Sequence[str]) -> list[OrderLine]:
        """These orders, the newest first."""
        found = self._rows("orders_by_id", order_ids=json.dumps(list(order_ids)))
        return convert(found, list[OrderLine], strict=False)

    def named(self, text: str, limit: int = 50) -> list[str]:
        """Ids of the orders with this number, id or event id."""
        found = self._rows("orders_named", text=text, limit=limit)
        found += self._rows("order_of_event", text=text, limit=limit)
        return list(dict.fromkeys(row[0] for row in found))

    def deliveries(self, order_ids: Sequence[str]) -> dict[str, list[Delivery]]:
        """Of each order, where its Purchase stands with every destination."""
        return glance.deliveries(self._gateway, self._shop, order_ids)

    def refunds(self, order_ids: Sequence[str]) -> dict[str, list[Refund]]:
        """Of each order, what was given back."""
        made: dict[str, list[Refund]] = {}
        for row in self._rows("refunds", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(Refund(*row))
        return made

    def edits(self, order_ids: Sequence[str]) -> dict[str, list[Edit]]:
        """Of each order, how its lines were changed in the shop."""
        made: dict[str, list[Edit]] = {}
        for row in self._rows("edits", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(Edit(*row))
        return made

    def journeys(self, order_ids: Sequence[str]) -> dict[str, list[Landing]]:
        """Of each order, the visits of everybody it belongs to, the oldest first."""
        made: dict[str, list[Landing]] = {}
        for row in self._rows("journeys", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(convert(row, Landing, strict=False))
        return made

    def lags(self, destination: str, limit: int = 500) -> list[tuple[float, float]]:
        """(seconds from acceptance to delivery, when) of the latest deliveries."""
        return self._rows("lags", destination=destination, limit=limit, reach=REACH)

    def waiting(self) -> dict[str, tuple[int, int, float]]:
        """Destination -> (events that still go out, those tried before, the oldest's due time)."""
        return {row[0]: (row[1], row[2], row[3]) for row in self._rows("waiting")}

    def latest_events(
        self, before: int, limit: int, name: str | None, reach: int
    ) -> list[EventLine]:
        """Events with numbers below `before`, the latest first, of the last `reach`."""
        found = self._rows(
            "latest_events", before=before, limit=limit, event_name=name, reach=reach
        )
        return convert(found, list[EventLine], strict=False)

    def events_named(self, text: str, limit: int) -> list[EventLine]:
        """Events with this number or event id, and those of the order with this id or number."""
        found = self._rows("events_named", text=text, limit=limit)
        return convert(found, list[EventLine], strict=False)

    def event_names(self) -> list[str]:
        """Names of the latest events."""
        return [row[0] for row in self._rows("event_names")]

    def latest_keys(self, limit: int, reach: int) -> list[str]:
        """Fold keys of the latest events of every name, as far as the last `reach` events tell."""
        return [row[0] for row in self._rows("latest_keys", limit=limit, reach=reach)]

    def event_key(self, number: int) -> str | None:
        """The fold key of the shop's event of that number, if there is one."""
        found = self._rows("event_key", id=number)
        return found[0][0] if found else None

    def received_at(self, number: int) -> float | None:
        """When the shop's event of that number was received."""
        found = self._rows("received_at", id=number)
        return found[0][0] if found else None

    def event_deliveries(self, number: int) -> list[EventDelivery]:
        """Where an event stands with each destination."""
        return convert(self._rows("event_deliveries", id=number), list[EventDelivery], strict=False)

    def received(self, datasets: Iterable[str], limit: int, code: str | None) -> list[Received]:
        """What the receiver settled last for these datasets (with this test code)."""
        given = {"datasets": json.dumps(sorted(datasets)), "limit": limit, "code": code}
        with self._receiver.reader() as conn:
            found = conn.execute(self._sql["received"], given).fetchall()
        return convert(found, list[Received], strict=False)

    def orders_by_quarter(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """(Unix quarter of an hour, eligible web orders, those that the browser saw too)."""
        return self._rows("orders_by_quarter", start=start, stop=stop)

    def spend_known(self) -> list[tuple[str, str, int, str, str, int, int, int]]:
        """(platform, currency, rows, first day, last day, minor units, impressions, clicks)."""
        return self._rows("spend_known")

    def spend_of(self, first: str, last: str, currency: str) -> int:
        """Minor units of this currency that were spent from one day to another, both included."""
        found: int = self._rows("spend_of", first=first, last=last, currency=currency)[0][0]
        return found

    def last_heard(self) -> dict[str, float]:
        """When each source last reported."""
        return dict(self._rows("last_heard"))

    def last_order(self) -> int | None:
        """When the last order was placed."""
        found: int | None = self._rows("last_order")[0][0]
        return found

    def matches(self, datasets: Iterable[str], event_ids: Iterable[str]) -> dict[str, bool]:
        """Event id -> whether the receiver knew the buyer of the server's Purchase of that id."""
        marks = {
            dedup.id_mark(dataset, "Purchase", event_id): event_id
            for dataset in datasets
            for event_id in event_ids
        }
        with self._receiver.reader() as conn:
            found = conn.execute(self._sql["matches"], {"marks": json.dumps(list(marks))})
            return {marks[mark]: bool(known) for mark, known in found}

    def _rows(self, name: str, **given: Any) -> list[Any]:
        with self._gateway.reader() as conn:
            return conn.execute(self._sql[name], {"shop": self._shop, **given}).fetchall()
