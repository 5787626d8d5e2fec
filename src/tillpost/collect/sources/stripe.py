"""Stripe: signed events of checkouts, payments, invoices and refunds.

The header is `t=<unix>,v1=<hex>[,v1=<hex>]`; HMAC-SHA256 of `<t>.<body>`, not older than
300 seconds (reference `shopify`, 7b). One sale may be told as a session and as a payment:
both carry the payment intent, which is the order's id here. A sale by invoice has the
invoice's id. That a payment and an invoice are one sale, a session tells that makes an invoice
of its payment, an invoice before the API of 2025-03-31, and `invoice_payment.paid` since.
"""

import hmac
from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct, field

from tillpost.core import click
from tillpost.core.body import check_depth, decoded
from tillpost.core.device import shopper
from tillpost.core.event import (
    Carried,
    Device,
    Money,
    OrderKind,
    OrderSeen,
    Parsed,
    Person,
    Raw,
    RefundSeen,
    place,
)
from tillpost.core.money import MoneyError, exponent, to_minor
from tillpost.core.outcome import Rejection
from tillpost.core.wire import RECEIVED_AT, Request

name = "stripe"


TOLERANCE = 300
"""Seconds that a signature's time may differ from ours (Stripe's own default)."""

_EXPONENTS = {"MGA": 0, "ISK": 2, "UGX": 2}
"""Where Stripe's minor units are not those of ISO 4217 (docs.stripe.com/currencies)."""

_BY_INVOICE = frozenset({"Subscription creation", "Subscription update", "Payment for Invoice"})
"""Descriptions of payments whose sale is told by an invoice."""

_BILLED: dict[str, OrderKind] = {"subscription_create": "web", "subscription_cycle": "renewal"}


class Settings(Struct, frozen=True):
    """What the events are checked against; any one of the secrets may sign."""

    webhook_secrets: tuple[bytes, ...]
    country: str | None = None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Settings(country={self.country!r})"


class _Address(Struct):
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class _Customer(Struct):
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    address: _Address | None = None


class _Totals(Struct):
    amount_tax: int | None = None
    amount_shipping: int | None = None


class _Session(Struct):
    id: str
    amount_total: int | None = None
    amount_subtotal: int | None = None
    currency: str | None = None
    payment_status: str = ""
    payment_intent: str | None = None
    invoice: str | None = None
    customer: str | None = None
    customer_details: _Customer | None = None
    total_details: _Totals | None = None
    metadata: dict[str, str] | None = None


class _Payment(Struct):
    id: str
    amount_received: int
    currency: str
    created: int
    invoice: str | None = None
    description: str | None = None
    customer: str | None = None
    receipt_email: str | None = None
    metadata: dict[str, str] | None = None


class _Invoice(Struct):
    id: str
    amount_paid: int
    currency: str
    payment_intent: str | None = None
    billing_reason: str | None = None
    customer: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    customer_name: str | None = None
    customer_address: _Address | None = None
    metadata: dict[str, str] | None = None


class _PaidBy(Struct):
    payment_intent: str | None = None


class _InvoicePayment(Struct):
    invoice: str
    amount_paid: int
    currency: str
    payment: _PaidBy


class _Refund(Struct):
    id: str
    amount: int
    currency: str
    created: int
    status: str | None = None
    payment_intent: str | None = None
    charge: str | None = None


class _Refunds(Struct):
    data: list[_Refund] = field(default_factory=list)


class _Charge(Struct):
    id: str
    invoice: str | None = None
    payment_intent: str | None = None
    refunds: _Refunds | None = None


class _Data(Struct):
    object: msgspec.Raw


class _Event(Struct):
    type: str
    created: int
    livemode: bool
    data: _Data


class _Sale(Struct, frozen=True):
    """What sessions, payments and invoices have in common."""

    order_id: str
    token: str
    kind: OrderKind
    minor: int
    currency: str
    version: int
    status: str
    customer: str | None
    who: _Customer
    metadata: Mapping[str, str]
    event_id: str | None = None
    subtotal: int | None = None
    tax: int = 0
    shipping: int = 0
    also: str | None = None


_events = msgspec.json.Decoder(_Event)
_sessions = msgspec.json.Decoder(_Session)
_payments = msgspec.json.Decoder(_Payment)
_invoices = msgspec.json.Decoder(_Invoice)
_invoice_payments = msgspec.json.Decoder(_InvoicePayment)
_refunds = msgspec.json.Decoder(_Refund)
_charges = msgspec.json.Decoder(_Charge)


