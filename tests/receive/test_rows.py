"""A golden call for every row of the rules, in every encoding: the answer, to the word."""

import gzip
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tillpost.core.received import Dataset
from tillpost.core.validation import REQUEST_ROWS, RULES, lint
from tillpost.core.wire import Request
from tillpost.receive import accept, wire

FILE = Path(__file__).parent.parent / "cases" / "receive" / "rows.toml"
CASES: dict[str, dict[str, Any]] = {
    case["rule"]: case for case in tomllib.loads(FILE.read_text("utf-8"))["case"]
}
DATASETS = {"1001": Dataset("1001", "TOKEN")}
NOW = 1_790_000_000.0
URL = "/v26.0/1001/events?access_token=TOKEN"
FORM = "application/x-www-form-urlencoded"


def as_json(body: str) -> Request:
    return Request("POST", URL, {"content-type": "application/json"}, body.encode())


def as_gzip(body: str) -> Request:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    # Repeated events shrink more than a real body does: stored, so that the limit is not met.
    return Request("POST", URL, headers, gzip.compress(body.encode(), compresslevel=0))


def as_form(body: str) -> Request:
    return Request("POST", URL, {"content-type": FORM}, urlencode({"data": data(body)}).encode())


def as_texts(body: str) -> Request:
    """A form whose `data` is a list of JSON texts, as Meta's Python SDK sends it."""
    texts = [item if item == 7 else json.dumps(item) for item in json.loads(data(body))]
    told = urlencode({"data": json.dumps(texts)}).encode()
    return Request("POST", URL, {"content-type": FORM}, told)


def as_multipart(body: str) -> Request:
    part = f'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{data(body)}\r\n--b--\r\n'
    return Request("POST", URL, {"content-type": "multipart/form-data; boundary=b"}, part.encode())


def in_the_query(body: str) -> Request:
    return Request("POST", f"{URL}&{urlencode({'data': data(body)})}", {})


ENCODINGS = (as_json, as_gzip, as_form, as_texts, as_multipart, in_the_query)


def data(body: str) -> str:
    return json.dumps(json.loads(body)["data"])


def body_of(rule: str) -> str:
    given: str = CASES[rule]["body"]
    if given != "REPEATED":
        return given
    (good, _) = json.loads(CASES["event_id.repeated"]["body"])["data"]
    return json.dumps({"data": [good] * 1001})


def test_every_row_has_its_case() -> None:
    assert list(CASES) == [row.name for row in (*REQUEST_ROWS, *RULES)]


@pytest.mark.parametrize("encoded", ENCODINGS)
@pytest.mark.parametrize("rule", CASES)
def test_row(rule: str, encoded: Callable[[str], Request]) -> None:
    case = CASES[rule]
    found = accept.graph_events(encoded(body_of(rule)), DATASETS, NOW, lambda: "Atrace")
    told = json.loads(found.response.body)
    if "received" in case:
        assert (found.response.status, len(found.rows)) == (200, case["received"])
        assert told == {
            "events_received": case["received"],
            "messages": [],
            "fbtrace_id": "Atrace",
        }
        return
    error = told["error"]
    assert (found.response.status, found.rows) == (case["status"], ())
    assert (error["type"], error["code"], error["fbtrace_id"]) == ("OAuthException", 100, "Atrace")
    assert error["is_transient"] is False
    assert error.get("error_subcode") == case.get("subcode")
    assert error.get("error_user_title") == case.get("title")
    assert error["message"] == case["message"]


@pytest.mark.parametrize("rule", [row.name for row in RULES])
def test_the_row_is_among_the_findings(rule: str) -> None:
    call = wire.graph_call(as_json(body_of(rule)))
    assert rule in {finding.rule for finding in lint(call.data, NOW)}
