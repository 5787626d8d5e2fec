"""The worker's pace: while requests keep the event loop busy, its rounds rest between.

Both need the interpreter's lock, so a round costs requests far more than its own time. How busy
requests keep the loop is measured only while no round works: within one, requests that wait
for the lock look like few. A round rests the less, the longer what it works on has waited: so
a rush of requests is taken in first, and one without an end slows down until what came in is
sent on as fast.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from tillpost.core.wire import Request, Response
from tillpost.ports import Transport

BUSY_FROM = 0.25
FULLY_BUSY = 0.5
"""Shares of its time that the event loop works for requests."""
REST = 30.0
"""How many times as long as a round took is the rest after it, where the loop is fully busy."""
SHORTEST_REST = 0.1
"""As `REST`, where it is not; so long none works after any: there is always a while to measure."""
LONGEST_REST_SECONDS = 1.0
"""However busy: each line has a round about so often."""
PATIENCE_SECONDS = 20.0
"""What has waited longer is worked on sooner: the rest is divided by the square of the excess."""

_IDLE_BELOW = 0.05
"""Where the loop works less, rounds or none, nobody is to be given way to."""
_LOOK_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 0.5
"""A round that takes longer is no longer waited for."""
_REMEMBERED_SECONDS = 0.05
"""Of the time without a round, about so much tells the share."""


def rest_after(spent: float, share: float, waited: float) -> float:
    """Seconds to rest after a round that took `spent` seconds.

    `share` is the part of its time that the loop works for requests, 0 to 1; `waited` for how
    many seconds the oldest that the round worked on had waited.
    """
    over = min(max((share - BUSY_FROM) / (FULLY_BUSY - BUSY_FROM), 0.0), 1.0)
    patience = min(1.0, (PATIENCE_SECONDS / max(waited, PATIENCE_SECONDS)) ** 2)
    return min(spent * max(REST * over * patience, SHORTEST_REST), LONGEST_REST_SECONDS)


class Round:
    """How long a round worked."""

    def __init__(self) -> None:
        self.begun = self.ended = time.monotonic()
        self.away = 0.0
        """Seconds in which it waited for somebody else."""

    @property
    def spent(self) -> float:
        """Seconds in which it worked, once it has ended."""
        return self.ended - self.begun - self.away


_ROUND: ContextVar[Round | None] = ContextVar("round", default=None)


class Pace:
    """When the next round may begin; ask in the thread of the event loop."""

    def __init__(self) -> None:
        self._working = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._since, self._worked = time.monotonic(), time.thread_time()
        self._free, self._used = 0.0, 0.0
        self._looked, self._all = self._since, self._worked
        self._overall = 0.0
        self._open_at: defaultdict[str, float] = defaultdict(float)
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gate = asyncio.Lock()
        self._gap_until = 0.0

    @property
    def share(self) -> float:
        """The part of its time that the loop worked lately while no round did, 0 to 1."""
        return self._used / self._free if self._free and not self.is_idle else 0.0

    @property
    def is_busy(self) -> bool:
        """Whether requests keep the loop so busy that rounds are to be small and few."""
        return self.share > BUSY_FROM

    @property
    def is_idle(self) -> bool:
        """Whether the loop has next to nothing to do."""
        now = time.monotonic()
        passed = now - self._looked
        if passed > _LOOK_SECONDS:
            worked = time.thread_time()
            self._overall = (worked - self._all) / passed
            self._looked, self._all = now, worked
        return self._overall < _IDLE_BELOW

    @contextmanager
    def round(self) -> Iterator["Round"]:
        """A round works as long as this lasts."""
        made = Round()
        token = _ROUND.set(made)
        self._enter()
        try:
            yield made
        finally:
            self._leave()
            made.ended = time.monotonic()
            _ROUND.reset(token)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The round of this task, if any, waits for somebody else as long as this lasts."""
        its = _ROUND.get()
        if its is None:
            yield
            return
        begun = time.monotonic()
        self._leave()
        try:
            yield
        finally:
            self._enter()
            its.away += time.monotonic() - begun

    async def turn(self, line: str) -> None:
        """Return when a round of this line may begin.

        That is at once while the loop is idle, else one round after another, each after the rest
        of the one before it in its line.
        """
        if self.is_idle:
            return
        async with self._lines[line]:
            await asyncio.sleep(self._open_at[line] - time.monotonic())
            async with self._gate:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._quiet.wait(), _LONGEST_WAIT_SECONDS)
                await asyncio.sleep(self._gap_until - time.monotonic())

    def rested(self, line: str, spent: float, waited: float) -> float:
        """The rest after a round of this line, in seconds: no other begins in it meanwhile."""
        rest = rest_after(spent, self.share, waited)
        now = time.monotonic()
        self._open_at[line] = max(self._open_at[line], now) + rest
        self._gap_until = now + SHORTEST_REST * spent
        return rest

    def _enter(self) -> None:
        if self._working == 0:
            self._look()
            self._quiet.clear()
        self._working += 1

    def _leave(self) -> None:
        self._working -= 1
        if self._working == 0:
            self._since, self._worked = time.monotonic(), time.thread_time()
            self._quiet.set()

    def _look(self) -> None:
        """Add the time since the last round to what tells the share."""
        self._free += time.monotonic() - self._since
        self._used += time.thread_time() - self._worked
        if self._free > _REMEMBERED_SECONDS:
            kept = _REMEMBERED_SECONDS / self._free / 2
            self._free, self._used = self._free * kept, self._used * kept


class Away:
    """A transport; whoever sends by it does not work meanwhile."""

    def __init__(self, transport: Transport, pace: Pace) -> None:
        self._transport = transport
        self._pace = pace

    async def send(self, request: Request, seconds: float) -> Response:
        """As the transport does it."""
        with self._pace.away():
            return await self._transport.send(request, seconds)
