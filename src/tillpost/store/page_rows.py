"""Rows of one shop for the dashboard's pages, read from both stores without a write."""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, convert

from tillpost.store import queries
from tillpost.store.glance import Delivery
from tillpost.store.sqlite import Database


class OrderLine(Struct, frozen=True, array_like=True):
    """One order as the shop told it; money in minor units, times in Unix seconds."""

    order_id: str
    name: str
    at: int
    kind: str
    eligible: bool
    reason: str | None
    value_minor: int
    currency: str
    browser: bool
    server: bool
    first_received_at: float
    cancelled_at: int | None
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
        self, start: int, stop: int, limit: int, before: tuple[int, str], *, returning: bool | None
    ) -> list[OrderLine]:
        """Orders of the period that are older than `before` (time, id), the newest first."""
        found = self._rows(
            "latest_orders",
            start=start,
            stop=stop,
            limit=limit,
            before=before[0],
            before_id=before[1],
            buyers=returning,
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
        made: dict[str, list[Delivery]] = {}
        for row in self._rows("deliveries", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(Delivery(*row))
        return made

    def refunds(self, order_ids: Sequence[str]) -> dict[str, list[Refund]]:
        """Of each order, what was given back."""
        made: dict[str, list[Refund]] = {}
        for row in self._rows("refunds", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(Refund(*row))
        return made

    def journeys(self, order_ids: Sequence[str]) -> dict[str, list[Landing]]:
        """Of each order, the visits of everybody it belongs to, the oldest first."""
        made: dict[str, list[Landing]] = {}
        for row in self._rows("journeys", order_ids=json.dumps(list(order_ids))):
            made.setdefault(row[0], []).append(convert(row, Landing, strict=False))
        return made

    def _rows(self, name: str, **given: Any) -> list[Any]:
        with self._gateway.reader() as conn:
            return conn.execute(self._sql[name], {"shop": self._shop, **given}).fetchall()