def verify(request: Request, settings: Settings) -> Rejection | None:
    """None if one of the secrets signed exactly these bytes within the last 300 seconds."""
    header = "Stripe-Signature"
    pairs = [
        p.strip().partition("=") for p in request.headers.get("stripe-signature", "").split(",")
    ]
    stamp = next((value for key, _, value in pairs if key == "t"), "")
    given = [value.encode("utf-8", "replace") for key, _, value in pairs if key == "v1"]
    if not (stamp.isascii() and stamp.isdigit() and given):
        return Rejection(401, "no_signature", header, "the header lacks `t=` or `v1=`")
    signed = stamp.encode() + b"." + request.body
    expected = [hmac.new(s, signed, sha256).hexdigest().encode() for s in settings.webhook_secrets]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        return Rejection(
            401,
            "bad_signature",
            header,
            "no secret of this shop signs this body: compare shops.stripe.webhook_secrets with "
            "the endpoint's signing secret, whsec_...",
        )
    if abs(float(request.headers.get(RECEIVED_AT, 0)) - int(stamp)) > TOLERANCE:
        detail = f"signed more than {TOLERANCE} s from now: check this server's clock"
        return Rejection(401, "stale_signature", header, detail)
    return None


def parse(request: Request, settings: Settings) -> list[Parsed] | Rejection:
    """The facts of one event; none for a type that tells nothing we keep."""
    kind = "body"
    try:
        check_depth(request.body)
        event = _events.decode(request.body)
        kind = event.type
        read = _READERS.get(kind)
        return read(event, settings) if read else []
    except (msgspec.ValidationError, MoneyError) as error:
        return Rejection(200, "unexpected_shape", kind, str(error), keep=True)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(200, "not_json", kind, f"the body is not JSON: {error}", keep=True)


def amount(minor: int, currency: str) -> Money:
    """Stripe's minor units as money: 1050 `usd` is 10.50 USD, 1050 `jpy` is 1050 JPY.

    Raises `MoneyError` for a currency that is not in ISO 4217.
    """
    code = currency.upper()
    places = _EXPONENTS.get(code, exponent(code))
    money = Money(Decimal(minor).scaleb(-places), code)
    to_minor(money.amount, code)
    return money


def _session(event: _Event, settings: Settings) -> list[Parsed]:
    got = decoded(bytes(event.data.object), _sessions)
    if got.amount_total is None or got.currency is None:
        return []
    metadata = got.metadata or {}
    totals = got.total_details or _Totals()
    failed = event.type.endswith("failed")
    unpaid = "voided" if failed else "pending"
    sale = _Sale(
        order_id=got.payment_intent or got.invoice or got.id,
        token=got.id,
        kind="web",
        minor=got.amount_total,
        currency=got.currency,
        version=event.created,
        status=unpaid if failed or got.payment_status == "unpaid" else "paid",
        customer=got.customer,
        who=got.customer_details or _Customer(),
        metadata=metadata,
        event_id=metadata.get("event_id") or got.id,
        subtotal=got.amount_subtotal,
        tax=totals.amount_tax or 0,
        shipping=totals.amount_shipping or 0,
        also=got.invoice if got.payment_intent else None,
    )
    return [_parsed(sale, event, settings)]


def _payment(event: _Event, settings: Settings) -> list[Parsed]:
    """A payment is older than the session it may belong to, which knows more and so wins."""
    got = decoded(bytes(event.data.object), _payments)
    if got.invoice or got.description in _BY_INVOICE:
        return []
    metadata = got.metadata or {}
    sale = _Sale(
        order_id=got.id,
        token=got.id,
        kind="web",
        minor=got.amount_received,
        currency=got.currency,
        version=got.created,
        status="paid",
        customer=got.customer,
        who=_Customer(email=got.receipt_email),
        metadata=metadata,
        event_id=metadata.get("event_id"),
    )
    return [_parsed(sale, event, settings)]


