"""What Shopify's webhooks say in our words."""

import base64
import hmac
import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.counter import SECRET, Counter
from tests.orders import money, order

from tillpost.collect.sources import shopify
from tillpost.core.event import OrderSeen, Parsed, RefundSeen
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

SETTINGS = shopify.Settings((b"new", b"old"), "demo-shop.myshopify.com", "USD", "US")


def _sign(secret: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret, body, sha256).digest()).decode()


def _request(body: bytes, topic: str = "orders/create", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/webhooks/shopify/demo", {"x-shopify-topic": topic, **named}, body)


def _facts(body: Any, topic: str = "orders/create") -> list[Parsed]:
    found = shopify.parse(_request(json.dumps(body).encode(), topic), SETTINGS)
    assert isinstance(found, list)
    return found


def _order(**changes: Any) -> tuple[OrderSeen, dict[str, tuple[str, ...]]]:
    (parsed,) = _facts(order(**changes))
    assert isinstance(parsed.fact, OrderSeen)
    return parsed.fact, dict(parsed.raw)


@pytest.mark.parametrize("secret", [b"new", b"old"])
@pytest.mark.parametrize("family", ["x_shopify_hmac_sha256", "shopify_hmac_sha256"])
def test_the_current_and_the_previous_secret_sign_in_both_header_families(
    secret: bytes, family: str
) -> None:
    body = b'{"id":820982911946154508,"total_price":"403.00"}'
    assert shopify.verify(_request(body, **{family: _sign(secret, body)}), SETTINGS) is None


def test_the_published_signature_is_ours() -> None:
    body = b'{"id":820982911946154508,"total_price":"403.00"}'
    assert _sign(b"hush", body) == "gHDQy76+38chKmG/hW2suoASSgJPriCh7sYbzaB7OQI="


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no_signature"),
        ({"x_shopify_hmac_sha256": "AAAA"}, "bad_signature"),
        ({"x_shopify_hmac_sha256": "\u00e9"}, "bad_signature"),
    ],
)
def test_a_signature_that_is_none(headers: dict[str, str], reason: str) -> None:
    verdict = shopify.verify(_request(b"{}", **headers), SETTINGS)
    assert verdict is not None
    assert (verdict.status, verdict.reason) == (401, reason)


def test_a_good_signature_for_another_shop_is_refused() -> None:
    headers = {"x_shopify_hmac_sha256": _sign(b"new", b"{}"), "x_shopify_shop_domain": "b.example"}
    verdict = shopify.verify(_request(b"{}", **headers), SETTINGS)
    assert verdict is not None
    assert verdict.reason == "other_shop"


def test_secrets_are_never_shown() -> None:
    assert "new" not in repr(SETTINGS)


def test_an_order_in_our_words() -> None:
    seen, raw = _order()
    assert (seen.value.amount, seen.value.currency) == (Decimal("59.00"), "USD")
    assert (seen.kind, seen.financial_status, seen.gateway_pending) == ("web", "paid", False)
    (item,) = seen.items
    assert (item.product_id, item.variant_id, item.quantity) == ("9001", "90011", 2)
    assert item.price == Decimal(27)
    assert raw == {
        "em": ("Ada.Fischer@Mail.example", "ada.fischer@mail.example"),
        "ph": ("(208) 555-0142",),
        "fn": ("Ada",),
        "ln": ("Fischer",),
        "ct": ("Boise",),
        "st": ("ID",),
        "zp": ("83702",),
        "country": ("US",),
        "external_id": ("7700001001",),
    }
    assert seen.device.client_ip_address == "8.8.4.4"


