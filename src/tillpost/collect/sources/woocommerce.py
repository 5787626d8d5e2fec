"""WooCommerce: signed webhooks of orders, as the REST API v3 has them.

The signature is base64 of HMAC-SHA256 over the raw body. Saving a webhook sends one
unsigned form body `webhook_id=1` that must be answered 200. A failed delivery is never
sent again, and the body is made when it is sent, so `order.updated` may come alone
(reference `shopify`, 7).
"""

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct, field

from tillpost.core import click
from tillpost.core.body import check_depth, decoded
from tillpost.core.device import shopper
from tillpost.core.event import (
    Carried,
    Device,
    Item,
    Money,
    OrderKind,
    OrderSeen,
    Parsed,
    Person,
    Raw,
    RefundSeen,
    place,
)
from tillpost.core.money import MoneyError, to_minor
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

name = "woocommerce"

_TOPICS = frozenset({"order.created", "order.updated", "order.restored"})
_PING = re.compile(rb"webhook_id=\d+")
_ATTRIBUTION = "_wc_order_attribution_"
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "utm_id")
_FINANCIAL = {
    "processing": "paid",
    "completed": "paid",
    "refunded": "refunded",
    "on-hold": "pending",
    "pending": "pending",
    "failed": "voided",
    "cancelled": "voided",
}
"""WooCommerce's order status in the words of `core.policy`."""

_NO_ORDER = frozenset({"", "auto-draft", "checkout-draft", "draft", "new", "trash"})
"""A checkout that is still being filled in, or what was thrown away."""

_KINDS: dict[str, OrderKind] = {
    "subscription": "renewal",
    "admin": "draft",
    "rest-api": "api",
    "pos-rest-api": "pos",
}
"""Where `created_via` says that no shopper's browser made the order."""


class Settings(Struct, frozen=True):
    """What the shop's webhooks are checked against; any one of the secrets may sign."""

    webhook_secrets: tuple[bytes, ...]
    domain: str
    country: str | None = None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Settings(domain={self.domain!r})"


class _Address(Struct):
    first_name: str | None = None
    last_name: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class _Meta(Struct):
    key: str = ""
    value: Any = None


class _Line(Struct):
    product_id: int = 0
    variation_id: int = 0
    name: str | None = None
    sku: str | None = None
    quantity: int = 1
    total: Decimal = Decimal(0)


class _Coupon(Struct):
    code: str = ""


class _Refund(Struct):
    id: int
    total: Decimal


class _Order(Struct):
    id: int
    currency: str
    total: Decimal
    date_created_gmt: datetime
    number: str | None = None
    status: str = ""
    created_via: str = ""
    date_modified_gmt: datetime | None = None
    date_paid_gmt: datetime | None = None
    total_tax: Decimal = Decimal(0)
    shipping_total: Decimal = Decimal(0)
    customer_id: int = 0
    customer_ip_address: str | None = None
    customer_user_agent: str | None = None
    billing: _Address = field(default_factory=_Address)
    line_items: list[_Line] = field(default_factory=list)
    coupon_lines: list[_Coupon] = field(default_factory=list)
    refunds: list[_Refund] = field(default_factory=list)
    meta_data: list[_Meta] = field(default_factory=list)


_orders = msgspec.json.Decoder(_Order)


def verify(request: Request, settings: Settings) -> Rejection | None:
    """None if one of the secrets signed exactly these bytes for this shop, or for its ping."""
    given = request.headers.get("x-wc-webhook-signature")
    if not given:
        if _PING.fullmatch(request.body):
            return None
        return Rejection(401, "no_signature", "X-WC-Webhook-Signature", "the header is missing")
    if not any(_signed(secret, request.body, given) for secret in settings.webhook_secrets):
        return Rejection(
            401,
            "bad_signature",
            "X-WC-Webhook-Signature",
            "no secret of this shop signs this body: compare shops.woocommerce.webhook_secrets "
            "with the secret under WooCommerce > Settings > Advanced > Webhooks",
        )
    source = request.headers.get("x-wc-webhook-source")
    if source and _host(source) != _host(f"//{settings.domain}"):
        detail = f"this address is for {settings.domain}"
        return Rejection(401, "other_shop", "X-WC-Webhook-Source", detail)
    return None


def parse(request: Request, settings: Settings) -> list[Parsed] | Rejection:
    """The facts of one webhook; none for the ping and for a topic that tells nothing we keep.

    A deleted order is its id alone: it stays as it was last seen.
    """
    topic = request.headers.get("x-wc-webhook-topic") or "order.created"
    if _PING.fullmatch(request.body) or topic not in _TOPICS:
        return []
    try:
        check_depth(request.body)
        return _facts(decoded(request.body, _orders), topic, settings)
    except (msgspec.ValidationError, MoneyError, ArithmeticError) as error:
        return Rejection(200, "unexpected_shape", topic, str(error), keep=True)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(200, "not_json", topic, f"the body is not JSON: {error}", keep=True)


