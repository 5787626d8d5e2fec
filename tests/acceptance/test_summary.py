"""The first page's numbers over HTTP: what was sent is what they say, to the cent."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.live import Live, wait_for
from tests.orders import money, order

NAUGHTY = "<script>alert(1)</script>\"'{{7*7}}"
JUDGED = {
    "orders": 10,
    "ineligible": {"test_order": 1},
    "browser_only": 1,
    "server_only": 3,
    "both": 6,
    "neither": 0,
    "counted": 9,
    "doubled": 0,
    "people_known": 20,
    "matchable": 7,
    "matched": 6,
    "matched_wrong": 0,
    "match_rate": 0.6667,
    "attributable": 5,
    "attributed": 5,
    "attributed_right": 5,
    "revenue_by_channel": {"Paid Social": "400.00", NAUGHTY: "50.50"},
    "roas_by_campaign": [
        {
            "campaign": NAUGHTY,
            "currency": "USD",
            "spend": "100.00",
            "platform_roas": 4.0,
            "true_roas": 1.5,
        }
    ],
    "ledger": {"destinations": [], "balanced": True},
    "expected": {"both": 6, "server_only": 3, "browser_only": 1, "neither": 0},
}
BLOCKED = {
    **JUDGED,
    "browser_only": 0,
    "server_only": 9,
    "both": 0,
    "neither": 1,
    "revenue_by_channel": {"Unknown": "450.50"},
}


def cookie(server: Live) -> str:
    """The session of somebody who signed in."""
    form = urlencode({"password": server.secrets["admin_password"]}).encode()
    reply = server.ask(
        "POST", "/login", form, content_type="application/x-www-form-urlencoded", origin=server.url
    )
    assert reply.status == 303
    return reply.headers["set-cookie"].split(";")[0]


def _page(server: Live, path: str = "/") -> str:
    reply = server.ask("GET", path, cookie=cookie(server))
    assert reply.status == 200
    return reply.body.decode()


def _summary(server: Live, orders: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = server.get("/summary.json")
        settled = all(o["state"] not in {None, "held", "pending"} for o in found["orders"])
        return found if len(found["orders"]) == orders and settled else None

    made: dict[str, Any] = wait_for(look, 20)
    return made


def test_nobody_sees_the_numbers_without_signing_in(server: Live) -> None:
    whole = server.ask("GET", "/")
    assert (whole.status, whole.headers["location"]) == (303, "/login")
    part = server.ask("GET", "/summary")
    assert (part.status, part.headers["hx-redirect"]) == (401, "/login")
    assert server.ask("GET", "/summary.json").status == 401


def test_before_the_first_order_the_page_says_what_to_do(server: Live) -> None:
    text = _page(server)
    assert "No order yet." in text
    assert f"{server.url}/webhooks/shopify/demo" in text
    assert f"{server.url}/px.js?shop=demo" in text


def test_every_number_is_what_was_sent(server: Live) -> None:
    token = order(2001)["checkout_token"]
    seen = {
        "event_name": "Purchase",
        "event_id": f"purchase.{token}",
        "event_time": int(time.time()),
        "checkout_token": token,
        "visitor_id": "v-1",
        "direct": "none",
    }
    assert server.beacon(seen).status == 204
    assert server.webhook(order(2001)).status == 200
    assert server.webhook(order(2001)).status == 200
    assert server.webhook(order(2002)).status == 200
    assert server.webhook(order(2003, test=True)).status == 200
    found = _summary(server, 3)

    assert found["sightings"] == {
        "browser_only": 0,
        "server_only": 1,
        "both": 1,
        "counted": 2,
        "doubled": 0,
        "left_out": {"test_order": 1},
    }
    assert (found["worth"]["revenue"], found["worth"]["orders"]) == ("118.00", 2)
    assert (found["worth"]["spend"], found["worth"]["mer"]) == ("0.00", None)
    assert found["matching"]["delivered"] == 2
    assert found["ledger"]["balanced"] is True
    assert sum(float(day["revenue"]) for day in found["trend"]) == 118.0
    assert sum(float(row["revenue"]) for row in found["channels"]) == 118.0
    orders = {row["name"]: row for row in found["orders"]}
    assert (orders["#2001"]["browser"], orders["#2002"]["browser"]) == (True, False)
    assert orders["#2001"]["counted"] == 1
    assert 0 < orders["#2002"]["delivered_ms"] < 20_000
    assert (orders["#2003"]["counted"], orders["#2003"]["left_out"]) == (0, "test_order")


def test_the_last_order_names_its_match_keys_and_no_raw_value(server: Live) -> None:
    assert server.webhook(order(2010)).status == 200
    found = _summary(server, 1)
    assert {"em", "fn", "ln", "external_id", "client_ip_address"} <= set(
        found["last"]["match_keys"]
    )
    text = json.dumps(found).lower()
    assert "ada" not in text
    assert "8.8.4.4" not in text


def test_spend_makes_ratios_and_what_is_amiss_asks_for_attention(server: Live) -> None:
    for number in range(4):
        cached = {"event_name": "PageView", "event_id": "baked", "visitor_id": f"v-{number}"}
        assert server.beacon(cached).status == 204
    assert server.webhook(order(2020)).status == 200
    assert server.signed(b"{not json").status == 200
    day = server.get("/summary.json")["today"]
    spend = f"platform,day,campaign_id,campaign,spend,currency\nmeta,{day},120,Spring,29.50,USD\n"
    spend += f"meta,{day},121,Printemps,7.00,EUR\n"
    reply = server.ask(
        "POST",
        "/api/v1/spend/demo",
        spend.encode(),
        authorization=f"Bearer {server.secrets['server_key']}",
        content_type="text/csv",
    )
    assert reply.status == 200, reply.body
    found = _summary(server, 1)
    assert (found["worth"]["spend"], found["worth"]["mer"]) == ("29.50", 2.0)
    titles = [note["title"] for note in found["attention"]]
    assert {
        "1 message could not be read",
        "No rate for EUR",
        "One event id goes to many visitors",
    } <= set(titles)


def test_what_a_shopper_or_an_advertiser_types_stays_text(server: Live) -> None:
    made = order(2030, name=NAUGHTY, total_price_set=money("59.00"))
    assert server.webhook(made).status == 200
    _summary(server, 1)
    (server.data / "demo.json").write_text(json.dumps(JUDGED))
    text = _page(server)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{7*7}}" in text


def test_the_part_is_sent_only_when_it_changed(server: Live) -> None:
    signed = cookie(server)
    first = server.ask("GET", "/summary", cookie=signed).body.decode()
    version = first.split('name="version" value="')[1].split('"')[0]
    again = server.ask("GET", f"/summary?version={version}", cookie=signed)
    assert (again.status, again.body) == (204, b"")


def test_the_demo_shows_truth_and_the_run_with_every_pixel_blocked(server: Live) -> None:
    assert server.webhook(order(2040)).status == 200
    _summary(server, 1)
    _keep(server.data / "demo.json", JUDGED)
    open_page = _page(server)
    assert "Block every pixel" in open_page
    assert "off by 1" in open_page
    running = _page(server, "/?pixels=blocked")
    assert "<progress" in running
    _keep(server.data / "demo-blocked.json", BLOCKED)
    blocked = _page(server, "/?pixels=blocked")
    assert "<progress" not in blocked
    assert "falls to nothing" in blocked
    assert "moved" not in blocked
    assert blocked.count("stands still") == 4


def _keep(path: Path, summary: dict[str, Any]) -> None:
    path.write_text(json.dumps(summary))


@pytest.mark.parametrize("name", ["trend", "channels", "campaigns", "orders", "destinations"])
def test_every_table_of_the_overview_is_a_file(server: Live, name: str) -> None:
    assert server.webhook(order(3001)).status == 200
    server.purchase(str(order(3001)["id"]))
    own = f"Bearer {server.secrets['server_key']}"
    rows = wait_for(lambda: server.get(f"/summary.json?table={name}")["rows"])
    reply = server.ask("GET", f"/summary.csv?table={name}", authorization=own)
    assert reply.headers["content-disposition"] == f'attachment; filename="tillpost-{name}.csv"'
    assert reply.body.decode().splitlines()[0].split(",") == list(rows[0])
    assert server.ask("GET", f"/summary.csv?table={name}").status == 401
    assert server.ask("GET", "/summary.csv?table=x", authorization=own).status == 404