def test_shop_money_and_buyer_money_are_kept_apart() -> None:
    prices = {
        "shop_money": {"amount": "60.33", "currency_code": "AUD"},
        "presentment_money": {"amount": "45.85", "currency_code": "USD"},
    }
    seen, _ = _order(total_price="60.33", total_price_set=prices, currency="AUD")
    assert (seen.value.amount, seen.value.currency) == (Decimal("60.33"), "AUD")
    assert (seen.presentment.amount, seen.presentment.currency) == (Decimal("45.85"), "USD")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"source_name": "web"}, "web"),
        ({"source_name": "580111"}, "web"),
        ({"source_name": "pos"}, "pos"),
        ({"source_name": "shopify_draft_order"}, "draft"),
        ({"source_name": "subscription_contract"}, "renewal"),
        ({"source_name": "subscription_contract_checkout_one"}, "renewal"),
        ({"source_name": "iphone"}, "app"),
        ({"source_name": "755357713", "app_id": 755357713, "checkout_token": None}, "api"),
        ({"source_name": None, "app_id": 129785}, "pos"),
        ({"source_name": None, "app_id": None}, "web"),
        (
            {"source_name": None, "app_id": None, "checkout_token": None, "location_id": 5},
            "pos",
        ),
    ],
)
def test_where_the_sale_was_made(changes: dict[str, Any], kind: str) -> None:
    assert _order(**changes)[0].kind == kind


def test_a_gift_s_address_is_not_the_buyer_s() -> None:
    theirs = {
        "first_name": "Ben",
        "last_name": "Okafor",
        "city": "Reno",
        "zip": "89501",
        "country_code": "US",
        "phone": "775 555 0100",
    }
    _, raw = _order(shipping_address=theirs, billing_address=None, phone=None)
    assert raw["fn"] == ("Ada",)
    assert "ct" not in raw
    assert "ph" not in raw


def test_a_parcel_to_the_buyer_tells_where_they_live() -> None:
    home = {"first_name": " ada", "last_name": "FISCHER", "city": "Reno", "country_code": "US"}
    _, raw = _order(shipping_address=home, billing_address=[])
    assert raw["ct"] == ("Reno",)


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"user_id": 7}, None),
        ({"source_name": "pos"}, None),
        ({"client_details": {"browser_ip": "127.0.0.1"}, "browser_ip": None}, None),
        ({"client_details": {"browser_ip": "10.1.2.3"}}, None),
        ({"client_details": None}, "8.8.4.4"),
        ({"client_details": {"browser_ip": "2606:4700::1111"}}, "2606:4700::1111"),
    ],
)
def test_only_the_shopper_s_own_public_address(
    changes: dict[str, Any], address: str | None
) -> None:
    assert _order(**changes)[0].device.client_ip_address == address


def test_what_the_cart_carried() -> None:
    attributes = [
        {"name": "_tillpost_visitor", "value": "v-9"},
        {"name": "_fbp", "value": "fb.1.1700000000000.42"},
        {"name": "_fbc", "value": "fb.1.1700000000000.IwAR0aBcDeFgHiJkLmN"},
        {"name": "_tillpost_landing", "value": "https://x.example/?utm_source=a&email=e@x.example"},
        {"name": "_tillpost_consent", "value": '{"marketing": false}'},
        {"name": "gift note", "value": None},
    ]
    seen, _ = _order(note_attributes=attributes)
    assert seen.carried.visitor_id == "v-9"
    assert seen.person.fbp == "fb.1.1700000000000.42"
    assert seen.person.fbc == "fb.1.1700000000000.IwAR0aBcDeFgHiJkLmN"
    assert seen.carried.landing_url == "https://x.example/?utm_source=a"
    assert seen.consent is not None
    assert (seen.consent.marketing, seen.consent.source) == (False, "cart")


@pytest.mark.parametrize("text", ["no json", "[]", '{"marketing": "yes"}', "null", "{}"])
def test_an_unreadable_answer_of_the_banner_is_none(text: str) -> None:
    seen, _ = _order(note_attributes=[{"name": "_tillpost_consent", "value": text}])
    assert seen.consent is None


def test_a_click_id_of_the_landing_page_becomes_fbc_unless_it_was_cut() -> None:
    whole = "/?fbclid=IwAR0aBcDeFgHiJkLmNoPq"
    seen, _ = _order(landing_site=whole)
    assert seen.person.fbc is not None
    assert seen.person.fbc.endswith(".IwAR0aBcDeFgHiJkLmNoPq")
    cut = (whole + "x" * 300)[:255]
    assert _order(landing_site=cut)[0].person.fbc is None


