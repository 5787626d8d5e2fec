"""What is left of an erased person, and how one is found in a body that could not be read."""

from typing import Any

import pytest
from msgspec import structs

from tillpost.core import privacy
from tillpost.core.event import Person, PrivacyAsked
from tillpost.core.identity import identify
from tillpost.testing import entries as make


def _asked(**changes: Any) -> PrivacyAsked:
    raw = {"em": ("Ada@Example.com",), "external_id": ("501",)}
    person = Person(keys=identify(raw, "US").keys)
    return structs.replace(PrivacyAsked("erase", "501", ("1001",), person), **changes)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"email": "ADA@example.com"}', True),
        (b"email=ada@example.com&x=1", True),
        (b'{"customer": {"id": 501}}', True),
        (b'{"customer": {"id": 5012}}', False),
        (b'{"em": "%s"}' % make.hashed("ada@example.com").encode(), True),
        (b'{"id": "1001"}', True),
        (b'{"email": "ben@example.com"}', False),
        (b"\xff\xfe@\xff\xff\xff", False),
        (b"", False),
    ],
)
def test_a_broken_body_names_a_person_raw_or_hashed(body: bytes, *, found: bool) -> None:
    assert privacy.mentions(body, _asked()) is found


def test_an_erased_order_keeps_its_worth_and_names_nobody() -> None:
    order = make.order()
    left = privacy.anonymous(order, "erased.1")
    assert (left.value, left.items, left.processed_at) == (
        order.value,
        order.items,
        order.processed_at,
    )
    assert (left.person, left.device.client_ip_address, left.checkout_token) == (
        Person(),
        None,
        None,
    )
    assert left.customer_id == "erased.1"


def test_an_erased_event_keeps_value_and_goods_only() -> None:
    event = make.event(
        custom_data={"value": 1, "currency": "USD", "search_string": "ada's address"}
    )
    left = privacy.anonymous_event(event, 7)
    assert left.event_id == "erased.7"
    assert left.custom_data == {"value": 1, "currency": "USD"}
    assert (left.person, left.event_source_url) == (Person(), None)


def test_a_reference_is_the_same_for_one_person_and_under_another_key_another() -> None:
    first = privacy.reference(_asked(), b"key")
    assert first == privacy.reference(_asked(order_ids=()), b"key")
    assert first != privacy.reference(_asked(), b"other")
    assert "501" not in first


def test_an_event_that_shares_a_cookie_is_another_person_s_if_it_names_one() -> None:
    hashes = privacy.strong_hashes(_asked().person)
    theirs = make.event(person=Person(fbp="fb.1.1.1"))
    other = make.event(person=Person(keys={"em": (("meta", make.hashed("ben@example.com")),)}))
    assert privacy.is_theirs(theirs, hashes)
    assert not privacy.is_theirs(other, hashes)
    assert privacy.without_cookies(make.event(person=make.beacon().person)).person == Person()
