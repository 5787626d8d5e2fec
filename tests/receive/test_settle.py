import asyncio
import json
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import dedup, matching
from tillpost.core.received import Dataset
from tillpost.core.wire import Request, Response
from tillpost.receive.receiver import Options, Receiver, receiver_events
from tillpost.receive.settle import STANDARD, Rules, settle
from tillpost.store.receiver_memory import MemoryReceiverStore

START = 1_790_000_000
HOUR = 3600


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Clock:
    def __init__(self) -> None:
        self.at = float(START)

    def now(self) -> float:
        return self.at


class Platform:
    """A receiver in memory, spoken to as over HTTP."""

    def __init__(self, rules: Rules = STANDARD) -> None:
        self.clock = Clock()
        self.store = MemoryReceiverStore()
        ids = count()
        self.receiver = Receiver(
            self.store,
            {"1": Dataset("1", "TOKEN")},
            "KEY",
            self.clock,
            lambda: f"A{next(ids)}",
            options=Options(rules=rules),
        )

    def call(self, method: str, url: str, body: Any = None) -> Response:
        token = "KEY" if url.startswith("/receiver") else "TOKEN"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        handler = self.receiver.handler(method, url.partition("?")[0])
        assert handler is not None
        return asyncio.run(handler(Request(method, url, headers, sent)))

    def people(self, **people: dict[str, str]) -> None:
        rows = [
            {"id": known_as, "user_data": {k: digest(v) for k, v in keys.items()}}
            for known_as, keys in people.items()
        ]
        assert self.call("POST", "/receiver/people", {"people": rows}).status == 200

    def touch(self, action: str, ago: int, ad: str, click: str | None = None, **keys: str) -> None:
        row = {
            "action": action,
            "time": int(self.clock.at) - ago,
            "ad_id": ad,
            "adset_id": "s1",
            "campaign_id": "c1",
            "account_id": "9",
            "click_id": click,
            "user_data": {k: digest(v) for k, v in keys.items()},
        }
        assert self.call("POST", "/receiver/touches", {"touches": [row]}).status == 200

    def server(self, event_id: str | None, order: str | None = None, **user: Any) -> None:
        event = {
            "event_name": "Purchase",
            "event_time": int(self.clock.at),
            "event_id": event_id,
            "action_source": "website",
            "user_data": {"client_ip_address": "203.0.113.9", **user},
            "custom_data": {"value": 19.99, "currency": "USD", "order_id": order},
        }
        assert self.call("POST", "/v26.0/1/events", {"data": [event]}).status == 200

    def browser(self, event_id: str | None, **fields: str) -> None:
        given_id = {"eid": event_id} if event_id is not None else {}
        query = urlencode({"id": "1", "ev": "Purchase", **given_id, **fields})
        assert self.call("GET", f"/tr?{query}").status == 200

    def items(self) -> list[dict[str, Any]]:
        while self.receiver.settle():
            pass
        items: list[dict[str, Any]] = receiver_events(self.store, 0, 1000)["items"]
        return items

    def counted(self) -> list[int]:
        return [item["id"] for item in self.items() if item["duplicate_of"] is None]


def em(text: str) -> list[str]:
    return [digest(text)]


FBP = "fb.1.1596403881668.1116446470"


def test_pixel_and_server_are_one_conversion() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.touch("link_click", HOUR, "ad1", em="a")
    platform.browser("o1", fbp=FBP, **{"cd[value]": "19.99", "cd[currency]": "USD"})
    platform.clock.at += 90
    platform.server("o1", "1001", em=em("a"))
    first, second = platform.items()
    assert (first["source"], first["duplicate_of"]) == ("browser", None)
    assert (second["source"], second["duplicate_of"]) == ("server", first["id"])
    assert (first["matched"], first["person"], first["matched_by"]) == (True, "ann", ["em"])
    assert first["conversion"]["ad_id"] == "ad1"
    assert second["conversion"] is None
    (row,) = platform.store.conversions(0, START * 2)
    assert (row.value, row.currency, row.window, row.order_id) == (1999, "USD", "7d_click", "1001")


