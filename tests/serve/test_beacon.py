"""The pixel's door: whose pages are answered, how often, at which paths, with which cookies."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tillpost.serve import development
from tillpost.serve.clock import SystemClock
from tillpost.serve.http.front import Front
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import PixelSettings, Server
from tillpost.serve.throttle import Buckets, Limit, Limits, Throttle, limits

SHOP = "https://www.acme.example"
MANY = Limit(10_000, 2_000)
EVENT = {"event_name": "PageView", "event_id": "v1", "fbp": "fb.1.1790000000000.7"}


class Door:
    """A front door without a network: one status, its headers and body for each request."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def ask(
        self, path: str = "/px/demo", method: str = "POST", client: str = "8.8.4.4", **headers: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        sent: list[Any] = []
        body = json.dumps({"events": [EVENT]}).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        async def behind(scope: Any, _receive: Any, _send: Any) -> None:
            sent.append({"status": 404, "headers": []})
            sent.append({"body": scope["path"].encode()})

        given = {"origin": SHOP, "host": "tp.acme.example", **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()],
            "client": (client, 1),
        }
        asyncio.run(Front(self.node, behind)(scope, receive, send))
        start, end = sent
        told = [(k.decode(), v.decode()) for k, v in start["headers"]]
        return start["status"], told, end["body"]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = development.settings(development.read_secrets(tmp_path), Server())
    shop = structs.replace(
        made.shops[0], origins=(*made.shops[0].origins, SHOP), pixel=PixelSettings(path="/tea")
    )
    settings = structs.replace(made, shops=(shop,))
    node = Node(settings, tmp_path, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")
    yield Door(node)
    asyncio.run(node.close())


HOST = "www.acme.example"
MYSHOPIFY = "https://demo-shop.myshopify.com"
FOREIGN = [
    # Another host that has ours in its name.
    f"https://{HOST}.evil.example",
    f"https://evil{HOST}",
    f"https://evil-{HOST}",
    f"https://evil.example.{HOST}",
    f"https://{HOST}evil",
    f"https://{HOST}-evil.example",
    f"https://x.{HOST}",
    f"https://w{HOST}",
    "https://acme.example",
    "https://acme.example.evil.example",
    "https://shop.acme.example",
    "https://www.acme.exampl",
    "https://www.acme.example.",
    "https://www-acme.example",
    "https://wwwXacme.example",
    "https://wwwacme.example",
    "https://www.acme.com",
    "https://www.\u0430cme.example",
    "https://www.xn--cme-7cd.example",
    "https://demo-shop.myshopify.com.evil.example",
    "https://evil-demo-shop.myshopify.com",
    "https://other-shop.myshopify.com",
    "https://myshopify.com",
    "https://checkout.shopify.com",
    "https://evil.example",
    # Our host, and another scheme or port.
    f"http://{HOST}",
    f"http://{HOST}:443",
    f"https://{HOST}:80",
    f"https://{HOST}:8443",
    f"https://{HOST}:0",
    f"https://{HOST}:",
    f"wss://{HOST}",
    f"ftp://{HOST}",
    f"file://{HOST}",
    f"//{HOST}",
    HOST,
    "http://demo-shop.myshopify.com",
    f"{MYSHOPIFY}:8443",
    # Not as a browser writes an origin.
    f"https://{HOST.upper()}",
    f"https://{HOST.title()}",
    f"HTTPS://{HOST}",
    f"https://{HOST}/",
    f"https://{HOST}/checkouts",
    f"https://{HOST}?a=b",
    f"https://{HOST}#a",
    f"https://{HOST}@evil.example",
    f"https://evil.example@{HOST}",
    f"https://{HOST}%2eevil.example",
    f"https://{HOST}\\.evil.example",
    f"https://{HOST}\t.evil.example",
    f"https:/{HOST}",
    f"https:{HOST}",
    # Two, and lists.
    f"https://{HOST}, https://evil.example",
    f"https://evil.example, https://{HOST}",
    f"https://{HOST} https://evil.example",
    f"null, https://{HOST}",
    "https://evil.example null",
    # No page of the web.
    "",
    "*",
    "NULL",
    "undefined",
    "file://",
    "about:blank",
    "data:",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://abcdefghijklmnop",
    "https://127.0.0.1",
    "https://[::1]",
    "https://localhost",
]
"""The matrix of origins that are none of the shop's own."""


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_pages_beacon_is_refused_and_its_browser_told_nothing(
    door: Door, origin: str
) -> None:
    status, headers, body = door.ask(origin=origin)
    assert status == 403
    assert b"foreign_origin" in body
    assert ("vary", "origin") in headers
    assert not [name for name, _ in headers if name.startswith("access-control")]
    preflight = door.ask(method="OPTIONS", origin=origin)[1]
    assert not [name for name, _ in preflight if name == "access-control-allow-origin"]


@pytest.mark.parametrize("origin", [SHOP, MYSHOPIFY])
def test_each_of_the_shops_own_pages_is_named_and_none_but_it(door: Door, origin: str) -> None:
    for method, expected in (("POST", 204), ("OPTIONS", 204)):
        status, headers, _ = door.ask(method=method, origin=origin)
        assert status == expected
        assert ("vary", "origin") in headers
        allowed = [value for name, value in headers if name == "access-control-allow-origin"]
        assert allowed == [origin]


def test_the_shops_own_page_may_read_the_answer_and_take_its_cookies(door: Door) -> None:
    status, headers, _ = door.ask(cookie="_tp_vid=123456789012; _fbp=fb.1.1790000000000.7")
    assert status == 204
    assert ("access-control-allow-origin", SHOP) in headers
    assert ("access-control-allow-credentials", "true") in headers
    assert [value.split(";")[:2] for name, value in headers if name == "set-cookie"] == [
        ["_tp_vid=123456789012", " Domain=acme.example"],
        ["_fbp=fb.1.1790000000000.7", " Domain=acme.example"],
    ]


def test_a_sandbox_may_read_and_gets_no_cookie(door: Door) -> None:
    status, headers, _ = door.ask(origin="null", cookie="_tp_vid=123456789012")
    assert status == 204
    assert ("access-control-allow-origin", "*") in headers
    assert not {"access-control-allow-credentials", "set-cookie"} & {name for name, _ in headers}


def test_a_preflight_follows_the_same_list(door: Door) -> None:
    assert ("access-control-allow-origin", SHOP) in door.ask(method="OPTIONS")[1]
    refused = door.ask(method="OPTIONS", origin="https://evil.example")[1]
    assert not [name for name, _ in refused if name == "access-control-allow-origin"]


def test_the_shops_own_path_takes_beacons_as_the_usual_one_does(door: Door) -> None:
    assert door.ask("/tea/demo")[0] == 204
    assert door.ask("/px/demo")[0] == 204
    assert door.ask("/tea/nobody")[0] == 404
    assert door.ask("/tea")[0] == 404
    assert door.ask("/coffee/demo")[2] == b"/coffee/demo"


def test_a_beacon_that_comes_twice_is_one_event(door: Door) -> None:
    for _ in range(3):
        assert door.ask()[0] == 204
    asyncio.run(door.node.worker.fold_round())
    assert len(door.node.store.event_items(0, 10, "v1", None)) == 1


def test_a_flood_is_told_to_come_later_and_the_page_can_read_it(door: Door) -> None:
    door.node.throttle = Throttle({"demo": Limits(Limit(2, 0.001), MANY)})
    statuses = [door.ask()[0] for _ in range(3)]
    assert statuses == [204, 204, 429]
    _, headers, body = door.ask()
    assert b"too_many" in body
    assert ("access-control-allow-origin", SHOP) in headers
    assert "retry-after" in {name for name, _ in headers}
    assert door.ask(client="8.8.8.8")[0] == 204


def test_a_flood_of_beacons_never_stops_a_webhook(door: Door) -> None:
    door.node.throttle = Throttle({"demo": Limits(MANY, Limit(0, 0))})
    assert door.ask()[0] == 429
    assert door.ask("/webhooks/shopify/demo")[0] == 401


def test_a_bucket_fills_again_and_its_number_is_bounded() -> None:
    limit, buckets = Limit(burst=2, per_second=0.5), Buckets(most=2)
    assert [buckets.take("a", limit, 0) for _ in range(3)] == [True, True, False]
    assert [buckets.take("a", limit, 2), buckets.take("a", limit, 2)] == [True, False]
    assert buckets.take("a", limit, 1) is False  # a clock that goes back gives nothing
    buckets.take("b", limit, 2)
    buckets.take("c", limit, 2)
    assert buckets.take("a", limit, 2)  # forgotten, and so full again


def test_the_shop_says_how_many_beacons_it_expects() -> None:
    throttle = Throttle({"small": limits(0.1, 1), "demo": limits(10, 2000)})
    assert [throttle.allows("small", f"2001:db8:{n}::1", 0) for n in range(6)] == [True] * 5 + [
        False
    ]
    assert all(throttle.allows("demo", "8.8.8.8", 0) for _ in range(300))
    assert not throttle.allows("demo", "8.8.8.8", 0)
    assert throttle.allows("demo", "8.8.8.8", 0.1)


def test_one_subscriber_of_ipv6_has_one_bucket() -> None:
    own = Limits(Limit(1, 0), Limit(100, 0))
    throttle = Throttle({"demo": own, "other": own})
    assert throttle.allows("demo", "2001:db8::1", 0)
    assert not throttle.allows("demo", "2001:db8::2", 0)
    assert throttle.allows("demo", "2001:db8:0:1::1", 0)
    assert throttle.allows("other", "2001:db8::1", 0)
    assert throttle.allows("demo", None, 0)
    assert throttle.allows("demo", None, 0)
