"""Every Protocol that the stages need, on one page.

A stage asks for the port and never for what stands behind it. One conformance
suite a port, in `tillpost.testing`, runs over each adapter in `tillpost.store`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from tillpost.core.books import (
    BadRow,
    Books,
    Changes,
    EventRow,
    Leased,
    Pause,
    Transition,
    Wanted,
)
from tillpost.core.event import Entry, Event
from tillpost.core.exchange import Rate
from tillpost.core.match_key import Key
from tillpost.core.outcome import Outcome
from tillpost.core.received import (
    AccountSeen,
    Action,
    Ad,
    Batch,
    Bounds,
    Candidate,
    ConversionRow,
    KeptCall,
    Known,
    ReceivedEvent,
    SeenKind,
    Settled,
    Settlement,
    Source,
    SpendSeen,
    Tally,
    Touch,
    TouchSeen,
)
from tillpost.core.wire import Request, Response

Rows: TypeAlias = tuple[list[str], list[tuple[Any, ...]]]
"""Column names, and the rows in that order."""


class Clock(Protocol):
    """The one clock of a server."""

    def now(self) -> float:
        """Unix seconds."""


class Sealer(Protocol):
    """Keeps what must not be read from disk: AES-GCM under a key outside the data directory."""

    def seal(self, plain: bytes) -> bytes:
        """A box that only `open` of the same key reads."""

    def open(self, box: bytes) -> bytes:
        """What was sealed; raises `Misconfigured` if the key is another, `Permanent` if damaged."""


class Transport(Protocol):
    """Sends a request over the network."""

    async def send(self, request: Request, seconds: float) -> Response:
        """The answer, its body capped; raises `Retryable` if none was read in that time.

        `NotSent` is raised where nothing can have arrived.
        """


class Journal(Protocol):
    """Facts as they came."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return only when every entry is on disk; raise `Retryable` if it cannot be."""

    async def keep_bad(self, row: BadRow) -> None:
        """Keep a body that could not be read, as durably."""

    def set_aside(self, row: BadRow, position: int) -> None:
        """Keep a row for an entry that cannot be folded, and go past its position."""

    def unfolded(self, limit: int) -> list[tuple[int, Entry]]:
        """The oldest entries that no `commit` has passed yet, with their positions."""


class Folder(Protocol):
    """What folding reads and writes."""

    def recall(self, wanted: Wanted) -> Books:
        """The rows of these names, as far as there are any."""

    def held(self, until: float, limit: int) -> list[EventRow]:
        """Events whose hold ends by `until`, the earliest first."""

    def next_hold(self) -> float | None:
        """When the next hold ends, or None if nothing is held for a time."""

    def commit(self, changes: Changes) -> None:
        """Keep all of it or nothing, together with the journal's position."""


class Outbox(Protocol):
    """Events on their way to destinations; every move is kept with its reason."""

    def lease(self, destination: str, now: float, limit: int, seconds: float) -> list[Leased]:
        """Due events for this sender alone; expired leases go out again.

        Seven in ten are the earliest of those that became due in the last ten minutes and were
        never tried, so that a backlog does not starve them; the rest have the nearest deadlines.
        """

    def events(self, leased: Sequence[Leased]) -> Iterator[Event | None]:
        """What was leased, in that order, each event read when it is asked for.

        None stands for one whose row is damaged.
        """

    def settle(self, results: Sequence[tuple[Leased, Outcome]], now: float) -> int:
        """Keep what became of leased events, and their payloads, the first for good.

        Returns how many fences were still valid.
        """

    def hurry(self, destination: str, now: float) -> int:
        """Make due now what waits for a later try; returns how many events."""

    def pauses(self) -> list[Pause]:
        """When destinations took nothing at all, the oldest first; settling keeps the list."""

    def next_due(self, destination: str) -> float | None:
        """When the next event is due, or None if none waits."""

    def free(self, now: float) -> int:
        """Give back every lease, as a node does at its start; returns how many."""

    def tallies(self) -> list[tuple[str, str, str, str | None, int]]:
        """(shop, destination, state, reason, events), and one row of state `accepted` each."""

    def oldest(self) -> list[tuple[str, str, float]]:
        """(shop, destination, received) of the most urgent event that waits, for each line."""

    def transitions(self, event: int) -> list[Transition]:
        """Every move of an event, the first one first."""


class Retention(Protocol):
    """What may not be kept for ever."""

    def prune(self, before: float) -> int:
        """Remove sealed boxes, bad rows and folded facts older than that; returns how many."""