def _facts(order: _Order, topic: str, settings: Settings) -> list[Parsed]:
    if _status(order) is None:
        return []
    lines = (line.total for line in order.line_items)
    for amount in (order.total, order.total_tax, order.shipping_total, *lines):
        to_minor(amount, order.currency)
    seen = _seen(order, topic, settings.domain)
    facts = [Parsed(seen, _identifiers(order), seen.place.country or settings.country)]
    for refund in order.refunds:
        to_minor(refund.total, order.currency)
        given = Money(abs(refund.total), order.currency)
        facts.append(Parsed(RefundSeen(str(refund.id), str(order.id), _changed(order), given), {}))
    return facts


def _seen(order: _Order, topic: str, domain: str) -> OrderSeen:
    meta = {m.key: str(m.value) for m in order.meta_data if m.value}
    created = _unix(order.date_created_gmt)
    total = Money(order.total, order.currency)
    kind = _kind(order, meta)
    event_id = meta.get("_meta_event_id") if kind == "web" else None
    status = _status(order) or ""
    return OrderSeen(
        order_id=str(order.id),
        name=order.number or str(order.id),
        version=float(_changed(order)),
        created_at=created,
        processed_at=created,
        kind=kind,
        topic=topic,
        value=total,
        presentment=total,
        subtotal=Money(sum((i.total for i in order.line_items), Decimal(0)), order.currency),
        tax=Money(order.total_tax, order.currency),
        shipping=Money(order.shipping_total, order.currency),
        financial_status=status,
        gateway_pending=status in {"pending", "voided"},
        cancelled_at=_changed(order) if order.status == "cancelled" else None,
        items=tuple(_item(line) for line in order.line_items),
        # The page's own Purchase has no checkout: it is kept under `id:` and its event id.
        checkout_token=f"id:{event_id}" if event_id else None,
        customer_id=str(order.customer_id) if order.customer_id else None,
        discount_codes=tuple(c.code for c in order.coupon_lines if c.code),
        event_id=event_id,
        source_url=f"https://{domain}/" if kind == "web" else None,
        carried=_carried(meta, domain),
        person=Person(
            fbc=meta.get("_fbc") or click.fbc_of_url(_landing(meta, domain), created),
            fbp=meta.get("_fbp"),
        ),
        device=shopper(order.customer_ip_address, order.customer_user_agent)
        if kind == "web"
        else Device(),
        place=place(order.billing.country, order.billing.state),
    )


def _status(order: _Order) -> str | None:
    """What became of its money; None for what is no order, or not yet.

    Shops and their plugins add statuses of their own: such an order is one once it was paid.
    """
    paid = order.date_paid_gmt is not None and order.status not in _NO_ORDER
    if paid and (order.status == "cancelled" or order.status not in _FINANCIAL):
        return "paid"
    return _FINANCIAL.get(order.status)


def _kind(order: _Order, meta: Mapping[str, str]) -> OrderKind:
    return "renewal" if "_subscription_renewal" in meta else _KINDS.get(order.created_via, "web")


def _carried(meta: Mapping[str, str], domain: str) -> Carried:
    landing = _landing(meta, domain)
    referrer = meta.get(f"{_ATTRIBUTION}referrer")
    return Carried(
        visitor_id=meta.get("_tillpost_visitor"),
        landing_url=click.strip_query(landing) if landing else None,
        referrer_url=click.strip_query(referrer) if referrer else None,
    )


def _landing(meta: Mapping[str, str], domain: str) -> str | None:
    """The session's first page; its campaign is put back where only the metadata kept it."""
    entry = meta.get(f"{_ATTRIBUTION}session_entry")
    if meta.get(f"{_ATTRIBUTION}source_type") != "utm" or "utm_source=" in (entry or ""):
        return entry
    known = {key: meta[_ATTRIBUTION + key] for key in _UTM if meta.get(_ATTRIBUTION + key)}
    page = (entry or f"https://{domain}/").partition("#")[0]
    return page + ("&" if "?" in page else "?") + urlencode(known)


def _item(line: _Line) -> Item:
    price = line.total / line.quantity if line.quantity > 0 else line.total
    return Item(
        product_id=str(line.product_id) if line.product_id else None,
        variant_id=str(line.variation_id) if line.variation_id else None,
        sku=line.sku or None,
        title=line.name,
        quantity=line.quantity,
        price=price.quantize(Decimal("0.001")),
    )


def _identifiers(order: _Order) -> Raw:
    bill = order.billing
    raw = {
        "em": bill.email,
        "ph": bill.phone,
        "fn": bill.first_name,
        "ln": bill.last_name,
        "ct": bill.city,
        "st": bill.state,
        "zp": bill.postcode,
        "country": bill.country,
        "external_id": str(order.customer_id) if order.customer_id else None,
    }
    return {key: (value,) for key, value in raw.items() if value and value.strip()}


def _changed(order: _Order) -> int:
    return _unix(order.date_modified_gmt or order.date_created_gmt)


def _unix(moment: datetime) -> int:
    """The `_gmt` dates carry no zone."""
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _signed(secret: bytes, body: bytes, given: str) -> bool:
    expected = base64.b64encode(hmac.new(secret, body, sha256).digest())
    return hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))
