"""Sending a destination's events: lease what is due, build, send, keep what became of each.

A lease has a fence: should a slow sender come back after its lease has gone to another, what
it settles does not count. What is built is kept, and the same bytes go in every attempt. An
answer that was never read leaves the batch in doubt; it goes again with the same ids, which
the platform removes. While a batch is on its way the next ones are leased and built, and what
became of the one before is put on disk: so that leases and ends share their transactions.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from msgspec import Struct, structs

from tillpost.core import capi, retry
from tillpost.core.books import Leased
from tillpost.core.event import Event
from tillpost.core.outcome import BROKEN, FINAL, NotSent, Outcome, Reason, Retryable, State
from tillpost.deliver.breaker import Breaker
from tillpost.deliver.contract import BISECT, UNKNOWN, Destination, Limits
from tillpost.ports import Clock, Outbox, Transport

LEASE_SECONDS = 120.0
FEWEST = 50
"""So many events are leased at once where a request holds fewer."""
AHEAD = 2
"""So many batches are prepared while one is on its way: one waits for the disk, one is built."""
BEHIND = 1
"""So many batches that the platform took are still being settled when the next one goes."""
_DISK_WAITS = (0.1, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries to keep what became of a batch, while the disk refuses it."""
UNKNOWN_TRIES = 5
"""After so many refusals that nobody understands, a batch is halved to see whose they are."""

_MOST_ENDED = 1000
"""A search for one event that can be sent looks at so many."""

PUT_BACK = Outcome(State.PENDING, "put_back", retry_after=0.0, sent=False)
SHADOWED = Outcome(State.DROPPED, Reason.SHADOW, sent=False)

Results = list[tuple[Leased, Outcome]]


class Line(NamedTuple):
    """A destination of one shop: where its events go and how; `shadow` sends nothing."""

    name: str
    destination: Destination
    settings: Any
    shadow: bool = False


class Batch(Struct, frozen=True):
    """Leased events with their payloads, as many as one lease gave; `taken` counts all of it."""

    items: list[Leased]
    taken: int