def test_the_browser_takes_the_place_of_a_server_event_five_minutes_old() -> None:
    platform = Platform()
    platform.touch("impression", HOUR, "ad1", em="a")
    platform.server("o1", "1001", em=em("a"))
    assert platform.items()[0]["conversion"]["window"] == "1d_view"
    platform.clock.at += 300
    platform.browser("o1")
    server, browser = platform.items()
    assert server["duplicate_of"] == browser["id"]
    assert server["conversion"] is None
    assert (browser["order_id"], browser["conversion"]["value"]) == ("1001", "19.99")


def test_twins_of_one_batch_and_of_two_settle_alike() -> None:
    together, apart = Platform(), Platform()
    for platform in (together, apart):
        platform.people(ann={"em": "a"})
        platform.touch("link_click", HOUR, "ad1", em="a")
        for event_id in ("o1", "o2"):
            platform.server(event_id, event_id, em=em("a"))
            platform.clock.at += 10
            if platform is apart:
                platform.items()
            platform.browser(event_id, fbp=FBP)
            if platform is apart:
                platform.items()
    assert together.items() == apart.items()
    assert together.store.conversions(0, START * 2) == apart.store.conversions(0, START * 2)


def test_the_48_hours_run_from_the_first_receipt() -> None:
    platform = Platform()
    platform.browser("o1")
    platform.clock.at += 47 * HOUR
    platform.server("o1", em=em("a"))
    assert len(platform.counted()) == 1
    platform.clock.at += 2 * HOUR
    platform.server("o1", em=em("a"))
    assert len(platform.counted()) == 2
    assert "outside the 48 hours" in platform.items()[2]["reason"]


@pytest.mark.parametrize(("same_source", "counted"), [("absorb", 1), ("count", 3)])
def test_resends_follow_the_switch(same_source: Any, counted: int) -> None:
    platform = Platform(Rules(twins=dedup.Policy(same_source=same_source)))
    for _ in range(3):
        platform.server("o1", em=em("a"))
    assert len(platform.counted()) == counted


def test_an_id_that_everyone_uses_stays_fast_and_one() -> None:
    platform = Platform()
    for _ in range(40):
        platform.server("undefined", em=em("a"))
        platform.items()
    assert platform.counted() == [1]


def test_a_hit_without_id_absorbs_one_server_event_only() -> None:
    platform = Platform()
    platform.browser(None, fbp=FBP)
    platform.clock.at += 60
    platform.server("s1", "1", em=em("a"), fbp=FBP)
    platform.clock.at += HOUR
    platform.server("s2", "2", em=em("a"), fbp=FBP)
    assert [item["duplicate_of"] for item in platform.items()] == [None, 1, None]


def test_why_two_sightings_were_not_joined() -> None:
    platform = Platform()
    platform.browser("#1042", **{"cd[order_id]": "77"})
    platform.server("1042", "77", em=em("a"))
    assert platform.items()[1]["reason"] == 'ids differ: "#1042" vs "1042"'


def test_a_family_phone_matches_nobody_and_an_email_does() -> None:
    platform = Platform()
    platform.people(ann={"em": "a", "ph": "1"}, bob={"em": "b", "ph": "1"})
    platform.server("o1", ph=em("1"))
    platform.server("o2", ph=em("1"), em=em("b"))
    phone, both = platform.items()
    assert (phone["matched"], phone["person"]) == (False, None)
    assert phone["reason"] == "ph shared by several accounts"
    assert (both["matched"], both["person"]) == (True, "bob")


def test_a_click_id_leads_to_its_account_and_ad() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.touch("link_click", HOUR, "ad1", click="IwAR1", em="a")
    platform.server("o1", fbc="fb.1.1596403881668.IwAR1")
    (item,) = platform.items()
    assert (item["matched_by"], item["person"]) == (["fbc"], "ann")
    assert item["conversion"]["ad_id"] == "ad1"


