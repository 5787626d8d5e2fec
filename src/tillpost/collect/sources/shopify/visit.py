"""Shopify's checkout and customer JSON: what a shopper did before, or without, an order.

A checkout tells neither address nor browser of its shopper (reference `shopify`, 2.6), so
it is an event only once it names somebody; the browser's own event of the same id, which
comes first, is kept where there is one.
"""

import hmac
from datetime import datetime
from hashlib import sha256

import msgspec

from tillpost.collect.sources.shopify.order import Address, Customer, Id, Order, identifiers
from tillpost.core import event_id
from tillpost.core.event import Parsed, Person, Place, ServerSeen
from tillpost.core.money import to_minor

_WEB = frozenset({None, "web", "checkout_next", "580111"})


class Checkout(Order):
    """A checkout: an order's fields as far as they are known, and its own token."""

    token: str | None = None


class Account(Customer):
    """A customer by itself."""

    created_at: datetime | None = None
    default_address: Address | None = None


_checkouts = msgspec.json.Decoder(Checkout)
_accounts = msgspec.json.Decoder(Account)


def read_checkout(body: bytes, domain: str, country: str | None) -> list[Parsed]:
    """A checkout webhook as InitiateCheckout; none if it is staff's, or names nobody yet.

    Raises `msgspec.ValidationError` for a field that is not as documented, and `MoneyError`.
    """
    got = _checkouts.decode(body)
    raw = identifiers(got)
    named = "em" in raw or "ph" in raw
    if not (got.token and named) or got.user_id or got.source_name not in _WEB:
        return []
    carried = {a.name: str(a.value) for a in got.note_attributes or () if a.value}
    seen = ServerSeen(
        event_name="InitiateCheckout",
        event_id=event_id.of_checkout(got.token),
        event_time=int(got.created_at.timestamp()),
        action_source="website",
        event_source_url=f"https://{domain}/",
        custom_data=_worth(got),
        person=Person(fbc=carried.get("_fbc"), fbp=carried.get("_fbp")),
        place=_place(got.billing_address) or _place(got.shipping_address) or Place(),
    )
    return [Parsed(seen, raw, seen.place.country or country)]


def read_customer(body: bytes, domain: str, country: str | None, key: bytes) -> list[Parsed]:
    """A new customer as CompleteRegistration, its id keyed: nobody can send it ahead.

    Raises `msgspec.ValidationError` for a field that is not as documented.
    """
    got = _accounts.decode(body)
    if got.id is None or got.created_at is None:
        return []
    seen = ServerSeen(
        event_name="CompleteRegistration",
        event_id=_registration(key, got.id),
        event_time=int(got.created_at.timestamp()),
        action_source="website",
        event_source_url=f"https://{domain}/",
        place=_place(got.default_address) or Place(),
    )
    order = Order(got.id, got.created_at, customer=got, billing_address=got.default_address)
    return [Parsed(seen, identifiers(order), seen.place.country or country)]


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
