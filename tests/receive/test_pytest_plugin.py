import json
import time
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tillpost.capi_receiver import CapiReceiver


def sell(receiver: CapiReceiver, event_id: str = "o1") -> Any:
    event = {
        "event_name": "Purchase",
        "event_time": int(time.time()),
        "event_id": event_id,
        "action_source": "website",
        "user_data": {"em": [sha256(b"a").hexdigest()]},
        "custom_data": {"value": 19.99, "currency": "USD"},
    }
    body = json.dumps({"data": [event], "access_token": receiver.token}).encode()
    url = f"{receiver.url}/v26.0/{receiver.dataset_id}/events"
    with urlopen(Request(url, body, {"content-type": "application/json"}), timeout=5) as answer:
        return json.load(answer)


def test_a_sale_is_received(capi_receiver: CapiReceiver) -> None:
    assert sell(capi_receiver)["events_received"] == 1
    (event,) = capi_receiver.events("Purchase")
    assert event["event_id"] == "o1"
    assert capi_receiver.events("Lead") == []


def test_each_test_begins_empty_and_faults_are_planned(capi_receiver: CapiReceiver) -> None:
    assert capi_receiver.events() == []
    capi_receiver.faults("500")
    with pytest.raises(HTTPError) as failure:
        sell(capi_receiver)
    failure.value.close()
    sell(capi_receiver)
    assert len(capi_receiver.events()) == 1


def test_a_lost_answer_does_not_double_the_sale(capi_receiver: CapiReceiver) -> None:
    capi_receiver.faults("lost_answer")
    with pytest.raises(HTTPError) as failure:
        sell(capi_receiver)
    failure.value.close()
    sell(capi_receiver)
    assert [event["duplicate_of"] is None for event in capi_receiver.events()] == [True, False]


def test_an_unknown_fault_is_told(capi_receiver: CapiReceiver) -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        capi_receiver.faults("earthquake")


def test_what_was_sent_can_be_looked_at_with_its_findings(capi_receiver: CapiReceiver) -> None:
    sell(capi_receiver)
    (call,) = capi_receiver.requests()
    assert json.loads(call["request"]["body"])["data"][0]["event_id"] == "o1"
    assert json.loads(call["response"]["body"])["events_received"] == 1
    rules = {finding["rule"]: finding["fix"] for finding in call["findings"]}
    assert rules["client_user_agent.missing"]


def test_a_sale_goes_to_the_ad_that_its_buyer_clicked(capi_receiver: CapiReceiver) -> None:
    buyer = {"em": sha256(b"a").hexdigest()}
    capi_receiver.people({"id": "jane", "user_data": buyer})
    click = {"action": "link_click", "time": int(time.time()) - 60, "user_data": buyer}
    capi_receiver.touches({**click, "ad_id": "ad1", "campaign_id": "c1"})
    sell(capi_receiver)
    (event,) = capi_receiver.events()
    assert (event["person"], event["conversion"]["ad_id"]) == ("jane", "ad1")


def test_a_raw_identifier_is_told(capi_receiver: CapiReceiver) -> None:
    with pytest.raises(ValueError, match=r"people\[0\].user_data.em has a value"):
        capi_receiver.people({"user_data": {"em": "jane@example.com"}})
