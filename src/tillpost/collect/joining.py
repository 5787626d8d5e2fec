"""Which browser's Purchase belongs to which order.

The checkout token says it surely. A page that has none (a shop's own thank-you page, a theme's
fbq) reports a Purchase under an id of its own: it joins the order that the same visitor made
within half an hour, unless it names another. An order number alone joins nothing: numbers can
be guessed, and a forged Purchase would lend the order its id (domain rule 7). Whose browser it
was, and so what led there, the order's own visitor id tells, else its checkout, else its cart.
"""

from tillpost.collect.draft import Draft
from tillpost.core.books import EventRow, OrderRow, Sighting, Visitor, cart_name
from tillpost.core.event import BrowserSeen, CartSeen, OrderSeen

NEAR = 1800
"""Seconds between an order and a Purchase of its visitor's browser."""


def visitor_token(visitor_id: str) -> str:
    """The name under which a visitor's Purchase without a checkout is kept."""
    return f"visitor:{visitor_id}"


def visitor_id_of(draft: Draft, row: OrderRow) -> str | None:
    """The order's visitor: the one it carries, else the first seen with its checkout or cart."""
    seen = row.seen
    cart = cart_name(seen.cart_token) if seen.cart_token else None
    return (
        seen.carried.visitor_id
        or draft.visitor_of(row.shop, seen.checkout_token)
        or draft.visitor_of(row.shop, cart)
    )


def tie(draft: Draft, shop: str, visitor: Visitor, seen: BrowserSeen) -> None:
    """Tie the checkout and the cart that a browser told to its visitor."""
    cart = cart_name(seen.cart_token) if seen.cart_token else None
    for name in (seen.checkout_token, cart):
        if name:
            draft.link_checkout(shop, name, visitor, seen.event_time)


def tie_cart(draft: Draft, shop: str, seen: CartSeen) -> None:
    """Tie the cart and the checkout that the shop told to the visitor whom they carry."""
    visitor = Visitor(shop, seen.visitor_id, seen.at)
    for name in names_of(seen):
        draft.link_checkout(shop, name, visitor, seen.at)


def names_of(seen: CartSeen) -> list[str]:
    """The names of what a cart is known by."""
    cart = cart_name(seen.cart_token) if seen.cart_token else None
    return [name for name in (seen.checkout_token, cart) if name]


def tokens(seen: BrowserSeen) -> list[str]:
    """The names under which what a browser reported may meet its order, the surest first."""
    if seen.checkout_token:
        return [seen.checkout_token]
    if seen.event_name != "Purchase":
        return []
    own = [f"id:{seen.event_id}"]
    return [*own, visitor_token(seen.visitor_id)] if seen.visitor_id else own


def sighting_of(draft: Draft, row: OrderRow) -> Sighting | None:
    """The browser's Purchase of an order: by its checkout, else by its visitor."""
    found = draft.sighting(row.shop, row.seen.checkout_token)
    visitor_id = row.seen.carried.visitor_id
    if found is not None or visitor_id is None:
        return found
    near = draft.sighting(row.shop, visitor_token(visitor_id))
    if near is None or not _belongs(near.seen, row.seen):
        return None
    taken = waiting_of(draft, near)
    if taken is not None and taken.order_id not in {None, row.seen.order_id}:
        return None
    return near


def waiting_of(draft: Draft, sighting: Sighting) -> EventRow | None:
    """The event of a browser's Purchase, which waits for its order or is its order's by now."""
    token = sighting.seen.checkout_token or f"id:{sighting.seen.event_id}"
    return draft.event(sighting.shop, f"sale:{token}")


def order_of(draft: Draft, shop: str, seen: BrowserSeen) -> OrderRow | None:
    """The order of a browser's Purchase: by its checkout or id, else the visitor's latest."""
    sure, *near = tokens(seen)
    found = draft.order_of(shop, sure)
    if found is not None or not near:
        return found
    latest = draft.order_of(shop, near[0])
    return latest if latest is not None and _belongs(seen, latest.seen) else None


def _belongs(seen: BrowserSeen, order: OrderSeen) -> bool:
    """Whether the two are near in time, and the page names no other order."""
    named = seen.custom_data.get("order_id")
    own = {None, "", order.order_id, order.name, order.name.removeprefix("#")}
    known = named if named is None else str(named)
    return abs(seen.event_time - order.processed_at) <= NEAR and known in own
