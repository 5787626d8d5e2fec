"""Bodies that no honest client sends, on every path that takes one: a clear 4xx, never a 5xx."""

import base64
import gzip
import hmac
import http.client
import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.live import DATASET, Live
from tests.orders import order
from tests.shared import SHARED, needs_shared

DEEP = 100_000
NOT_JSON = [
    b"",
    b" ",
    b"\x00",
    b"{",
    b"}",
    b"[1,]",
    b"[1,,2]",
    b'{"a":1,}',
    b"{'a':1}",
    b'{"a" 1}',
    b'{"a":1 "b":2}',
    b"[NaN]",
    b"[Infinity]",
    b"[-Infinity]",
    b"[+1]",
    b"[01]",
    b"[.5]",
    b"[1.]",
    b"[1e]",
    b"[0x1]",
    b'["\n"]',
    b'["\x00"]',
    b'["\\x41"]',
    b'["\\u12"]',
    b'["\\ud800"]',
    b'["\xff\xfe"]',
    b'["\xc0\xaf"]',
    b'["\xed\xa0\x80"]',
    b'{"\xb9":"0"}',
    b"\xef\xbb\xbf{}",
    '{"a":1}'.encode("utf-16"),
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"{}{}",
    b"nul",
    b"TRUE",
    b'"unended',
    b"/* */ {}",
    b'{"a":1}#',
    b"<xml/>",
    b"id,name\n1,2",
    b"%PDF-1.4",
    bytes(range(256)),
]
STRANGE_JSON = [
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[[]]",
    b"[{}]",
    b'{"":""}',
    b'{"a":1,"a":2}',
    b'{"data":null}',
    b'{"data":{}}',
    b'{"data":[null]}',
    b'{"data":[[]]}',
    b'{"data":[{"event_name":null}]}',
    b'{"data":[{"event_name":"Purchase","event_time":1e400}]}',
    b'{"id":' + b"9" * 4301 + b"}",
    b'{"id":123456789012345678901234567890}',
    b'{"id":-0.0,"created_at":"9999-99-99"}',
    b'{"id":1e308,"total_price":"1e999999"}',
    b'{"events":[{"event_name":"\\u0000","event_time":-1e18}]}',
    b'{"events":[{"event_name":"a","event_time":1e300,"event_id":"b"}]}',
    b'{"people":[{"em":[1,{},null]}],"touches":[{"time":[]}]}',
    b'{"a":"' + b"x" * 60_000 + b'"}',
    b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(5000)) + b"}",
    b'{"email":"a@b.example","request":"erase","dry_run":true,"order_ids":{"a":[]}}',
    b'{"since":"0000","until":"x","dry_run":"maybe"}',
    b'{"ids":[-1,9223372036854775808],"reason":5}',
    b'{"lone":"\\uDFAA","pair":"\\uD834\\uDD1E"}',
]
NAUGHTY = [
    "\u0000",
    "a\u0000b",
    "\u202e\u2066abc\u2069",
    "\ufeff",
    "\ufffe\uffff",
    "\U0010ffff",
    "Z\u0351\u0355\u036f\u0353a\u0321l\u0334g\u0317o",
    "\u0130\u0131\u017f\u212a",
    "\u2028\u2029\u0085",
    "ﬃ①㎏﷽",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "表ポあA鷗Œé逍Üßªąñ丂㐀𠀀",
    "' OR 1=1 --",
    "1; DROP TABLE events;--",
    '"><script>alert(1)</script>',
    "{{7*7}}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "../../../../etc/passwd",
    "$(touch /tmp/x)`id`|cat",
    "=cmd|' /C calc'!A0",
    "%s%n%x%d",
    "-1",
    "0",
    "NaN",
    "1e999",
    "1/0",
    "0x7fffffffffffffff",
    "9999999999999999999999",
    "-0.00",
    "True",
    "null",
    "undefined",
    "\r\nSet-Cookie: a=b",
    "\n\n\n",
    "\t",
    " ",
    "",
    "x" * 5000,
    "a@b",
    "@@@",
    "+++++",
    "http://a/%",
    "//\\evil.example",
    "utm_source=%00%ff",
]


