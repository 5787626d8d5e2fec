"""The developers' tools and what can be read, spoken to as over HTTP."""

import asyncio
import gzip
import hmac
import json
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from tillpost.core.received import Dataset
from tillpost.core.wire import Request, Response
from tillpost.receive import calls, faults
from tillpost.receive.rate import Rate
from tillpost.receive.receiver import PLAIN, Options, Receiver
from tillpost.store.receiver_memory import MemoryReceiverStore

START = 1_790_000_000
HASH = sha256(b"a").hexdigest()


class Clock:
    at = float(START)

    def now(self) -> float:
        return self.at


class Reversing:
    """A sealer whose boxes can be told from what is in them."""

    def seal(self, plain: bytes) -> bytes:
        return bytes(255 - byte for byte in plain)

    def open(self, box: bytes) -> bytes:
        return bytes(255 - byte for byte in box)


class Desk:
    def __init__(self, options: Options = PLAIN) -> None:
        ids = count()
        self.clock = Clock()
        self.store = MemoryReceiverStore()
        self.slept: list[float] = []
        self.receiver = Receiver(
            self.store,
            {
                "1": Dataset("1", "TOKEN"),
                "2": Dataset("2", "OTHER"),
                "3": Dataset("3", "PROVEN", "SECRET"),
            },
            "KEY",
            self.clock,
            lambda: f"A{next(ids)}",
            Reversing(),
            options,
        )
        self.receiver._sleep = self._sleep

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def call(self, method: str, url: str, body: Any = None, token: str = "") -> Response:
        known = token or ("KEY" if url.startswith("/receiver") else "TOKEN")
        headers = {"authorization": f"Bearer {known}", "content-type": "application/json"}
        handler = self.receiver.handler(method, url.partition("?")[0])
        assert handler is not None
        sent = b"" if body is None else json.dumps(body).encode()
        return asyncio.run(handler(Request(method, url, headers, sent)))

    def read(self, url: str, token: str = "") -> Any:
        return json.loads(self.call("GET", url, token=token).body)

    def send(self, *changes: dict[str, Any], code: str | None = None) -> Response:
        body: dict[str, Any] = {"data": [event(**change) for change in changes or ({},)]}
        return self.call(
            "POST", "/v26.0/1/events", body | ({"test_event_code": code} if code else {})
        )

    def settle(self) -> None:
        while self.receiver.settle():
            pass


def event(**changes: Any) -> dict[str, Any]:
    return {
        "event_name": "Purchase",
        "event_time": START,
        "event_id": "o1",
        "action_source": "website",
        "user_data": {"em": [HASH]},
        "custom_data": {"value": 19.99, "currency": "USD"},
        **changes,
    }


def touch(action: str, ago: int, ad: str = "ad1", **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "time": START - ago,
        "ad_id": ad,
        "adset_id": "s1",
        "campaign_id": "c1",
        "account_id": "9",
        "names": {"campaign": "Spring"},
        "user_data": {"em": HASH},
        **more,
    }


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("429", 429, 4),
        ("rate_limit", 400, 4),
        ("500", 500, 1),
        ("503", 503, 2),
        ("token_expired", 401, 190),
        ("permission", 403, 200),
    ],
)
def test_faults_in_metas_shape(kind: str, status: int, code: int) -> None:
    desk = Desk()
    desk.call("POST", "/receiver/faults", {"faults": [{"kind": kind, "times": 2}]})
    for _ in range(2):
        answer = desk.send()
        assert answer.status == status
        assert json.loads(answer.body)["error"]["code"] == code
    assert desk.send().status == 200
    desk.settle()
    assert len(desk.store.settled_items(0, 9, None)) == 1


def test_every_fault_can_be_planned_and_says_whether_the_events_are_kept() -> None:
    for kind, fault in faults.FAULTS.items():
        desk = Desk()
        desk.call("POST", "/receiver/faults", {"faults": [{"kind": kind}]})
        desk.send()
        assert bool(desk.store.unsettled(9).events) is fault.keeps, kind
        assert desk.slept == ([fault.seconds] if fault.waits else [])


