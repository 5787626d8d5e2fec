"""A whole order through: webhook and beacon in, one conversion counted, attributed, reported."""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from tests.live import BROWSER, DATASET, Live, wait_for
from tests.orders import iso, order

EMAIL = sha256(b"ada.fischer@mail.example").hexdigest()
LANDING = (
    "https://demo-shop.myshopify.com/products/tea?utm_source=facebook&utm_medium=paid_social"
    "&utm_campaign=Spring&campaign_id=120&adset_id=121&ad_id=122&fbclid=IwAR0aBcDeFgHiJkLmN"
)


def _touch(server: Live, hashed: str = EMAIL) -> None:
    reply = server.post(
        "/receiver/touches",
        {
            "touches": [
                {
                    "action": "link_click",
                    "time": iso(3600),
                    "ad_id": "122",
                    "adset_id": "121",
                    "campaign_id": "120",
                    "account_id": "1",
                    "names": {"campaign": "Spring", "ad": "Tea video"},
                    "click_id": "IwAR0aBcDeFgHiJkLmN",
                    "user_data": {"em": [hashed]},
                }
            ]
        },
        token="receiver_token",
    )
    assert reply.status == 200, reply.body


def _conversion(server: Live, event_id: str) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        path = f"/api/v1/receiver/events?event_id={quote(event_id)}"
        items: list[dict[str, Any]] = server.get(path)["items"]
        return items

    return wait_for(look)  # type: ignore[no-any-return]


def test_an_order_by_webhook_alone_ends_as_one_conversion(server: Live) -> None:
    _touch(server)
    made = order(1001)
    assert server.webhook(made).status == 200
    item = server.purchase(str(made["id"]))
    assert item["event_name"] == "Purchase"
    assert item["source"] == "shopify"
    assert [o["state"] for o in item["outcomes"]] == ["delivered"]
    assert item["event_id"] == f"purchase.{made['checkout_token']}"

    (received,) = _conversion(server, item["event_id"])
    assert received["source"] == "server"
    assert received["duplicate_of"] is None
    assert received["matched"] is True
    assert "em" in received["matched_by"]
    credited = received["conversion"]
    assert (credited["ad_id"], credited["campaign_id"]) == ("122", "120")
    assert (credited["window"], credited["value"], credited["currency"]) == (
        "7d_click",
        "59.00",
        "USD",
    )

    (row,) = server.get("/api/v1/reports/orders")["rows"]
    assert (row["order_id"], row["value"], row["server"], row["browser"], row["matched"]) == (
        str(made["id"]),
        "59.00",
        True,
        False,
        True,
    )
    (ad,) = server.get("/api/v1/reports/ads")["rows"]
    assert (ad["ad_id"], ad["conversions"], ad["value"]) == ("122", 1, "59.00")
    assert server.get("/api/v1/ledger")["balanced"] is True


