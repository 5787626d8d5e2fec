"""The receiver's desk: its routes' requests go to `receive`, its rows to a store of its own."""

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from tillpost.core import dedup, matching, windows
from tillpost.core.received import Dataset
from tillpost.core.wire import Response
from tillpost.ports import Clock, ReceiverStore, Rows, Sealer
from tillpost.receive import quality, wire
from tillpost.receive.receiver import Handler, Options, Receiver, receiver_events
from tillpost.receive.settle import Rules
from tillpost.serve.settings import ReceiverSettings
from tillpost.store import followed
from tillpost.store.followed import Followed
from tillpost.store.receiver_privacy import ReceiverPrivacy
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database

_PAGE = 10_000
_EVER = 2**40
_TRACE_BYTES = 17
_DRAWN_AT_ONCE = 512
_DRAWN: list[bytes] = []
"""Random bytes for trace ids to come; to ask the system for them lets other threads go first."""

LATEST = 20_000
"""So many of the latest events tell how the set-up is; older ones tell how it was."""

CONVERSION_COLUMNS = [
    "event_id",
    "order_id",
    "campaign_id",
    "adset_id",
    "ad_id",
    "account_id",
    "campaign",
    "adset",
    "ad",
    "window",
    "value_minor",
    "currency",
    "at",
    "touch_at",
    "dataset_id",
    "seq",
]


