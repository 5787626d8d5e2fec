"""Two shops in one server: a key of one shows nothing of the other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live import TWO_DESTINATIONS, Live, free_port, wait_for, wait_until_up
from tests.merchants import fresh_woo_order, woo_signature

CONFIG = """
[server]
port = {port}
data = "{data}"
[[shops]]
name = "a"
domain = "a.example"
server_keys = [{{ key = "key-of-a-0000000", scopes = ["events", "reports"] }}]
[shops.woocommerce]
webhook_secrets = ["woo-of-a-0000000"]
[shops.orders]
join_wait = 0.2
[[shops]]
name = "b"
domain = "b.example"
server_keys = [{{ key = "key-of-b-0000000", scopes = ["events", "reports"] }}]
[shops.woocommerce]
webhook_secrets = ["woo-of-b-0000000"]
[shops.orders]
join_wait = 0.2
[[receiver.datasets]]
id = "1"
access_token = "ta"
[[receiver.datasets]]
id = "2"
access_token = "tb"
"""


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[dict[str, Live]]:
    port = free_port()
    config = tmp_path / "tillpost.toml"
    settings = CONFIG.format(port=port, data=tmp_path / "data") + TWO_DESTINATIONS.format(
        second="2"
    )
    config.write_text(settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "tillpost", "serve", f"--config={config}"],
        env={k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    wait_until_up(url, process)
    yield {
        name: Live(url, tmp_path / "data", {"server_key": f"key-of-{name}-0000000"}, process)
        for name in ("a", "b")
    }
    process.terminate()
    text, _ = process.communicate(timeout=20)
    assert b"0000000" not in text


def _event(name: str) -> dict[str, Any]:
    return {"event_name": "Lead", "event_id": f"lead-{name}", "user_data": {"em": "x@mail.example"}}


def test_events_of_one_shop_are_sent_and_shown_as_its_own(shops: dict[str, Live]) -> None:
    for name, shop in shops.items():
        assert shop.post(f"/events/{name}", _event(name)).status == 200
    for name, dataset in (("a", "1"), ("b", "2")):
        shop = shops[name]
        item = wait_for(lambda shop=shop: _delivered(shop))
        assert item["event_id"] == f"lead-{name}"
        assert item["outcomes"][0]["destination"] == f"meta:{dataset}"
        received = wait_for(lambda shop=shop: shop.get("/api/v1/receiver/events")["items"])
        assert {r["dataset_id"] for r in received} == {dataset}
        (line,) = shop.get("/api/v1/ledger")["destinations"]
        assert line["shop"] == name


def _delivered(shop: Live) -> dict[str, Any] | None:
    items: list[dict[str, Any]] = shop.get("/api/v1/events")["items"]
    assert len(items) <= 1
    return items[0] if items and items[0]["outcomes"][0]["state"] == "delivered" else None


def test_a_key_does_not_open_the_other_shop(shops: dict[str, Live]) -> None:
    assert shops["a"].post("/events/b", _event("a")).status == 401
    key = "Bearer key-of-a-0000000"
    reply = shops["a"].ask("GET", "/api/v1/reports/orders?shop=b", authorization=key)
    assert reply.status == 400
    assert "key" in json.loads(reply.body)["error"]["detail"]


def test_orders_of_the_same_number_are_each_told_of_their_own_shop(shops: dict[str, Live]) -> None:
    for name, shop in shops.items():
        buyer = {"email": f"{name}@mail.example", "country": "US", "state": "ID"}
        body = json.dumps(fresh_woo_order(billing=buyer, currency="USD")).encode()
        signature = woo_signature(f"woo-of-{name}-0000000", body)
        path = f"/webhooks/woocommerce/{name}"
        assert shop.ask("POST", path, body, x_wc_webhook_signature=signature).status == 200
    for name, shop in shops.items():
        wait_for(lambda shop=shop, name=name: _received(shop, name))
    for name, shop in shops.items():
        row = _received(shop, name)
        assert row is not None
        assert (row["order_id"], row["server_copies"], row["absorbed"]) == ("723", 1, 0)


def _received(shop: Live, name: str) -> dict[str, Any] | None:
    """The only order of a shop, once the platform has got it."""
    rows = shop.get(f"/api/v1/reports/reconcile?shop={name}")["rows"]
    return rows[0] if rows and rows[0]["received"] else None
