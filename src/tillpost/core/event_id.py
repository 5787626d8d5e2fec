"""The id that the browser's and the server's copy of one event share.

Guessable ids are dangerous: `/tr` is public, and an id that is sent ahead of the
real event has the real one discarded (domain rule 7). Checkout tokens cannot be
guessed; where there is none, the order's id is keyed.
"""

import hmac
from hashlib import sha256

from tillpost.core.event import BrowserSeen, OrderSeen


def of_purchase(token: str) -> str:
    """The Purchase id of a checkout, the same in the browser and on the server."""
    return f"purchase.{token}"


def of_checkout(token: str) -> str:
    """The InitiateCheckout id of a checkout, the same in the browser and on the server."""
    return f"ic.{token}"


def of_order(key: bytes, order_id: str) -> str:
    """The Purchase id of an order that no browser knows: keyed, so that none can send it ahead."""
    return f"order.{hmac.new(key, order_id.encode(), sha256).hexdigest()[:32]}"


def choose(order: OrderSeen, sighting: BrowserSeen | None, key: bytes) -> str:
    """The id of an order's Purchase: what the page used, else the checkout's, else a keyed one."""
    if sighting is not None and sighting.event_id:
        return sighting.event_id
    if order.event_id:
        return order.event_id
    if order.checkout_token:
        return of_purchase(order.checkout_token)
    return of_order(key, order.order_id)
