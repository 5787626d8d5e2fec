"""Orders of other shop systems through HTTP to delivered: WooCommerce's and Stripe's."""

import json
import time
from typing import Any

from tests.live import Live, Reply, wait_for
from tests.merchants import (
    fresh_woo_order,
    session,
    stripe_event,
    stripe_signature,
    woo_signature,
)
from tests.orders import iso, order


def _woo(server: Live, body: bytes, **headers: str) -> Reply:
    return server.ask("POST", "/webhooks/woocommerce/demo", body, **headers)


def _stripe(server: Live, event: dict[str, Any]) -> Reply:
    body = json.dumps(event).encode()
    signature = stripe_signature(server.secrets["webhook_secret"], body, int(time.time()))
    return server.ask("POST", "/webhooks/stripe/demo", body, stripe_signature=signature)


def _us(**changes: Any) -> dict[str, Any]:
    billing = {"email": "ada@mail.example", "country": "US", "state": "ID"}
    return fresh_woo_order(billing=billing, currency="USD", **changes)


def test_a_woocommerce_order_is_delivered_once(server: Live) -> None:
    assert _woo(server, b"webhook_id=1").status == 200
    body = json.dumps(_us(meta_data=[{"key": "_meta_event_id", "value": "e-1"}])).encode()
    signature = woo_signature(server.secrets["webhook_secret"], body)
    for topic in ("order.created", "order.updated"):
        headers = {"x_wc_webhook_topic": topic, "x_wc_webhook_signature": signature}
        assert _woo(server, body, **headers).status == 200
    assert _woo(server, body, x_wc_webhook_signature="AAAA").status == 401
    item = server.purchase("723")
    assert (item["source"], item["event_id"]) == ("woocommerce", "e-1")
    assert [o["state"] for o in item["outcomes"]] == ["delivered"]


def test_a_stripe_sale_told_twice_is_delivered_once(server: Live) -> None:
    paid = {"id": "pi_1", "amount_received": 5900, "currency": "usd", "created": int(time.time())}
    assert _stripe(server, stripe_event("payment_intent.succeeded", paid)).status == 200
    assert _stripe(server, stripe_event("checkout.session.completed", session())).status == 200
    item = server.purchase("pi_1")
    assert (item["source"], item["event_id"]) == ("stripe", "cs_live_1")
    assert [o["state"] for o in item["outcomes"]] == ["delivered"]
    (row,) = server.get("/api/v1/reports/orders")["rows"]
    assert (row["order_id"], row["value"], row["server"]) == ("pi_1", "59.00", True)


def test_a_checkout_and_a_customer_are_delivered_once_each(server: Live) -> None:
    checkout = {**order(), "token": "t" * 32}
    for topic in ("checkouts/create", "checkouts/update"):
        assert server.webhook(checkout, topic).status == 200
    made = {**order()["customer"], "created_at": iso(9), "default_address": None}
    assert server.webhook(made, "customers/create").status == 200

    def look() -> dict[str, list[str]] | None:
        items = server.get("/api/v1/events")["items"]
        states = {i["event_name"]: [o["state"] for o in i["outcomes"]] for i in items}
        done = len(items) == 2 and list(states.values()) == [["delivered"]] * 2
        return states if done else None

    assert set(wait_for(look)) == {"InitiateCheckout", "CompleteRegistration"}
    path = "/api/v1/receiver/events?event_id=ic." + "t" * 32
    (received,) = wait_for(lambda: server.get(path)["items"])
    assert received["event_name"] == "InitiateCheckout"
