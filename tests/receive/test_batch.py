"""Several calls in one, as the Graph API takes them."""

import asyncio
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.receive.test_tools import Desk, event

from tillpost.core.wire import Request, Response

PROOF = hmac.new(b"SECRET", b"PROVEN", "sha256").hexdigest()


def operation(dataset: str = "1", **changes: Any) -> dict[str, str]:
    body = urlencode({"data": json.dumps([event(**changes)])})
    return {"method": "POST", "relative_url": f"v26.0/{dataset}/events", "body": body}


def send(desk: Desk, operations: Any, path: str = "/", **fields: Any) -> Response:
    handler = desk.receiver.handler("POST", path)
    assert handler is not None
    told = {"access_token": "TOKEN", "batch": json.dumps(operations), **fields}
    body = urlencode({name: value for name, value in told.items() if value is not None})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return asyncio.run(handler(Request("POST", path, headers, body.encode())))


@pytest.mark.parametrize("path", ["/", "/v26.0", "/v26.0/"])
def test_each_operation_is_answered_as_if_it_came_alone(path: str) -> None:
    desk = Desk()
    read = {"method": "GET", "relative_url": "1?fields=id"}
    unknown = {"method": "DELETE", "relative_url": "1"}
    answer = send(desk, [operation(), operation(user_data={}), read, unknown, {}], path)
    taken, refused, node, gone, nothing = json.loads(answer.body)
    assert (answer.status, taken["code"]) == (200, 200)
    assert json.loads(taken["body"])["events_received"] == 1
    assert {"name": "access-control-allow-origin", "value": "*"} in taken["headers"]
    assert json.loads(refused["body"])["error"]["error_subcode"] == 2804050
    assert json.loads(node["body"])["id"] == "1"
    assert json.loads(gone["body"])["error"]["error_subcode"] == 33
    assert (nothing["code"], len(desk.store.unsettled(9).events)) == (400, 1)


def test_headers_can_be_left_out_and_the_batch_can_be_json() -> None:
    desk = Desk()
    body = {"batch": [operation()], "include_headers": False}
    (element,) = json.loads(desk.call("POST", "/", body).body)
    assert set(element) == {"code", "body"}


def test_an_operation_may_bring_its_own_token_and_the_proof_goes_with_the_outer_one() -> None:
    desk = Desk()
    own = operation("2")
    own["relative_url"] += "?access_token=OTHER"
    answer = send(desk, [operation("3"), own], access_token="PROVEN", appsecret_proof=PROOF)
    assert [element["code"] for element in json.loads(answer.body)] == [200, 200]


@pytest.mark.parametrize(
    ("operations", "fields", "status", "kind"),
    [
        ([operation()], {"access_token": None}, 400, "OAuthException"),
        ([], {}, 400, "GraphBatchException"),
        ({}, {}, 400, "GraphBatchException"),
        ([operation()] * 51, {}, 400, "GraphBatchException"),
    ],
)
def test_what_is_no_batch(operations: Any, fields: Any, status: int, kind: str) -> None:
    answer = send(Desk(), operations, **fields)
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (status, kind)


def test_the_receivers_own_paths_are_not_in_reach() -> None:
    reset = {"method": "POST", "relative_url": "receiver/reset"}
    (element,) = json.loads(send(Desk(), [reset]).body)
    assert element["code"] == 400
