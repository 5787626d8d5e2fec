"""Server events of any back end."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.collect.sources import generic
from tillpost.core import wire
from tillpost.core.event import Parsed, ServerSeen
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

NOW = 1_790_000_000.5
SETTINGS = generic.Settings("US")


def _parse(body: Any) -> list[Parsed] | Rejection:
    headers = {wire.RECEIVED_AT: str(NOW)}
    return generic.parse(
        Request("POST", "/events/demo", headers, json.dumps(body).encode()), SETTINGS
    )


def _one(**event: Any) -> tuple[ServerSeen, dict[str, tuple[str, ...]]]:
    found = _parse({"event_name": "Lead", **event})
    assert isinstance(found, list), found
    fact = found[0].fact
    assert isinstance(fact, ServerSeen)
    return fact, dict(found[0].raw)


@pytest.mark.parametrize(
    "wrap", [lambda e: e, lambda e: [e], lambda e: {"data": [e]}], ids=["one", "list", "body"]
)
def test_one_a_list_or_a_capi_body(wrap: Any) -> None:
    found = _parse(wrap({"event_name": "Lead"}))
    assert isinstance(found, list)
    assert len(found) == 1


def test_the_vocabulary_is_capi_s() -> None:
    seen, raw = _one(
        event_id="e1",
        event_time="1789999000",
        action_source="phone_call",
        user_data={
            "em": ["a@x.example", "b@x.example"],
            "fbp": "fb.1.1700000000000.1",
            "client_ip_address": "8.8.4.4",
            "client_user_agent": "Mozilla/5.0",
            "country": "de",
            "lead_id": 1234567890123456,
            "secret_note": "x",
        },
        custom_data={"value": 3, "currency": "EUR", "order_id": 77},
        opt_out=True,
        unknown_field=1,
    )
    assert (seen.event_id, seen.event_time, seen.action_source) == ("e1", 1789999000, "phone_call")
    assert raw["em"] == ("a@x.example", "b@x.example")
    assert seen.device.client_ip_address == "8.8.4.4"
    assert seen.place.country == "DE"
    assert seen.order_id == "77"
    assert seen.extra == {"opt_out": True}
    assert seen.person.plain.get("lead_id") == "1234567890123456"
    assert "secret_note" not in seen.person.plain


def test_what_is_not_said_is_made() -> None:
    seen, _ = _one()
    assert (seen.event_time, seen.action_source) == (int(NOW), "website")
    assert seen.event_id


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"event_name": "Purchase", "custom_data": {"currency": "USD"}}, "custom_data.value"),
        ({"event_name": "Purchase", "custom_data": {"value": 1}}, "custom_data.currency"),
        ({"event_name": "Lead", "action_source": "pigeon"}, "action_source"),
        ({"event_name": " "}, "event_name"),
        ({}, "data[0]"),
        ({"event_name": "Lead", "event_time": "noon"}, "data[0]"),
        ({"event_name": "Lead", "user_data": []}, "data[0]"),
        ({"event_name": "Lead", "event_time": 1_790_000_000_000}, "data[0]"),
        ({"event_name": "Lead", "event_time": 10**30}, "data[0]"),
        ({"event_name": "Lead", "event_time": -1}, "data[0]"),
        ({"event_name": "Lead", "consent": {"marketing": "yes"}}, "data[0]"),
        ("text", "data[0]"),
    ],
)
def test_what_meta_would_refuse_is_told_with_its_field(event: Any, field: str) -> None:
    found = _parse({"data": [event]})
    assert isinstance(found, Rejection)
    assert found.status == 400
    assert field in found.field


@pytest.mark.parametrize("body", [[], {"data": []}, [{"event_name": "Lead"}] * 1001, 7, None])
def test_a_body_without_events_is_told(body: Any) -> None:
    found = _parse(body)
    assert isinstance(found, Rejection)


def test_consent_is_read_and_unknown_words_of_it_are_passed_over() -> None:
    seen, _ = _one(consent={"marketing": False, "mood": "good"})
    assert seen.consent is not None
    assert (seen.consent.marketing, seen.consent.analytics) == (False, None)


def test_one_bad_event_refuses_all_and_says_which() -> None:
    found = _parse([{"event_name": "Lead"}, {"event_name": "Purchase"}])
    assert isinstance(found, Rejection)
    assert found.field.startswith("data[1]")


@given(st.binary(max_size=100))
def test_no_body_ever_raises(body: bytes) -> None:
    found = generic.parse(Request("POST", "/", {wire.RECEIVED_AT: "1"}, body), SETTINGS)
    assert isinstance(found, list | Rejection)


def test_open_data_loses_persons_and_keeps_the_sale() -> None:
    seen, _ = _one(
        custom_data={
            "search_string": "order of ada.fischer@mail.example please",
            "note": "call me",
            "Phone": "+1 208 555 0142",
            "content_name": "Tea (500 g)",
            "callback": "(208) 555-0142",
            "order_id": "5500000001001",
            "contents": [{"id": "TEA-1", "email": "x@y.example"}],
            "value": 59.5,
        }
    )
    assert seen.custom_data == {
        "search_string": "order of [removed] please",
        "content_name": "Tea (500 g)",
        "callback": "[removed]",
        "order_id": "5500000001001",
        "contents": [{"id": "TEA-1"}],
        "value": 59.5,
    }
