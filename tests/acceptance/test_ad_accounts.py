"""An ad account read by the clock, from the receiver's own Insights endpoint."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.live import Live, free_port, wait_for, wait_until_up

KEY = "key-of-the-demo-0000"
CONFIG = """
[server]
port = {port}
data = "{data}"
[[shops]]
name = "demo"
domain = "demo-shop.myshopify.com"
server_keys = [{{ key = "{key}", scopes = ["events", "reports", "costs"] }}]
[[ad_accounts]]
kind = "meta"
shop = "demo"
account_id = "act_77"
access_token = "token-of-the-dataset"
url = "embedded"
every_hours = 0.0002
[receiver]
token = "token-of-the-receiver"
[[receiver.datasets]]
id = "1"
access_token = "token-of-the-dataset"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Live]:
    port = free_port()
    config = tmp_path / "tillpost.toml"
    config.write_text(CONFIG.format(port=port, data=tmp_path / "data", key=KEY))
    process = subprocess.Popen(
        [sys.executable, "-m", "tillpost", "serve", f"--config={config}"],
        env={k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    wait_until_up(url, process)
    secrets = {
        "server_key": KEY,
        "receiver_token": "token-of-the-receiver",
        "access_token": "token-of-the-dataset",
    }
    yield Live(url, tmp_path / "data", secrets, process)
    process.terminate()
    text, _ = process.communicate(timeout=20)
    assert b"token-of-the-dataset" not in text


def test_claims_come_from_insights_and_follow_what_is_restated(shop: Live) -> None:
    now = int(time.time())
    touch(shop, "a1", now - 600)
    (before,) = wait_for(lambda: shop.get("/api/v1/ad-accounts")["items"])
    assert before["account_id"] == "77"
    buy(shop, "one", now - 60, 10)
    assert wait_for(lambda: claimed(shop, 1))["platform_value"] == "10.00"
    buy(shop, "two", now - 30, 5.5)
    row = wait_for(lambda: claimed(shop, 2))
    assert (row["platform_value"], row["campaign"], row["spend"]) == ("15.50", "Spring", "0.00")
    (after,) = shop.get("/api/v1/ad-accounts")["items"]
    assert (after["trouble"], after["rows"]) == (None, 1)


def touch(shop: Live, ad_id: str, at: int) -> None:
    told = {
        "action": "link_click", "time": at, "ad_id": ad_id, "adset_id": "s1",
        "campaign_id": "c1", "account_id": "act_77", "names": {"campaign": "Spring"},
        "user_data": {"em": [sha256(b"ann@mail.example").hexdigest()]},
    }  # fmt: skip
    assert shop.post("/receiver/touches", {"touches": [told]}, "receiver_token").status == 200


def buy(shop: Live, event_id: str, at: int, value: float) -> None:
    event = {
        "event_name": "Purchase", "event_id": event_id, "event_time": at,
        "action_source": "website", "event_source_url": "https://demo-shop.myshopify.com/",
        "user_data": {
            "em": [sha256(b"ann@mail.example").hexdigest()],
            "client_user_agent": "Mozilla/5.0",
        },
        "custom_data": {"value": value, "currency": "USD", "order_id": event_id},
    }  # fmt: skip
    reply = shop.post("/v26.0/1/events", {"data": [event]}, "access_token")
    assert reply.status == 200, reply.body


def claimed(shop: Live, conversions: int) -> dict[str, Any] | None:
    rows = shop.get("/api/v1/reports/campaigns")["rows"]
    found = (row for row in rows if row["platform_conversions"] == conversions and row["platform"])
    return next(found, None)
