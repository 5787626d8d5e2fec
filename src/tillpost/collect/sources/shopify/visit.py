"""Shopify's cart, checkout and customer JSON: what a shopper did before, or without, an order.

A checkout tells neither address nor browser of its shopper (reference `shopify`, 2.6), so
it is an event only once it names somebody; the browser's own event of the same id, which
comes first, is kept where there is one.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from tillpost.collect.sources.shopify.order import (
    Address,
    Attribute,
    Customer,
    Order,
    carried_consent,
    identifiers,
    storefront,
)
from tillpost.collect.sources.shopify.prices import Id
from tillpost.core import event_id
from tillpost.core.body import decoded
from tillpost.core.event import CartSeen, Parsed, Person, Place, ServerSeen
from tillpost.core.money import to_minor

ENABLED = "customers/enable"
"""The topic of a customer who takes up an account later."""

_NO_ACCOUNT = frozenset({"disabled", "invited", "declined"})
"""States of a customer without an account (Admin API, Customer.state)."""

_WEB = frozenset({None, "web", "checkout_next", "580111"})


class Checkout(Order):
    """A checkout: an order's fields as far as they are known, and its own token."""

    token: str | None = None
    abandoned_checkout_url: str | None = None


class Account(Customer):
    """A customer by itself."""

    created_at: datetime | None = None
    updated_at: datetime | None = None
    state: str | None = None


class Cart(Struct):
    """A cart: its token, and what scripts of the shop's theme wrote into it."""

    token: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    note_attributes: list[Attribute] | None = None


_checkouts = msgspec.json.Decoder(Checkout)
_carts = msgspec.json.Decoder(Cart)
_accounts = msgspec.json.Decoder(Account)


def read_checkout(body: bytes, domain: str, country: str | None) -> list[Parsed]:
    """A checkout webhook as InitiateCheckout; none if it is staff's, or names nobody yet.

    Raises `msgspec.ValidationError` for a field that is not as documented, and `MoneyError`.
    """
    got = decoded(body, _checkouts)
    if not got.token or got.user_id or got.source_name not in _WEB:
        return []
    carried = {a.name: str(a.value) for a in got.note_attributes or () if a.value}
    at = int(got.created_at.timestamp())
    tied = _tie(carried, at, got.cart_token, got.token)
    raw = identifiers(got)
    if not ("em" in raw or "ph" in raw):
        return tied
    seen = ServerSeen(
        event_name="InitiateCheckout",
        event_id=event_id.of_checkout(got.token),
        event_time=at,
        action_source="website",
        event_source_url=storefront(got.abandoned_checkout_url, domain),
        custom_data=_worth(got),
        consent=carried_consent(carried, at),
        person=Person(fbc=carried.get("_fbc"), fbp=carried.get("_fbp")),
        place=_place(got.billing_address) or _place(got.shipping_address) or Place(),
    )
    return [Parsed(seen, raw, seen.place.country or country), *tied]


def read_cart(body: bytes) -> list[Parsed]:
    """Whose browser a cart is of, where the cart carries that; it makes no event (domain rule 13).

    Raises `msgspec.ValidationError` for a field that is not as documented.
    """
    got = decoded(body, _carts)
    carried = {a.name: str(a.value) for a in got.note_attributes or () if a.value}
    at = got.updated_at or got.created_at
    return _tie(carried, int(at.timestamp()), got.token, None) if at and got.token else []


def read_customer(
    body: bytes, topic: str, domain: str, country: str | None, key: bytes
) -> list[Parsed]:
    """A new account as CompleteRegistration, its id keyed: nobody can send it ahead.

    Shopify makes a customer of every guest who buys, too: without an account that is none.

    Raises `msgspec.ValidationError` for a field that is not as documented.
    """
    got = decoded(body, _accounts)
    at = got.updated_at if topic == ENABLED else got.created_at
    if got.id is None or at is None or got.state in _NO_ACCOUNT:
        return []
    seen = ServerSeen(
        event_name="CompleteRegistration",
        event_id=_registration(key, got.id),
        event_time=int(at.timestamp()),
        action_source="website",
        event_source_url=f"https://{domain}/",
        place=_place(got.default_address) or Place(),
    )
    order = Order(got.id, at, customer=got, billing_address=got.default_address)
    return [Parsed(seen, identifiers(order), seen.place.country or country)]


def _tie(
    carried: Mapping[str, str], at: int, cart: str | None, checkout: str | None
) -> list[Parsed]:
    visitor_id = carried.get("_tillpost_visitor")
    return [Parsed(CartSeen(visitor_id, at, cart, checkout), {})] if visitor_id else []


def _worth(got: Checkout) -> dict[str, object]:
    """The subtotal, as Shopify's own channel has it, where it surely is in the buyer's money."""
    count = {"num_items": sum(line.quantity for line in got.line_items)}
    same = got.presentment_currency in {None, got.currency}
    if got.subtotal_price is None or got.currency is None or not same:
        return dict(count)
    to_minor(got.subtotal_price, got.currency)
    return {"value": got.subtotal_price, "currency": got.currency, **count}


def _place(address: object) -> Place | None:
    if not isinstance(address, Address) or not address.country_code:
        return None
    return Place(address.country_code.upper(), (address.province_code or "").upper() or None)


def _registration(key: bytes, customer_id: Id) -> str:
    text = f"registration.{customer_id}".encode()
    return f"registration.{hmac.new(key, text, sha256).hexdigest()[:32]}"
