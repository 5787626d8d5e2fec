"""What Shopify's checkouts and customers say in our words."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.orders import order

from tillpost.collect.sources import shopify
from tillpost.core.event import CartSeen, Parsed, ServerSeen
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

SETTINGS = shopify.Settings((b"new", b"old"), "demo-shop.myshopify.com", "USD", "US")


def _parse(topic: str, body: Any) -> list[Parsed] | Rejection:
    text = json.dumps(body).encode()
    return shopify.parse(Request("POST", "/", {"x-shopify-topic": topic}, text), SETTINGS)


def _facts(topic: str, body: Any) -> list[Parsed]:
    found = _parse(topic, body)
    assert isinstance(found, list)
    return found


def _checkout(**changes: Any) -> dict[str, Any]:
    made = {**order(), "token": "t" * 32, "shipping_address": []}
    return {**made, **changes}


def _customer(**changes: Any) -> dict[str, Any]:
    address = {"city": "Kiel", "zip": "24103", "country_code": "DE", "province_code": None}
    made = {"id": 61, "created_at": "2026-01-02T10:00:00Z", "email": "ada@mail.example"}
    return {**made, "first_name": "Ada", "default_address": address, **changes}


@pytest.mark.parametrize("topic", ["checkouts/create", "checkouts/update"])
def test_a_checkout_is_an_initiate_checkout_of_its_subtotal(topic: str) -> None:
    attributes = [{"name": "_fbp", "value": "fb.1.1.2"}]
    (parsed,) = _facts(topic, _checkout(note_attributes=attributes))
    seen = parsed.fact
    assert isinstance(seen, ServerSeen)
    assert (seen.event_name, seen.event_id) == ("InitiateCheckout", "ic." + "t" * 32)
    assert seen.custom_data == {"value": Decimal("54.00"), "currency": "USD", "num_items": 2}
    assert (seen.person.fbp, seen.device.client_ip_address) == ("fb.1.1.2", None)
    assert "ada.fischer@mail.example" in parsed.raw["em"]


def test_a_subtotal_that_may_be_other_money_is_not_told() -> None:
    (parsed,) = _facts("checkouts/create", _checkout(presentment_currency="EUR"))
    assert isinstance(parsed.fact, ServerSeen)
    assert parsed.fact.custom_data == {"num_items": 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"token": None},
        {"user_id": 5},
        {"source_name": "pos"},
        {"email": "", "customer": None, "billing_address": []},
    ],
)
def test_a_checkout_of_nobody_or_of_staff_tells_nothing(changes: dict[str, Any]) -> None:
    assert _facts("checkouts/create", _checkout(**changes)) == []


def test_a_new_customer_is_a_registration_with_an_id_that_cannot_be_guessed() -> None:
    (parsed,) = _facts("customers/create", _customer())
    (again,) = _facts("customers/create", _customer(first_name="Eve"))
    seen, other = parsed.fact, again.fact
    assert isinstance(seen, ServerSeen)
    assert isinstance(other, ServerSeen)
    assert seen.event_name == "CompleteRegistration"
    assert seen.event_id == other.event_id
    assert seen.event_id.partition(".")[2] != "61"
    assert (parsed.raw["em"], parsed.raw["external_id"]) == (("ada@mail.example",), ("61",))
    assert parsed.country == "DE"


def test_a_customer_without_an_id_or_a_time_tells_nothing() -> None:
    assert _facts("customers/create", _customer(id=None)) == []
    assert _facts("customers/create", _customer(created_at=None)) == []


def test_a_guest_is_no_registration_and_an_account_taken_up_later_is_one() -> None:
    assert _facts("customers/create", _customer(state="disabled")) == []
    assert _facts("customers/create", _customer(state="invited")) == []
    (created,) = _facts("customers/create", _customer(state="enabled"))
    later = _customer(state="enabled", updated_at="2026-02-03T04:05:06Z")
    (enabled,) = _facts("customers/enable", later)
    assert isinstance(created.fact, ServerSeen)
    assert isinstance(enabled.fact, ServerSeen)
    assert enabled.fact.event_id == created.fact.event_id
    assert enabled.fact.event_time == 1_770_091_506


def test_a_cart_and_a_checkout_tell_whose_browser_they_are_of() -> None:
    carried = [{"name": "_tillpost_visitor", "value": "v1"}]
    cart = {"token": "c1", "updated_at": "2026-02-03T04:05:06Z", "note_attributes": carried}
    (told,) = _facts("carts/update", cart)
    assert told.fact == CartSeen("v1", 1_770_091_506, "c1")
    nameless = _checkout(
        email="", customer=None, billing_address=[], note_attributes=carried, cart_token="c1"
    )
    (tied,) = _facts("checkouts/update", nameless)
    assert isinstance(tied.fact, CartSeen)
    assert (tied.fact.cart_token, tied.fact.checkout_token) == ("c1", nameless["token"])


def test_a_checkout_tells_what_the_banner_was_told() -> None:
    said = [{"name": "_tillpost_consent", "value": '{"marketing": false}'}]
    (parsed,) = _facts("checkouts/create", _checkout(note_attributes=said))
    assert isinstance(parsed.fact, ServerSeen)
    assert parsed.fact.consent is not None
    assert parsed.fact.consent.marketing is False


@pytest.mark.parametrize("topic", ["carts/create", "carts/update", "shop/update"])
def test_topics_that_tell_no_event_are_taken_and_leave_nothing(topic: str) -> None:
    assert _facts(topic, {"id": 1}) == []


def test_a_checkout_of_another_shape_is_kept() -> None:
    for changes in ({"created_at": 5}, {"currency": "ZZZ", "presentment_currency": "ZZZ"}):
        found = _parse("checkouts/create", _checkout(**changes))
        assert isinstance(found, Rejection)
        assert found.keep