def _paths(server: Live) -> list[tuple[str, dict[str, str]]]:
    """Every path that takes a body, with what opens it."""
    key = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    receiver = {"Authorization": f"Bearer {server.secrets['receiver_token']}"}
    dataset = {"Authorization": f"Bearer {server.secrets['access_token']}"}
    return [
        ("/webhooks/shopify/demo", {"X-Shopify-Topic": "orders/create"}),
        ("/webhooks/shopify/demo", {"X-Shopify-Topic": "refunds/create"}),
        ("/webhooks/woocommerce/demo", {"X-WC-Webhook-Topic": "order.created"}),
        ("/events/demo", key),
        ("/px/demo", {}),
        (f"/v26.0/{DATASET}/events", dataset),
        ("/tr", {}),
        ("/receiver/people", receiver),
        ("/receiver/touches", receiver),
        ("/receiver/faults", receiver),
        ("/receiver/keep", receiver),
        ("/api/v1/spend/demo", key),
        ("/api/v1/rates", key),
        ("/api/v1/privacy/demo", key),
        ("/api/v1/backfill/demo", key),
        ("/api/v1/dead-letters/retry", key),
        ("/api/v1/replay", key),
        ("/dev/clock", key),
        ("/login", {}),
    ]


class _Client:
    """One connection to a server, opened again when it is closed."""

    def __init__(self, server: Live) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)

    def close(self) -> None:
        self._connection.close()

    def status(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        made = {"Content-Type": "application/json", **headers}
        if path.startswith("/webhooks/"):
            digest = hmac.new(self._server.secrets["webhook_secret"].encode(), body, sha256)
            signature = base64.b64encode(digest.digest()).decode()
            made["X-Shopify-Shop-Domain"] = "demo-shop.myshopify.com"
            made["X-Shopify-Hmac-Sha256"] = made["X-WC-Webhook-Signature"] = signature
        self._connection.request("POST", path, body, made)
        answer = self._connection.getresponse()
        text = answer.read()
        assert b"Traceback" not in text
        return answer.status


@pytest.fixture
def client(server: Live) -> Iterator[_Client]:
    """A client of the server."""
    with closing(_Client(server)) as made:
        yield made


def _send(server: Live, client: _Client, bodies: list[bytes]) -> Iterator[tuple[str, bytes, int]]:
    for path, headers in _paths(server):
        for body in bodies:
            yield path, body, client.status(path, body, headers)


def _is_well(server: Live) -> None:
    """It still lives, its books balance, and every report can be read."""
    assert server.ask("GET", "/healthz").status == 200
    assert server.get("/api/v1/ledger")["balanced"]
    for name in ("orders", "channels", "journeys", "utm"):
        assert server.get(f"/api/v1/reports/{name}") is not None
        key = f"Bearer {server.secrets['server_key']}"
        table = server.ask("GET", f"/api/v1/reports/{name}?format=csv", authorization=key)
        assert table.status == 200
    assert server.webhook(order(7999)).status == 200


def test_what_is_not_json_and_what_is_strange_gets_no_5xx(server: Live, client: _Client) -> None:
    for path, body, status in _send(server, client, NOT_JSON + STRANGE_JSON):
        assert 200 <= status < 500, (path, body[:60], status)
    _is_well(server)


def test_naughty_strings_in_every_field(server: Live, client: _Client) -> None:
    key = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    for number, text in enumerate(NAUGHTY):
        for path, headers, made in _naughty(text, number):
            body = json.dumps(made).encode()
            status = client.status(path, body, {**key, **headers})
            assert 200 <= status < 500, (path, text[:40], status)
    _is_well(server)


def _naughty(text: str, number: int) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """An order, a server event, a beacon and a call of the receiver, all made of one string."""
    whole = order(3000 + number)
    for field in (
        "name",
        "email",
        "phone",
        "currency",
        "total_price",
        "landing_site",
        "created_at",
    ):
        made = {**whole, "id": 30_000 + number, field: text}
        yield "/webhooks/shopify/demo", {"X-Shopify-Topic": "orders/create"}, made
    person = dict.fromkeys(("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge"), text)
    custom = dict.fromkeys(("currency", "order_id", "content_name", "content_type"), text)
    event = {
        "event_name": text,
        "event_id": text,
        "event_source_url": text,
        "action_source": "website",
        "user_data": {**person, "external_id": text, "fbc": text, "fbp": text},
        "custom_data": {**custom, "value": 1, text: text},
    }
    yield "/events/demo", {}, event
    yield "/events/demo", {}, {**event, "event_name": "Lead"}
    yield "/px/demo", {}, {"events": [{**event, "event_time": 1.0, "visitor_id": text}]}
    yield f"/v26.0/{DATASET}/events", {}, {"data": [event], "access_token": text}


def test_compressed_bodies_are_read_and_bombs_are_not(server: Live, client: _Client) -> None:
    plain = json.dumps(order(7001)).encode()
    topic = {"X-Shopify-Topic": "orders/create"}
    key = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    signature = base64.b64encode(
        hmac.new(server.secrets["webhook_secret"].encode(), plain, sha256).digest()
    ).decode()
    zipped = server.ask(
        "POST",
        "/webhooks/shopify/demo",
        gzip.compress(plain),
        content_encoding="gzip",
        x_shopify_topic="orders/create",
        x_shopify_shop_domain="demo-shop.myshopify.com",
        x_shopify_hmac_sha256=signature,
    )
    assert zipped.status == 200
    bomb = gzip.compress(bytes(100 << 20))
    for path, headers in (
        ("/webhooks/shopify/demo", topic),
        ("/events/demo", key),
        ("/px/demo", {}),
    ):
        for encoding, body, expected in (
            ("gzip", bomb[: 64 << 10] if path == "/px/demo" else bomb, 413),
            ("deflate", zlib.compress(bytes(4 << 20)), 413),
            ("gzip", b"no gzip", 400),
            ("br", b"{}", 415),
        ):
            status = client.status(path, body, {**headers, "Content-Encoding": encoding})
            assert status == expected, (path, encoding, status)
    _is_well(server)


def test_what_is_too_deep_is_refused_or_kept_as_a_bad_row(server: Live, client: _Client) -> None:
    key = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    deep = b'{"data":' + b"[" * 40 + b"]" * 40 + b"}"
    assert client.status("/events/demo", deep, key) == 400
    assert client.status("/px/demo", deep, {}) == 400
    assert client.status("/api/v1/privacy/demo", deep, key) == 400
    topic = {"X-Shopify-Topic": "orders/create"}
    assert client.status("/webhooks/shopify/demo", deep, topic) == 200
    (row,) = server.get("/api/v1/bad-rows")["items"]
    assert "32 levels" in row["detail"]


@pytest.mark.slow
@needs_shared
def test_the_json_test_suite_on_every_path(server: Live, client: _Client) -> None:
    found = sorted((SHARED / "corpora/JSONTestSuite").rglob("*.json"))
    assert len(found) > 300
    for path, body, status in _send(server, client, [file.read_bytes() for file in found]):
        assert 200 <= status < 500, (path, body[:60], status)
    _is_well(server)


@pytest.mark.slow
@needs_shared
def test_the_big_list_of_naughty_strings(server: Live, client: _Client) -> None:
    (listed,) = (SHARED / "corpora/blns").rglob("blns.json")
    key = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    for number, text in enumerate(json.loads(Path(listed).read_text("utf-8"))):
        for path, headers, made in _naughty(text, number):
            status = client.status(path, json.dumps(made).encode(), {**key, **headers})
            assert 200 <= status < 500, (path, text[:40], status)
    _is_well(server)
