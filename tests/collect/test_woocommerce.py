"""What WooCommerce's webhooks say in our words."""

import base64
import hmac
import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from tests.merchants import woo_order

from tillpost.collect.sources import woocommerce
from tillpost.core.event import Device, Money, OrderSeen, Parsed, RefundSeen
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

SETTINGS = woocommerce.Settings((b"new", b"hush"), "shop.example", "US")
BODY = b'{"id":820982911946154508,"total_price":"403.00"}'
SIGNATURE = "gHDQy76+38chKmG/hW2suoASSgJPriCh7sYbzaB7OQI="


def _request(body: bytes, topic: str = "order.created", **headers: str) -> Request:
    named = {f"x-wc-webhook-{name}": value for name, value in headers.items()}
    named["x-wc-webhook-topic"] = topic
    return Request("POST", "/webhooks/woocommerce/demo", named, body)


def _facts(body: Any, topic: str = "order.created") -> list[Parsed]:
    found = woocommerce.parse(_request(json.dumps(body).encode(), topic), SETTINGS)
    assert isinstance(found, list)
    return found


def _order(**changes: Any) -> OrderSeen:
    fact = _facts(woo_order(**changes))[0].fact
    assert isinstance(fact, OrderSeen)
    return fact


def test_a_known_signature_of_any_secret_is_good_on_the_shops_own_site() -> None:
    for source in ("https://shop.example/", "https://www.shop.example/"):
        request = _request(BODY, signature=SIGNATURE, source=source)
        assert woocommerce.verify(request, SETTINGS) is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no_signature"),
        ({"signature": "AAAA"}, "bad_signature"),
        ({"signature": SIGNATURE, "source": "https://other.example/"}, "other_shop"),
        ({"signature": SIGNATURE, "source": "https://[bad"}, "other_shop"),
    ],
)
def test_what_is_not_signed_for_this_shop_is_refused(headers: dict[str, str], reason: str) -> None:
    verdict = woocommerce.verify(_request(BODY, **headers), SETTINGS)
    assert verdict is not None
    assert (verdict.status, verdict.reason) == (401, reason)


def test_the_unsigned_ping_is_good_and_tells_nothing() -> None:
    ping = _request(b"webhook_id=123")
    assert woocommerce.verify(ping, SETTINGS) is None
    assert woocommerce.parse(ping, SETTINGS) == []
    longer = woocommerce.verify(_request(b"webhook_id=123&x=1"), SETTINGS)
    assert longer is not None
    assert longer.reason == "no_signature"


def test_an_order_in_our_words() -> None:
    (parsed,) = _facts(woo_order())
    seen = parsed.fact
    assert isinstance(seen, OrderSeen)
    assert (seen.order_id, seen.kind, seen.financial_status) == ("723", "web", "paid")
    assert seen.value == seen.presentment == Money(Decimal("39.00"), "EUR")
    assert seen.subtotal.amount == Decimal("24.00")
    assert seen.items[0].price == Decimal("12.000")
    assert seen.device == Device("8.8.4.4", "Mozilla/5.0 (Test)")
    assert seen.person.fbc == f"fb.1.{seen.created_at}000.IwAR0aBcDeFgHiJkLmN"
    assert (parsed.raw["em"], parsed.country) == (("ada@mail.example",), "DE")


def test_a_campaign_that_only_the_metadata_kept_is_in_the_landing_address() -> None:
    landing = _order().carried.landing_url
    assert landing is not None
    assert "utm_source=facebook" in landing
    assert "utm_campaign=Spring+Sale" in landing
    assert "fbclid=IwAR0aBcDeFgHiJkLmN" in landing


def test_the_plugins_own_event_id_is_used_and_joins_the_pages_purchase() -> None:
    seen = _order(meta_data=[{"key": "_meta_event_id", "value": "e-1"}])
    assert (seen.event_id, seen.checkout_token) == ("e-1", "id:e-1")


@pytest.mark.parametrize(
    ("status", "financial", "waits", "cancelled"),
    [
        ("processing", "paid", False, False),
        ("completed", "paid", False, False),
        ("refunded", "refunded", False, False),
        ("on-hold", "pending", True, False),
        ("pending", "pending", True, False),
        ("failed", "voided", True, False),
        ("cancelled", "voided", True, True),
    ],
)
def test_what_a_status_means(status: str, financial: str, waits: bool, cancelled: bool) -> None:
    seen = _order(status=status)
    assert (seen.financial_status, seen.gateway_pending) == (financial, waits)
    assert (seen.cancelled_at is not None) is cancelled


def test_a_cancelled_order_that_had_been_paid_stays_paid() -> None:
    seen = _order(status="cancelled", date_paid_gmt="2026-01-02T10:01:00")
    assert (seen.financial_status, seen.cancelled_at is not None) == ("paid", True)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"created_via": "store-api"}, "web"),
        ({"created_via": "subscription"}, "renewal"),
        ({"created_via": "admin"}, "draft"),
        ({"created_via": "rest-api"}, "api"),
        ({"meta_data": [{"key": "_subscription_renewal", "value": "12"}]}, "renewal"),
    ],
)
def test_where_an_order_was_made(changes: dict[str, Any], kind: str) -> None:
    assert _order(**changes).kind == kind


def test_only_a_shoppers_public_address_is_taken() -> None:
    assert _order(customer_ip_address="127.0.0.1").device.client_ip_address is None
    assert _order(customer_ip_address="").device.client_ip_address is None
    assert _order(created_via="admin").device == Device()


def test_refunds_of_an_order_are_facts() -> None:
    found = _facts(woo_order(refunds=[{"id": 726, "total": "-10.00"}]))[1].fact
    assert isinstance(found, RefundSeen)
    assert (found.refund_id, found.order_id) == ("726", "723")
    assert found.money == Money(Decimal("10.00"), "EUR")


def test_what_is_no_order_yet_tells_nothing() -> None:
    assert _facts({"id": 723}, "order.deleted") == []
    assert _facts(woo_order(status="checkout-draft")) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "not_json"), (b"{}", "unexpected_shape"), (b'{"id":"x"}', "unexpected_shape")],
)
def test_a_body_that_cannot_be_read_is_kept(body: bytes, reason: str) -> None:
    found = woocommerce.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert (found.status, found.reason, found.keep) == (200, reason, True)


@pytest.mark.parametrize("odd", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400", "9" * 29])
@pytest.mark.parametrize("where", ["total", "total_tax", "shipping_total", "line_items"])
def test_money_that_no_report_could_hold_is_kept_as_bad(where: str, odd: str) -> None:
    lines = [{**woo_order()["line_items"][0], "total": odd}]
    body = json.dumps(woo_order(**{where: lines if where == "line_items" else odd})).encode()
    found = woocommerce.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert (found.status, found.reason, found.keep) == (200, "unexpected_shape", True)


def test_money_that_is_none_is_kept_as_bad() -> None:
    body = json.dumps(woo_order(currency="XYZ")).encode()
    found = woocommerce.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert found.keep


def test_a_signature_is_made_as_the_shop_makes_it() -> None:
    made = base64.b64encode(hmac.new(b"hush", BODY, sha256).digest()).decode()
    assert made == SIGNATURE
