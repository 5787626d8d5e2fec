"""Which orders are Purchases, and when they may go: the shop's policy as tables.

`eligibility` says what an order is worth reporting as a Purchase at all; it never
depends on the order in which webhooks came. `standing` says whether an event may
go now, must wait, or is dropped, and why.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from tillpost.core.event import ActionSource, Event, OrderKind, OrderSeen
from tillpost.core.outcome import Reason, State
from tillpost.core.shop import CONSENT_WAIT, PAYMENT_WAIT, OrderPolicy, Shop

PAID = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})
"""Shopify's financial states that follow a payment (shopify.dev, Order.financial_status)."""

STATUS_RANK = {
    "": 0,
    "pending": 1,
    "authorized": 2,
    "expired": 3,
    "voided": 3,
    "partially_paid": 4,
    "paid": 5,
    "partially_refunded": 6,
    "refunded": 7,
}
"""Of two reports of one moment, the later in an order's life: webhooks keep no order."""

ACTION_SOURCE: dict[OrderKind, ActionSource] = {
    "web": "website",
    "app": "website",
    "pos": "physical_store",
    "phone": "phone_call",
    "api": "other",
    "draft": "other",
    "renewal": "system_generated",
    "exchange": "other",
}
"""What Meta is told of where a sale was made, by kind of order."""


_NATIVE_KINDS = frozenset({"web", "app"})
"""What the shop system's own channel tells Meta of, once the browser has come to the end."""


NATIVE_EVENTS = frozenset(
    {"PageView", "ViewContent", "Search", "AddToCart", "InitiateCheckout", "AddPaymentInfo"}
)
"""What else the shop system's own channel tells Meta of (the Shopify channel's web pixel)."""

_NATIVE_SENDERS: dict[str, frozenset[str]] = {
    "off": frozenset(),
    "pixel": frozenset({"shopify"}),
    "full": frozenset({"pixel", "shopify"}),
}
"""Whose report of such an event is not sent on: the shop's server knows no id of the channel's."""


class PolicyRow(NamedTuple):
    """Orders that `applies` to are reported, but are no Purchase."""

    reason: Reason
    applies: Callable[[OrderSeen], bool]
    why: str


INELIGIBLE: tuple[PolicyRow, ...] = (
    PolicyRow(Reason.TEST_ORDER, lambda o: o.test, "a test order is no sale"),
    PolicyRow(Reason.DRAFT, lambda o: o.kind == "draft", "staff made it: no ad brought it"),
    PolicyRow(
        Reason.RENEWAL, lambda o: o.kind == "renewal", "the subscription was sold once before"
    ),
    PolicyRow(Reason.EXCHANGE, lambda o: o.kind == "exchange", "goods against goods"),
    PolicyRow(Reason.ZERO_VALUE, lambda o: o.presentment.amount <= 0, "nothing was paid"),
    PolicyRow(
        Reason.GIFT_CARD,
        lambda o: bool(o.items) and all(i.gift_card for i in o.items),
        "revenue comes when the card is spent",
    ),
)
"""First row that applies wins; the order stays in the reports with its reason."""


class Eligibility(Struct, frozen=True):
    """Whether an order is a Purchase; if not (yet), why."""

    eligible: bool
    reason: Reason | None = None


class Standing(Struct, frozen=True):
    """Where an event stands before it goes out; `until` is when a hold ends by itself."""

    state: State
    reason: Reason | None = None
    until: float | None = None


READY = Standing(State.PENDING)


def supersedes(new: OrderSeen, old: OrderSeen) -> bool:
    """Whether `new` tells a later moment of the order's life than `old`, however they arrived."""
    return _rank(new) >= _rank(old)


def _rank(order: OrderSeen) -> tuple[float, int, bool, str]:
    status = STATUS_RANK.get(order.financial_status, 0)
    return order.version, status, order.cancelled_at is not None, order.topic


