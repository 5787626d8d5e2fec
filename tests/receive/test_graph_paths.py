"""Paths of the Graph API that the receiver does not have are refused as Meta refuses them."""

import json

import pytest
from tests.receive.test_tools import Desk


@pytest.mark.parametrize(
    ("method", "path", "code", "subcode", "words"),
    [
        ("GET", "/v26.0/1/foo", 2500, None, "Unknown path components: /foo"),
        ("POST", "/v26.0/1/foo/bar/", 2500, None, "Unknown path components: /foo/bar"),
        ("POST", "/v26.0/1", 100, 33, "Unsupported post request. Object with ID '1'"),
        ("DELETE", "/v26.0/1/", 100, 33, "Unsupported delete request."),
        ("GET", "/v26.0/me", 100, 33, "Object with ID 'me'"),
        ("GET", "/v26.0", 100, 33, "Object with ID ''"),
        ("POST", "/v26.0/act_9/insights", 2500, None, "/insights"),
    ],
)
def test_what_is_not_there(
    method: str, path: str, code: int, subcode: int | None, words: str
) -> None:
    answer = Desk().call(method, path)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error.get("error_subcode")) == (400, code, subcode)
    assert words in error["message"]
    assert error["fbtrace_id"]


def test_a_stranger_learns_nothing_of_paths() -> None:
    answer = Desk().call("GET", "/v26.0/1/foo", token="nobody's")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (401, 190)


def test_other_paths_are_somebody_elses() -> None:
    assert Desk().receiver.handler("GET", "/v26/1/foo") is None
    assert Desk().receiver.handler("GET", "/reports/1") is None
