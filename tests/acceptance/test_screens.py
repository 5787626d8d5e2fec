"""The screens over HTTP: totals that equal the shop's, one order with all its evidence, files."""

import csv
import io
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from tests.acceptance.test_one_order import EMAIL, LANDING
from tests.acceptance.test_summary import cookie
from tests.live import Live, wait_for
from tests.orders import iso, order

from tillpost.serve.screens.catalog import SCREENS

NAUGHTY = "<img src=x onerror=alert(1)>"


def visit(order_made: dict[str, Any], seconds_ago: int = 60) -> dict[str, Any]:
    """The landing of the order's buyer, from an ad."""
    return {
        "event_name": "PageView",
        "event_id": f"view-{order_made['id']}",
        "event_time": int(time.time()) - seconds_ago,
        "event_source_url": LANDING,
        "checkout_token": order_made["checkout_token"],
        "visitor_id": f"v-{order_made['id']}",
        "direct": "none",
    }


def purchase(order_made: dict[str, Any]) -> dict[str, Any]:
    """The browser's own Purchase of the order; the page's pixel sent its own hit too."""
    token = order_made["checkout_token"]
    return {
        "event_name": "Purchase",
        "event_id": f"purchase.{token}",
        "event_time": int(time.time()),
        "checkout_token": token,
        "visitor_id": f"v-{order_made['id']}",
        "direct": "none",
    }


@pytest.fixture(scope="module")
def shop(one_server: Live) -> Live:
    """Three orders: one of an ad whose buyer is known, one from nowhere, and a test order."""
    server = one_server
    touch = {
        "action": "link_click", "time": iso(3600), "ad_id": "122", "adset_id": "121",
        "campaign_id": "120", "account_id": "1", "names": {"campaign": "Spring", "ad": "Tea"},
        "user_data": {"em": [EMAIL]},
    }  # fmt: skip
    assert server.post("/receiver/touches", {"touches": [touch]}, "receiver_token").status == 200
    other = {"id": 7_999, "email": "bo@mail.example", "first_name": "Bo", "last_name": "Ek"}
    known = order(4001)
    unknown = order(4002, name=NAUGHTY, email="bo@mail.example", customer=other)
    unknown["billing_address"] = {**known["billing_address"], "phone": "(208) 555-0199"}
    assert server.beacon(visit(known), purchase(known)).status == 204
    for made in (known, unknown, order(4003, test=True)):
        assert server.webhook(made).status == 200
    for made in (known, unknown):
        server.purchase(str(made["id"]))
    wait_for(lambda: len(server.get("/api/v1/receiver/events")["items"]) >= 2)
    return server


def read(server: Live, path: str) -> Any:
    return server.get(path)


def rows(server: Live, path: str) -> list[dict[str, Any]]:
    """The rows of the page's first table."""
    found: list[dict[str, Any]] = read(server, path)["tables"][0]["rows"]
    return found


def test_every_level_down_to_the_orders_adds_up_to_the_shop(shop: Live) -> None:
    top = read(shop, "/channels.json")
    assert top["check"] == {"orders": 2, "revenue": "118.00", "equal": True}
    by_name = {row["name"]: row for row in top["tables"][0]["rows"]}
    assert by_name["Paid Social"]["revenue"] == "59.00"
    assert by_name["Unknown"]["orders"] == 1
    path = by_name["Paid Social"]["href"]
    for name in ("Spring", "121", "Tea"):
        (row,) = rows(shop, path.replace("?", ".json?"))
        assert (row["name"], row["orders"], row["revenue"]) == (name, 1, "59.00")
        path = row["href"]
    (found,) = rows(shop, path.replace("?", ".json?"))
    assert found["name"] == "#4001"


def test_the_list_holds_every_order_and_says_why_one_is_not_counted(shop: Live) -> None:
    found = {row["name"]: row for row in rows(shop, "/orders.json")}
    assert set(found) == {"#4001", NAUGHTY, "#4003"}
    assert found["#4001"]["channel"] == "Paid Social"
    assert found["#4001"]["browser"] is True
    assert found["#4003"]["counts"] == "no: test order"
    for text in ("4001", "#4001", str(order(4001)["id"])):
        (only,) = rows(shop, f"/orders.json?q={text.replace('#', '%23')}")
        assert only["name"] == "#4001"
    assert rows(shop, "/orders.json?q=nothing") == []