def test_a_click_of_an_unknown_account_still_counts() -> None:
    platform = Platform()
    platform.people(ann={"em": "a", "ph": "1"}, bob={"em": "b", "ph": "1"})
    platform.touch("link_click", HOUR, "ad1", click="IwAR1", ph="1")
    platform.server("o1", fbc="fb.1.1596403881668.IwAR1")
    (item,) = platform.items()
    assert not item["matched"]
    assert item["conversion"]["ad_id"] == "ad1"


def test_a_browser_is_learned_and_shown_apart() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.server("o1", em=em("a"), fbp=FBP)
    platform.browser("p2", fbp=FBP)
    platform.server("o3", em=em("somebody else"), fbp=FBP)
    own, learned, guest = platform.items()
    assert (own["matched"], own["matched_merged"]) == (True, True)
    assert (learned["matched"], learned["matched_merged"]) == (False, True)
    assert learned["person"] == "ann"
    assert (guest["matched"], guest["matched_merged"]) == (False, False)


def test_learning_can_be_off() -> None:
    platform = Platform(Rules(accounts=matching.Rules(learn=False)))
    platform.people(ann={"em": "a"})
    platform.server("o1", em=em("a"), fbp=FBP)
    platform.browser("p2", fbp=FBP)
    assert not platform.items()[1]["matched_merged"]


def test_a_family_browser_is_nobodys() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"}, bob={"em": "b"})
    platform.server("o1", em=em("a"), fbp=FBP)
    platform.server("o2", em=em("b"), fbp=FBP)
    platform.browser("p3", fbp=FBP)
    assert not platform.items()[2]["matched_merged"]


def test_a_browser_that_somebody_unknown_used_too_is_nobodys() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.server("o1", em=em("a"), fbp=FBP)
    platform.browser("p2", fbp=FBP)
    platform.server("o3", em=em("somebody else"), fbp=FBP)
    platform.browser("p4", fbp=FBP)
    items = platform.items()
    assert [item["matched_merged"] for item in items] == [True, True, False, False]


def test_a_touch_after_the_conversion_earns_nothing() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.touch("link_click", -HOUR, "ad1", em="a")
    platform.server("o1", em=em("a"))
    (item,) = platform.items()
    assert item["matched"]
    assert item["conversion"] is None


def test_a_crash_before_the_commit_changes_nothing() -> None:
    platform = Platform()
    platform.people(ann={"em": "a"})
    platform.touch("link_click", HOUR, "ad1", em="a")
    platform.browser("o1", fbp=FBP)
    platform.server("o1", em=em("a"))
    batch = platform.store.unsettled(100)
    once = settle(batch, platform.store, STANDARD)
    assert settle(platform.store.unsettled(100), platform.store, STANDARD) == once
    platform.store.commit(once)
    assert platform.store.unsettled(100).events == ()
    assert len(platform.counted()) == 1


arrivals = st.lists(
    st.tuples(
        st.sampled_from(["server", "browser"]),
        st.sampled_from(["o1", "o2", None]),
        st.integers(0, 30 * HOUR),
    ),
    max_size=10,
)


@given(arrivals, st.integers(1, 5))
def test_an_order_is_counted_once_however_it_arrives_and_is_batched(
    sightings: list[tuple[str, str | None, int]], step: int
) -> None:
    platform = Platform()
    for number, (source, event_id, at) in enumerate(sorted(sightings, key=lambda s: s[2])):
        platform.clock.at = START + at
        if source == "server":
            platform.server(event_id, em=em("a"))
        else:
            platform.browser(event_id)
        if number % step == 0:
            platform.receiver.settle()
    items = platform.items()
    counted = [i["event_id"] for i in items if i["duplicate_of"] is None]
    assert sorted(i for i in counted if i) == sorted(
        {i["event_id"] for i in items if i["event_id"]}
    )
    assert counted.count(None) == sum(i["event_id"] is None for i in items)
    kept = {i["id"] for i in items if i["duplicate_of"] is None}
    assert {i["duplicate_of"] for i in items if i["duplicate_of"]} <= kept