class ReceiverDesk:
    """Answers for the datasets of its settings; `close` it when the server ends."""

    def __init__(
        self, settings: ReceiverSettings, path: Path, clock: Clock, sealer: Sealer
    ) -> None:
        self._given = {d.id: Dataset(d.id, d.access_token, d.app_secret) for d in settings.datasets}
        self._datasets = dict(self._given)
        self._database = Database(path, "receiver")
        self._store = SqliteReceiverStore(self._database)
        self.privacy = ReceiverPrivacy(self._database, sealer)
        """Finds and forgets one person."""
        self._receiver = Receiver(
            self._store,
            self._datasets,
            settings.token or trace_id(),
            clock,
            trace_id,
            sealer,
            _options(settings),
        )

    def handler(self, method: str, path: str) -> Handler | None:
        """Who answers this path, or None if it is not the receiver's."""
        return self._receiver.handler(method, path)

    def too_large(self) -> Response:
        """The answer to a body over its limit, in the platform's shape."""
        return wire.failed(wire.too_large(), trace_id())

    def broken(self) -> Response:
        """The answer to what nobody expected, in the platform's shape."""
        return wire.failed(wire.BROKEN, trace_id())

    def set_tokens_valid(self, valid: bool) -> None:  # noqa: FBT001  # the flag is the message
        """Revoke every access token, or take them again: for trying what an outage does."""
        for name, dataset in self._given.items():
            revoked = structs.replace(dataset, access_token=secrets.token_hex())
            self._datasets[name] = dataset if valid else revoked

    def settle_once(self, most: int | None = None) -> int:
        """Settle one batch of what was received, of `most` events; returns how many there were."""
        return self._receiver.settle() if most is None else self._receiver.settle(most)

    @property
    def waited(self) -> float:
        """Seconds that the oldest of the last batch had waited."""
        return self._receiver.waited

    def settle_all(self) -> None:
        """Settle whatever waits; only one thread may settle at a time."""
        while self._receiver.settle():
            pass

    def items(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Settled events of these numbers, as `GET /api/v1/receiver/events` shows them."""
        found = (self._store.settled_items(number - 1, 1, None) for number in numbers)
        return [item for items in found for item in items]

    def prune(self, now: float) -> int:
        """Remove what may not be kept any longer; returns how many rows."""
        return self._receiver.prune(now)

    def events(self, after: int, limit: int, event_id: str | None) -> dict[str, Any]:
        """`{"items": [...], "next": cursor | None}` of settled events."""
        return receiver_events(self._store, after, limit, event_id)

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """Those of `catalog.RECEIVER_TABLES` that are named, as reports read them."""
        return platform_tables(self._store, names)

    def followed(self, since: str | None) -> Followed:
        """`followed.OF_RECEIVER`, as far as it has changed since this cursor; else all of it."""
        with self._database.reader() as conn:
            return followed.of_receiver(conn, since)

    def purchases(self) -> Iterator[dict[str, Any]]:
        """The latest settled Purchases, in the shape of `GET /api/v1/receiver/events`."""
        return latest_purchases(self._store)

    def quality(self, dataset_id: str, since: float, until: float) -> dict[str, Any]:
        """`{"web": [...], "match_rate": {...}}`: the quality of what a dataset received then."""
        tallies = self._store.tallies(dataset_id, since, until)
        rate = quality.match_rate(tallies, "Purchase")
        return {**quality.dataset_quality(tallies), "match_rate": rate}

    def people_known(self) -> int:
        """How many accounts the platform knows."""
        return self._store.people_known()

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _options(settings: ReceiverSettings) -> Options:
    return Options(
        rules=Rules(
            twins=dedup.Policy(settings.same_source, settings.fallback, settings.merge),
            accounts=matching.Rules(learn=settings.learn),
            setting=windows.SETTINGS[settings.attribution],
        ),
        keep=settings.keep_calls,
        rate=settings.rate,
        bounds=settings.bounds,
    )


class ReceiverReading:
    """The receiver's side of reports, read beside a running server; empty if there is none."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, "receiver", readonly=True) if path.is_file() else None

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """Those of `catalog.RECEIVER_TABLES` that are named, as reports read them."""
        if self._database is None:
            return {}
        return platform_tables(SqliteReceiverStore(self._database), names)

    def purchases(self) -> Iterator[dict[str, Any]]:
        """The latest settled Purchases, in the shape of `GET /api/v1/receiver/events`."""
        if self._database is None:
            return iter(())
        return latest_purchases(SqliteReceiverStore(self._database))

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()


def trace_id() -> str:
    """A new `fbtrace_id`: 23 characters that begin with `A`, as Meta's do."""
    try:
        drawn = _DRAWN.pop()
    except IndexError:
        first, *rest = _drawn()
        _DRAWN.extend(rest)
        drawn = first
    return "A" + base64.urlsafe_b64encode(drawn).decode()[:22]


def _drawn() -> list[bytes]:
    drawn = secrets.token_bytes(_DRAWN_AT_ONCE * _TRACE_BYTES)
    return [drawn[at : at + _TRACE_BYTES] for at in range(0, len(drawn), _TRACE_BYTES)]


def platform_tables(store: ReceiverStore, names: Iterable[str]) -> dict[str, Rows]:
    """Those named: what the platform claims, whose buyers it knew, how often it got an order."""
    made = {"conversions": _conversions, "matches": _matches, "sightings": _sightings}
    return {name: made[name](store) for name in names}


def _conversions(store: ReceiverStore) -> Rows:
    return CONVERSION_COLUMNS, [
        (
            row.event_id,
            row.order_id,
            row.campaign_id,
            row.adset_id,
            row.ad_id,
            row.account_id,
            row.campaign_name,
            row.adset_name,
            row.ad_name,
            row.window,
            row.value or 0,
            row.currency,
            row.at,
            row.touched_at,
            row.dataset_id,
            row.seq,
        )
        for row in store.conversions(0, _EVER)
        if row.event_name == "Purchase"
    ]


def _matches(store: ReceiverStore) -> Rows:
    rows = store.matched_orders()
    return ["dataset_id", "order_id", "matched"], [(*order, int(known)) for *order, known in rows]


def _sightings(store: ReceiverStore) -> Rows:
    columns = ["dataset_id", "order_id", "browser_copies", "server_copies", "absorbed"]
    return columns, list(store.order_copies())


def latest_purchases(store: ReceiverStore) -> Iterator[dict[str, Any]]:
    """The Purchases among the last `LATEST` settled events, in order of receipt."""
    after = max(0, store.newest()[0] - LATEST)
    while items := store.settled_items(after, _PAGE, None):
        yield from (item for item in items if item["event_name"] == "Purchase")
        after = items[-1]["id"]