def _invoice(event: _Event, settings: Settings) -> list[Parsed]:
    """An invoice is older than its session: it is told with the same id and less of the buyer."""
    got = decoded(bytes(event.data.object), _invoices)
    metadata = got.metadata or {}
    who = _Customer(got.customer_email, got.customer_phone, got.customer_name, got.customer_address)
    sale = _Sale(
        order_id=got.id,
        token=got.id,
        kind=_BILLED.get(got.billing_reason or "", "api"),
        minor=got.amount_paid,
        currency=got.currency,
        version=event.created - TOLERANCE,
        status="paid",
        customer=got.customer,
        who=who,
        metadata=metadata,
        event_id=metadata.get("event_id"),
        also=got.payment_intent,
    )
    return [_parsed(sale, event, settings)]


def _invoice_payment(event: _Event, settings: Settings) -> list[Parsed]:
    """That a payment was an invoice's; of the sale itself every other report knows more."""
    got = decoded(bytes(event.data.object), _invoice_payments)
    if got.payment.payment_intent is None:
        return []
    sale = _Sale(
        order_id=got.invoice,
        token=got.invoice,
        kind="api",
        minor=got.amount_paid,
        currency=got.currency,
        version=0,
        status="pending",
        customer=None,
        who=_Customer(),
        metadata={},
        also=got.payment.payment_intent,
    )
    return [_parsed(sale, event, settings)]


def _refund(event: _Event, _settings: Settings) -> list[Parsed]:
    got = decoded(bytes(event.data.object), _refunds)
    return _refund_facts(got, got.payment_intent or got.charge)


def _charge(event: _Event, _settings: Settings) -> list[Parsed]:
    """Where the charge lists its refunds, each is one; else `refund.created` tells them."""
    got = decoded(bytes(event.data.object), _charges)
    order_id = got.invoice or got.payment_intent or got.id
    given = got.refunds.data if got.refunds else []
    return [fact for refund in given for fact in _refund_facts(refund, order_id)]


def _refund_facts(refund: _Refund, order_id: str | None) -> list[Parsed]:
    if refund.status != "succeeded" or not order_id:
        return []
    money = amount(refund.amount, refund.currency)
    return [Parsed(RefundSeen(refund.id, order_id, refund.created, money), {})]


def _parsed(sale: _Sale, event: _Event, settings: Settings) -> Parsed:
    address = sale.who.address or _Address()
    country = address.country.upper() if address.country else None
    total = amount(sale.minor, sale.currency)
    below = sale.minor - sale.tax - sale.shipping if sale.subtotal is None else sale.subtotal
    meta = sale.metadata
    landing, referrer = meta.get("_tillpost_landing"), meta.get("_tillpost_referrer")
    seen = OrderSeen(
        order_id=sale.order_id,
        name=sale.order_id,
        version=float(sale.version),
        created_at=event.created,
        processed_at=event.created,
        kind=sale.kind,
        topic=event.type,
        value=total,
        presentment=total,
        subtotal=amount(below, sale.currency),
        tax=amount(sale.tax, sale.currency),
        shipping=amount(sale.shipping, sale.currency),
        financial_status=sale.status,
        gateway_pending=sale.status != "paid",
        test=not event.livemode,
        checkout_token=sale.token if sale.kind != "renewal" else None,
        customer_id=sale.customer,
        event_id=sale.event_id,
        carried=Carried(
            visitor_id=meta.get("_tillpost_visitor"),
            landing_url=click.strip_query(landing) if landing else None,
            referrer_url=click.strip_query(referrer) if referrer else None,
        ),
        person=Person(
            fbc=meta.get("_fbc") or click.fbc_of_url(landing, event.created), fbp=meta.get("_fbp")
        ),
        device=shopper(meta.get("ip"), meta.get("ua")) if sale.kind == "web" else Device(),
        place=place(country, address.state),
        also=sale.also,
    )
    return Parsed(seen, _identifiers(sale, address), country or settings.country)


def _identifiers(sale: _Sale, address: _Address) -> Raw:
    first, _, last = (sale.who.name or "").strip().rpartition(" ")
    raw: dict[str, Any] = {
        "em": sale.who.email,
        "ph": sale.who.phone,
        "fn": first,
        "ln": last if first else None,
        "ct": address.city,
        "st": address.state,
        "zp": address.postal_code,
        "country": address.country,
        "external_id": sale.customer,
    }
    return {key: (value,) for key, value in raw.items() if value and value.strip()}


_READERS: dict[str, Callable[[_Event, Settings], list[Parsed]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "payment_intent.succeeded": _payment,
    "invoice.paid": _invoice,
    "invoice_payment.paid": _invoice_payment,
    "charge.refunded": _charge,
    "refund.created": _refund,
    "refund.updated": _refund,
}