def test_the_list_tells_who_had_bought_before_as_the_reports_do(shop: Live) -> None:
    told = {row["name"]: row["returning"] for row in read(shop, "/api/v1/reports/orders")["rows"]}
    assert set(told.values()) == {False}
    listed = rows(shop, "/orders.json?columns=buyer")
    assert [row["name"] for row in listed if row["buyer"] == "new"] == list(reversed(told))
    assert {row["buyer"] for row in rows(shop, "/orders.json?buyers=new")} == {"new"}


def test_an_order_opens_with_its_journey_both_sides_and_credit(shop: Live) -> None:
    number = order(4001)["id"]

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = read(shop, f"/order.json?id={number}")
        return found if found["matched"] else None

    found = wait_for(look)
    (listed,) = rows(shop, f"/orders.json?q={number}")
    assert listed["matched"] is True
    assert (found["browser"], found["server"], found["kept_once"]) == (True, True, True)
    assert {"name": "em", "found": True} in found["keys"]
    kinds = [moment["kind"] for moment in found["moments"]]
    assert {"visit", "order", "server", "browser", "sent", "received"} <= set(kinds)
    assert kinds.index("visit") < kinds.index("order")
    credit = next(t for t in found["tables"] if t["name"] == "credit")["rows"]
    assert [row["visit"] for row in credit] == ["Spring"]
    assert {credit[0][model] for model in ("first", "last", "linear", "position")} == {"59.00"}
    unknown = read(shop, f"/order.json?id={order(4002)['id']}")
    assert unknown["matched"] is False
    assert unknown["unmatched"]
    assert shop.ask("GET", "/order.json?id=1", authorization=key(shop)).status == 400


def test_an_order_that_was_edited_says_so_and_whether_its_new_total_came(shop: Live) -> None:
    number = order(4002)["id"]

    def edited() -> list[str]:
        page = read(shop, f"/order.json?id={number}")
        return [moment["detail"] for moment in page["moments"] if moment["title"] == "Edited"]

    added = {"additions": [{"id": 1, "delta": 2}], "removals": []}
    edit = {"id": 1, "order_id": number, "created_at": iso(-60), "line_items": added}
    assert shop.webhook({"order_edit": edit}, topic="orders/edited").status == 200
    (told,) = wait_for(edited)
    assert told == "2 added, 0 removed; its new total has not come: send orders/updated here too"


def table(server: Live, path: str, name: str) -> list[dict[str, Any]]:
    """The rows of one table of a page."""
    found: list[dict[str, Any]] = read(server, f"{path}.json?table={name}&days=30")["rows"]
    return found


def test_the_totals_of_every_screen_are_the_shops(shop: Live) -> None:
    worth = shop.get("/summary.json")["worth"]
    assert (worth["orders"], worth["revenue"]) == (2, "118.00")
    (own,) = table(shop, "/portfolio", "shops")
    assert (own["orders"], own["revenue"]) == (2, "118.00")
    reasons = table(shop, "/quality", "reasons")
    assert sum(row["orders"] for row in reasons) == 3
    assert {row["code"]: row["orders"] for row in reasons}["ORDER_TYPE_EXCLUDED"] == 1
    carried = {row["event_name"]: row for row in table(shop, "/quality", "carried")}
    assert list(carried) == ["Purchase", "PageView"]
    sale, view = carried["Purchase"], carried["PageView"]
    assert (sale["events"], sale["em"], sale["missed"]) == (3, 1.0, "click id")
    assert (view["events"], view["em"], view["missed"]) == (1, 0.0, "e-mail")
    assert sale["estimate"] > 8
    assert 0 <= view["estimate"] < sale["estimate"]
    days = table(shop, "/quality", "by_day")
    assert (sum(row["orders"] for row in days), sum(row["browser"] for row in days)) == (2, 1)
    cohorts = table(shop, "/cohorts", "cohorts")
    assert sum(Decimal(row["revenue"]) for row in cohorts) == Decimal("118.00")
    assert sum(row["orders"] for row in cohorts) == 2
    used = table(shop, "/utm", "used")
    assert (sum(row["touches"] for row in used), sum(row["orders"] for row in used)) == (1, 1)
    models = read(shop, "/models.json")["tables"][0]["rows"]
    for model in ("first", "last", "last_non_direct", "linear", "position", "time_decay"):
        assert sum(Decimal(row[model]) for row in models) == Decimal("118.00")