def test_pixel_and_server_are_counted_once_and_attributed_by_utm(server: Live) -> None:
    _touch(server)
    made = order(1002)
    token = made["checkout_token"]
    event_id = f"purchase.{token}"
    seen = {"visitor_id": "v-1", "fbp": "fb.1.1700000000000.123456789", "direct": "sent"}
    landing = {
        "event_name": "PageView",
        "event_id": "pv-1",
        "event_time": int(time.time()) - 600,
        "event_source_url": LANDING,
        "referrer_url": "https://l.facebook.com/",
        **seen,
    }
    bought = {
        "event_name": "Purchase",
        "event_id": event_id,
        "event_time": int(time.time()),
        "event_source_url": "https://demo-shop.myshopify.com/checkouts/cn/1/thank_you",
        "checkout_token": token,
        "custom_data": {"value": 1, "currency": "USD"},
        **seen,
    }
    assert server.beacon(landing).status == 204
    hit = (
        f"/tr?id={DATASET}&ev=Purchase&eid={quote(event_id)}&ts={int(time.time() * 1000)}"
        "&cd[value]=59.00&cd[currency]=USD&fbp=fb.1.1700000000000.123456789"
        f"&ud[em]={EMAIL}"
    )
    picture = server.ask("GET", hit, user_agent=BROWSER)
    assert (picture.status, picture.headers["content-type"]) == (200, "image/gif")
    assert server.beacon(bought).status == 204
    assert server.webhook(made).status == 200

    item = server.purchase(str(made["id"]))
    assert item["event_id"] == event_id
    assert item["outcomes"][0]["state"] == "delivered"
    both = wait_for(lambda: _two(server, event_id))
    assert {r["source"] for r in both} == {"browser", "server"}
    assert sum(r["duplicate_of"] is None for r in both) == 1
    assert sum(r["conversion"] is not None for r in both) == 1

    (row,) = server.get("/api/v1/reports/orders")["rows"]
    assert (row["browser"], row["server"], row["value"]) == (True, True, "59.00")
    assert (row["channel"], row["source"], row["campaign"]) == ("Paid Social", "facebook", "Spring")
    assert row["ad_id"] == "122"
    (ad,) = server.get("/api/v1/reports/ads")["rows"]
    assert (ad["conversions"], ad["value"]) == (1, "59.00")


def _two(server: Live, event_id: str) -> list[dict[str, Any]] | None:
    items = _conversion(server, event_id)
    return items if len(items) == 2 else None


def test_spend_makes_true_roas(server: Live) -> None:
    server.beacon(
        {
            "event_name": "PageView",
            "event_id": "pv-2",
            "event_time": int(time.time()) - 60,
            "event_source_url": LANDING,
            "visitor_id": "v-2",
            "checkout_token": order(1003)["checkout_token"],
        }
    )
    made = order(1003)
    server.webhook(made)
    server.purchase(str(made["id"]))
    day = iso()[:10]
    text = (
        "date,platform,account_id,campaign_id,campaign_name,adset_id,adset_name,ad_id,ad_name,"
        "currency,spend,impressions,clicks\n"
        f"{day},meta,1,120,Spring,121,Set,122,Tea video,USD,29.50,1000,20\n"
    )
    key = f"Bearer {server.secrets['server_key']}"
    reply = server.ask(
        "POST", "/api/v1/spend/demo", text.encode(), authorization=key, content_type="text/csv"
    )
    assert (reply.json()["imported"], reply.json()["errors"]) == (1, [])
    rows = {r["channel"]: r for r in server.get("/api/v1/reports/channels")["rows"]}
    assert rows["Paid Social"]["revenue"] == "59.00"
    assert rows["Paid Social"]["spend"] == "29.50"
    assert rows["Paid Social"]["roas"] == 2.0


def test_what_was_acknowledged_survives_a_kill(start_server: Callable[..., Live]) -> None:
    first = start_server()
    orders = [order(2000 + n) for n in range(20)]
    for made in orders:
        assert first.webhook(made).status == 200
    first.process.kill()
    first.process.wait()
    second = start_server(data=first.data)
    for made in orders:
        assert second.purchase(str(made["id"]))["outcomes"][0]["state"] == "delivered"
    found = second.get("/api/v1/ledger")
    assert found["balanced"] is True
    assert found["destinations"][0]["accepted"] == 20
    wait_for(lambda: len(_counted(second)) == 20)


def _counted(server: Live) -> list[dict[str, Any]]:
    items = server.get("/api/v1/receiver/events")["items"]
    return [item for item in items if item["duplicate_of"] is None]


def test_sigterm_ends_cleanly_and_frees_the_directory(start_server: Callable[..., Live]) -> None:
    first = start_server()
    assert first.webhook(order(3001)).status == 200
    first.process.terminate()
    assert first.process.wait(timeout=15) == 0
    assert not (first.data / "server.json").exists()
    second = start_server(data=first.data)
    assert second.purchase(str(order(3001)["id"]))["outcomes"][0]["state"] == "delivered"
