import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillpost.core.event import Device, Event, Person
from tillpost.core.wire import Response
from tillpost.deliver.destinations import meta
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.testing import entries as make
from tillpost.testing.destination import DestinationSuite

CASES = Path(__file__).parents[1] / "cases" / "destinations" / "meta"
TOKEN = "EAAB-very-secret"
SETTINGS = Settings(dataset_id="123", access_token=TOKEN)


def load(name: str, table: str) -> list[Any]:
    rows = tomllib.loads((CASES / name).read_text("utf-8"), parse_float=Decimal)[table]
    return [pytest.param(row, id=row["title"]) for row in rows]


class TestMeta(DestinationSuite):
    destination = destination
    settings = SETTINGS
    secrets = (TOKEN,)


@pytest.mark.parametrize("case", load("answers.toml", "answer"))
def test_what_an_answer_means(case: dict[str, Any]) -> None:
    response = Response(case["status"], case.get("headers", {}), case["body"].encode())
    batch = [make.event(str(n)) for n in range(case["events"])]
    outcomes = destination.interpret(response, batch)
    assert len(outcomes) == len(batch)
    for outcome in outcomes:
        assert outcome.state == case["state"]
        assert outcome.reason == case.get("reason")
        assert outcome.retry_after == case.get("wait")


@pytest.mark.parametrize("case", load("requests.toml", "request"))
def test_what_is_sent(case: dict[str, Any]) -> None:
    given = msgspec.convert(case["events"], list[Event])
    settings = msgspec.structs.replace(SETTINGS, **case.get("settings", {}))
    request = destination.encode(given, settings)
    assert request.method == "POST"
    assert request.url == case["url"]
    assert request.headers == {"content-type": "application/json"}
    body = msgspec.json.decode(request.body)
    assert body.pop("access_token") == TOKEN
    assert body == msgspec.json.decode(case["body"])


def test_metas_own_words_are_kept_and_capped() -> None:
    words = "Event Timestamp Too Old " * 100
    body = msgspec.json.encode(
        {"error": {"code": 100, "error_subcode": 2804003, "error_user_msg": words}}
    )
    (outcome,) = destination.interpret(Response(400, {}, body), [make.event()])
    assert outcome.detail is not None
    assert outcome.detail.startswith("100/2804003: Event Timestamp Too Old")
    assert len(outcome.detail) == 500


def test_the_trace_of_a_success_is_kept() -> None:
    body = b'{"events_received":1,"fbtrace_id":"AbC"}'
    assert destination.interpret(Response(200, {}, body), [make.event()])[0].detail == "AbC"


def test_money_is_sent_as_it_was_written() -> None:
    event = make.event(custom_data={"value": Decimal("0.10"), "currency": "USD"})
    assert b'"value":0.10' in destination.encode([event], SETTINGS).body


def test_an_event_of_nobody_can_be_encoded() -> None:
    event = make.event(person=Person(), device=Device(), custom_data={})
    body = msgspec.json.decode(destination.encode([event], SETTINGS).body)
    assert body["data"][0]["user_data"] == {}
    assert "custom_data" not in body["data"][0]


def test_a_body_of_bad_unicode_is_no_answer() -> None:
    assert meta._read(Response(200, {}, b'{"fbtrace_id":"\xff"}')) is None
