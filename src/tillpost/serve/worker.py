"""The worker beside the server: folds, releases, delivers and settles, until it is told to stop.

Every loop does one small round after another, so that a stop never waits long and a
crash costs one round. `drain` does rounds until nothing is due at the clock's time.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import structlog

from tillpost.collect.fold import Context, fold, postponed, release, wanted, wanted_held
from tillpost.core.books import BadRow, Changes, EventRow
from tillpost.core.event import Entry
from tillpost.core.outcome import BROKEN, Permanent, TillpostError
from tillpost.core.shop import Route, Shop
from tillpost.deliver.outbox import Line, Sender
from tillpost.ports import Clock, Folder, Journal, Outbox, Retention, Sealer, Transport
from tillpost.serve.pace import Away, Pace, rest_after

_FOLD_BATCH = 128
"""Facts to a round of folding: the requests that come in wait for its one transaction."""
_FEW_FOLDED = 64
"""As many while requests keep the event loop busy."""
_RELEASE_BATCH = 500
_IDLE_SECONDS = 0.25
_BUSY_IDLE_SECONDS = 1.0
"""A round that had nothing to do and is not woken looks again; less often while others wait."""
_GATHER_SECONDS = 0.03
"""After a wake, let a few more come: a round costs an fsync whether it has one row or many."""
_TROUBLE_SECONDS = 1.0
_FEW_SETTLED = 192
"""Events to a round of settling while the event loop has other work."""
_RETENTION_EVERY = 3600.0
KEPT_SECONDS = 7 * 86400.0
"""How long addresses, user agents and bodies that could not be read rest, sealed."""

_AGAIN_SECONDS = 3600.0

_log = structlog.get_logger("tillpost.worker")


class GatewayBooks(Journal, Folder, Outbox, Retention, Protocol):
    """All that the gateway's rounds need of a store."""


class Settling(Protocol):
    """The receiver's rounds."""

    def settle_once(self, most: int | None) -> int:
        """Settle one batch of what was received, of `most` events; returns how many there were."""

    @property
    def waited(self) -> float:
        """Seconds that the oldest of the last batch had waited."""

    def prune(self, now: float) -> int:
        """Remove what may not be kept any longer; returns how many rows."""


class Requests(Protocol):
    """What people ask of their data."""

    def round(self, now: float) -> int:
        """Carry out what is asked; returns how many requests were closed."""

    def prune(self, now: float) -> int:
        """Remove answers that were kept long enough; returns how many."""