class Sender:
    """Sends one line's events; what it knows of the destination's health is its `breaker`."""

    def __init__(
        self,
        line: Line,
        outbox: Outbox,
        transport: Transport,
        clock: Clock,
        luck: Callable[[], float],
    ) -> None:
        self.line = line
        self.breaker = Breaker()
        self.exchanges: Counter[str] = Counter()
        """Requests by what became of them: `delivered`, or the reason of the failure."""
        self.waited = 0.0
        """Seconds that the one of the last batch that was due first had waited."""
        self._outbox = outbox
        self._transport = transport
        self._clock = clock
        self._luck = luck
        self._ahead: deque[Future[Batch]] = deque()
        self._behind: deque[asyncio.Task[None]] = deque()
        self._threads = ThreadPoolExecutor(AHEAD, f"prepare-{line.name}")
        self._sending = asyncio.Lock()

    async def round(self) -> int:
        """Send one batch of what is due; returns how many events were looked at.

        What the platform took may still be on its way to the disk while full batches follow.
        While the breaker is half open that is one event; when it closes, everything that
        waits for a later try is due at once.
        """
        async with self._sending:
            state = self.breaker.state(self._clock.now())
            return 0 if state == "open" else await self._round(probing=state == "half_open")

    async def _round(self, *, probing: bool) -> int:
        batch = await (asyncio.to_thread(self._find_one) if probing else self._next())
        due = (item.delivery.due_at for item in batch.items)
        self.waited = self._clock.now() - min(due, default=self._clock.now())
        await self._send(batch.items)
        now = self._clock.now()
        if self.breaker.state(now) == "open":
            await self.put_back()
        elif probing and self.breaker.state(now) == "closed":
            await asyncio.to_thread(self._outbox.hurry, self.line.name, now)
        if not self._ahead:
            await self.settled()
        return batch.taken

    async def put_back(self) -> None:
        """Give back what is leased and not sent; what was sent is settled."""
        while self._ahead:
            batch = await asyncio.wrap_future(self._ahead.popleft())
            await self._give_back(batch)
        await self.settled()

    async def settled(self, most: int = 0) -> None:
        """Return when no more than so many batches that were sent are still being settled."""
        while len(self._behind) > most:
            await self._behind.popleft()

    async def _give_back(self, batch: Batch) -> None:
        if batch.items:
            await self._settle(batch.items, [PUT_BACK] * len(batch.items))

    async def _next(self) -> Batch:
        """The next batch that has something in it; after a full one, others are prepared beside.

        One that lay too long behind a slow answer would outlive its lease: it is given back.
        """
        limit = max(self.line.destination.limits.events, FEWEST)
        batch = Batch([], 0)
        while self._ahead and not batch.taken:
            batch = await asyncio.wrap_future(self._ahead.popleft())
            if not self._in_time(batch.items):
                await self._give_back(batch)
                batch = Batch([], 0)
        if not batch.taken:
            batch = await asyncio.to_thread(self._prepare, limit)
        if batch.taken == limit:
            while len(self._ahead) < AHEAD:
                self._ahead.append(self._threads.submit(self._prepare, limit))
        return batch

    def _in_time(self, items: list[Leased]) -> bool:
        """Whether their lease outlasts one more wait for an answer."""
        left = items[0].lease_until - self._clock.now() if items else math.inf
        return left > self.line.destination.limits.seconds

    def _prepare(self, limit: int) -> Batch:
        """Lease what is due; what ends unsent, being too late or invalid, is settled at once."""
        now = self._clock.now()
        leased = self._outbox.lease(self.line.name, now, limit, LEASE_SECONDS)
        ended: Results = []
        items: list[Leased] = []
        for item, event in zip(leased, self._outbox.events(leased), strict=True):
            made = self._made(item, event, now)
            if isinstance(made, Outcome):
                ended.append((item, made))
            else:
                items.append(structs.replace(item, payload=made))
        if ended:
            self._outbox.settle(ended, now)
        return Batch(items, len(leased))

    def _find_one(self) -> Batch:
        """One event that can still be sent; those that cannot end on the way."""
        taken = 0
        while taken < _MOST_ENDED:
            batch = self._prepare(1)
            taken += batch.taken
            if batch.items or not batch.taken:
                return Batch(batch.items, taken)
        return Batch([], taken)

    def _made(self, item: Leased, event: Event | None, now: float) -> bytes | Outcome:
        """The payload, the same in every attempt; or how the event ends unsent.

        One that our own code breaks on is dead alone: else it would hold up its whole line.
        """
        if event is None:
            return Outcome(State.DEAD, Reason.UNREADABLE, sent=False)
        try:
            return self._payload(item, event, now)
        except BROKEN as error:
            return Outcome(State.DEAD, Reason.CANNOT_BUILD, type(error).__name__, sent=False)

    def _payload(self, item: Leased, event: Event, now: float) -> bytes | Outcome:
        destination, settings = self.line.destination, self.line.settings
        late = retry.too_late(event, now, destination.limits.horizon)
        if late is not None or item.payload is not None:
            return late or item.payload or b""
        built = destination.build(event, settings)
        return destination.refuses(event, built, settings, now) or capi.encode(built)

    async def _send(self, items: list[Leased]) -> None:
        """Send; a batch that is refused for one of its events is halved until that is alone.

        Each part is settled as soon as its answer is known. A search that takes longer than
        the lease, or than the destination's patience, gives the rest back.
        """
        parts = [*_portions(items, self.line.destination.limits)][::-1]
        first = True
        while parts:
            part = parts.pop()
            if self.line.shadow:
                await self._settle(part, [SHADOWED] * len(part))
            elif first or self._may_go(part):
                parts += await self._exchange(part)
            else:
                await self._settle(part, [PUT_BACK] * len(part))
            first = False

    def _may_go(self, part: list[Leased]) -> bool:
        """Whether another part may follow: the first one goes in any case."""
        return self.breaker.state(self._clock.now()) != "open" and self._in_time(part)

    async def _exchange(self, part: list[Leased]) -> list[list[Leased]]:
        """One request and its answer; returns the halves that are to be sent instead."""
        outcomes = await self._outcomes([item.payload or b"" for item in part])
        self._note(outcomes)
        if len(part) > 1 and _splits(part, outcomes):
            middle = len(part) // 2
            return [part[middle:], part[:middle]]
        await self._keep(part, self._timed(part, outcomes))
        return []

    async def _keep(self, items: list[Leased], outcomes: list[Outcome]) -> None:
        """Settle them; what the platform took is settled while the next batch is on its way."""
        self._behind.append(asyncio.create_task(self._settle(items, outcomes)))
        taken = all(outcome.state is State.DELIVERED for outcome in outcomes)
        await self.settled(BEHIND if taken else 0)

    async def _outcomes(self, payloads: list[bytes]) -> list[Outcome]:
        destination = self.line.destination
        request = destination.encode(payloads, self.line.settings, self._clock.now())
        try:
            response = await self._transport.send(request, destination.limits.seconds)
        except NotSent as error:
            return [Outcome(State.PENDING, "unreachable", str(error))] * len(payloads)
        except Retryable as error:
            return [Outcome(State.IN_DOUBT, "no_answer", str(error))] * len(payloads)
        return destination.interpret(response, payloads)

    def _note(self, outcomes: list[Outcome]) -> None:
        failed = next((o for o in outcomes if o.state is not State.DELIVERED), None)
        self.exchanges[(failed.reason or "unknown") if failed else "delivered"] += 1
        self.breaker = self.breaker.after(outcomes, self._clock.now(), self._luck())

    async def _settle(self, items: list[Leased], outcomes: Sequence[Outcome]) -> None:
        """Keep what became of them; a disk that refuses is asked again for a while.

        Else what the platform said would be forgotten, and they would stand until the lease ends.
        """
        results = list(zip(items, outcomes, strict=True))
        for wait in _DISK_WAITS:
            try:
                await asyncio.to_thread(self._outbox.settle, results, self._clock.now())
            except Retryable:
                await asyncio.sleep(wait)
            else:
                return
        await asyncio.to_thread(self._outbox.settle, results, self._clock.now())

    def _timed(self, items: list[Leased], outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes with the time of the next try; one draw of luck keeps a batch together."""
        luck, now = self._luck(), self._clock.now()
        return [
            _again(item, outcome, luck, now) for item, outcome in zip(items, outcomes, strict=True)
        ]


def _again(item: Leased, outcome: Outcome, luck: float, now: float) -> Outcome:
    if outcome.state in FINAL or outcome.retry_after is not None:
        return outcome
    left = item.delivery.deadline - now
    wait = retry.delay(item.delivery.attempts + 1, luck, left)
    return structs.replace(outcome, retry_after=wait)


def _splits(batch: list[Leased], outcomes: list[Outcome]) -> bool:
    reasons = {outcome.reason for outcome in outcomes}
    tries = max(item.delivery.attempts for item in batch)
    return BISECT in reasons or (UNKNOWN in reasons and tries >= UNKNOWN_TRIES)


def _portions(items: list[Leased], limits: Limits) -> Iterator[list[Leased]]:
    """The items in order, in parts that one request holds; one that is too large goes alone."""
    part: list[Leased] = []
    size = 0
    for item in items:
        more = len(item.payload or b"")
        if part and (size + more > limits.bytes or len(part) == limits.events):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part