class Facts(Protocol):
    """What reports are made from."""

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """These tables as they stand at one moment."""

    def event_items(
        self, after: int, limit: int, event_id: str | None, order_id: str | None
    ) -> list[dict[str, Any]]:
        """Events with their outcomes, in the shape of `GET /api/v1/events`."""

    def bad_rows(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Bodies that could not be read, without what they held."""

    def add_spend(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep spend rows instead of those that they replace by `core.spend.replaces`."""

    def add_product_costs(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep what products cost, newer ones instead of older ones of the same product."""

    def add_rates(self, rates: Sequence[Rate]) -> int:
        """Keep currency rates, newer ones instead of older ones of the same day and pair."""


class ReceiverStore(Protocol):
    """What the platform's side keeps: events, accounts, touches, conversions."""

    async def receive(self, events: Sequence[ReceivedEvent]) -> None:
        """Return only when every event is on disk; raise `Retryable` if it cannot be."""

    async def register(
        self, accounts: Sequence[AccountSeen], touches: Sequence[TouchSeen], now: float
    ) -> None:
        """Keep accounts, then touches and the accounts they tell of, as durably."""

    async def register_spend(self, rows: Sequence[SpendSeen]) -> None:
        """Keep what ads cost, newer rows instead of older ones of the same day and ad."""

    def note_refused(self, path: str, reason: str, now: float) -> None:
        """Count a call that was refused."""

    async def keep_call(self, call: KeptCall, most: int) -> None:
        """Keep a call to be looked at, and no more than the `most` newest."""

    def calls(self, after: int, limit: int) -> list[KeptCall]:
        """Kept calls after number `after`, the oldest first."""

    def newest(self) -> tuple[int, int]:
        """The numbers of the newest settled event and kept call; 0 where there is none."""

    def refusals(self) -> list[tuple[int, str, str, int]]:
        """(day since 1970, path, reason, calls refused)."""

    def prune(self, bounds: Bounds, now: float) -> int:
        """Forget calls, events and touches beyond their bounds, the oldest first; how many.

        A duplicate goes with the event that counts; the newest event and accounts stay.
        """

    def reset(self) -> None:
        """Forget everything."""

    def unsettled(self, limit: int) -> Batch:
        """The oldest accepted events that no `commit` has passed: whole requests, about `limit`."""

    def earlier(self, marks: Iterable[int]) -> Mapping[int, Sequence[Settled]]:
        """Mark -> the latest events under it, and those that they are duplicates of."""

    def known(self, keys: Iterable[Key], learned: Iterable[Key]) -> Known:
        """What is known of these keys."""

    def touches(
        self, asked: Iterable[tuple[int, int]]
    ) -> Mapping[tuple[int, int], Sequence[Touch]]:
        """(account, time) -> its latest touch of each action at that time, if not too old."""

    def commit(self, settlement: Settlement) -> None:
        """Keep all of it or nothing, together with the inbox's position."""

    def settled_items(self, after: int, limit: int, event_id: str | None) -> list[dict[str, Any]]:
        """Settled events after number `after`, in the shape of `GET /api/v1/receiver/events`."""

    def groups(self, after: int, limit: int, order_id: str | None) -> list[list[dict[str, Any]]]:
        """Events that count after number `after`, each in one list with its duplicates.

        With an `order_id`, those that tell it and those whose event_id is like one of theirs.
        """

    def conversions(self, since: int, until: int) -> list[ConversionRow]:
        """Credited events of `since <= conversion time < until`, in order of receipt."""

    def tested_items(self, code: str, after: int, limit: int) -> list[dict[str, Any]]:
        """As `settled_items`, of the events that were sent with this `test_event_code`."""

    def matched_orders(self) -> list[tuple[str, str, bool]]:
        """(dataset, order id that its events told, whether one of them was matched)."""

    def order_copies(self) -> list[tuple[str, str, int, int, int]]:
        """Each order's Purchases: (dataset, order id, by browsers, by servers, removed doubles)."""

    def candidates(self, since: int, until: int) -> list[Candidate]:
        """Events of `since <= conversion time < until` with a touch in some window."""

    def ads(self) -> Mapping[int, Ad]:
        """Number -> ad, with the names that were reported last."""

    def touch_counts(self, since: int, until: int) -> list[tuple[int, Action, int, int]]:
        """(ad, action, day since 1970, touches) of that time."""

    def tallies(self, dataset_id: str, since: float, until: float) -> list[Tally]:
        """Events received in that time, counted by what they have in common."""

    def seen(
        self, dataset_id: str, kind: SeenKind, since: float, until: float
    ) -> list[tuple[int, Source, str, int]]:
        """(hour, source, value, events) of the hours that reach into that time."""

    def spend(self, since: int, until: int) -> list[tuple[int, int, str, int]]:
        """(ad, day, currency, minor units) of these days since 1970."""

    def reach(
        self, rows: Mapping[int, int], periods: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        """(row, begin, accounts): who had a touch of a row's ads within a period.

        `rows` is ad -> the number of its row; a period is its first second and its end.
        """

    def people_known(self) -> int:
        """How many accounts there are."""
