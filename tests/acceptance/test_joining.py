"""What leads an order to the browser that made it, where the order itself carries nothing."""

import gzip
import time
from typing import Any

from tests.live import Live, wait_for
from tests.orders import order

LANDING = "https://demo-shop.myshopify.com/?utm_source=news&utm_medium=email&utm_campaign=May"


def _row(server: Live, order_id: str) -> Any:
    def look() -> Any:
        rows = server.get("/api/v1/reports/orders")["rows"]
        return next((row for row in rows if row["order_id"] == order_id), None)

    return wait_for(look)


def test_a_cart_joins_the_order_to_the_landing_of_its_browser(server: Live) -> None:
    view = {
        "event_name": "PageView",
        "event_id": "view-1",
        "event_time": time.time() - 600,
        "event_source_url": LANDING,
        "visitor_id": "browser-1",
        "cart_token": "gid://shopify/Cart/hWN0Kx?key=9f1c",
        "direct": "none",
    }
    assert server.beacon(view).status == 204
    joined = order(1001, cart_token="hWN0Kx", checkout_token=None)
    other = {"email": "bo@mail.example", "customer": {"id": 5, "email": "bo@mail.example"}}
    alone = order(1002, cart_token="hWN0Ky", checkout_token=None, **other)
    for made in (joined, alone):
        assert server.webhook(made).status == 200
    row = _row(server, str(joined["id"]))
    assert (row["channel"], row["source"], row["campaign"]) == ("Email", "news", "May")
    assert _row(server, str(alone["id"]))["source"] != "news"


def test_the_script_comes_small_to_whoever_can_unpack_it(server: Live) -> None:
    plain = server.ask("GET", "/px.js?shop=demo")
    small = server.ask("GET", "/px.js?shop=demo", accept_encoding="br, gzip")
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert {plain.headers["vary"], small.headers["vary"]} == {"accept-encoding"}
    assert gzip.decompress(small.body) == plain.body
    assert len(small.body) < len(plain.body) * 0.6
