"""Which addresses can be a shopper's, and what an event has beside its match keys."""

import pytest

from tillpost.core.device import is_public, plain, shopper
from tillpost.core.event import Device
from tillpost.core.traits import Trait, traits_of


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888"])
def test_a_public_address_is_kept(address: str) -> None:
    assert shopper(address, "Firefox") == Device(address, "Firefox")


@pytest.mark.parametrize("address", ["", "10.0.0.1", "127.0.0.1", "fe80::1", "shop.example", None])
def test_any_other_address_is_nobodys(address: str | None) -> None:
    assert shopper(address, "") == Device()
    assert address is None or not is_public(address)


@pytest.mark.parametrize(
    ("event", "user_data", "trait"),
    [
        ({}, {}, Trait(0)),
        ({}, {"client_ip_address": "8.8.8.8"}, Trait.IP),
        ({}, {"client_user_agent": "Firefox"}, Trait.USER_AGENT),
        ({"event_source_url": "https://shop.example"}, {}, Trait.URL),
        ({"data_processing_options": ["LDU"]}, {}, Trait.LDU),
        ({"data_processing_options": []}, {}, Trait(0)),
        ({"opt_out": True}, {}, Trait.OPT_OUT),
        ({"opt_out": "yes"}, {}, Trait(0)),
        ({"referrer_url": "https://example.com"}, {}, Trait.REFERRER),
    ],
)
def test_traits(event: dict[str, object], user_data: dict[str, object], trait: Trait) -> None:
    assert traits_of(event, user_data) == trait


@pytest.mark.parametrize(
    ("address", "itself"),
    [
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("::FFFF:8.8.8.8", "8.8.8.8"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888"),
        ("::ffff:8888", "::ffff:8888"),
        ("shop.example", "shop.example"),
        ("", ""),
    ],
)
def test_an_address_in_the_dress_of_the_other_kind_is_itself(address: str, itself: str) -> None:
    assert plain(address) == itself
