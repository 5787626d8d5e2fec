"""Dataset quality, statistics and what ads cost, read as from Meta."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.receive.test_tools import HASH, Desk, attributed, touch

from tillpost.core.wire import Request
from tillpost.receive.question import Wrong
from tillpost.receive.selection import selection
from tillpost.receive.whereabouts import page_of

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile Safari/604.1"
OTHER = "b" * 64


def hit(desk: Desk, query: str, agent: str = PHONE) -> None:
    handler = desk.receiver.handler("GET", "/tr")
    assert handler is not None
    asyncio.run(handler(Request("GET", f"/tr?id=1&{query}", {"user-agent": agent})))


def quality(desk: Desk) -> dict[str, Any]:
    (web,) = desk.read("/v26.0/dataset_quality?dataset_id=1")["web"]
    return dict(web)


def test_quality_and_statistics() -> None:
    desk = Desk()
    desk.send({}, {"event_id": None, "user_data": {"em": "raw", "external_id": "x"}})
    desk.receiver.handler("GET", "/tr")
    handler = desk.receiver.handler("GET", "/tr")
    assert handler is not None
    asyncio.run(handler(Request("GET", "/tr?id=1&ev=Purchase&eid=o1", {})))
    desk.settle()
    (web,) = desk.read("/v26.0/dataset_quality?dataset_id=1")["web"]
    keys = {
        f["identifier"]: f["coverage"] for f in web["event_match_quality"]["match_key_feedback"]
    }
    assert (keys["email"], keys["phone"]) == ({"percentage": 50.0}, {"percentage": 0.0})
    assert 0 < web["event_match_quality"]["composite_score"] < 10
    assert web["event_coverage"]["percentage"] == 100.0
    by_id = web["dedupe_key_feedback"][0]
    assert by_id["server_events_with_dedupe_key"]["percentage"] == 50.0
    assert by_id["overall_browser_coverage_from_dedupe_key"]["percentage"] == 100.0
    names = [found["name"] for found in web["event_match_quality"]["diagnostics"]]
    assert "Server events without an event_id" in names
    (hour,) = desk.read("/v26.0/1/stats?aggregation=event_processing_results")["data"]
    assert hour["data"] == [
        {"value": "deduplicated", "count": 1},
        {"value": "processed", "count": 2},
    ]
    only = desk.read("/v26.0/1/stats?aggregation=event&event_source=WEB_ONLY")["data"]
    assert only[0]["data"] == [{"value": "Purchase", "count": 1}]
    assert "error" in desk.read("/v26.0/1/stats?aggregation=x")


def test_what_the_server_adds_to_the_pixel() -> None:
    desk = Desk()
    desk.call("POST", "/receiver/people", {"people": [{"user_data": {"em": HASH}}]})
    hit(desk, f"ev=Purchase&eid=o1&ud[em]={HASH}")
    hit(desk, f"ev=Purchase&eid=o1&ud[em]={HASH}")
    desk.send({}, {"event_id": "o2"}, {"event_id": "o3", "user_data": {"em": [OTHER]}})
    desk.settle()
    acr = quality(desk)["acr"]
    assert acr["percentage"] == 100.0, "two are reported where the pixel alone brought one"


def test_without_a_pixel_nothing_is_compared() -> None:
    desk = Desk()
    desk.send({})
    desk.settle()
    assert "acr" not in quality(desk)
    assert "event_potential_aly_acr_increase" not in quality(desk)


def test_what_a_key_would_add() -> None:
    desk = Desk()
    desk.call("POST", "/receiver/people", {"people": [{"user_data": {"em": HASH}}]})
    desk.send({}, {"event_id": "o2", "user_data": {"ph": [OTHER]}})
    desk.settle()
    web = quality(desk)
    feedback = {f["identifier"]: f for f in web["event_match_quality"]["match_key_feedback"]}
    assert feedback["email"]["potential_aly_acr_increase"]["percentage"] == 100.0
    assert "potential_aly_acr_increase" not in feedback["phone"]
    assert web["event_potential_aly_acr_increase"]["percentage"] == 100.0


def test_fields_choose_what_is_told() -> None:
    desk = Desk()
    desk.send({})
    desk.settle()
    fields = "web{event_name,event_match_quality{composite_score}}"
    (web,) = desk.read(f"/v26.0/dataset_quality?dataset_id=1&fields={fields}")["web"]
    assert web == {
        "event_name": "Purchase",
        "event_match_quality": {"composite_score": web["event_match_quality"]["composite_score"]},
    }
    assert desk.read("/v26.0/1?fields=is_consolidated_container") == {
        "is_consolidated_container": True,
        "id": "1",
    }
    assert desk.read("/v26.0/1") == {"id": "1", "name": "1"}


@pytest.mark.parametrize(
    "fields", ["web{", "web}", "{web}", "webs", "web{nothing}", "web{event_name}}"]
)
def test_wrong_fields_are_told(fields: str) -> None:
    answer = Desk().call("GET", f"/v26.0/dataset_quality?dataset_id=1&fields={fields}")
    assert answer.status == 400
    assert "field" in json.loads(answer.body)["error"]["message"]


@given(st.text("ab,{} ", max_size=40))
def test_any_text_is_a_selection_or_is_refused(text: str) -> None:
    try:
        wanted = selection(text)
    except Wrong:
        return
    assert all(name.strip(" {},") == name for name in wanted)


@pytest.mark.parametrize(
    ("aggregation", "values"),
    [
        ("host", {"shop.example": 2}),
        ("url", {"https://shop.example/cart": 1, "https://shop.example/thanks": 1}),
        ("device_type", {"mobile": 1, "desktop": 1}),
        ("device_os", {"iOS": 1, "Windows": 1}),
        ("browser_type", {"Safari": 1, "Chrome": 1}),
    ],
)
def test_statistics_of_where_events_came_from(aggregation: str, values: dict[str, int]) -> None:
    desk = Desk()
    hit(desk, "ev=AddToCart&dl=https%3A%2F%2FShop.example%2Fcart%3Femail%3Da%40b.example")
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36"
    user = {"em": [HASH], "client_user_agent": agent}
    desk.send({"event_source_url": "https://shop.example/thanks?key=1", "user_data": user})
    desk.settle()
    (hour,) = desk.read(f"/v26.0/1/stats?aggregation={aggregation}")["data"]
    assert {row["value"]: row["count"] for row in hour["data"]} == values
    only = desk.read(f"/v26.0/1/stats?aggregation={aggregation}&event_source=SERVER_ONLY")
    assert sum(row["count"] for row in only["data"][0]["data"]) == 1
    assert desk.read(f"/v26.0/1/stats?aggregation={aggregation}&end_time=9")["data"] == []


def test_what_is_no_page_is_not_counted() -> None:
    assert page_of("android-app://com.example") is None
    assert page_of("http://[::1") is None
    assert page_of("https://shop.example/u/jane@example.com") == "https://shop.example/u/[removed]"


def spend(amount: str, ad: str = "ad1", **more: Any) -> dict[str, Any]:
    row = {"date": "2026-09-21", "spend": amount, "currency": "USD", "ad_id": ad}
    names = {"account": "Shop"}
    return {**row, "campaign_id": "c1", "adset_id": "s1", "account_id": "9", "names": names, **more}


def insights(desk: Desk, fields: str, **more: str) -> list[dict[str, Any]]:
    asked = "".join(f"&{name}={value}" for name, value in more.items())
    span = '{"since":"2026-09-20","until":"2026-09-22"}'
    rows = desk.read(f"/v26.0/act_9/insights?fields={fields}&time_range={span}{asked}")["data"]
    return [{k: v for k, v in row.items() if not k.startswith("date_")} for row in rows]


def test_what_ads_cost_is_told_beside_what_they_brought() -> None:
    desk = attributed()
    told = desk.call("POST", "/receiver/spend", {"spend": [spend("90"), spend("2.50", "ad2")]})
    assert json.loads(told.body) == {"received": 2}
    desk.call("POST", "/receiver/spend", {"spend": [spend("10.00")]})
    (row,) = insights(desk, "spend,account_currency,account_name,cpc,clicks")
    assert (row["spend"], row["account_currency"], row["account_name"]) == ("12.50", "USD", "Shop")
    assert float(row["cpc"]) == pytest.approx(12.5 / int(row["clicks"]))
    (row,) = insights(desk, "spend,actions,action_values,cost_per_action_type,purchase_roas")
    (bought,) = (a for a in row["actions"] if a["action_type"] == "purchase")
    (cost,) = (c for c in row["cost_per_action_type"] if c["action_type"] == "purchase")
    assert float(cost["value"]) == pytest.approx(12.5 / int(bought["value"]))
    (worth,) = (v for v in row["action_values"] if v["action_type"] == "purchase")
    (roas,) = row["purchase_roas"]
    assert float(roas["value"]) == pytest.approx(float(worth["value"]) / 12.5, abs=1e-6)
    rows = insights(desk, "ad_id,spend", level="ad")
    assert {row["ad_id"]: row.get("spend") for row in rows}["ad2"] == "2.50"


def test_two_currencies_have_no_sum() -> None:
    desk = attributed()
    rows = [spend("1"), spend("1", "ad2", currency="EUR")]
    desk.call("POST", "/receiver/spend", {"spend": rows})
    (row,) = insights(desk, "spend,cpc,cost_per_action_type,purchase_roas,clicks")
    assert set(row) == {"clicks"}


def test_an_account_is_reached_once() -> None:
    desk = Desk()
    touches = [
        touch("impression", 60),
        touch("impression", 50, "ad2"),
        touch("impression", 86_400),
        touch("impression", 40, user_data={"em": OTHER}),
    ]
    desk.call("POST", "/receiver/touches", {"touches": touches})
    (row,) = insights(desk, "reach,frequency,impressions")
    assert row == {"reach": "2", "frequency": "2.000000", "impressions": "4"}
    by_day = insights(desk, "reach", time_increment="1")
    assert [row["reach"] for row in by_day] == ["1", "2"]
    by_ad = insights(desk, "ad_id,reach", level="ad")
    assert {row["ad_id"]: row["reach"] for row in by_ad} == {"ad1": "2", "ad2": "1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"date": "yesterday"}, "YYYY-MM-DD"),
        ({"spend": "much"}, "must be an amount"),
        ({"currency": "XXX1"}, "must be an amount"),
        ({"spend": "-1"}, "below zero"),
        ({"ad_id": ""}, "needs ad_id"),
    ],
)
def test_spend_that_cannot_be_taken_is_told(changes: dict[str, str], words: str) -> None:
    answer = Desk().call("POST", "/receiver/spend", {"spend": [{**spend("1"), **changes}]})
    assert answer.status == 400
    assert words in json.loads(answer.body)["error"]["message"]
