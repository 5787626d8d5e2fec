from typing import Any

import pytest
from msgspec.structs import replace

from tillpost.core import dedup
from tillpost.core.dedup import FAVOUR, WINDOW, Policy
from tillpost.core.match_key import Code, of_value
from tillpost.core.received import ReceivedEvent, Settled

AT = 1_790_000_000.0
FBP = of_value(Code.fbp, "fb.1.1790000000000.77")
MINE = of_value(Code.external_id, "u1")

SERVER = ReceivedEvent("1", "server", "Purchase", "o1", int(AT), AT, order_id="1001")
BROWSER = replace(SERVER, source="browser")
ABSORB, COUNT = Policy(), Policy(same_source="count")


def kept(event: ReceivedEvent, seq: int = 1, **more: Any) -> Settled:
    return Settled(seq, event, more.pop("opened_at", event.received_at), **more)


def later(event: ReceivedEvent, seconds: float, **more: Any) -> ReceivedEvent:
    return replace(event, received_at=event.received_at + seconds, **more)


@pytest.mark.parametrize("first", [SERVER, BROWSER])
@pytest.mark.parametrize("second", [SERVER, BROWSER])
def test_one_name_and_id_is_one_event(first: ReceivedEvent, second: ReceivedEvent) -> None:
    verdict = dedup.judge(later(second, FAVOUR + 1), [kept(first)], ABSORB)
    assert verdict.kept is not None
    assert verdict.by == "event_id"
    assert not verdict.supersedes


@pytest.mark.parametrize(
    "changed", [{"event_name": "purchase"}, {"event_id": "O1"}, {"dataset_id": "2"}]
)
def test_name_id_and_dataset_are_exact(changed: dict[str, str]) -> None:
    assert dedup.judge(replace(BROWSER, **changed), [kept(SERVER)], ABSORB).kept is None


@pytest.mark.parametrize(("gap", "one"), [(WINDOW, True), (WINDOW + 1, False)])
def test_an_id_is_remembered_for_48_hours_of_its_first_receipt(gap: float, one: bool) -> None:
    first = kept(later(BROWSER, 60), opened_at=AT)
    verdict = dedup.judge(later(SERVER, gap), [first], ABSORB)
    assert (verdict.kept is not None) is one
    if not one:
        assert verdict.reason == "first received 48 h earlier: outside the 48 hours"


@pytest.mark.parametrize(("gap", "favoured"), [(0, True), (FAVOUR, True), (FAVOUR + 1, False)])
def test_a_browser_event_within_five_minutes_is_favoured(gap: float, favoured: bool) -> None:
    assert dedup.judge(later(BROWSER, gap), [kept(SERVER)], ABSORB).supersedes is favoured
    assert not dedup.judge(later(SERVER, gap), [kept(BROWSER)], ABSORB).supersedes


def test_same_source_is_a_switch() -> None:
    again = later(SERVER, 10)
    assert dedup.judge(again, [kept(SERVER)], ABSORB).kept is not None
    verdict = dedup.judge(again, [kept(SERVER)], COUNT)
    assert verdict.kept is None
    assert verdict.reason is not None
    assert "same_source = count" in verdict.reason
    assert dedup.judge(later(BROWSER, 10), [kept(SERVER)], COUNT).kept is not None


@pytest.mark.parametrize("key", [FBP, MINE])
@pytest.mark.parametrize("lacks", ["browser", "server"])
def test_a_missing_id_is_made_up_for_by_a_shared_key(key: bytes, lacks: str) -> None:
    hit = replace(BROWSER, keys=(key,), event_id=None if lacks == "browser" else "b1")
    event = replace(later(SERVER, 60), keys=(key,), event_id=None if lacks == "server" else "s1")
    verdict = dedup.judge(event, [kept(hit)], ABSORB)
    assert verdict.by == ("fbp" if key == FBP else "external_id")


def test_the_fallback_needs_a_missing_id() -> None:
    hit = replace(BROWSER, event_id="b1", keys=(FBP,))
    event = replace(later(SERVER, 60), event_id="s1", keys=(FBP,))
    verdict = dedup.judge(event, [kept(hit)], ABSORB)
    assert verdict.kept is None
    assert verdict.reason == 'ids differ: "b1" vs "s1"'


def test_the_fallback_never_drops_a_server_event_that_came_first() -> None:
    event = replace(SERVER, event_id=None, keys=(FBP,))
    hit = replace(later(BROWSER, 60), event_id=None, keys=(FBP,))
    assert dedup.judge(hit, [kept(event)], ABSORB).kept is None


def test_a_browser_hit_absorbs_once_and_a_second_order_survives() -> None:
    hit = replace(BROWSER, event_id=None, order_id=None, keys=(FBP,))
    second = replace(later(SERVER, 3600), event_id=None, order_id="1002", keys=(FBP,))
    assert dedup.judge(second, [kept(hit)], ABSORB).kept is not None
    assert dedup.judge(second, [kept(hit, absorbed=1)], ABSORB).kept is None


def test_two_orders_are_never_one_by_fallback() -> None:
    hit = replace(BROWSER, event_id=None, keys=(FBP,))
    other = replace(later(SERVER, 3600), event_id=None, order_id="1002", keys=(FBP,))
    assert dedup.judge(other, [kept(hit)], ABSORB).kept is None


def test_the_fallback_can_be_off() -> None:
    hit = replace(BROWSER, event_id=None, keys=(FBP,))
    event = replace(later(SERVER, 60), keys=(FBP,))
    assert dedup.judge(event, [kept(hit)], Policy(fallback=False)).kept is None


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"event_id": "#1042"}, {"event_id": "1042"}, 'ids differ: "#1042" vs "1042"'),
        ({"event_name": "purchase"}, {}, 'names differ: "purchase" vs "Purchase"'),
        (
            {"event_id": None},
            {},
            "an event_id is missing, and no fbp or external_id joins the two",
        ),
    ],
)
def test_why_a_likely_twin_was_not_joined(
    first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    event = later(replace(SERVER, **second), 60)
    assert dedup.judge(event, [kept(replace(BROWSER, **first))], ABSORB).reason == reason


def test_strangers_need_no_explanation() -> None:
    other = replace(BROWSER, event_id="zz", order_id="9")
    assert dedup.judge(SERVER, [kept(other)], ABSORB) == dedup.Verdict()


def test_an_event_is_sought_where_its_twin_was_written() -> None:
    hit = replace(BROWSER, event_id="#O1", keys=(FBP,))
    by_id = replace(SERVER, event_id="o1", order_id=None)
    by_order = replace(SERVER, event_id="zz")
    by_key = replace(SERVER, event_id=None, order_id=None, keys=(FBP,))
    for event in (by_id, by_order, by_key):
        assert meet(event, hit)
    assert not meet(replace(SERVER, event_id="x", order_id="2"), hit)
    assert not meet(replace(by_id, dataset_id="2"), hit)


def meet(event: ReceivedEvent, earlier: ReceivedEvent) -> bool:
    return not set(dedup.marks(event).sought).isdisjoint(dedup.marks(earlier).written)
