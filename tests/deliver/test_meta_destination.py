from decimal import Decimal

import msgspec

from tillpost.core import capi
from tillpost.core.event import Device, Person
from tillpost.core.wire import Response
from tillpost.deliver.destinations import meta
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.testing import entries as make

SETTINGS = Settings(shop=make.SHOP, dataset_id="123", access_token="EAAB-very-secret")


def test_metas_own_words_are_kept_and_capped() -> None:
    words = "Event Timestamp Too Old " * 100
    body = msgspec.json.encode(
        {"error": {"code": 100, "error_subcode": 2804003, "error_user_msg": words}}
    )
    (outcome,) = destination.interpret(Response(400, {}, body), [b"{}"])
    assert outcome.detail is not None
    assert outcome.detail.startswith("100/2804003: Event Timestamp Too Old")
    assert len(outcome.detail) == 500


def test_the_trace_of_a_success_is_kept() -> None:
    body = b'{"events_received":1,"fbtrace_id":"AbC"}'
    assert destination.interpret(Response(200, {}, body), [b"{}"])[0].detail == "AbC"


def test_money_is_sent_as_it_was_written() -> None:
    event = make.event(custom_data={"value": Decimal("0.10"), "currency": "USD"})
    assert b'"value":0.10' in capi.encode(destination.build(event, SETTINGS))


def test_an_event_of_nobody_can_be_encoded() -> None:
    event = make.event(person=Person(), device=Device(), custom_data={})
    built = destination.build(event, SETTINGS)
    assert built["user_data"] == {}
    assert "custom_data" not in built


def test_a_body_of_bad_unicode_is_no_answer() -> None:
    assert meta._read(Response(200, {}, b'{"fbtrace_id":"\xff"}')) is None