def test_faults_can_be_seen_and_taken_back() -> None:
    desk = Desk()
    planned = [{"kind": "slow", "times": 3, "seconds": 1.5}]
    assert json.loads(desk.call("POST", "/receiver/faults", {"faults": planned}).body) == {
        "faults": planned
    }
    desk.send()
    assert desk.read("/receiver/faults")["faults"][0]["times"] == 2
    assert desk.call("DELETE", "/receiver/faults").body == b'{"faults":[]}'
    assert desk.slept == [1.5]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, 'send {"faults"'),
        ({"faults": [{"kind": "x"}]}, "faults[0].kind must be one of 429"),
        ({"faults": [{"kind": "500", "times": 0}]}, "faults[0].times must be"),
        ({"faults": [{"kind": "slow", "seconds": -1}]}, "faults[0].seconds must be"),
    ],
)
def test_wrong_faults_are_told(body: Any, told: str) -> None:
    answer = Desk().call("POST", "/receiver/faults", body)
    assert answer.status == 400
    assert told in json.loads(answer.body)["error"]["message"]


def test_a_refused_call_is_kept_sealed_with_its_findings() -> None:
    desk = Desk()
    raw = event(user_data={"em": "jane@example.com"})
    desk.call("POST", "/v26.0/1/events?access_token=TOKEN", {"data": [raw]})
    (kept,) = desk.store.calls(0, 9)
    assert b"jane" not in kept.box
    assert kept.refused == "400/2804050"
    (listed,) = desk.read("/receiver/requests")["items"]
    whole = desk.read(f"/receiver/requests/{listed['id']}")
    assert "TOKEN" not in json.dumps(whole)
    assert "jane@example.com" in whole["request"]["body"]
    assert json.loads(whole["response"]["body"])["error"]["error_subcode"] == 2804050
    assert any(f["subcode"] == 2804050 and f["fix"] for f in whole["findings"])


def test_a_kept_call_is_sent_again_as_it_was_or_edited() -> None:
    desk = Desk()
    desk.send({"user_data": {}})
    path = "/receiver/requests/1/replay"
    assert desk.call("POST", path).status == 400
    assert desk.call("POST", path, {"body": {"data": [event()]}}).status == 200
    assert len(desk.store.unsettled(9).events) == 1
    assert desk.call("POST", "/receiver/requests/77/replay").status == 404


@pytest.mark.parametrize(("keep", "calls"), [("none", 0), ("refused", 2), ("all", 3)])
def test_which_calls_are_kept(keep: Any, calls: int) -> None:
    desk = Desk(Options(keep=keep))
    desk.send()
    desk.send(code="TEST1")
    desk.send({"event_name": ""})
    desk.call("POST", "/v26.0/1/events", {"data": [event()]}, token="nobody's")
    assert len(desk.store.calls(0, 9)) == calls


def test_which_calls_are_kept_can_be_changed_while_it_runs() -> None:
    desk = Desk()
    assert desk.read("/receiver/keep") == {"calls": "refused"}
    desk.send()
    assert desk.call("POST", "/receiver/keep", {"calls": "all"}).status == 200
    desk.send()
    assert desk.call("POST", "/receiver/keep", {"calls": "some"}).status == 400
    assert [call["events"] for call in desk.read("/receiver/requests")["items"]] == [1]


def test_events_of_a_test_code() -> None:
    desk = Desk()
    desk.send({"event_id": "a"}, {"event_id": "b"}, code="TEST1")
    desk.send({"event_id": "c"})
    desk.settle()
    found = desk.read("/receiver/test-events?code=TEST1&limit=1")
    assert ([i["event_id"] for i in found["items"]], found["next"]) == (["a"], 1)
    assert desk.read("/receiver/test-events?code=TEST1&after=1")["items"][0]["event_id"] == "b"


