"""Bodies that are JSON of any content (y_) or none (n_), over HTTP to a running server."""

import json
from pathlib import Path

import pytest
from tests.live import DATASET, Live
from tests.shared import SHARED, needs_shared

SUITE = SHARED / "corpora" / "JSONTestSuite" / "test_parsing"
CASES = Path(__file__).parent.parent / "cases" / "json"


@pytest.fixture
def url(server: Live) -> str:
    return f"/v26.0/{DATASET}/events?access_token={server.secrets['access_token']}"


def test_no_body_brings_the_server_down(server: Live, url: str) -> None:
    answers = {}
    for case in sorted(CASES.glob("*.json")):
        reply = server.ask("POST", url, case.read_bytes(), content_type="application/json")
        answers[case.name] = (reply.status, reply.json()["error"]["code"])
    assert len(answers) > 40
    assert set(answers.values()) == {(400, 100)}


def test_no_json_text_inside_a_form_brings_the_server_down(server: Live, url: str) -> None:
    from urllib.parse import quote_from_bytes

    kind = "application/x-www-form-urlencoded"
    for case in sorted(CASES.glob("*.json")):
        body = b"data=" + quote_from_bytes(case.read_bytes()).encode()
        reply = server.ask("POST", url, body, content_type=kind)
        assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, 100), case.name


def test_the_server_still_takes_events_after_all_that(server: Live, url: str) -> None:
    for case in sorted(CASES.glob("n_*.json")):
        server.ask("POST", url, case.read_bytes(), content_type="application/json")
    body = b'data=[{"event_name":"Lead","event_time":1,"user_data":{}}]'
    reply = server.ask("POST", url, body, content_type="application/x-www-form-urlencoded")
    assert reply.json()["error"]["error_subcode"] == 2804003


@needs_shared
def test_the_whole_suite_is_refused_and_brings_nothing_down(server: Live, url: str) -> None:
    """None of it holds events: what is JSON is refused for its content, the rest as no JSON."""
    files = sorted(SUITE.glob("*.json"))
    assert len(files) > 300
    for file in files:
        reply = server.ask("POST", url, file.read_bytes(), content_type="application/json")
        assert (reply.status, reply.json()["error"]["code"]) == (400, 100), file.name
    assert server.ask("GET", "/healthz").status == 200
