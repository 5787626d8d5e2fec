"""The worker's rounds: one bad row stops nobody."""

import asyncio
from typing import Any

import msgspec
import pytest

from tillpost.collect import fold
from tillpost.core.books import EventRow
from tillpost.core.event import Fact
from tillpost.core.outcome import Reason, State
from tillpost.core.wire import Request, Response
from tillpost.deliver.destinations import meta
from tillpost.deliver.outbox import Line
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.seal import AesSealer
from tillpost.serve.transport import HttpTransport
from tillpost.serve.worker import GatewayBooks, Worker
from tillpost.store.gateway_memory import MemoryGatewayStore
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW, SHOP


def _worker(store: GatewayBooks) -> Worker:
    return Worker(
        store=store,
        shops={SHOP: make.shop()},
        routes=make.routes(),
        lines=[],
        transport=HttpTransport(),
        sealer=AesSealer(b"k" * 32),
        clock=SimulatedClock(float(NOW)),
        receiver=None,
    )


def _held(number: int) -> EventRow:
    return make.event_row(number, event=make.event(f"e{number}"), hold_until=float(NOW - 1))


def test_a_held_row_that_breaks_a_rule_is_put_off_and_the_others_are_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryGatewayStore()
    rows = [_held(n) for n in (1, 2, 3)]
    deliveries = [
        make.delivery(row.id, state=State.HELD, reason=Reason.AWAITING_CONSENT) for row in rows
    ]
    store.commit(
        make.changes(events=rows, deliveries=deliveries, accepted={(SHOP, DESTINATION): 3})
    )
    real = fold.release

    def breaks(held: Any, books: Any, context: Any) -> Any:
        if any(row.id == 2 for row in held):
            raise AttributeError("a rule met what it was not written for")
        return real(held, books, context)

    monkeypatch.setattr("tillpost.serve.worker.release", breaks)
    worker = _worker(store)
    worker._fold_once()
    still = store.held(float(NOW + 86_400), 10)
    assert 2 in {row.id for row in still}
    assert min(row.hold_until or 0.0 for row in still) > NOW
    assert store.held(float(NOW), 10) == []


def test_an_entry_that_breaks_a_rule_is_set_aside_and_the_others_are_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryGatewayStore()
    facts = [make.page_view(f"pv{n}") for n in range(3)]
    asyncio.run(store.append([make.entry(fact) for fact in facts]))
    real = fold.fold

    def breaks(entries: Any, books: Any, context: Any) -> Any:
        if any(entry.fact.event_id == "pv1" for _, entry in entries):
            raise KeyError("a rule met what it was not written for")
        return real(entries, books, context)

    monkeypatch.setattr("tillpost.serve.worker.fold", breaks)
    _worker(store)._fold_once()
    assert [i["event_id"] for i in store.event_items(0, 10, None, None)] == ["pv0", "pv2"]
    assert [row["reason"] for row in store.bad_rows(0, 10)] == ["cannot_fold"]
    assert store.unfolded(10) == []


def test_a_hold_ends_only_when_all_that_came_before_its_end_is_folded() -> None:
    store = MemoryGatewayStore()
    told: list[Fact] = [make.order(), make.page_view("pv1"), make.page_view("pv2"), make.beacon()]
    asyncio.run(store.append([make.entry(fact, at=NOW - 100.0) for fact in told]))
    worker = _worker(store)
    worker._fold_once(2)
    assert [row.order_id for row in store.held(float(NOW), 10)] == ["1001"]
    worker._fold_once(2)
    worker._fold_once(2)
    sent = store.events(store.lease(DESTINATION, float(NOW), 10, 60.0))
    assert [e.direct for e in sent if e and e.event_name == "Purchase"] == ["sent"]


def test_a_beacon_that_lay_beside_its_order_through_an_outage_still_joins_it() -> None:
    """The server was down for an hour after both were acknowledged."""
    store = MemoryGatewayStore()
    told = [
        make.entry(make.order(), at=NOW - 3600.0),
        make.entry(make.beacon(direct="sent"), at=NOW - 3598.0),
    ]
    asyncio.run(store.append(told))
    _worker(store)._fold_once()
    (sent,) = store.events(store.lease(DESTINATION, float(NOW), 10, 60.0))
    assert sent is not None
    assert sent.direct == "sent"
    assert sent.event_id == make.beacon().event_id


class _HalfDead:
    """A network in which one destination never answers."""

    def __init__(self) -> None:
        self.answered: list[str] = []

    async def send(self, request: Request, seconds: float) -> Response:
        if "dead" in request.url:
            await asyncio.sleep(60)
        self.answered.append(request.url)
        count = len(msgspec.json.decode(request.body)["data"])
        return Response(200, {}, msgspec.json.encode({"events_received": count}))


def test_a_destination_that_never_answers_slows_no_other() -> None:
    async def work() -> dict[str, set[str]]:
        store = MemoryGatewayStore()
        names = ("dead", "alive")
        settings = {
            name: meta.Settings(
                shop=SHOP, dataset_id=name, access_token="t", url=f"https://{name}.example"
            )
            for name in names
        }
        for first, name in ((1, "dead"), (11, "alive")):
            store.commit(make.outgoing(10, first, name))
        worker = Worker(
            store=store,
            shops={SHOP: make.shop()},
            routes=make.routes(),
            lines=[Line(name, meta.destination, settings[name]) for name in names],
            transport=_HalfDead(),
            sealer=AesSealer(b"k" * 32),
            clock=SimulatedClock(float(NOW + 60)),
            receiver=None,
        )
        worker.start()
        for _ in range(2000):
            if ("alive", "delivered", 10) in {(r[1], r[2], r[4]) for r in store.tallies()}:
                break
            await asyncio.sleep(0.01)
        for task in worker._tasks:
            task.cancel()
        await worker.stop()
        return {name: {r[2] for r in store.tallies() if r[1] == name} for name in names}

    ends = asyncio.run(asyncio.wait_for(work(), 30))
    assert ends == {"dead": {"accepted", "leased"}, "alive": {"accepted", "delivered"}}