def test_the_summary_counts_matches_and_refusals() -> None:
    desk = Desk()
    desk.call("POST", "/receiver/people", {"people": [{"id": "p", "user_data": {"em": HASH}}]})
    desk.send({}, {"event_id": "o2", "user_data": {"external_id": "x"}})
    desk.send({"event_name": ""})
    desk.settle()
    told = desk.read("/receiver/summary")
    assert told["people_known"] == 1
    assert told["datasets"]["1"] == {
        "events": 2,
        "matched": 1,
        "matched_alone": 1,
        "matched_merged": 1,
        "match_rate": 0.5,
        "match_rate_alone": 0.5,
        "match_rate_merged": 0.5,
    }
    assert told["datasets"]["2"]["match_rate"] is None
    assert told["refused"] == [
        {"day": START // 86_400, "path": "events", "reason": "400/100", "calls": 1}
    ]


def test_reset_and_the_token() -> None:
    desk = Desk()
    desk.send()
    assert desk.call("POST", "/receiver/reset", token="TOKEN").status == 401
    assert desk.store.unsettled(9).events
    assert desk.call("POST", "/receiver/reset").status == 200
    assert not desk.store.unsettled(9).events
    assert desk.call("GET", "/receiver/nothing").status == 404


def test_a_compressed_call_is_kept_readable_and_sent_again() -> None:
    desk = Desk()
    body = gzip.compress(json.dumps({"data": [event(user_data={})], "x": "y" * 99}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    url = "/v26.0/1/events?access_token=TOKEN"
    asyncio.run(desk.receiver.events(Request("POST", url, headers, body)))
    whole = desk.read("/receiver/requests/1")
    assert json.loads(whole["request"]["body"])["x"] == "y" * 99
    assert whole["at"] == "2026-09-21T14:13:20Z"
    again = desk.call("POST", "/receiver/requests/1/replay")
    assert json.loads(again.body)["error"]["error_subcode"] == 2804050


def test_a_body_that_is_not_kept_says_why() -> None:
    desk = Desk(Options(keep="all"))
    desk.send({"event_source_url": "x" * calls.MOST_TAKEN_BYTES})
    whole = desk.read("/receiver/requests/1")
    assert (whole["events"], whole["request"]["body"]) == (1, "")
    assert "is not kept: at most 65536" in whole["request"]["left_out"]


def test_a_replay_brings_the_proof_that_its_dataset_wants() -> None:
    desk = Desk()
    url = "/v26.0/3/events"
    proof = hmac.new(b"SECRET", b"PROVEN", "sha256").hexdigest()
    sent = {"data": [event(user_data={})], "appsecret_proof": proof}
    assert desk.call("POST", url, sent, token="PROVEN").status == 400
    edited = {"body": {"data": [event()]}}
    assert desk.call("POST", "/receiver/requests/1/replay", edited).status == 200


def test_the_live_list_waits_for_what_comes() -> None:
    desk = Desk()
    assert desk.read("/receiver/events") == {"items": [], "next": None}
    desk.send({"event_id": "a"}, {"event_id": "b"}, {"event_id": "c"})
    desk.settle()
    last = desk.read("/receiver/events?last=2&wait=1")
    assert [item["event_id"] for item in last["items"]] == ["b", "c"]
    assert last["items"][0]["received_at"] == "2026-09-21T14:13:20Z"

    async def follow() -> Any:
        url = f"/receiver/events?after={last['next']}&wait=5"
        request = Request("GET", url, {"authorization": "Bearer KEY"})
        handler = desk.receiver.handler("GET", "/receiver/events")
        assert handler is not None
        waiting = asyncio.create_task(handler(request))
        await asyncio.sleep(0.01)
        await asyncio.to_thread(desk.send, {"event_id": "d"})
        await asyncio.to_thread(desk.settle)
        return json.loads((await waiting).body)

    came = asyncio.run(follow())
    assert [item["event_id"] for item in came["items"]] == ["d"]
    assert came["next"] == last["next"] + 1


def test_a_live_list_goes_on_after_a_reset() -> None:
    desk = Desk()
    desk.send({"event_id": "a"}, {"event_id": "b"}, code="TEST1")
    desk.settle()
    desk.call("POST", "/receiver/reset")
    desk.send({"event_id": "c"}, code="TEST1")
    desk.settle()
    for path in ("events?after=2", "test-events?code=TEST1&after=2"):
        (item,) = desk.read(f"/receiver/{path}")["items"]
        assert item["event_id"] == "c"
    assert desk.read("/receiver/events?after=1")["items"] == []


def hit(desk: Desk, query: str) -> None:
    handler = desk.receiver.handler("GET", "/tr")
    assert handler is not None
    asyncio.run(handler(Request("GET", f"/tr?id=1&ev=Purchase&{query}", {})))


def test_deduplication_is_proven_per_order() -> None:
    desk = Desk()
    hit(desk, "eid=o1&cd[order_id]=1042")
    money = {"value": 1, "currency": "USD"}
    desk.send({"custom_data": money | {"order_id": "1042"}})
    desk.send({"custom_data": money | {"order_id": "1042"}})
    hit(desk, "eid=%231043&cd[order_id]=1043")
    desk.send({"event_id": "1043", "custom_data": money | {"order_id": "1043"}})
    desk.settle()
    (merged,) = desk.read("/receiver/deduplication?order_id=1042")["items"]
    assert (merged["state"], merged["joined_by"], merged["kept"]) == (
        "merged",
        ["event_id"],
        "browser",
    )
    assert (merged["browser"], merged["server"], merged["repeats"]) == (1, 2, 1)
    assert [s["duplicate_of"] for s in merged["sightings"]] == [None, 1, 1]
    pixel, server = desk.read("/receiver/deduplication?order_id=1043")["items"]
    assert (pixel["state"], server["state"]) == ("browser_only", "server_only")
    assert server["apart"] == 'ids differ: "#1043" vs "1043"'
    everything = desk.read("/receiver/deduplication?limit=2")
    assert (len(everything["items"]), everything["next"]) == (2, pixel["id"])


def test_the_rate_limit_counts_only_who_may_send() -> None:
    desk = Desk(Options(rate=Rate(1)))
    for _ in range(3):
        assert desk.call("POST", "/1/events", {"data": []}, token="nobody's").status == 401
    answer = desk.send()
    assert (answer.status, json.loads(answer.headers["x-app-usage"])["call_count"]) == (200, 100)


def test_the_rate_limit_tells_what_is_left() -> None:
    desk = Desk(Options(rate=Rate(2, 3600)))
    first, second, third = desk.send(), desk.send(), desk.send()
    assert json.loads(first.headers["x-app-usage"])["call_count"] == 50
    assert second.status == 200
    assert json.loads(third.body)["error"]["code"] == 4
    usage = json.loads(third.headers["x-business-use-case-usage"])["1"][0]
    assert usage["estimated_time_to_regain_access"] == 60
    desk.clock.at += 3600
    assert desk.send({"event_time": START + 3600}).status == 200


def attributed() -> Desk:
    desk = Desk()
    rows = [
        touch("link_click", 3600),
        touch("impression", 60, "ad2"),
        touch("link_click", 20 * 86_400, "ad3", user_data={"em": sha256(b"b").hexdigest()}),
    ]
    desk.call("POST", "/receiver/touches", {"touches": rows})
    late = {"event_id": "o2", "user_data": {"em": sha256(b"b").hexdigest()}}
    desk.send({}, late, {"event_name": "AddToCart", "event_id": "c1"})
    desk.settle()
    return desk


def insights(desk: Desk, **more: str) -> Any:
    query = "&".join(f"{name}={quote(value)}" for name, value in more.items())
    range_ = quote('{"since":"2026-09-01","until":"2026-09-30"}')
    return desk.read(f"/v26.0/act_9/insights?time_range={range_}&{query}")


def test_insights_by_ad_with_windows() -> None:
    windows = '["1d_click","7d_click","28d_click","1d_view"]'
    found = insights(attributed(), level="ad", action_attribution_windows=windows)
    rows = {row["ad_id"]: row for row in found["data"]}
    assert rows["ad1"]["campaign_name"] == "Spring"
    assert rows["ad1"]["actions"] == [
        {"action_type": "add_to_cart", "value": "1"}
        | dict.fromkeys(("1d_click", "28d_click", "7d_click"), "1"),
        {"action_type": "purchase", "value": "1"}
        | dict.fromkeys(("1d_click", "28d_click", "7d_click"), "1"),
    ]
    assert rows["ad1"]["action_values"][1]["value"] == "19.99"
    assert rows["ad2"]["actions"][1] == {"action_type": "purchase", "value": "0", "1d_view": "1"}
    assert rows["ad3"]["actions"] == [{"action_type": "purchase", "value": "0", "28d_click": "1"}]
    assert (rows["ad1"]["clicks"], rows["ad2"]["impressions"]) == ("1", "1")
    assert (rows["ad1"]["date_start"], rows["ad1"]["date_stop"]) == ("2026-09-01", "2026-09-30")


def test_insights_by_day_and_by_the_time_of_the_touch() -> None:
    desk = attributed()
    purchase = {"fields": "actions", "level": "account", "time_increment": "1"}
    days = [row["date_start"] for row in insights(desk, **purchase)["data"] if "actions" in row]
    assert days == ["2026-09-21"]
    setting = {"attribution_setting": "28d_click", "action_report_time": "impression"}
    rows = [row for row in insights(desk, **purchase, **setting)["data"] if "actions" in row]
    assert [row["date_start"] for row in rows] == ["2026-09-01", "2026-09-21"]


def test_insights_in_pages_are_followed_by_their_addresses() -> None:
    desk = attributed()
    query = "level=ad&fields=ad_id&limit=1&date_preset=maximum"
    pages, url = [], f"/v26.0/act_9/insights?{query}"
    while url:
        headers = {"authorization": "Bearer TOKEN", "host": "receiver.example"}
        page = json.loads(asyncio.run(desk.receiver.read(Request("GET", url, headers))).body)
        pages.append([row["ad_id"] for row in page["data"]])
        following = page["paging"].get("next", "")
        assert not following or following.startswith("http://receiver.example/v26.0/act_9/")
        url = following.removeprefix("http://receiver.example")
    assert pages == [["ad1"], ["ad2"], ["ad3"]]


def test_insights_have_the_fields_that_were_asked_for_and_no_others() -> None:
    desk = attributed()
    (row,) = insights(desk, fields="impressions,clicks,ctr,spend,attribution_setting")["data"]
    assert row == {
        "impressions": "3",
        "clicks": "2",
        "ctr": "66.666667",
        "attribution_setting": "7d_click_1d_engage_1d_view",
        "date_start": "2026-09-01",
        "date_stop": "2026-09-30",
    }
    assert "account_id" in insights(desk)["data"][0]


@pytest.mark.parametrize(
    ("object_id", "fields"),
    [
        ("act_9", {"account_id"}),
        ("c1", {"account_id", "campaign_id", "campaign_name"}),
        ("s1", {"account_id", "campaign_id", "campaign_name", "adset_id"}),
        ("ad1", {"account_id", "campaign_id", "campaign_name", "adset_id", "ad_id"}),
    ],
)
def test_insights_are_by_default_at_the_level_of_the_object(
    object_id: str, fields: set[str]
) -> None:
    desk = attributed()
    request = Request(
        "GET",
        f"/{object_id}/insights?date_preset=last_30d",
        {"authorization": "Bearer TOKEN"},
    )
    desk.clock.at += 86_400
    (row,) = json.loads(asyncio.run(desk.receiver.read(request)).body)["data"]
    assert {name for name in row if name.endswith(("_id", "_name"))} == fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "x"),
        ("date_preset", "x"),
        ("time_range", "{}"),
        ("time_range", '{"since":"2026-09-02","until":"2026-09-01"}'),
        ("time_increment", "91"),
        ("action_attribution_windows", '["7d_view"]'),
        ("action_report_time", "x"),
        ("attribution_setting", "x"),
        ("limit", "0"),
        ("fields", "revenue"),
        ("breakdowns", "age"),
    ],
)
def test_wrong_questions_are_told(name: str, value: str) -> None:
    answer = attributed().call("GET", f"/v26.0/act_9/insights?{name}={quote(value)}")
    assert answer.status == 400
    assert name in json.loads(answer.body)["error"]["message"]


def test_only_objects_that_are_there_can_be_read() -> None:
    desk = attributed()
    assert desk.read("/v26.0/act_77/insights")["error"]["error_subcode"] == 33
    assert desk.read("/v26.0/2")["error"]["error_subcode"] == 33
    assert desk.read("/v26.0/1")["id"] == "1"
    assert desk.read("/v26.0/act_9/insights", token="nobody's")["error"]["code"] == 190
    assert desk.receiver.handler("GET", "/healthz") is None
    assert desk.receiver.handler("GET", "/") is None
