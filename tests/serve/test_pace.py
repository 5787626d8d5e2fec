"""The worker gives way to requests, and never for good."""

import asyncio
from collections.abc import Callable

import pytest

from tillpost.core.wire import Request, Response
from tillpost.serve.pace import Away, Pace, rest_after


@pytest.mark.parametrize(
    ("share", "times"), [(0.0, 0.1), (0.25, 0.1), (0.375, 15.0), (0.5, 30.0), (0.9, 30.0)]
)
def test_a_round_is_followed_by_a_rest_the_longer_the_busier_requests_keep_the_loop(
    share: float, times: float
) -> None:
    assert rest_after(0.02, share, 0.0) == pytest.approx(0.02 * times)


def test_what_has_waited_long_is_worked_on_sooner() -> None:
    rests = [rest_after(0.02, 0.9, waited) for waited in (0.0, 20.0, 40.0, 80.0, 3600.0)]
    assert rests == pytest.approx([0.6, 0.6, 0.15, 0.0375, 0.002])


def test_no_rest_is_longer_than_a_second() -> None:
    assert rest_after(3.0, 0.9, 0.0) == 1.0


class _Times:
    """A clock of the wall and one of the thread's work, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.worked = 100.0
        monkeypatch.setattr("tillpost.serve.pace.time.monotonic", lambda: self.now)
        monkeypatch.setattr("tillpost.serve.pace.time.thread_time", lambda: self.worked)

    def passes(self, seconds: float, share: float) -> None:
        """So long, in which the loop works that part of it."""
        self.now += seconds
        self.worked += seconds * share


def _rounds(made: Pace, times: _Times, within: float, between: float) -> None:
    for _ in range(5):
        with made.round():
            times.passes(0.1, within)
        times.passes(0.1, between)


@pytest.mark.parametrize(("within", "between", "busy"), [(0.1, 0.8, True), (0.9, 0.1, False)])
def test_how_busy_requests_keep_the_loop_is_told_by_the_time_between_rounds(
    monkeypatch: pytest.MonkeyPatch, within: float, between: float, busy: bool
) -> None:
    """Within a round, requests that wait for the interpreter look like few."""
    times = _Times(monkeypatch)
    made = Pace()
    _rounds(made, times, within, between)
    assert made.share == pytest.approx(between)
    assert made.is_busy is busy
    assert not made.is_idle


def test_a_rush_that_is_over_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    times = _Times(monkeypatch)
    made = Pace()
    _rounds(made, times, 0.5, 0.8)
    assert made.is_busy
    times.passes(0.2, 0.0)
    assert made.is_idle
    assert not made.is_busy


def _order(made: Pace, works: Callable[[str], asyncio.Future[None]]) -> list[str]:
    seen: list[str] = []

    async def step(name: str) -> None:
        await made.turn(name)
        with made.round():
            seen.append(f"{name} begins")
            await works(name)
            seen.append(f"{name} ends")

    async def all_steps() -> None:
        await asyncio.gather(*(step(name) for name in "abc"))

    asyncio.run(all_steps())
    return seen


def test_while_the_loop_has_work_rounds_come_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pace, "is_idle", property(lambda _: False))
    seen = _order(Pace(), lambda _: asyncio.ensure_future(asyncio.sleep(0.001)))
    assert seen == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


def test_while_it_has_none_they_overlap() -> None:
    seen = _order(Pace(), lambda _: asyncio.ensure_future(asyncio.sleep(0.001)))
    assert seen[:3] == ["a begins", "b begins", "c begins"]


def test_the_time_of_waiting_for_an_answer_is_not_the_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = _Times(monkeypatch)
    made = Pace()

    class Slow:
        async def send(self, request: Request, seconds: float) -> Response:
            times.passes(3.0, 0.6)
            return Response(200, {}, b"")

    async def work() -> float:
        with made.round() as round_:
            times.passes(0.5, 0.0)
            await Away(Slow(), made).send(Request("POST", "", {}, b""), 1.0)
            times.passes(0.25, 0.0)
        return round_.spent

    assert asyncio.run(work()) == pytest.approx(0.75)
    assert made.share == pytest.approx(0.6)


def test_a_line_waits_for_its_own_rests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many destinations there are, folding has its turn."""
    monkeypatch.setattr(Pace, "is_idle", property(lambda _: False))
    monkeypatch.setattr(Pace, "share", 0.9)
    made, begun = Pace(), []

    async def step(line: str, spent: float) -> None:
        await made.turn(line)
        begun.append(line)
        made.rested(line, spent, 0.0)

    async def all_steps() -> None:
        sends = [asyncio.create_task(step("send", 0.01)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.gather(*sends, step("fold", 0.0), step("fold", 0.0))

    asyncio.run(all_steps())
    assert begun == ["send", "fold", "fold", "send", "send"]
