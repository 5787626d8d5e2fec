"""What people ask of their data: told whole, forgotten everywhere, and the books stand still."""

import json
import subprocess
import sys
import time
from hashlib import sha256
from typing import Any

from tests.live import DATASET, Live, wait_for
from tests.orders import iso, order

EMAIL = sha256(b"ada.fischer@mail.example").hexdigest()
CUSTOMER = 7_700_001_001
FBP = "fb.1.1700000000000.7654321098"
LANDING = (
    "https://demo-shop.myshopify.com/tea?utm_source=facebook&utm_medium=paid_social"
    "&utm_campaign=Spring&fbclid=IwAR0aBcDeFgHiJkLmN"
)


def _visit(server: Live, token: str, visitor: str = "visitor-of-ada-0001") -> None:
    seen = {"visitor_id": visitor, "fbp": FBP, "direct": "none"}
    now = int(time.time())
    server.beacon(
        {
            "event_name": "PageView",
            "event_id": "pv-1",
            "event_time": now - 900,
            "event_source_url": LANDING,
            **seen,
        },
        {
            "event_name": "Purchase",
            "event_id": f"purchase.{token}",
            "event_time": now,
            "event_source_url": "https://demo-shop.myshopify.com/checkouts/cn/1/thank_you",
            "checkout_token": token,
            **seen,
        },
    )


def _ben(server: Live) -> dict[str, Any]:
    """Another customer, whom nothing here concerns."""
    address = {"first_name": "Ben", "last_name": "Okafor", "city": "Reno", "country_code": "US"}
    ben = {"id": 7_700_009_999, "email": "ben@mail.example", "first_name": "Ben"}
    made = order(1002, email="ben@mail.example", customer=ben, billing_address=address)
    assert server.webhook(made).status == 200
    return made


def _ada(server: Live) -> dict[str, Any]:
    made = order(1001)
    _visit(server, made["checkout_token"])
    touch = {
        "action": "link_click",
        "time": iso(3600),
        "ad_id": "122",
        "adset_id": "121",
        "campaign_id": "120",
        "account_id": "1",
        "user_data": {"em": [EMAIL]},
    }
    assert server.post("/receiver/touches", {"touches": [touch]}, "receiver_token").status == 200
    assert server.webhook(made).status == 200
    server.purchase(str(made["id"]))
    return made


def _asked(made: dict[str, Any], topic: str) -> dict[str, Any]:
    orders = {"orders_to_redact": [made["id"]], "orders_requested": [made["id"]]}
    who = {"id": CUSTOMER, "email": "Ada.Fischer@mail.example", "phone": None}
    return {"shop_domain": "demo-shop.myshopify.com", "customer": who, **orders, "topic": topic}


def _done(server: Live, number: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        items = server.get("/api/v1/privacy/requests")["items"]
        closed = [i for i in items if i["id"] == number and i["done_at"]]
        return closed[0] if closed else None

    found: dict[str, Any] = wait_for(look)
    return found


def _reports(server: Live) -> list[Any]:
    names = ("orders", "channels", "campaigns", "ads", "cohorts")
    return [server.get(f"/api/v1/reports/{name}")["rows"] for name in names]


def _on_disk(server: Live) -> bytes:
    """Every byte that rests in the data directory."""
    return b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())


def test_a_redacted_customer_is_gone_from_every_byte_and_no_report_moves(server: Live) -> None:
    made = _ada(server)
    ben = _ben(server)
    server.purchase(str(ben["id"]))
    wait_for(lambda: len(server.get("/api/v1/receiver/events")["items"]) >= 3)
    before = _reports(server)
    traces = [EMAIL, FBP, "visitor-of-ada-0001", made["checkout_token"], str(CUSTOMER)]
    traces.append("IwAR0aBcDeFgHiJkLmN")
    assert all(trace.encode() in _on_disk(server) for trace in traces)

    assert server.webhook(_asked(made, "redact"), "customers/redact").status == 200
    found = _done(server, 1)
    assert (found["request"], found["source"]) == ("erase", "shopify")
    assert found["counts"]["orders"] == 1
    assert found["counts"]["visitors"] == 1
    assert found["counts"]["receiver_people"] == 1
    assert found["counts"]["already_delivered"] >= 1

    wait_for(lambda: not [t for t in traces if t.encode() in _on_disk(server)])
    assert _reports(server) == before
    assert server.get("/api/v1/ledger")["balanced"] is True
    (item,) = server.get(f"/api/v1/events?order_id={made['id']}")["items"]
    assert item["event_id"].startswith("erased.")

    ben_hash = sha256(b"ben@mail.example").hexdigest()
    assert ben_hash.encode() in _on_disk(server)


