"""Golden cases of the receiver's wire: tests/cases/receive/*.toml."""

import gzip
import json
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from tillpost.core import match_key
from tillpost.core.received import Dataset
from tillpost.core.wire import Request
from tillpost.receive import accept

CASES = Path(__file__).parent.parent / "cases" / "receive"
NOW = 1_790_000_000
HASH = sha256(b"jane@example.com").hexdigest()
EVENT = json.dumps(
    {
        "event_name": "Purchase",
        "event_time": NOW - 60,
        "event_id": "o1",
        "action_source": "website",
        "user_data": {"em": [HASH], "client_user_agent": "Mozilla/5.0"},
        "custom_data": {"value": 19.99, "currency": "USD"},
    }
)
DATASETS = {
    "1001": Dataset("1001", "TOKEN"),
    "1002": Dataset("1002", "PROVEN", app_secret="s3cret"),
}


def load(name: str) -> list[Any]:
    cases = tomllib.loads((CASES / name).read_text("utf-8"))["case"]
    return [pytest.param(case, id=case["name"]) for case in cases]


def filled(text: str) -> str:
    for word, value in (
        ("EVENT", EVENT),
        ("HASH", HASH),
        ("MILLIS", str(NOW * 1000)),
        ("OLD", str(NOW - 8 * 86_400)),
        ("NOW", str(NOW)),
    ):
        text = re.sub(rf"\b{word}\b", value.replace("\\", r"\\"), text)
    text = re.sub(r"TEXT\((\[?\{.*?\}\}\]?)\)", lambda m: json.dumps(m[1]), text)
    text = re.sub(r"QUOTED\((.*)\)", lambda m: quote(m[1]), text)
    text = re.sub(r"NESTED\((\d+)\)", lambda m: "[" * int(m[1]) + "]" * int(m[1]), text)
    return re.sub(r"TIMES\((\d+),([^)]+)\)", _times, text)


def _times(found: re.Match[str]) -> str:
    joint = "," if found[2] == "{}" else ""
    return joint.join([found[2]] * int(found[1]))


def request_of(case: dict[str, Any]) -> Request:
    headers = {"content-type": case["type"]} if "type" in case else {}
    if "bearer" in case:
        headers["authorization"] = f"Bearer {case['bearer']}"
    body = filled(case.get("body", "")).encode()
    body = re.sub(rb"BYTE\((..)\)", lambda m: bytes.fromhex(m[1].decode()), body)
    if "form" in case:
        body = urlencode({k: filled(v) for k, v in case["form"].items()}).encode()
    if "multipart" in case:
        body, headers["content-type"] = multipart(case["multipart"])
    if "encoding" in case:
        headers["content-encoding"] = case["encoding"]
        body = body if case.get("raw") else gzip.compress(body)
    return Request(case.get("method", "POST"), filled(case["url"]), headers, body)


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{filled(value)}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--xyz--\r\n").encode(), "multipart/form-data; boundary=xyz"


def answer(case: dict[str, Any]) -> Any:
    return accept.graph_events(request_of(case), DATASETS, float(NOW), lambda: "Atrace")


@pytest.mark.parametrize("case", load("encodings.toml"))
def test_encodings(case: dict[str, Any]) -> None:
    found = answer(case)
    assert json.loads(found.response.body) == {
        "events_received": case["received"],
        "messages": [],
        "fbtrace_id": "Atrace",
    }
    assert found.response.status == 200
    assert found.response.headers["content-type"] == "application/json; charset=UTF-8"
    assert len(found.rows) == case["received"]
    assert found.rows[0].keys[0] == match_key.of_hash(match_key.Code.em, HASH)


@pytest.mark.parametrize("case", load("refused.toml"))
def test_refused(case: dict[str, Any]) -> None:
    found = answer(case)
    error = json.loads(found.response.body)["error"]
    assert found.response.status == case["status"]
    assert {key: error[key] for key in case["error"]} == case["error"]
    assert error["fbtrace_id"] == found.response.headers["x-fb-trace-id"] == "Atrace"
    assert found.response.headers["www-authenticate"].startswith('OAuth "Facebook Platform"')
    assert found.rows == ()
    assert found.refused


@pytest.mark.parametrize("case", load("pixel.toml"))
def test_pixel(case: dict[str, Any]) -> None:
    case = {"method": "GET", **case}
    found = accept.pixel_hit(request_of(case), DATASETS, float(NOW))
    assert (found.response.status, found.response.headers["content-type"]) == (200, "image/gif")
    assert len(found.response.body) == 43
    assert found.response.body[:6] == b"GIF89a"
    assert found.refused == case.get("refused")
    assert len(found.rows) == ("kept" in case)
    for row in found.rows:
        kept = {**msgspec.structs.asdict(row), "keys": list(match_key.names(row.keys))}
        wanted = {k: NOW if v == "NOW" else v for k, v in case["kept"].items()}
        assert {key: kept[key] for key in wanted} == wanted


def test_a_right_appsecret_proof() -> None:
    import hmac

    proof = hmac.new(b"s3cret", b"PROVEN", "sha256").hexdigest()
    url = f"/v26.0/1002/events?access_token=PROVEN&appsecret_proof={proof}"
    body = f'{{"data":[{EVENT}]}}'.encode()
    request = Request("POST", url, {"content-type": "application/json"}, body)
    assert accept.graph_events(request, DATASETS, NOW, str).response.status == 200


@pytest.mark.parametrize("field", ["em", "ph", "fn", "zp", "country", "db"])
def test_a_raw_value_is_not_kept(field: str) -> None:
    user = {field: "Jane.Doe@Example.com", "external_id": "u1"}
    event = {**json.loads(EVENT), "user_data": user}
    body = json.dumps({"data": [event]}).encode()
    url = "/v26.0/1001/events?access_token=TOKEN"
    found = accept.graph_events(
        Request("POST", url, {"content-type": "application/json"}, body), DATASETS, NOW, str
    )
    assert b"ane" not in msgspec.msgpack.encode(found.rows)
    assert found.rows[0].unusable == (field,)
