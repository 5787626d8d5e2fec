"""One sale, several sightings: an order and its beacon become one Purchase event.

Value and currency are the buyer's (presentment) money, the same on both sides
(domain rules 1 and 10). Address and browser always come as a pair from one place
(domain rule 11).
"""

from decimal import Decimal
from typing import Any

from tillpost.core import click, event_id, retry
from tillpost.core.books import Visitor
from tillpost.core.event import BrowserSeen, Device, Event, Item, OrderSeen, Person
from tillpost.core.policy import ACTION_SOURCE
from tillpost.core.shop import Shop


def purchase(
    order: OrderSeen,
    shop: Shop,
    *,
    sighting: BrowserSeen | None = None,
    sighted_at: float | None = None,
    visitor: Visitor | None = None,
    first_received_at: float,
    now: float,
) -> Event:
    """The Purchase of an order, with what its beacon and its visitor add."""
    time = event_time(order, first_received_at, now)
    source = ACTION_SOURCE[order.kind]
    return Event(
        shop=shop.name,
        event_name="Purchase",
        event_id=event_id.choose(order, sighting, shop.id_key),
        event_time=time,
        action_source=source,
        event_source_url=_page(order, sighting, shop) if source == "website" else None,
        referrer_url=sighting.referrer_url if sighting else None,
        custom_data=custom_data(order, shop),
        person=_person(order, sighting, visitor, time),
        device=device(order, sighting),
        direct=sighting.direct if sighting else "unknown",
        direct_at=sighted_at,
    )


def event_time(order: OrderSeen, first_received_at: float, now: float) -> int:
    """When the sale was made, in Unix seconds: `processed_at` while a platform takes it.

    An order that came in time and was paid too late counts when it was paid, its last change.
    One that was too old when it first came stays as old as it is: a change of its parcel's
    state is no sale. None is made after we first heard of it, whatever a shop's clock says:
    platforms refuse what lies in the future.
    """
    made = min(order.processed_at, int(first_received_at))
    age = retry.META.age(ACTION_SOURCE[order.kind])
    came_late = first_received_at - made > age
    if came_late or now - made <= age:
        return made
    return int(min(max(order.version, made), now))


def custom_data(order: OrderSeen, shop: Shop) -> dict[str, Any]:
    """Value, currency and contents of an order in CAPI vocabulary, in presentment money."""
    contents = [content(item, shop) for item in order.items if item_id(item, shop)]
    data: dict[str, Any] = {
        "value": _value(order, shop),
        "currency": order.presentment.currency,
        "order_id": order.order_id,
    }
    if contents:
        data["content_type"] = "product_group" if shop.content_id == "product" else "product"
        data["content_ids"] = [entry["id"] for entry in contents]
        data["contents"] = contents
        data["num_items"] = sum(entry["quantity"] for entry in contents)
    return data


def content(item: Item, shop: Shop) -> dict[str, Any]:
    """One line as CAPI `contents` has it."""
    return {"id": item_id(item, shop), "quantity": item.quantity, "item_price": item.price}


def item_id(item: Item, shop: Shop) -> str | None:
    """The product's id as the shop's catalogue at the platform has it (domain rule 15)."""
    match shop.content_id:
        case "product":
            return item.product_id or item.sku
        case "variant":
            return item.variant_id or item.sku
        case "shopify" if item.product_id and item.variant_id:
            return f"shopify_{shop.country or 'US'}_{item.product_id}_{item.variant_id}"
        case _:
            return item.sku


def device(order: OrderSeen, sighting: BrowserSeen | None) -> Device:
    """The pair of address and browser: the beacon's if it has both, else the order's own."""
    seen = sighting.device if sighting else Device()
    if seen.client_ip_address and seen.client_user_agent:
        return seen
    return order.device


def _value(order: OrderSeen, shop: Shop) -> Decimal:
    """By the shop's value base; the total where that is not known in the buyer's money."""
    total = order.presentment
    subtotal = order.presentment_subtotal or order.subtotal
    tax = order.presentment_tax or order.tax
    if shop.value_base == "subtotal" and subtotal.currency == total.currency:
        return subtotal.amount
    if shop.value_base == "less_tax" and tax.currency == total.currency:
        return total.amount - tax.amount
    return total.amount


def _page(order: OrderSeen, sighting: BrowserSeen | None, shop: Shop) -> str:
    if sighting is not None and sighting.event_source_url:
        return sighting.event_source_url
    return order.source_url or f"https://{shop.domain}/"


def _person(
    order: OrderSeen, sighting: BrowserSeen | None, visitor: Visitor | None, time: int
) -> Person:
    """The order's identifiers with the first click cookies known: beacon, cart, then visitor.

    A click that the order tells with its landing page has the time at which the visitor's
    browser first had it, where that is known (domain rule 16).

    Identifiers that a browser reports are never believed (`reliability`, section 6).
    """
    seen = sighting.person if sighting else Person()
    fbc = seen.fbc or click.first_seen(order.person.fbc, visitor.fbc if visitor else None)
    fbp = seen.fbp or order.person.fbp or (visitor.fbp if visitor else None)
    return Person(
        keys=order.person.keys,
        fbc=click.usable_fbc(fbc, time),
        fbp=fbp,
        plain=order.person.plain,
    )
