"""The worker beside the server: folds, releases, delivers and settles, until it is told to stop.

Every loop does one small round after another, so that a stop never waits long and a
crash costs one round. `drain` does rounds until nothing is due at the clock's time.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from tillpost.collect.fold import Context, fold, postponed, release, wanted, wanted_held
from tillpost.core.books import BadRow, EventRow
from tillpost.core.event import Entry
from tillpost.core.outcome import TillpostError
from tillpost.core.shop import Route, Shop
from tillpost.deliver.outbox import Line, Sender
from tillpost.ports import Clock, Folder, Journal, Outbox, Retention, Sealer, Transport

_FOLD_BATCH = 128
"""Facts to a round of folding: the requests that come in wait for its one transaction."""
_RELEASE_BATCH = 500
_IDLE_SECONDS = 0.25
_GATHER_SECONDS = 0.03
"""After a wake, let a few more come: a round costs an fsync whether it has one row or many."""
_TROUBLE_SECONDS = 1.0
_FEW_SETTLED = 512
"""Events to a round of settling while the loop is busy."""
_BUSY_FROM = 0.25
_FULLY_BUSY = 0.5
"""Shares of its time that the event loop works: requests come first, the rounds then rest."""
_REST = 10.0
"""How many times as long as a round took is the rest after it, where the loop is fully busy."""
_LONGEST_REST_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_RETENTION_EVERY = 3600.0
KEPT_SECONDS = 7 * 86400.0
"""How long addresses, user agents and bodies that could not be read rest, sealed."""

_BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What a rule's code raises when it meets something it was not written for."""
_AGAIN_SECONDS = 3600.0

_log = structlog.get_logger("tillpost.worker")


class GatewayBooks(Journal, Folder, Outbox, Retention, Protocol):
    """All that the gateway's rounds need of a store."""


class Settling(Protocol):
    """The receiver's rounds."""

    def settle_once(self, most: int | None) -> int:
        """Settle one batch of what was received, of `most` events; returns how many there were."""

    def prune(self, now: float) -> int:
        """Remove what may not be kept any longer; returns how many rows."""


class Requests(Protocol):
    """What people ask of their data."""

    def round(self, now: float) -> int:
        """Carry out what is asked; returns how many requests were closed."""

    def prune(self, now: float) -> int:
        """Remove answers that were kept long enough; returns how many."""


