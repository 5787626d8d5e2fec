import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tillpost.core import retry
from tillpost.core.event import Event
from tillpost.core.outcome import NotSent, Retryable
from tillpost.core.wire import Request, Response
from tillpost.deliver.breaker import Breaker
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.deliver.outbox import LEASE_SECONDS, UNKNOWN_TRIES, Line, Sender
from tillpost.store.gateway_memory import MemoryGatewayStore
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW

Answer = Callable[[list[str]], Response]


def ok(ids: Sequence[str]) -> Response:
    return Response(200, {}, msgspec.json.encode({"events_received": len(ids), "fbtrace_id": "A"}))


def refused(code: int = 100, subcode: int = 2804050, status: int = 400) -> Response:
    error = {"code": code, "error_subcode": subcode, "message": "no"}
    return Response(status, {}, msgspec.json.encode({"error": error}))


class Wire:
    """A network that keeps what it was sent and answers by a rule."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.sent: list[list[str]] = []

    async def send(self, request: Request, seconds: float) -> Response:
        ids = [event["event_id"] for event in msgspec.json.decode(request.body)["data"]]
        self.sent.append(ids)
        return self.answer(ids)


class Clock:
    def __init__(self) -> None:
        self.time = float(NOW)

    def now(self) -> float:
        return self.time


class Office:
    """An outbox with its one line, its network and its clock."""

    def __init__(self, answer: Answer, events: Sequence[Event], *, shadow: bool = False) -> None:
        self.store = MemoryGatewayStore()
        self.wire = Wire(answer)
        self.clock = Clock()
        self.luck = 0.5
        settings = Settings(shop=make.SHOP, dataset_id="1", access_token="t")
        line = Line(DESTINATION, destination, settings, shadow)
        self.sender = Sender(line, self.store, self.wire, self.clock, lambda: self.luck)
        rows = [make.event_row(n, event=event) for n, event in enumerate(events, 1)]
        self.store.commit(
            make.changes(
                events=rows,
                deliveries=[make.delivery(row.id) for row in rows],
                accepted={(make.SHOP, DESTINATION): len(rows)},
            )
        )

    def round(self, luck: float = 0.5) -> int:
        self.luck = luck
        return asyncio.run(self._round())

    async def _round(self) -> int:
        done = await self.sender.round()
        await self.sender.settled()
        return done

    @property
    def ends(self) -> dict[tuple[str, str | None], int]:
        return {(s, why): n for _, _, s, why, n in self.store.tallies() if s != "accepted"}

    def outcome(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.store.event_items(number - 1, 1, None, None)[0]["outcomes"][0]
        return found


def batch(count: int) -> list[Event]:
    return [make.event(f"e{n}") for n in range(1, count + 1)]


def test_nothing_due_sends_nothing() -> None:
    office = Office(ok, [])
    assert office.round() == 0
    assert office.wire.sent == []


def test_a_batch_goes_in_one_request() -> None:
    office = Office(ok, batch(1000))
    assert office.round() == 1000
    assert len(office.wire.sent) == 1
    assert office.ends == {("delivered", None): 1000}


def test_no_more_than_the_limit_goes_at_once() -> None:
    office = Office(ok, batch(1001))
    assert [office.round(), office.round(), office.round()] == [1000, 1, 0]


def test_what_was_taken_is_settled_while_the_next_batch_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office(ok, batch(3000))
    second = threading.Event()
    settle = office.store.settle

    def answer(ids: list[str]) -> Response:
        if len(office.wire.sent) == 2:
            second.set()
        return ok(ids)

    def slow(results: Sequence[Any], now: float) -> int:
        assert second.wait(timeout=20), "the second batch waits for the first one's end"
        return settle(results, now)

    office.wire.answer = answer
    monkeypatch.setattr(office.store, "settle", slow)

    async def rounds() -> None:
        while await office.sender.round():
            pass

    asyncio.run(rounds())
    assert office.ends == {("delivered", None): 3000}


@pytest.mark.parametrize("poison", [1, 500, 501, 777, 1000])
def test_one_poison_in_a_thousand_is_found(poison: int) -> None:
    def answer(ids: list[str]) -> Response:
        return refused() if f"e{poison}" in ids else ok(ids)

    office = Office(answer, batch(1000))
    assert office.round() == 1000
    assert len(office.wire.sent) <= 21
    assert office.ends == {("delivered", None): 999, ("dead", "refused"): 1}
    assert office.outcome(poison)["state"] == "dead"


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 60), data=st.data())
def test_only_the_poisoned_die(size: int, data: st.DataObject) -> None:
    poison = {f"e{n}" for n in data.draw(st.sets(st.integers(1, size), max_size=5))}
    office = Office(lambda ids: refused() if poison & set(ids) else ok(ids), batch(size))
    office.round()
    dead = {n for n in range(1, size + 1) if office.outcome(n)["state"] == "dead"}
    assert {f"e{n}" for n in dead} == poison
    assert sum(office.ends.values()) == size
    bound = 1 + 2 * len(poison) * math.ceil(math.log2(size)) if size > 1 else 1
    assert len(office.wire.sent) <= bound


def test_an_answer_that_was_never_read_is_in_doubt_and_goes_again_with_the_same_ids() -> None:
    answers: list[Answer] = [lost, ok]

    def answer(ids: list[str]) -> Response:
        return answers.pop(0)(ids)

    office = Office(answer, batch(3))
    assert office.round() == 3
    assert office.ends == {("in_doubt", "no_answer"): 3}
    assert office.round() == 0
    office.clock.time += retry.CAP_SECONDS
    assert office.round() == 3
    assert office.wire.sent[0] == office.wire.sent[1]
    assert office.ends == {("delivered", None): 3}
    assert office.outcome(1)["attempts"] == 2


def lost(ids: list[str]) -> Response:
    raise Retryable("the connection broke: nothing to do")


def test_what_was_found_before_the_connection_broke_is_kept() -> None:
    calls = iter([refused(), None])

    def answer(ids: list[str]) -> Response:
        told = next(calls, None)
        if len(ids) == 4:
            assert told is not None
            return told
        return ok(ids) if "e1" in ids else lost(ids)

    office = Office(answer, batch(4))
    office.round()
    assert office.ends == {("delivered", None): 2, ("in_doubt", "no_answer"): 2}


def test_a_late_twin_is_never_sent() -> None:
    direct_at = NOW - 47 * 3600 - 1.0
    late = make.event("e1", event_time=NOW - 48 * 3600, direct="sent", direct_at=direct_at)
    blocked = make.event("e2", event_time=NOW - 48 * 3600, direct="blocked", direct_at=direct_at)
    office = Office(ok, [late, blocked])
    assert office.round() == 2
    assert office.wire.sent == [["e2"]]
    assert office.ends == {("dropped", "late_twin"): 1, ("delivered", None): 1}


def test_what_is_too_old_expires_and_never_sinks_fresh_events() -> None:
    old = make.event("e1", event_time=NOW - 7 * 86400)
    store_sale = make.event("e2", event_time=NOW - 60 * 86400, action_source="physical_store")
    office = Office(ok, [old, store_sale, make.event("e3")])
    assert office.round() == 3
    assert office.wire.sent == [["e2", "e3"]]
    assert office.ends == {("expired", "too_old"): 1, ("delivered", None): 2}


def test_an_event_that_our_own_code_breaks_on_or_cannot_read_is_dead_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office(ok, batch(3))
    build, read = destination.build, office.store.events

    def broken(event: Event, given: Settings) -> Any:
        if event.event_id == "e2":
            raise KeyError("a rule met what it was not written for")
        return build(event, given)

    monkeypatch.setattr(destination, "build", broken)
    monkeypatch.setattr(office.store, "events", lambda leased: iter([None, *[*read(leased)][1:]]))
    assert office.round() == 3
    assert office.wire.sent == [["e3"]]
    assert office.ends == {
        ("dead", "unreadable"): 1,
        ("dead", "cannot_build"): 1,
        ("delivered", None): 1,
    }
    assert office.outcome(2)["detail"] == "KeyError"


def test_a_batch_of_old_events_sends_no_request() -> None:
    office = Office(ok, [make.event(event_time=NOW - 8 * 86400)])
    assert office.round() == 1
    assert office.wire.sent == []


def test_a_dead_token_pauses_until_it_works_or_the_time_is_over() -> None:
    office = Office(lambda _: refused(190, 460, 401), batch(2))
    office.round()
    assert office.ends == {("paused", "token"): 2}
    assert office.store.next_due(DESTINATION) == NOW + retry.PAUSE_SECONDS
    office.clock.time += 8 * 86400
    office.round()
    assert len(office.wire.sent) == 1
    assert office.ends == {("expired", "too_old"): 2}


def test_waits_grow_with_the_attempts_and_with_luck() -> None:
    office = Office(lambda _: refused(2, 0, 500), batch(1))
    waits = []
    for _ in range(4):
        office.round(luck=0.5)
        due = office.store.next_due(DESTINATION)
        assert due is not None
        waits.append(due - office.clock.time)
        office.clock.time = due
    assert waits == [2.0, 4.0, 8.0, 16.0]


def test_a_refusal_nobody_understands_is_searched_after_five_tries() -> None:
    def answer(ids: list[str]) -> Response:
        return refused(9999, 0) if "e2" in ids else ok(ids)

    office = Office(answer, batch(4))
    for tries in range(UNKNOWN_TRIES):
        assert len(office.wire.sent) == tries
        assert office.round() == 4
        office.clock.time += retry.CAP_SECONDS
    assert office.ends == {("pending", "unknown_error"): 4}
    office.round()
    assert office.ends == {("delivered", None): 3, ("pending", "unknown_error"): 1}


def test_a_sender_that_is_too_slow_settles_nothing() -> None:
    office: Office

    def answer(ids: list[str]) -> Response:
        office.clock.time += LEASE_SECONDS
        office.store.lease("other", office.clock.time, 1, LEASE_SECONDS)
        return ok(ids)

    office = Office(answer, batch(2))
    office.round()
    assert office.ends == {("in_doubt", "lease_expired"): 2}


def test_what_the_platform_would_refuse_is_never_sent_and_sinks_nobody() -> None:
    good, bad = batch(2)
    office = Office(ok, [good, structs.replace(bad, custom_data={"value": 1})])
    office.round()
    assert office.wire.sent == [[good.event_id]]
    assert office.ends == {("delivered", None): 1, ("dead", "invalid"): 1}


def test_what_was_never_sent_has_no_attempt() -> None:
    (good,) = batch(1)
    old = structs.replace(good, event_id="old", event_time=NOW - 30 * 86_400)
    office = Office(ok, [good, old])
    office.round()
    items = office.store.event_items(0, 10, None, None)
    assert {i["event_id"]: i["outcomes"][0]["attempts"] for i in items} == {
        good.event_id: 1,
        "old": 0,
    }


def troubled(ids: list[str]) -> Response:
    return Response(503, {}, b"")


def test_a_limit_holds_the_whole_destination_and_one_event_asks_for_all() -> None:
    answers: list[Answer] = [lambda _: refused(4, 0), ok, ok, ok]
    office = Office(lambda ids: answers.pop(0)(ids), batch(1500))  # noqa: PLW0108
    office.round()
    assert [len(ids) for ids in office.wire.sent] == [1000]
    assert office.ends == {("pending", "rate_limited"): 1000, ("pending", "put_back"): 500}
    office.clock.time += 59
    assert office.round() == 0
    office.clock.time += 1
    assert office.round() == 1
    assert len(office.wire.sent[-1]) == 1
    assert office.sender.breaker == Breaker()
    while office.round():
        pass
    assert office.ends == {("delivered", None): 1500}
    assert [len(ids) for ids in office.wire.sent[:2]] == [1000, 1]


def test_a_dead_token_is_asked_about_with_one_event_each_time() -> None:
    office = Office(lambda _: refused(190, 463, 401), batch(1500))
    for _ in range(12 * 24):
        office.round()
        office.clock.time += retry.PAUSE_SECONDS
    assert [len(ids) for ids in office.wire.sent] == [1000] + [1] * (12 * 24 - 1)
    office.wire.answer = ok
    office.wire.sent.clear()
    while office.round():
        pass
    assert office.ends == {("delivered", None): 1500}
    assert len(office.wire.sent) <= 4


def test_three_failures_in_a_row_stop_the_trying() -> None:
    office = Office(troubled, batch(5000))
    for _ in range(20):
        office.round()
    assert len(office.wire.sent) == 3
    assert office.sender.breaker.state(office.clock.time) == "open"
    for _ in range(60):
        office.clock.time += 60.0
        office.round()
    assert sum(len(ids) for ids in office.wire.sent[3:]) == len(office.wire.sent[3:]) <= 60
    office.wire.answer = ok
    office.clock.time += 60.0
    office.round()
    assert office.sender.breaker.state(office.clock.time) == "closed"
    while office.round():
        pass
    assert office.ends == {("delivered", None): 5000}


def test_nearly_all_that_is_allowed_is_used_so_it_rests() -> None:
    usage = {"x-app-usage": '{"call_count":97,"total_time":3,"total_cputime":3}'}
    office = Office(lambda ids: ok(ids)._replace(headers=usage), batch(3000))
    for _ in range(5):
        office.round()
    assert len(office.wire.sent) == 1
    office.clock.time += 60.0
    office.round()
    assert len(office.wire.sent) == 2


def test_what_cannot_have_arrived_is_not_in_doubt() -> None:
    def nobody(ids: list[str]) -> Response:
        raise NotSent("cannot reach graph.facebook.com")

    office = Office(nobody, batch(1))
    office.round()
    assert office.ends == {("pending", "unreachable"): 1}
    assert office.outcome(1)["attempts"] == 1


def test_the_first_payload_goes_in_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(troubled, batch(2))
    office.round()
    monkeypatch.setattr(type(destination), "build", lambda *_: b'{"event_id":"another rule"}')
    office.wire.answer = ok
    office.clock.time += retry.CAP_SECONDS
    office.round()
    assert office.wire.sent[0] == office.wire.sent[1] == ["e1", "e2"]


def test_in_shadow_everything_is_built_and_nothing_is_sent() -> None:
    good, bad = batch(2)
    office = Office(ok, [good, structs.replace(bad, custom_data={"value": 1})], shadow=True)
    assert office.round() == 2
    assert office.wire.sent == []
    assert office.ends == {("dropped", "shadow"): 1, ("dead", "invalid"): 1}
    assert office.outcome(1)["attempts"] == 0


def test_a_backlog_does_not_starve_the_fresh_and_the_most_urgent_go_first() -> None:
    office = Office(ok, [])
    old = [make.event(f"o{n}", event_time=NOW - 6 * 86400 + n) for n in range(5000)]
    new = [make.event(f"n{n}") for n in range(1000)]
    rows = [make.event_row(n, event=event) for n, event in enumerate([*old, *new], 1)]
    deliveries = [
        make.delivery(
            row.id,
            due_at=float(NOW - 3 * 86400 if row.event in old else NOW - 5),
            deadline=retry.deadline(row.event),
        )
        for row in rows
    ]
    office.store.commit(
        make.changes(
            events=rows, deliveries=deliveries, accepted={(make.SHOP, DESTINATION): len(rows)}
        )
    )
    office.round()
    (first,) = office.wire.sent
    assert sum(name.startswith("n") for name in first) == 700
    assert {name for name in first if name.startswith("o")} == {f"o{n}" for n in range(300)}


def test_waits_are_short_near_the_deadline() -> None:
    office = Office(troubled, [])
    event = make.event("e1", event_time=int(NOW - 7 * 86400 + 100))
    row = make.event_row(1, event=event)
    near = make.delivery(1, deadline=retry.deadline(event), attempts=0)
    office.store.commit(make.changes(events=[row], deliveries=[near], accepted={}))
    office.store._outbox[1, DESTINATION] = structs.replace(near, attempts=9)
    office.round(luck=1.0)
    assert office.store.next_due(DESTINATION) == NOW + 10.0


def test_a_large_batch_goes_in_parts_that_the_platform_takes() -> None:
    big = [
        make.event(f"e{n}", custom_data={"value": 1, "currency": "USD", "x": "y" * 90_000})
        for n in range(200)
    ]
    office = Office(ok, big)
    office.round()
    assert [len(ids) for ids in office.wire.sent] == [92, 92, 16]
    assert office.ends == {("delivered", None): 200}


def test_every_move_of_an_event_is_kept_with_its_reason() -> None:
    answers: list[Answer] = [lost, lambda _: refused(190, 460, 401), lambda _: refused()]
    office = Office(lambda ids: answers.pop(0)(ids), batch(1))  # noqa: PLW0108
    for _ in range(3):
        office.round()
        office.clock.time += retry.CAP_SECONDS
    moves = office.store.transitions(1)
    assert [(move.state, move.reason) for move in moves] == [
        ("pending", None),
        ("leased", None),
        ("in_doubt", "no_answer"),
        ("leased", "no_answer"),
        ("paused", "token"),
        ("leased", "token"),
        ("dead", "refused"),
    ]
    assert moves[-1].detail == "100/2804050: no"


def test_what_the_platform_said_is_kept_once_the_disk_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office(ok, batch(1))
    keep, tries = office.store.settle, iter((True, True, False))

    def settle(results: Any, now: float) -> int:
        if next(tries):
            raise Retryable("the disk refused a write")
        return keep(results, now)

    monkeypatch.setattr(office.store, "settle", settle)
    office.round()
    assert office.ends == {("delivered", None): 1}
    assert len(office.wire.sent) == 1
