"""Rows of the gateway's tables as reports read them, made from the books without SQL."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import structs

from tillpost.core import money
from tillpost.core.books import (
    Delivery,
    EventRow,
    Leased,
    OrderRow,
    Sighting,
    Slip,
    Touch,
    cart_name,
)
from tillpost.core.event import Item, Money, OrderSeen, Visit
from tillpost.core.moment import day_of
from tillpost.core.outcome import Outcome, State
from tillpost.ports import Rows

Costing: TypeAlias = Mapping[str, Any]
"""A product's `cost_minor` and `currency`."""

SPEND = (
    *("shop", "platform", "account_id", "day", "campaign_id", "campaign", "adset_id", "adset"),
    *("ad_id", "ad", "currency", "spend_minor", "impressions", "clicks"),
    *("claims_micro", "claims_minor"),
)
RATES = ("day", "currency", "quote", "rate")
ORDERS = (
    *("shop", "order_id", "name", "at", "kind", "eligible", "reason", "value_minor", "currency"),
    *("checkout_token", "customer_id", "returning", "cancelled_at", "refunded_minor", "browser"),
    *("server", "presentment_minor", "presentment_currency", "subtotal_minor", "tax_minor"),
    "shipping_minor",
)
ORDER_KEYS = ("shop", "order_id", "kind", "value")
LINKS = ("shop", "kind", "value", "visitor_id", "at")
TOUCHES = Touch.__struct_fields__[:-3]
DELIVERIES = ("shop", "order_id", "destination", "state", "reason")
SHOP_JOURNEYS = ("shop", "order_id", "source", "medium", "campaign", "visits")
ORDER_COSTS = ("shop", "order_id", "currency", "goods_minor", "pieces_unknown")
TAG_FAULTS = (
    *("shop", "day", "source", "medium", "campaign", "channel", "click_kind", "flags"),
    *("landing_path", "times"),
)
FRESH_TENTHS = 7
"""Of ten leased events so many may be fresh ones, before the most urgent."""
FRESH_SECONDS = 600.0
"""How long an event that was never tried counts as fresh."""
BAD_ROWS = ("shop", "source", "received_at", "reason", "field", "detail")