def test_a_repeated_webhook_does_not_bring_an_erased_person_back(server: Live) -> None:
    made = _ada(server)
    server.webhook(_asked(made, "redact"), "customers/redact")
    _done(server, 1)
    server.webhook({**made, "updated_at": iso(-5)}, "orders/updated")
    server.webhook(made)
    stored = {"request": "access", "order_ids": [made["id"]]}
    number = server.post("/api/v1/privacy/demo", stored).json()["id"]
    _done(server, number)
    answer = server.get(f"/api/v1/privacy/requests/{number}")["answer"]
    (kept,) = answer["orders"]
    assert (kept["erased"], kept.get("person", {})) == (True, {})
    items = server.get(f"/api/v1/events?order_id={made['id']}")["items"]
    assert len(items) == 1


def test_who_asks_what_is_stored_is_told_all_of_it(server: Live) -> None:
    made = _ada(server)
    _ben(server)
    server.webhook(_asked(made, "request"), "customers/data_request")
    _done(server, 1)
    answer = server.get("/api/v1/privacy/requests/1")["answer"]
    assert [kept["order_id"] for kept in answer["orders"]] == [str(made["id"])]
    assert answer["orders"][0]["person"]["keys"]["em"][0][1] == EMAIL
    assert {event["event_name"] for event in answer["events"]} == {"Purchase", "PageView"}
    assert {t["campaign"] for t in answer["touches"]} == {"Spring"}
    assert [v["fbp"] for v in answer["visitors"]] == [FBP]
    assert {e["event_name"] for e in answer["receiver"]} >= {"Purchase"}
    assert EMAIL.encode() not in _requests_row(server)


def _requests_row(server: Live) -> bytes:
    return json.dumps(server.get("/api/v1/privacy/requests")).encode()


def test_a_redacted_shop_leaves_only_the_record_of_it(server: Live) -> None:
    made = _ada(server)
    body = {"shop_id": 1, "shop_domain": "demo-shop.myshopify.com"}
    assert server.webhook(body, "shop/redact").status == 200
    found = _done(server, 1)
    assert found["counts"]["orders"] == 1
    assert server.get("/api/v1/reports/orders")["rows"] == []
    assert server.get("/api/v1/events")["items"] == []
    assert server.get("/api/v1/receiver/events")["items"] == []
    assert EMAIL.encode() not in _on_disk(server).replace(DATASET.encode(), b"")
    again = order(1003)
    assert server.webhook(again).status == 200
    assert server.purchase(str(again["id"]))["outcomes"][0]["state"] == "delivered"
    assert made["id"] != again["id"]


def test_an_app_that_is_taken_away_sends_nothing_more(server: Live) -> None:
    waiting = order(1004, financial_status="pending")
    server.webhook(waiting)
    server.webhook({"id": 1, "domain": "demo-shop.myshopify.com"}, "app/uninstalled")
    _done(server, 1)
    (outcome,) = server.purchase(str(waiting["id"]))["outcomes"]
    assert (outcome["state"], outcome["reason"]) == ("dropped", "uninstalled")


def test_the_command_erases_through_the_running_server_and_without_one(server: Live) -> None:
    _ada(server)
    dry = _erase(server, "--email", "ADA.fischer@mail.example", "--dry-run")
    assert json.loads(dry.stdout)["would_erase"]["orders"] == 1
    done = json.loads(_erase(server, "--email", "ada.fischer@mail.example").stdout)
    assert (done["source"], done["counts"]["orders"]) == ("api", 1)
    assert EMAIL.encode() not in _on_disk(server)
    assert _erase(server).returncode == 2
    assert _erase(server, "--email", "nobody").returncode == 2

    ben = _ben(server)
    server.purchase(str(ben["id"]))
    server.process.terminate()
    server.process.wait(timeout=15)
    done = json.loads(_erase(server, "--customer", "7700009999").stdout)
    assert (done["source"], done["counts"]["orders"]) == ("command", 1)


def _erase(server: Live, *given: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "tillpost", "erase", "--data", str(server.data), "--json"]
    return subprocess.run([*command, *given], capture_output=True, check=False)
