"""One round of delivery: lease what is due, send it, and keep what became of each event.

A lease has a fence: should a slow sender come back after its lease has gone to
another, what it settles does not count. An answer that was never read leaves the
batch in doubt; it goes again with the same ids, which the platform removes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tillpost.core import retry
from tillpost.core.books import Leased
from tillpost.core.event import Event
from tillpost.core.outcome import FINAL, Outcome, Retryable, State
from tillpost.deliver.contract import BISECT, Destination
from tillpost.ports import Clock, Outbox, Transport

LEASE_SECONDS = 120.0
Results = list[tuple[Leased, Outcome]]


class Line(NamedTuple):
    """A destination of one shop: where its events go and how."""

    name: str
    destination: Destination
    settings: Any


async def deliver(
    line: Line, outbox: Outbox, transport: Transport, clock: Clock, luck: Callable[[], float]
) -> int:
    """Send one batch of what is due; returns how many events were settled."""
    limit = line.destination.limits.events
    leased = await asyncio.to_thread(outbox.lease, line.name, clock.now(), limit, LEASE_SECONDS)
    if not leased:
        return 0
    late, fresh = _sort(leased, clock.now())
    results = late + await _send(line, fresh, transport)
    timed = [(item, _timed(item, outcome, luck())) for item, outcome in results]
    await asyncio.to_thread(outbox.settle, timed, clock.now())
    return len(timed)


def _sort(leased: Sequence[Leased], now: float) -> tuple[Results, list[Leased]]:
    """What is too late to send, with how it ends; and what may still go."""
    late: Results = []
    fresh: list[Leased] = []
    for item in leased:
        end = retry.too_late(item.row.event, now)
        if end is None:
            fresh.append(item)
        else:
            late.append((item, end))
    return late, fresh


async def _send(line: Line, batch: list[Leased], transport: Transport) -> Results:
    """Send a batch; one that is refused for one of its events is halved until that is alone."""
    if not batch:
        return []
    events = [item.row.event for item in batch]
    outcomes = await _exchange(line, events, transport)
    if len(batch) > 1 and any(outcome.reason == BISECT for outcome in outcomes):
        middle = len(batch) // 2
        first = await _send(line, batch[:middle], transport)
        return first + await _send(line, batch[middle:], transport)
    return list(zip(batch, outcomes, strict=True))


async def _exchange(line: Line, events: list[Event], transport: Transport) -> list[Outcome]:
    request = line.destination.encode(events, line.settings)
    try:
        response = await transport.send(request, line.destination.limits.seconds)
    except Retryable as error:
        return [Outcome(State.IN_DOUBT, "no_answer", str(error))] * len(events)
    return line.destination.interpret(response, events)


def _timed(item: Leased, outcome: Outcome, luck: float) -> Outcome:
    """The outcome with the time of the next try, if there is to be one."""
    if outcome.state in FINAL or outcome.retry_after is not None:
        return outcome
    wait = retry.delay(item.delivery.attempts + 1, luck)
    return Outcome(outcome.state, outcome.reason, outcome.detail, wait)
