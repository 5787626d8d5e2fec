"""What Stripe's events say in our words."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.merchants import session, stripe_event, stripe_signature

from tillpost.collect.sources import stripe
from tillpost.core import policy, wire
from tillpost.core.event import Device, Money, OrderSeen, Parsed, RefundSeen
from tillpost.core.money import MoneyError
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

SETTINGS = stripe.Settings((b"whsec_new", b"whsec_test"), "US")
BODY = b'{"id":820982911946154508,"total_price":"403.00"}'
AT = 1_700_000_000
PUBLISHED = "11365881bc31d4c3f9d25434c03557cc4a7904c96f5f962479f79655155cc498"


def _request(body: bytes, signature: str = "", now: float = AT) -> Request:
    headers = {"stripe-signature": signature, wire.RECEIVED_AT: repr(now)}
    return Request("POST", "/webhooks/stripe/demo", headers, body)


def _facts(kind: str, made: dict[str, Any], *, live: bool = True) -> list[Parsed]:
    body = json.dumps(stripe_event(kind, made, AT, live=live)).encode()
    found = stripe.parse(_request(body), SETTINGS)
    assert isinstance(found, list)
    return found


def _order(kind: str, made: dict[str, Any], *, live: bool = True) -> OrderSeen:
    fact = _facts(kind, made, live=live)[0].fact
    assert isinstance(fact, OrderSeen)
    return fact


def _payment(**changes: Any) -> dict[str, Any]:
    return {"id": "pi_1", "amount_received": 5900, "currency": "usd", "created": AT - 9, **changes}


def _invoice(reason: str) -> dict[str, Any]:
    return {"id": "in_1", "amount_paid": 900, "currency": "usd", "billing_reason": reason}


@pytest.mark.parametrize("apart", [-300, 0, 300])
def test_any_v1_of_any_secret_is_good_within_the_tolerance(apart: int) -> None:
    signature = f"t={AT},v0=x,v1={'0' * 64},v1={PUBLISHED}"
    assert stripe.verify(_request(BODY, signature, AT + apart), SETTINGS) is None
    assert stripe_signature("whsec_test", BODY, AT) == f"t={AT},v1={PUBLISHED}"


@pytest.mark.parametrize(
    ("signature", "now", "reason"),
    [
        ("", AT, "no_signature"),
        (f"v1={PUBLISHED}", AT, "no_signature"),
        (f"t=\u0661,v1={PUBLISHED}", AT, "no_signature"),
        (f"t={AT + 1},v1={PUBLISHED}", AT, "bad_signature"),
        (f"t={AT},v1=\u00e9", AT, "bad_signature"),
        (f"t={AT},v1={PUBLISHED}", AT + 301, "stale_signature"),
        (f"t={AT},v1={PUBLISHED}", AT - 301, "stale_signature"),
    ],
)
def test_what_is_not_signed_now_by_this_account_is_refused(
    signature: str, now: float, reason: str
) -> None:
    verdict = stripe.verify(_request(BODY, signature, now), SETTINGS)
    assert verdict is not None
    assert (verdict.status, verdict.reason) == (401, reason)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1050, "usd", "10.50"),
        (1050, "jpy", "1050"),
        (1050, "mga", "1050"),
        (1050, "kwd", "1.050"),
        (1050, "ugx", "10.50"),
        (1000, "isk", "10.00"),
    ],
)
def test_minor_units_are_stripes_own(minor: int, currency: str, text: str) -> None:
    assert stripe.amount(minor, currency) == Money(Decimal(text), currency.upper())


def test_an_unknown_currency_is_no_money() -> None:
    with pytest.raises(MoneyError):
        stripe.amount(1, "zzz")


def test_a_session_in_our_words() -> None:
    (parsed,) = _facts("checkout.session.completed", session())
    seen = parsed.fact
    assert isinstance(seen, OrderSeen)
    assert (seen.order_id, seen.checkout_token, seen.event_id) == ("pi_1", "cs_live_1", "cs_live_1")
    assert seen.value == Money(Decimal("59.00"), "USD")
    assert (seen.subtotal.amount, seen.shipping.amount) == (Decimal("54.00"), Decimal("5.00"))
    assert (seen.carried.visitor_id, seen.person.fbp) == ("v1", "fb.1.1700000000000.123")
    assert seen.device == Device("8.8.4.4", "Mozilla/5.0 (Test)")
    assert (parsed.raw["fn"], parsed.raw["ln"]) == (("Ada Maria",), ("Fischer",))
    assert not seen.test


def test_a_session_and_its_payment_are_one_sale_and_the_session_knows_more() -> None:
    whole = _order("checkout.session.completed", session())
    part = _order("payment_intent.succeeded", _payment())
    assert whole.order_id == part.order_id == "pi_1"
    assert policy.supersedes(whole, part)
    assert not policy.supersedes(part, whole)


def test_a_subscriptions_first_invoice_and_its_session_are_one_sale() -> None:
    made = session(payment_intent=None, invoice="in_1")
    whole = _order("checkout.session.completed", made)
    part = _order("invoice.paid", _invoice("subscription_create"))
    assert (whole.order_id, part.order_id, part.kind) == ("in_1", "in_1", "web")
    assert policy.supersedes(whole, part)
    for told in ({"invoice": "in_1"}, {"description": "Subscription creation"}):
        assert _facts("payment_intent.succeeded", _payment(**told)) == []


def test_later_invoices_are_renewals() -> None:
    assert _order("invoice.paid", _invoice("subscription_cycle")).kind == "renewal"
    assert _order("invoice.paid", _invoice("manual")).kind == "api"


@pytest.mark.parametrize(
    ("kind", "paid", "status"),
    [
        ("checkout.session.completed", "paid", "paid"),
        ("checkout.session.completed", "no_payment_required", "paid"),
        ("checkout.session.completed", "unpaid", "pending"),
        ("checkout.session.async_payment_succeeded", "paid", "paid"),
        ("checkout.session.async_payment_failed", "unpaid", "voided"),
    ],
)
def test_an_unpaid_session_waits_for_its_money(kind: str, paid: str, status: str) -> None:
    seen = _order(kind, session(payment_status=paid))
    assert (seen.financial_status, seen.gateway_pending) == (status, status != "paid")


def test_the_pages_own_event_id_is_used() -> None:
    seen = _order("payment_intent.succeeded", _payment(metadata={"event_id": "e-1", "ip": "::1"}))
    assert (seen.event_id, seen.device) == ("e-1", Device())


def test_test_mode_makes_test_orders() -> None:
    assert _order("checkout.session.completed", session(), live=False).test


def test_refunds_are_told_once_by_their_own_id() -> None:
    refund = {
        "id": "re_1",
        "amount": 100,
        "currency": "usd",
        "created": AT,
        "status": "succeeded",
        "payment_intent": "pi_1",
    }
    (alone,) = _facts("refund.created", refund)
    charge = {"id": "ch_1", "payment_intent": "pi_1", "refunds": {"data": [refund]}}
    (listed,) = _facts("charge.refunded", charge)
    assert (
        alone.fact == listed.fact == RefundSeen("re_1", "pi_1", AT, Money(Decimal("1.00"), "USD"))
    )
    assert _facts("refund.created", {**refund, "status": "pending"}) == []
    assert _facts("charge.refunded", {"id": "ch_1"}) == []


def test_what_tells_no_sale_tells_nothing() -> None:
    assert _facts("plan.created", {"id": "plan_1"}) == []
    assert _facts("checkout.session.completed", session(amount_total=None, currency=None)) == []


@pytest.mark.parametrize(("body", "reason"), [(b"{", "not_json"), (b"{}", "unexpected_shape")])
def test_a_body_that_cannot_be_read_is_kept(body: bytes, reason: str) -> None:
    found = stripe.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert (found.status, found.reason, found.keep) == (200, reason, True)


def test_secrets_are_never_shown() -> None:
    assert "whsec" not in repr(SETTINGS)
