import json
from hashlib import sha256
from typing import Any

import pytest

from tillpost.core.wire import Request
from tillpost.receive import register

HASH = sha256(b"a").hexdigest()
TOUCH = {"action": "link_click", "time": 1_790_000_000, "ad_id": "1", "campaign_id": "2"}


def post(path: str, body: Any, bearer: str = "KEY") -> Any:
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    read = register.people if path == "people" else register.touches
    return read(Request("POST", f"/receiver/{path}", headers, json.dumps(body).encode()), "KEY")


def test_people_with_and_without_id() -> None:
    rows = [{"id": "p1", "user_data": {"em": HASH}}, {"user_data": {"ph": [HASH], "fn": HASH}}]
    found = post("people", {"people": rows})
    assert found.response.status == 200
    assert json.loads(found.response.body) == {"received": 2}
    assert [row.id for row in found.rows] == ["p1", None]


@pytest.mark.parametrize(
    "time", [1_790_000_000, "2026-09-21T14:13:20Z", "2026-09-21T16:13:20+02:00"]
)
def test_times(time: Any) -> None:
    (row,) = post("touches", {"touches": [{**TOUCH, "time": time}]}).rows
    assert row.at == 1_790_000_000


def test_a_whole_touch() -> None:
    more = {
        "adset_id": 3,
        "account_id": "act_4",
        "names": {"campaign": "Spring", "ad_name": "Blue", "colour": "x"},
        "click_id": "fb.1.1596403881668.IwAR1",
        "user_data": {"em": [HASH]},
        "person": "p1",
    }
    (row,) = post("touches", {"touches": [{**TOUCH, **more}]}).rows
    assert (row.ad.adset_id, row.ad.account_id, row.person) == ("3", "act_4", "p1")
    assert row.ad.names == {"campaign": "Spring", "ad": "Blue"}
    assert row.click is not None
    assert len(row.keys) == 1


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("people", [], "the body must be a JSON object"),
        ("people", {}, 'people must be a list: send {"people": [...]}'),
        ("people", {"people": [7]}, "people[0] is not an object"),
        ("people", {"people": [{"id": "p"}]}, "people[0].user_data has no key that can match"),
        (
            "people",
            {"people": [{"user_data": {"em": "jane@example.com"}}]},
            "people[0].user_data.em has a value that is not in CAPI's form",
        ),
        ("people", {"people": [{"user_data": []}]}, "people[0].user_data is not an object"),
        ("touches", {"touches": [{**TOUCH, "action": "click"}]}, "touches[0].action must be one"),
        ("touches", {"touches": [{**TOUCH, "time": "yesterday"}]}, "touches[0].time must be"),
        ("touches", {"touches": [{**TOUCH, "time": "2026-09-21T14:13:20"}]}, "with a zone"),
        ("touches", {"touches": [{**TOUCH, "time": True}]}, "touches[0].time must be"),
        ("touches", {"touches": [{**TOUCH, "ad_id": None}]}, "touches[0] needs ad_id"),
        ("touches", {"touches": [{**TOUCH, "click_id": {}}]}, "touches[0].click_id must be"),
        ("touches", {"touches": [{**TOUCH, "names": "x"}]}, "touches[0].names is not"),
        ("touches", {"touches": [TOUCH] * 10_001}, "send at most 10000"),
    ],
)
def test_what_is_wrong_is_told(path: str, body: Any, told: str) -> None:
    found = post(path, body)
    assert found.response.status in (400, 413)
    assert told in json.loads(found.response.body)["error"]["message"]
    assert "jane" not in found.response.body.decode()
    assert found.rows == ()


@pytest.mark.parametrize("token", ["", "wrong", "KEY "])
def test_only_with_the_receiver_token(token: str) -> None:
    found = post("people", {"people": [{"user_data": {"em": HASH}}]}, token)
    assert found.response.status == 401
    assert found.rows == ()