class Worker:
    """The rounds of one node; `wake` ends a wait at once, `stop` ends all after their round."""

    def __init__(  # noqa: PLR0913  # the composition root hands over every part by name
        self,
        *,
        store: GatewayBooks,
        shops: dict[str, Shop],
        routes: dict[str, tuple[Route, ...]],
        lines: Sequence[Line],
        transport: Transport,
        sealer: Sealer,
        clock: Clock,
        receiver: Settling | None,
        others: Sequence[tuple[str, Callable[[], Awaitable[int]]]] = (),
        privacy: Requests | None = None,
    ) -> None:
        self._store = store
        self._shops = shops
        self._routes = routes
        self.senders = [Sender(line, store, transport, clock, random.random) for line in lines]
        self._sealer = sealer
        self._clock = clock
        self._receiver = receiver
        self._others = others
        self._privacy = privacy
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._bells: list[asyncio.Event] = []
        self._awaited: list[asyncio.Event] = []
        self._business = _Business()
        self._folding = asyncio.Lock()
        self._settling = asyncio.Lock()
        self._pruned_at = float("-inf")

    def start(self) -> None:
        """Start every loop on the running event loop; leases of a former run are given back."""
        self._store.free(self._clock.now())
        rounds: list[tuple[str, Callable[[], Awaitable[int]]]] = [
            ("fold", self.fold_round),
            *((sender.line.name, _watched(sender)) for sender in self.senders),
        ]
        if self._receiver is not None:
            rounds.append(("settle", self.settle_round))
        rounds += [
            ("retention", self.retention_round),
            ("privacy", self.privacy_round),
            *self._others,
        ]
        awaited = {"fold", "settle", *(sender.line.name for sender in self.senders)}
        for name, one in rounds:
            bell = asyncio.Event()
            self._bells.append(bell)
            if name in awaited:
                self._awaited.append(bell)
            self._tasks.append(asyncio.create_task(self._loop(name, one, bell), name=name))

    def wake(self) -> None:
        """Something came in: to fold, to send and to settle it begins now; all else can wait."""
        for bell in self._awaited:
            bell.set()

    def ended(self) -> list[str]:
        """The rounds that go no more, though nobody stopped them."""
        return [] if self._stopping else [t.get_name() for t in self._tasks if t.done()]

    async def stop(self) -> None:
        """End after the rounds that are under way."""
        self._stopping = True
        for bell in self._bells:
            bell.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sender in self.senders:
            with contextlib.suppress(TillpostError):
                await sender.put_back()

    async def drain(self) -> None:
        """Return when nothing is left to do at the clock's time."""
        while True:
            done = await self.fold_round()
            for sender in self.senders:
                done += await sender.round()
            done += await self.settle_round()
            done += await self.privacy_round()
            if done == 0 and not await asyncio.to_thread(self._due):
                return
            if done == 0:
                await asyncio.sleep(0.01)

    async def fold_round(self) -> int:
        """Fold one batch of what came in, and look at holds that end."""
        async with self._folding:
            return await asyncio.to_thread(self._fold_once)

    async def settle_round(self) -> int:
        """Settle one batch at the receiver."""
        if self._receiver is None:
            return 0
        async with self._settling:
            most = _FEW_SETTLED if self._business.share() > _BUSY_FROM else None
            return await asyncio.to_thread(self._receiver.settle_once, most)

    async def privacy_round(self) -> int:
        """Carry out what people ask of their data, while nothing is folded or settled."""
        if self._privacy is None:
            return 0
        async with self._folding, self._settling:
            return await asyncio.to_thread(self._privacy.round, self._clock.now())

    async def retention_round(self) -> int:
        """Once an hour, remove what may not be kept any longer."""
        now = self._clock.now()
        if now - self._pruned_at < _RETENTION_EVERY:
            return 0
        self._pruned_at = now
        await asyncio.to_thread(self._store.prune, now - KEPT_SECONDS)
        if self._receiver is not None:
            await asyncio.to_thread(self._receiver.prune, now)
        if self._privacy is not None:
            await asyncio.to_thread(self._privacy.prune, now)
        return 0

    def _due(self) -> bool:
        """Whether a sender still holds something that was due."""
        now = self._clock.now()
        closed = [s for s in self.senders if s.breaker.state(now) != "open"]
        due = [self._store.next_due(sender.line.name) for sender in closed]
        return any(moment is not None and moment <= now for moment in due)

    def _fold_once(self) -> int:
        """Fold what came in, then look at holds that end.

        The beacon that a Purchase is held for may be in the same batch, or among what is still
        waiting to be folded: so no hold ends within a batch, however long it lay there, and
        while more is waiting time is as late as the last entry.
        """
        now = self._clock.now()
        entries = self._store.unfolded(_FOLD_BATCH)
        if len(entries) == _FOLD_BATCH:
            now = min(now, entries[-1][1].received_at)
        if entries:
            begun = min(now, entries[0][1].received_at)
            self._fold_batch(entries, Context(self._shops, self._routes, begun))
        rows = self._store.held(now, _RELEASE_BATCH)
        self._release(rows, Context(self._shops, self._routes, now))
        return len(entries) + len(rows)

    def _release(self, rows: list[EventRow], context: Context) -> None:
        """Look at held events again; one that breaks the rules' code must not stop the others."""
        if not rows:
            return
        try:
            books = self._store.recall(wanted_held(rows))
            self._store.commit(release(rows, books, context))
        except _BROKEN as error:
            if len(rows) > 1:
                for row in rows:
                    self._release([row], context)
                return
            _log.error("release_failed", number=rows[0].id, error=type(error).__name__)
            until = context.now + _AGAIN_SECONDS
            self._store.commit(postponed(rows[0], until))

    def _fold_batch(self, entries: list[tuple[int, Entry]], context: Context) -> None:
        """Fold a batch; if one entry breaks the rules' code, it alone is set aside."""
        try:
            books = self._store.recall(wanted(entry for _, entry in entries))
            self._store.commit(fold(entries, books, context))
        except _BROKEN as error:
            if len(entries) > 1:
                for entry in entries:
                    self._fold_batch([entry], context)
                return
            self._set_aside(entries[0], error, context)

    def _set_aside(self, entry: tuple[int, Entry], error: Exception, context: Context) -> None:
        position, what = entry
        kind = type(error).__name__
        _log.error("entry_set_aside", position=position, shop=what.shop, error=kind)
        row = BadRow(
            what.shop, what.source, context.now, "cannot_fold", "fact", kind, self._sealer.seal(b"")
        )
        self._store.set_aside(row, position)

    async def _loop(
        self, name: str, one: Callable[[], Awaitable[int]], bell: asyncio.Event
    ) -> None:
        while not self._stopping:
            bell.clear()
            begun = time.monotonic()
            try:
                done = await one()
            except Exception as error:  # noqa: BLE001  # a round that fails is tried again
                _log.error("round_failed", round=name, error=type(error).__name__, text=str(error))
                await asyncio.sleep(_TROUBLE_SECONDS)
                continue
            if done == 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), _IDLE_SECONDS)
                if not self._stopping:
                    await asyncio.sleep(_GATHER_SECONDS)
            else:
                await self._give_way(time.monotonic() - begun)

    async def _give_way(self, spent: float) -> None:
        """Where the event loop is busy with requests, rest some times as long as the round took."""
        over = (self._business.share() - _BUSY_FROM) / (_FULLY_BUSY - _BUSY_FROM)
        rest = spent * _REST * min(max(over, 0.0), 1.0)
        if not self._stopping:
            await asyncio.sleep(min(rest, _LONGEST_REST_SECONDS))


class _Business:
    """How busy the thread of the event loop is: its processor's time, by the clock."""

    def __init__(self) -> None:
        self._looked, self._worked = time.monotonic(), time.thread_time()
        self._share = 0.0

    def share(self) -> float:
        """The share of its time that it worked lately, 0 to 1; ask in that thread."""
        now = time.monotonic()
        passed = now - self._looked
        if passed > _LOOK_SECONDS:
            worked = time.thread_time()
            self._share = (worked - self._worked) / passed
            self._looked, self._worked = now, worked
        return self._share


def _watched(sender: Sender) -> Callable[[], Awaitable[int]]:
    """The sender's round; when its destination stops or goes on taking events, that is told."""

    async def round_() -> int:
        before = sender.breaker
        done = await sender.round()
        after = sender.breaker
        if after.opened_at is not None and before.opened_at is None:
            _log.warning(
                "destination_holds",
                destination=sender.line.name,
                reason=after.reason,
                detail=after.detail,
                seconds=after.seconds,
            )
        elif after.opened_at is None and before.opened_at is not None:
            _log.info("destination_takes_again", destination=sender.line.name)
        return done

    return round_
