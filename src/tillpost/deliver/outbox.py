"""One round of delivery: lease what is due, send it, and keep what became of each event.

A lease has a fence: should a slow sender come back after its lease has gone to
another, what it settles does not count. An answer that was never read leaves the
batch in doubt; it goes again with the same ids, which the platform removes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from tillpost.core import retry
from tillpost.core.books import Leased
from tillpost.core.outcome import FINAL, NotSent, Outcome, Retryable, State
from tillpost.deliver.contract import BISECT, UNKNOWN, Destination
from tillpost.ports import Clock, Outbox, Transport

LEASE_SECONDS = 120.0
UNKNOWN_TRIES = 5
"""After so many refusals that nobody understands, a batch is halved to see whose they are."""

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
    ended, fresh = _sort(line, leased, clock.now())
    if ended:
        await asyncio.to_thread(outbox.settle, ended, clock.now())
    async for results in _send(line, fresh, transport, clock.now()):
        timed = [(item, _timed(item, outcome, luck())) for item, outcome in results]
        await asyncio.to_thread(outbox.settle, timed, clock.now())
    return len(leased)


def _sort(line: Line, leased: Sequence[Leased], now: float) -> tuple[Results, list[Leased]]:
    """What ends unsent, being too late or invalid, with how; and what may go."""
    ended: Results = []
    fresh: list[Leased] = []
    for item in leased:
        event = item.row.event
        end = retry.too_late(
            event, now, line.destination.limits.horizon
        ) or line.destination.refuses(event, line.settings, now)
        if end is None:
            fresh.append(item)
        else:
            ended.append((item, end))
    return ended, fresh


async def _send(
    line: Line, batch: list[Leased], transport: Transport, now: float
) -> AsyncIterator[Results]:
    """Send a batch; one that is refused for one of its events is halved until that is alone.

    Each part's results come as soon as they are known, so that a long search keeps them.
    """
    if not batch:
        return
    payloads = [line.destination.build(item.row.event, line.settings) for item in batch]
    outcomes = await _exchange(line, payloads, transport, now)
    if len(batch) == 1 or not _splits(batch, outcomes):
        yield list(zip(batch, outcomes, strict=True))
        return
    middle = len(batch) // 2
    for half in (batch[:middle], batch[middle:]):
        async for results in _send(line, half, transport, now):
            yield results


def _splits(batch: list[Leased], outcomes: list[Outcome]) -> bool:
    reasons = {outcome.reason for outcome in outcomes}
    tries = max(item.delivery.attempts for item in batch)
    return BISECT in reasons or (UNKNOWN in reasons and tries >= UNKNOWN_TRIES)


async def _exchange(
    line: Line, payloads: list[bytes], transport: Transport, now: float
) -> list[Outcome]:
    request = line.destination.encode(payloads, line.settings, now)
    try:
        response = await transport.send(request, line.destination.limits.seconds)
    except NotSent as error:
        return [Outcome(State.PENDING, "unreachable", str(error))] * len(payloads)
    except Retryable as error:
        return [Outcome(State.IN_DOUBT, "no_answer", str(error))] * len(payloads)
    return line.destination.interpret(response, payloads)


def _timed(item: Leased, outcome: Outcome, luck: float) -> Outcome:
    """The outcome with the time of the next try, if there is to be one."""
    if outcome.state in FINAL or outcome.retry_after is not None:
        return outcome
    wait = retry.delay(item.delivery.attempts + 1, luck)
    return Outcome(outcome.state, outcome.reason, outcome.detail, wait)
