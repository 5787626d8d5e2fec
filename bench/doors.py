"""The doors that `bench.ingest` loads: how the requests of each are made, no two alike."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

DATASET = "1234567890123456"
BATCH = 1000


class Door(NamedTuple):
    """One way in: events a request, connections, requests made, and how request N is made.

    `table` is where the server keeps what came in: a row for each request.
    """

    name: str
    each: int
    connections: int
    requests: int
    made: Callable[[int, dict[str, str]], bytes]
    table: tuple[str, str]


def _user(number: int) -> dict[str, Any]:
    return {
        "em": f"person{number}@mail.example",
        "ph": f"+1208555{number % 10000:04d}",
        "fn": f"Ada{number % 90}",
        "ln": f"Fischer{number % 700}",
        "ct": "Boise",
        "st": "ID",
        "zp": f"83{number % 1000:03d}",
        "country": "US",
        "external_id": str(7_000_000 + number),
        "client_ip_address": "8.8.4.4",
        "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "fbp": f"fb.1.1700000000000.{number}",
    }


def _hashed(number: int) -> dict[str, Any]:
    plain = {"client_ip_address", "client_user_agent", "fbp"}
    return {
        key: value if key in plain else [sha256(str(value).lower().encode()).hexdigest()]
        for key, value in _user(number).items()
    }


def _capi(number: int, user: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_name": "Purchase",
        "event_id": f"bench.{number}",
        "event_time": int(time.time()),
        "action_source": "website",
        "event_source_url": "https://demo-shop.myshopify.com/checkout",
        "user_data": user,
        "custom_data": {
            "value": 59.0,
            "currency": "USD",
            "order_id": str(number),
            "contents": [{"id": "9001", "quantity": 2, "item_price": 27.0}],
        },
    }


def _event(number: int, secrets: dict[str, str]) -> bytes:
    body = json.dumps(_capi(number, _user(number))).encode()
    return _request("/events/demo", body, {"Authorization": f"Bearer {secrets['server_key']}"})


def _graph(number: int, secrets: dict[str, str], events: int = 1) -> bytes:
    data = [_capi(n, _hashed(n)) for n in range(number * events, (number + 1) * events)]
    body = json.dumps({"data": data, "access_token": secrets["access_token"]}).encode()
    return _request(f"/v26.0/{DATASET}/events", body, {})


def _batch(number: int, secrets: dict[str, str]) -> bytes:
    return _graph(number, secrets, BATCH)


def _order(number: int, secrets: dict[str, str]) -> bytes:
    from tests.orders import order

    made = order(number, email=f"person{number}@mail.example", note="x" * 2800)
    body = json.dumps(made).encode()
    key = secrets["webhook_secret"].encode()
    signature = base64.b64encode(hmac.new(key, body, sha256).digest()).decode()
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "demo-shop.myshopify.com",
        "X-Shopify-Hmac-Sha256": signature,
    }
    return _request("/webhooks/shopify/demo", body, headers)


def _request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    named = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


JOURNAL = ("tillpost.db", "journal")
INBOX = ("receiver.db", "inbox")
DOORS = (
    Door("/events, one raw event", 1, 64, 80_000, _event, JOURNAL),
    Door("Graph /events, one hashed event", 1, 64, 80_000, _graph, INBOX),
    Door("Shopify order, 6 KB", 1, 64, 40_000, _order, JOURNAL),
    Door("Graph /events, 1,000 a request", BATCH, 4, 250, _batch, INBOX),
)
"""What is measured, in this order."""