def table(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> Rows:
    """Column names, and the rows in that order."""
    return list(columns), list(rows)


def first_visitors(
    links: Mapping[tuple[str, str, str, str], int], names: set[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The first visitor seen with each of these (shop, checkout token)."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    for (shop, kind, value, visitor), at in links.items():
        if kind == "checkout" and (shop, value) in names:
            known = first.get((shop, value), (at, visitor))
            first[shop, value] = min(known, (at, visitor))
    return {name: visitor for name, (_, visitor) in first.items()}


def names_of(orders: Iterable[OrderRow]) -> set[tuple[str, str]]:
    """(shop, name) of the checkout, the cart and the visitor of each of these orders."""
    found = set()
    for row in orders:
        seen, visitor = row.seen, row.seen.carried.visitor_id
        names = (
            seen.checkout_token,
            cart_name(seen.cart_token) if seen.cart_token else None,
            f"visitor:{visitor}" if visitor else None,
        )
        found |= {(row.shop, name) for name in names if name}
    return found


def sales_of(sightings: Mapping[tuple[str, str], Sighting]) -> set[tuple[str, str]]:
    """The fold keys under which browsers' Purchases without a checkout wait for their orders."""
    return {
        (row.shop, f"sale:id:{row.seen.event_id}")
        for (_, token), row in sightings.items()
        if token.startswith("visitor:")
    }


def pause_turns(results: Iterable[tuple[Leased, Outcome]]) -> dict[str, str | None]:
    """What results tell of destinations: why one takes nothing, or None that it takes again."""
    turns: dict[str, str | None] = {}
    for item, outcome in results:
        if outcome.state is State.PAUSED:
            turns[item.delivery.destination] = outcome.reason or "unknown"
        elif outcome.state is State.DELIVERED:
            turns[item.delivery.destination] = None
    return turns


def alike(results: Iterable[tuple[Leased, Outcome]], now: float) -> list[tuple[Any, ...]]:
    """The values of `settle`, one row for all events of a destination that became the same."""
    groups: dict[tuple[str, Outcome], dict[int, int]] = {}
    for item, outcome in results:
        row = item.delivery
        groups.setdefault((row.destination, outcome), {})[row.event] = row.fence
    return [
        (
            str(outcome.state),
            outcome.reason,
            outcome.detail,
            now + (outcome.retry_after or 0.0),
            int(outcome.sent),
            now,
            destination,
            msgspec.json.encode(fences).decode(),
        )
        for (destination, outcome), fences in groups.items()
    ]


def _plain(value: object) -> object:
    """Yes and no as SQLite has them."""
    return int(value) if isinstance(value, bool) else value


def _outcome(row: Delivery) -> dict[str, Any]:
    return {
        "destination": row.destination,
        "state": str(row.state),
        "reason": row.reason and str(row.reason),
        "attempts": row.attempts,
        "detail": row.detail,
    }


def order_row(row: OrderRow, refunded_minor: int) -> tuple[Any, ...]:
    """An order as its table has it; raises `MoneyError` for money that no column can hold."""
    seen = row.seen
    values = (
        row.shop,
        seen.order_id,
        seen.name,
        seen.processed_at,
        seen.kind,
        row.eligible,
        row.reason and str(row.reason),
        money.to_minor(seen.value.amount, seen.value.currency),
        seen.value.currency,
        seen.checkout_token,
        seen.customer_id,
        seen.returning,
        seen.cancelled_at,
        refunded_minor,
        row.browser,
        1,
        money.to_minor(seen.presentment.amount, seen.presentment.currency),
        seen.presentment.currency,
        *order_parts(seen),
    )
    return tuple(_plain(value) for value in values)


def order_parts(seen: OrderSeen) -> tuple[int | None, ...]:
    """Subtotal, tax and shipping in minor units of the buyer's money; None where not told in it."""
    told = (seen.presentment_subtotal or seen.subtotal, seen.presentment_tax or seen.tax)
    return tuple(_minor(part, seen.presentment.currency) for part in (*told, seen.shipping))


def _minor(part: Money, currency: str) -> int | None:
    """Minor units; None if it is in another currency, or nothing that a column can hold."""
    try:
        return money.to_minor(part.amount, currency) if part.currency == currency else None
    except money.MoneyError:
        return None


def purchases(events: Iterable[EventRow], deliveries: Mapping[int, Mapping[str, Delivery]]) -> Rows:
    """Where the Purchase of each order stands with each destination; of several the latest."""
    found = {
        (row.shop, row.order_id, name): (str(delivery.state), delivery.reason)
        for row in sorted(events, key=lambda row: row.id)
        if row.order_id is not None and row.event.event_name == "Purchase"
        for name, delivery in deliveries.get(row.id, {}).items()
    }
    return table(DELIVERIES, [(*key, *stands) for key, stands in found.items()])


def shop_journeys(orders: Iterable[OrderRow]) -> Rows:
    """What the shop system itself says led to its orders, where it told it."""
    rows = []
    for row in orders:
        if journey := row.seen.journey:
            last = journey.last or Visit(0)
            origin = (last.utm_source or last.source, last.utm_medium, last.utm_campaign)
            rows.append((row.shop, row.seen.order_id, *origin, journey.visits))
    return table(SHOP_JOURNEYS, rows)


def tag_faults(touches: Iterable[Touch], slips: Mapping[Slip, int]) -> Rows:
    """What is wrong with the tags of landings, and of links inside the shop, by day."""
    landed: dict[tuple[Any, ...], list[str]] = {}
    for touch in touches:
        if touch.flags:
            names = ("source", "medium", "campaign", "channel", "click_kind", "flags")
            key = (touch.shop, day_of(touch.at), *(getattr(touch, name) for name in names))
            landed.setdefault(key, []).append(touch.landing_path or "")
    rows = [(*key, min(paths), len(paths)) for key, paths in landed.items()]
    inside = [
        (*structs.astuple(slip)[:-1], None, None, "internal_utm", slip.landing_path, times)
        for slip, times in slips.items()
    ]
    return table(TAG_FAULTS, [*rows, *inside])


def order_costs(orders: Iterable[OrderRow], costs: Mapping[tuple[str, str], Costing]) -> Rows:
    """What the goods of each order cost, and of how many lines nothing says so."""
    rows = [_order_cost(row, costs) for row in orders]
    return table(ORDER_COSTS, sorted(row for row in rows if row is not None))


def _order_cost(row: OrderRow, costs: Mapping[tuple[str, str], Costing]) -> tuple[Any, ...] | None:
    lines = [(item.quantity, _cost(row.shop, item, costs)) for item in row.seen.items]
    known = [(quantity, cost) for quantity, cost in lines if cost is not None]
    if not known:
        return None
    currencies = {cost["currency"] for _, cost in known}
    goods = sum(quantity * cost["cost_minor"] for quantity, cost in known)
    unknown = len(lines) - len(known) + int(len(currencies) > 1)
    return (row.shop, row.seen.order_id, min(currencies), goods, unknown)


def _cost(shop: str, item: Item, costs: Mapping[tuple[str, str], Costing]) -> Costing | None:
    names = (item.sku, item.variant_id, item.product_id)
    return next((costs[shop, name] for name in names if name and (shop, name) in costs), None)


def touch_row(number: int, row: Touch) -> tuple[Any, ...]:
    """A touch as its table has it."""
    return (number, *(_plain(getattr(row, column)) for column in TOUCHES))


def event_item(row: EventRow, deliveries: dict[str, Delivery]) -> dict[str, Any]:
    """An event with its outcomes by destination, in the shape of `GET /api/v1/events`."""
    return {
        "id": row.id,
        "received_at": row.received_at,
        "source": row.source,
        "shop": row.shop,
        "event_name": row.event.event_name,
        "event_id": row.event.event_id,
        "event_time": row.event.event_time,
        "order_id": row.order_id,
        "outcomes": [_outcome(delivery) for _, delivery in sorted(deliveries.items())],
    }