def test_what_the_platform_claims_stands_beside_the_shops_own(shop: Live) -> None:
    wait_for(lambda: [row for row in table(shop, "/ads", "ads") if row["conversions"]])
    rows_of = table(shop, "/ads", "ads")
    claims = shop.get("/api/v1/reports/ads")["rows"]
    assert sum(r["conversions"] for r in rows_of) == sum(r["conversions"] for r in claims) == 1
    (ad,) = rows_of
    windows = sum(ad[name] for name in ("7d_click", "1d_engage", "1d_view"))
    assert (windows, ad["own_orders"]) == (1, 1)


def test_models_that_learn_from_paths_share_the_orders_that_have_one(shop: Live) -> None:
    learned = table(shop, "/models", "learned")
    assert [row["channel"] for row in learned] == ["Paid Social"]
    assert (learned[0]["markov_1_revenue"], learned[0]["shapley_revenue"]) == ("59.00", "59.00")
    found = read(shop, "/models.json?basis=accrual")["tables"]
    by_visit, paths = found[1], found[3]
    assert [row["markov_1_revenue"] for row in by_visit["rows"]] == ["59.00"]
    assert paths["caption"] == "Top paths to an order, by the day of the order"


def key(server: Live) -> str:
    return f"Bearer {server.secrets['server_key']}"


def test_every_table_is_a_file(shop: Live) -> None:
    reply = shop.ask("GET", "/channels.csv?columns=orders&sort=-orders", authorization=key(shop))
    assert reply.headers["content-disposition"] == 'attachment; filename="tillpost-channel.csv"'
    lines = list(csv.DictReader(io.StringIO(reply.body.decode())))
    assert {line["name"]: line["orders"] for line in lines}["Paid Social"] == "1"
    assert set(lines[0]) == {"name", "orders"}
    plain = read(shop, "/orders.json?table=orders")
    assert {row["name"] for row in plain["rows"]} == {"#4001", NAUGHTY, "#4003"}
    wrong = shop.ask("GET", "/orders.csv?table=x", authorization=key(shop))
    assert (wrong.status, json.loads(wrong.body)["error"]["field"]) == (404, "table")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.path)
def test_every_screen_is_a_page_and_data_for_those_signed_in_only(shop: Live, screen: Any) -> None:
    server, path = shop, screen.path
    away = server.ask("GET", f"{path}?days=7")
    assert (away.status, away.headers["location"]) == (303, f"/login?next={path}%3Fdays%3D7")
    for form in ("json", "csv"):
        assert server.ask("GET", f"{path}.{form}").status == 401
    signed = cookie(server)
    wrong = server.ask("GET", f"{path}?shop=nowhere", cookie=signed)
    assert (wrong.status, b"there is no" in wrong.body) == (400, True)
    if not screen.listed:
        return
    page = server.ask("GET", path, cookie=signed)
    assert page.status == 200, page.body[:2000]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert f'<h1 class="page-title">{screen.title}</h1>' in page.body.decode()
    assert server.ask("GET", f"{path}.json", cookie=signed).status == 200


def test_what_anybody_typed_stays_text(shop: Live) -> None:
    page = shop.ask("GET", "/orders", cookie=cookie(shop)).body.decode()
    assert NAUGHTY not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_another_tool_s_payload_stands_beside_ours(shop: Live) -> None:
    made = order(4001)
    event = {
        "event_name": "Purchase", "event_time": int(time.time()), "event_id": "of-the-other-tool",
        "user_data": {"em": [EMAIL]},
        "custom_data": {"value": 59, "currency": "USD", "order_id": made["name"]},
    }  # fmt: skip
    reply = shop.post("/api/v1/compare/demo", {"data": [event]})
    assert reply.status == 200, reply.body
    told = reply.json()
    assert {row["who"]: row["orders"] for row in told["sales"]}["both"] == 1
    fields = {row["field"]: row for row in told["fields"]}
    assert (fields["em"]["same"], fields["event_id"]["differs"]) == (1, 1)
    assert shop.post("/api/v1/compare/demo", {"data": []}).status == 400
    assert shop.post("/api/v1/compare/mugs", {"data": [event]}).status in {401, 404}
    key = f"Bearer {shop.secrets['server_key']}"
    assert shop.ask("GET", "/api/v1/compare/demo", authorization=key).status == 400


def test_every_order_of_the_shop_is_in_one_part_of_its_total(shop: Live) -> None:
    total, *parts = rows(shop, "/balance.json?period=all")
    assert total["what"] == "The shop's total"
    assert sum(Decimal(row["value"]) for row in parts) == Decimal(total["value"])
    assert "counted" in {row["what"] for row in parts}
