from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tillpost.core import capi
from tillpost.core.event import Device, Event, Person
from tillpost.testing import entries as make
from tillpost.testing.entries import FBC, FBP, NOW
from tillpost.testing.strategies import events

A, B = "a" * 64, "b" * 64


def test_the_least_an_event_has() -> None:
    event = Event("demo", "Lead", "l1", NOW, "other")
    assert capi.server_event(event) == {
        "event_name": "Lead",
        "event_time": NOW,
        "event_id": "l1",
        "action_source": "other",
        "user_data": {},
    }


def test_all_an_event_may_have() -> None:
    event = make.event(
        referrer_url="https://www.google.com/",
        data_processing_options=(),
        data_processing_options_country=0,
        data_processing_options_state=0,
        extra={"opt_out": True},
    )
    made = capi.server_event(event)
    assert made["referrer_url"] == "https://www.google.com/"
    assert made["data_processing_options"] == ()
    assert made["data_processing_options_country"] == 0
    assert made["data_processing_options_state"] == 0
    assert made["opt_out"] is True
    assert made["custom_data"]["value"] == Decimal("42.00")


def test_what_is_told_of_a_person() -> None:
    person = Person(
        keys={"em": (("meta", A), ("gmail", B)), "fn": (("meta", A), ("meta_alt", B))},
        fbc=FBC,
        fbp=FBP,
        plain={"lead_id": "123456789012345"},
    )
    event = make.event(person=person)
    assert capi.user_data(event) == {
        "em": [A],
        "fn": [A, B],
        "lead_id": "123456789012345",
        "client_ip_address": make.IP,
        "client_user_agent": make.USER_AGENT,
        "fbc": FBC,
        "fbp": FBP,
    }
    assert capi.user_data(event, "google")["em"] == [B]


@pytest.mark.parametrize(
    ("person", "device", "usable"),
    [
        (Person(keys=make.KEYS), Device(), True),
        (Person(fbp=FBP), Device(), True),
        (Person(), Device(make.IP, make.USER_AGENT), True),
        (Person(), Device(None, make.USER_AGENT), False),
        (Person(keys={"country": (("meta", A),)}), Device(), False),
        (Person(), Device(), False),
    ],
)
def test_whether_anybody_could_be_matched(person: Person, device: Device, usable: bool) -> None:
    assert capi.has_match_keys(make.event(person=person, device=device)) is usable


def test_money_is_written_as_a_number_and_never_rounded() -> None:
    data = {"value": Decimal("0.10"), "big": Decimal("12345678901234567890.12")}
    assert capi.encode(data) == b'{"value":0.10,"big":12345678901234567890.12}'


@given(events)
def test_any_event_is_json_of_metas_words(event: Event) -> None:
    made: dict[str, Any] = msgspec.json.decode(capi.encode(capi.server_event(event)))
    assert made["event_id"] == event.event_id
    assert made["event_time"] == event.event_time
    assert ("custom_data" in made) == bool(event.custom_data)
    assert capi.has_match_keys(event) in {True, False}