def test_a_refund_is_what_was_given_back() -> None:
    body = {
        "id": 31,
        "order_id": 1001,
        "created_at": "2026-11-01T10:00:00Z",
        "transactions": [
            {"kind": "refund", "status": "success", "amount": "12.50", "currency": "USD"},
            {"kind": "refund", "status": "failure", "amount": "99.00", "currency": "USD"},
            {"kind": "void", "status": "success", "amount": "1.00"},
        ],
    }
    (parsed,) = _facts(body, "refunds/create")
    fact = parsed.fact
    assert isinstance(fact, RefundSeen)
    assert (fact.refund_id, fact.order_id, fact.money.amount) == ("31", "1001", Decimal("12.50"))
    assert parsed.raw == {}


def test_an_exchange_that_moved_no_money_is_no_refund() -> None:
    body = {"id": 32, "order_id": 1001, "created_at": "2026-11-01T10:00:00Z", "transactions": []}
    assert _facts(body, "refunds/create") == []


def test_an_order_brings_its_refunds_along() -> None:
    refund = {
        "id": 33,
        "created_at": "2026-11-01T10:00:00Z",
        "transactions": [{"kind": "refund", "status": "success", "amount": "5.00"}],
    }
    facts = [p.fact for p in _facts(order(refunds=[refund]), "orders/updated")]
    assert [type(f).__name__ for f in facts] == ["OrderSeen", "RefundSeen"]
    assert isinstance(facts[1], RefundSeen)
    assert facts[1].money.currency == "USD"


def test_a_byte_order_mark_before_the_body_is_signed_and_passed_over() -> None:
    counter = Counter()
    body = b"\xef\xbb\xbf" + json.dumps(order()).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, sha256).digest()).decode()
    signed = {"x-shopify-topic": "orders/create", "x-shopify-hmac-sha256": signature}
    assert counter.request("shopify", body, signed).facts == 1


@pytest.mark.parametrize("topic", ["products/update", "unheard/of"])
def test_topics_that_tell_nothing_leave_nothing(topic: str) -> None:
    assert shopify.parse(_request(b"anything", topic), SETTINGS) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[]", "unexpected_shape"),
        (b"{}", "unexpected_shape"),
        (b'{"id": 1, "created_at": "yesterday"}', "unexpected_shape"),
        (b'{"id": 1, "created_at": "2026-11-01T00:00:00Z", "currency": "ZZZ"}', "unexpected_shape"),
        (b"[" * 100_000, "unexpected_shape"),
        (b'{"id":' + b"[" * 100_000, "unexpected_shape"),
        (b'{"note":' + b"[" * 100_000, "not_json"),
    ],
)
def test_a_body_that_is_no_order_is_kept_with_its_reason(body: bytes, reason: str) -> None:
    found = shopify.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert (found.status, found.reason, found.keep) == (200, reason, True)


@given(st.binary(max_size=200))
def test_no_body_ever_raises(body: bytes) -> None:
    found = shopify.parse(_request(body), SETTINGS)
    assert isinstance(found, list | Rejection)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from(sorted(order())), json_values)
def test_any_value_in_any_field_is_an_order_or_a_reason(name: str, value: Any) -> None:
    body = json.dumps(order(**{name: value})).encode()
    found = shopify.parse(_request(body), SETTINGS)
    assert isinstance(found, list | Rejection)


def test_money_sets_win_over_scalars() -> None:
    seen, _ = _order(total_price="1.00", total_price_set=money("59.00", "EUR"))
    assert (seen.value.amount, seen.value.currency) == (Decimal("59.00"), "EUR")


@pytest.mark.parametrize(
    "changes",
    [
        {"processed_at": "9999-12-31T23:59:59-14:00"},
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"total_price": "1E+99999999", "total_price_set": None},
        {"currency": "eve@mail.example", "total_price_set": None},
    ],
)
def test_what_no_report_could_hold_is_a_bad_row_that_quotes_nobody(changes: dict[str, Any]) -> None:
    found = shopify.parse(_request(json.dumps(order(**changes)).encode()), SETTINGS)
    assert isinstance(found, Rejection)
    assert found.keep
    assert "@" not in found.detail