def eligibility(order: OrderSeen, shop: Shop) -> Eligibility:
    """Whether the order, as it stands, is a Purchase by the shop's policy."""
    for row in INELIGIBLE:
        if row.applies(order) and _policy(row.reason, shop, "drop") == "drop":
            return Eligibility(eligible=False, reason=row.reason)
    if _policy(order.kind, shop, "send") == "drop":
        return Eligibility(eligible=False, reason=Reason.CHANNEL)
    waits = order.gateway_pending or shop.purchase_on == "paid"
    if waits and order.financial_status not in PAID:
        return Eligibility(eligible=False, reason=Reason.AWAITING_PAYMENT)
    return Eligibility(eligible=True)


def _policy(name: str, shop: Shop, default: OrderPolicy) -> OrderPolicy:
    """What the owner wants of this kind or condition; a test order never is a sale."""
    return default if name == Reason.TEST_ORDER else shop.kinds.get(name, default)


def _reported_only(order: OrderSeen, shop: Shop) -> bool:
    """Whether the owner wants the order counted and no platform told of it."""
    names = [order.kind, *(str(row.reason) for row in INELIGIBLE if row.applies(order))]
    return any(shop.kinds.get(name) == "report" for name in names)


def standing(
    order: OrderSeen, shop: Shop, *, first_received_at: float, sighted: bool, now: float
) -> Standing:
    """Where the order's Purchase stands before consent and match keys are looked at.

    It waits `join_wait` for its beacon only where there was a browser to send one.
    """
    verdict = eligibility(order, shop)
    if verdict.reason is Reason.AWAITING_PAYMENT:
        return awaiting_payment(order, first_received_at, now)
    if verdict.reason is not None:
        return Standing(State.DROPPED, verdict.reason)
    reason = _why_not_sent(order, shop, sighted=sighted)
    if reason is not None:
        return Standing(State.DROPPED, reason)
    until = first_received_at + shop.join_wait
    if order.checkout_token and not sighted and now < until:
        return Standing(State.HELD, Reason.JOIN_WAIT, until)
    return READY


def event_standing(
    event: Event, source: str, shop: Shop, *, bot: bool, test: bool = False
) -> Standing:
    """Where an event that is no sale stands before consent is looked at."""
    if bot:
        return Standing(State.DROPPED, Reason.BOT)
    if test:
        return Standing(State.DROPPED, Reason.TEST_ORDER)
    if source in _NATIVE_SENDERS[shop.native] and event.event_name in NATIVE_EVENTS:
        return Standing(State.DROPPED, Reason.NATIVE)
    return READY


def _why_not_sent(order: OrderSeen, shop: Shop, *, sighted: bool) -> Reason | None:
    """Why no platform is told of a sale that counts; None if it is."""
    if order.cancelled_at is not None:
        return Reason.CANCELLED
    if order.reports_only:
        return Reason.REPORTS_ONLY
    if _reported_only(order, shop):
        return Reason.CHANNEL
    if shop.native == "full" and sighted and order.kind in _NATIVE_KINDS:
        return Reason.NATIVE
    return None


def awaiting_payment(order: OrderSeen, first_received_at: float, now: float) -> Standing:
    """An unpaid order waits a week for its money; cancelled or past that, it never was a sale."""
    until = first_received_at + PAYMENT_WAIT
    if order.cancelled_at is not None or now >= until:
        return Standing(State.DROPPED, Reason.NEVER_PAID)
    return Standing(State.HELD, Reason.AWAITING_PAYMENT, until)


def awaiting_consent(received_at: float, now: float) -> Standing:
    """Where the law asks for a consent that nobody reported: wait for it, then leave it out."""
    until = received_at + CONSENT_WAIT
    if now >= until:
        return Standing(State.DROPPED, Reason.CONSENT_UNKNOWN)
    return Standing(State.HELD, Reason.AWAITING_CONSENT, until)
