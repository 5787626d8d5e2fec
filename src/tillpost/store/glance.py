"""Counts that only the first page asks for, read from both stores without a write."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from msgspec import Struct, convert

from tillpost.store import queries
from tillpost.store.sqlite import Database

_EVENT_SECONDS = 7 * 86400
"""An event's own time may lie this far from its order's: late payments, clocks that are wrong."""


class OrderLine(Struct, frozen=True, array_like=True):
    """One order as the shop told it; money in minor units, times in Unix seconds."""

    order_id: str
    name: str
    at: int
    kind: str
    eligible: bool
    reason: str | None
    value_minor: int
    currency: str
    browser: bool
    server: bool
    first_received_at: float
    cancelled_at: int | None


class Delivery(Struct, frozen=True):
    """Where an order's Purchase stands with one destination."""

    order_id: str
    event_id: str
    destination: str
    state: str
    reason: str | None
    detail: str | None
    attempts: int
    received_at: float
    updated_at: float


class Trouble(Struct, frozen=True):
    """Events of one destination that did not go through, for one reason."""

    destination: str
    state: str
    reason: str | None
    events: int
    detail: str | None
    since: float


class BadRows(Struct, frozen=True):
    """How many bodies could not be read, and the last of them."""

    rows: int
    received_at: float
    source: str
    reason: str
    field: str
    detail: str


_DEVICE = frozenset({"client_ip_address", "client_user_agent"})


def deliveries(
    gateway: Database, shop: object, order_ids: Sequence[str]
) -> dict[str, list[Delivery]]:
    """Of each order of the shop, where its Purchase stands with every destination."""
    made: dict[str, list[Delivery]] = {}
    given = {"shop": shop, "order_ids": json.dumps(list(order_ids))}
    with gateway.reader() as conn:
        for row in conn.execute(queries.load("glance")["deliveries"], given):
            made.setdefault(row[0], []).append(Delivery(*row))
    return made


class Glance:
    """Reads a gateway's and a receiver's files for one shop and period; use it in `with`.

    Of the receiver's only these datasets count; all, if none are named.
    """

    def __init__(  # two files, and what is looked at in them
        self,
        gateway: Database,
        receiver: Database,
        shop: str,
        start: int,
        stop: int,
        datasets: Iterable[str] | None = None,
    ) -> None:
        self._gateway = gateway
        self._receiver = receiver
        own = None if datasets is None else json.dumps(sorted(datasets))
        self._given = {"shop": shop, "start": start, "stop": stop, "datasets": own}
        self._wide = {"start": start - _EVENT_SECONDS, "stop": stop + _EVENT_SECONDS}
        self._sql = queries.load("glance")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gateway.close()
        self._receiver.close()

    def latest_orders(self, limit: int) -> list[OrderLine]:
        """The latest orders, the newest first, eligible or not."""
        return [
            convert(row, OrderLine, strict=False)
            for row in self._rows("latest_orders", limit=limit)
        ]

    def deliveries(self, order_ids: Sequence[str]) -> dict[str, list[Delivery]]:
        """As the function of that name."""
        return deliveries(self._gateway, self._given["shop"], order_ids)

    def first_order(self) -> int | None:
        """When the shop's first order came in, of all time."""
        found: int | None = self._rows("first_order")[0][0]
        return found

    def browser_only(self) -> int:
        """Purchases that only the browser reported."""
        return int(self._rows("browser_only")[0][0])

    def ineligible(self) -> dict[str, int]:
        """Orders that are no Purchase by policy, by reason."""
        return {reason or "unknown": count for reason, count in self._rows("ineligible")}

    def native_unseen(self) -> int:
        """Web sales that a platform was told of though no browser was seen to end them."""
        return int(self._rows("native_unseen")[0][0])

    def edits_alone(self, before: float) -> int:
        """Orders that were edited before that, and whose new total has not come."""
        return int(self._rows("edits_alone", before=before)[0][0])

    def delivered_orders(self) -> list[str]:
        """Orders whose Purchase a destination took."""
        return [row[0] for row in self._rows("delivered_orders")]

    def purchase_states(self) -> dict[str, int]:
        """Orders of the period by the best state of their Purchase; `left_out` is no Purchase.

        `unsent` are also those that only the shop's own list has.
        """
        return dict(self._rows("purchase_states"))

    def missing(self) -> int:
        """Orders of all time that the shop has and that are not here, or not as it has them."""
        return int(self._rows("missing")[0][0])

    def last_heard(self) -> dict[str, float]:
        """When each source last reported."""
        return dict(self._rows("last_heard"))

    def shared_ids(self) -> list[tuple[str, int]]:
        """(event name, how many) of late events whose id was another visitor's, the most first."""
        return [(row[0], row[1]) for row in self._rows("shared_ids")]

    def troubles(self) -> list[Trouble]:
        """Dead, paused, expired and doubtful events, the most first."""
        return [Trouble(*row) for row in self._rows("troubles")]

    def overdue(self, before: float) -> list[tuple[str, int, float]]:
        """(destination, events, the oldest's due time) of events that were due before `before`."""
        return [(row[0], row[1], row[2]) for row in self._rows("overdue", before=before)]

    def expiring(self, deadline: float, due: float) -> list[tuple[str, int, float]]:
        """(destination, events, first deadline), as `GatewayStore.expiring` has them."""
        text, given = queries.load("gateway")["expiring"], {"deadline": deadline, "due": due}
        with self._gateway.reader() as conn:
            rows = conn.execute(text, given).fetchall()
        return [(row[1], row[2], row[3]) for row in rows if row[0] == self._given["shop"]]

    def bad_rows(self) -> BadRows | None:
        """Bodies that could not be read, or None if there are none."""
        count, last = self._rows("bad_rows")[0]
        return BadRows(count, *self._rows("bad_row", id=last)[0]) if count else None

    def matches(self) -> dict[str, tuple[bool, bool]]:
        """Order -> whether the platform knew its buyer without learned keys, and with them."""
        rows = self._read(self._receiver, "matches", self._wide)
        return {row[0]: (bool(row[1]), bool(row[2])) for row in rows}

    def purchase_keys(self, limit: int) -> list[frozenset[str]]:
        """Of each of the latest Purchases, the match keys that it carries."""
        return [
            frozenset(name for name in json.loads(row[0]) if name)
            | (_DEVICE if row[1] else frozenset())
            for row in self._rows("purchase_keys", limit=limit)
        ]

    def doubled(self) -> int | None:
        """Purchases the platform counts beyond one a sale; None if it never received any."""
        beyond, sales = self._read(self._receiver, "doubled", {})[0]
        return int(beyond) if sales else None

    def _rows(self, name: str, **more: Any) -> list[Any]:
        return self._read(self._gateway, name, more)

    def _read(self, database: Database, name: str, more: dict[str, Any]) -> list[Any]:
        with database.reader() as conn:
            cursor: sqlite3.Cursor = conn.execute(self._sql[name], {**self._given, **more})
            return cursor.fetchall()