class _Step(NamedTuple):
    """A step of an event's path: its rounds, how long the oldest had waited, what comes after.

    Steps of one line share its turns.
    """

    name: str
    line: str
    round: Callable[[], Awaitable[int]]
    waited: Callable[[], float]
    then: Callable[[], Iterable[str]] = tuple


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
        self._pace = Pace()
        away = Away(transport, self._pace)
        self.senders = [Sender(line, store, away, clock, random.random) for line in lines]
        self._sealer = sealer
        self._clock = clock
        self._receiver = receiver
        self._others = others
        self._privacy = privacy
        self._stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._bells: dict[str, asyncio.Event] = {}
        self._waited = 0.0
        self._fed: set[str] = set()
        self._folding = asyncio.Lock()
        self._settling = asyncio.Lock()
        self._pruned_at = float("-inf")

    def start(self) -> None:
        """Start every loop on the running event loop; leases of a former run are given back."""
        self._store.free(self._clock.now())
        steps = [
            _Step("fold", "fold", self.fold_round, lambda: self._waited, self._take_fed),
            *(_step(sender) for sender in self.senders),
        ]
        if self._receiver is not None:
            receiver = self._receiver
            steps.append(_Step("settle", "settle", self.settle_round, lambda: receiver.waited))
        self._bells = {step.name: asyncio.Event() for step in steps}
        for step in steps:
            self._begin(step.name, self._follow(step))
        for name, one in (
            ("retention", self.retention_round),
            ("privacy", self.privacy_round),
            *self._others,
        ):
            self._begin(name, self._loop(name, one))

    def _begin(self, name: str, loop: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(loop, name=name))

    def wake(self) -> None:
        """Something is to be done: to fold, to send and to settle it begins now."""
        self._ring(self._bells)

    def came_in(self) -> None:
        """Something is to be folded; what follows from it is begun after that."""
        self._ring(("fold",))

    def _ring(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._bells:
                self._bells[name].set()

    def ended(self) -> list[str]:
        """The rounds that go no more, though nobody stopped them."""
        return [] if self._stopped.is_set() else [t.get_name() for t in self._tasks if t.done()]

    async def stop(self) -> None:
        """End after the rounds that are under way."""
        self._stopped.set()
        self.wake()
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
            most = _FEW_FOLDED if self._pace.is_busy else _FOLD_BATCH
            return await asyncio.to_thread(self._fold_once, most)

    async def settle_round(self) -> int:
        """Settle one batch at the receiver."""
        if self._receiver is None:
            return 0
        async with self._settling:
            most = None if self._pace.is_idle else _FEW_SETTLED
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

    def _fold_once(self, most: int = _FOLD_BATCH) -> int:
        """Fold what came in, then look at holds that end.

        The beacon that a Purchase is held for may be in the same batch, or among what is still
        waiting to be folded: so no hold ends within a batch, however long it lay there, and
        while more is waiting time is as late as the last entry.
        """
        now = self._clock.now()
        entries = self._store.unfolded(most)
        self._waited = now - entries[0][1].received_at if entries else 0.0
        if len(entries) == most:
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
            self._commit(release(rows, books, context))
        except (*BROKEN, Permanent) as error:
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
            self._commit(fold(entries, books, context))
        except (*BROKEN, Permanent) as error:
            if len(entries) > 1:
                for entry in entries:
                    self._fold_batch([entry], context)
                return
            self._set_aside(entries[0], error, context)

    def _commit(self, changes: Changes) -> None:
        self._store.commit(changes)
        self._fed |= {delivery.destination for delivery in changes.deliveries}

    def _take_fed(self) -> set[str]:
        """The destinations that something was put into the outbox for since the last time."""
        fed, self._fed = self._fed, set()
        return fed

    def _set_aside(self, entry: tuple[int, Entry], error: Exception, context: Context) -> None:
        position, what = entry
        kind = type(error).__name__
        _log.error("entry_set_aside", position=position, shop=what.shop, error=kind)
        row = BadRow(
            what.shop, what.source, context.now, "cannot_fold", "fact", kind, self._sealer.seal(b"")
        )
        self._store.set_aside(row, position)

    async def _follow(self, step: _Step) -> None:
        """Do a step of an event's path, round after round, at the pace that requests leave it."""
        bell = self._bells[step.name]
        while not self._stopped.is_set():
            await self._pace.turn(step.line)
            if self._stopped.is_set():
                return
            bell.clear()
            with self._pace.round() as round_:
                done = await _tried(step.name, step.round)
            if done is None:
                await asyncio.sleep(_TROUBLE_SECONDS)
                continue
            if done:
                self._ring(step.then())
                await asyncio.sleep(self._pace.rested(step.line, round_.spent, step.waited()))
            elif not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), self._idle_seconds())
                await asyncio.sleep(_GATHER_SECONDS)

    def _idle_seconds(self) -> float:
        return _BUSY_IDLE_SECONDS if self._pace.is_busy else _IDLE_SECONDS

    async def _loop(self, name: str, one: Callable[[], Awaitable[int]]) -> None:
        """Do what stands beside an event's path, round after round."""
        while not self._stopped.is_set():
            begun = time.monotonic()
            done = await _tried(name, one)
            if done is None:
                pause = _TROUBLE_SECONDS
            elif done:
                pause = rest_after(time.monotonic() - begun, self._pace.share, 0.0)
            else:
                pause = _IDLE_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), pause)


async def _tried(name: str, one: Callable[[], Awaitable[int]]) -> int | None:
    """What the round did; None for one that failed, which is tried again."""
    try:
        return await one()
    except Exception as error:  # noqa: BLE001  # a round that fails is tried again
        _log.error("round_failed", round=name, error=type(error).__name__, text=str(error))
        return None


def _step(sender: Sender) -> _Step:
    return _Step(
        sender.line.name, "send", _watched(sender), lambda: sender.waited, lambda: ("settle",)
    )


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
