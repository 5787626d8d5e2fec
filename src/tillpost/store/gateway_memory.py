"""The gateway's ports on plain dicts: for tests and for trying things out; nothing is kept.

It behaves as the SQLite store does, down to the columns of `tables`, so that what passes
here passes there; the conformance suites of `tillpost.testing` run over both.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import structs

from tillpost.core import spend
from tillpost.core.books import (
    ALSO,
    BadRow,
    Books,
    Changes,
    Delivery,
    EditRow,
    EventRow,
    Leased,
    OrderRow,
    Pause,
    RefundRow,
    Sighting,
    Slip,
    Touch,
    Transition,
    Visitor,
    Wanted,
)
from tillpost.core.event import Entry, Event
from tillpost.core.exchange import Rate
from tillpost.core.outcome import Outcome, State
from tillpost.ports import Rows
from tillpost.store import gateway_rows
from tillpost.store.gateway_rows import (
    BAD_ROWS,
    LINKS,
    ORDER_KEYS,
    ORDERS,
    RATES,
    SPEND,
    TOUCHES,
    event_item,
    order_costs,
    order_row,
    purchases,
    shop_journeys,
    table,
    tag_faults,
    touch_row,
)

_Name: TypeAlias = tuple[str, str]
_DUE = frozenset({State.PENDING, State.IN_DOUBT, State.PAUSED})
_FOLDED = frozenset({State.HELD, State.DROPPED})
"""States in which folding may still move an event; a sender has never seen it."""


class MemoryGatewayStore:
    """Journal, Folder, Outbox and Facts for one process; every method may be called by threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._journal: list[Entry] = []
        self._position = 0
        self._bad: list[BadRow] = []
        self._orders: dict[_Name, OrderRow] = {}
        self._order_keys: set[tuple[str, str, str, str]] = set()
        self._refunds: dict[_Name, RefundRow] = {}
        self._edits: dict[_Name, EditRow] = {}
        self._sightings: dict[_Name, Sighting] = {}
        self._visitors: dict[_Name, Visitor] = {}
        self._links: dict[tuple[str, str, str, str], int] = {}
        self._touches: dict[tuple[str, str, int, str, str], Touch] = {}
        self._events: dict[int, EventRow] = {}
        self._numbers: dict[_Name, int] = {}
        self._outbox: dict[tuple[int, str], Delivery] = {}
        self._leases: dict[tuple[int, str], float] = {}
        self._payloads: dict[tuple[int, str], bytes] = {}
        self._transitions: dict[int, list[Transition]] = {}
        self._accepted: Counter[_Name] = Counter()
        self._pauses: list[Pause] = []
        self._slips: Counter[Slip] = Counter()
        self._costs: dict[_Name, Mapping[str, Any]] = {}
        self._spend: list[dict[str, Any]] = []
        self._rates: dict[tuple[str, str, str], str] = {}

    # Journal

    async def append(self, entries: Sequence[Entry]) -> None:
        """Keep the entries, in order, as long as the process lives."""
        with self._lock:
            self._journal += entries

    async def keep_bad(self, row: BadRow) -> None:
        """Keep a body that could not be read."""
        with self._lock:
            self._bad.append(row)

    def set_aside(self, row: BadRow, position: int) -> None:
        """Keep a row for an entry that cannot be folded, and go past its position."""
        with self._lock:
            self._bad.append(row)
            self._position = position

    def unfolded(self, limit: int) -> list[tuple[int, Entry]]:
        """The oldest entries that no commit has passed yet."""
        with self._lock:
            start = self._position
            return list(enumerate(self._journal[start : start + limit], start + 1))

    # Folder

    def recall(self, wanted: Wanted) -> Books:
        """The rows of these names, at one moment."""
        with self._lock:
            tokens = self._tokens(wanted.checkouts)
            named = wanted.orders | {(shop, order) for (shop, _), order in tokens.items()}
            orders = _of(self._orders, named)
            bought = gateway_rows.names_of(orders.values())
            checkouts = gateway_rows.first_visitors(self._links, wanted.checkouts | bought)
            visitors = wanted.visitors | {(shop, v) for (shop, _), v in checkouts.items()}
            visitors |= {(r.shop, r.seen.carried.visitor_id or "") for r in orders.values()}
            sightings = _of(self._sightings, wanted.checkouts | bought)
            sales = wanted.events | gateway_rows.sales_of(sightings)
            events = self._recall_events(sales, set(orders), wanted.visitors)
            numbers = {row.id for row in events.values()}
            return Books(
                orders=orders,
                sightings=sightings,
                visitors=_of(self._visitors, visitors),
                events=events,
                deliveries=self._deliveries(numbers),
                checkouts=checkouts,
                tokens=tokens,
                next_event=max(self._events, default=0) + 1,
            )

    def _tokens(self, names: set[_Name]) -> dict[_Name, str]:
        """The order of each checkout, and the latest of each visitor."""
        found = {
            (row.shop, row.seen.checkout_token or ""): row.seen.order_id
            for row in self._orders.values()
        }
        for row in self._orders.values():
            if row.seen.also:
                found[row.shop, f"{ALSO}{row.seen.also}"] = row.seen.order_id
        for (shop, kind, value, visitor), _ in sorted(self._links.items(), key=lambda p: p[1]):
            if kind == "order":
                found[shop, f"visitor:{visitor}"] = value
        return _of(found, names)

    def _recall_events(
        self, names: set[_Name], orders: set[_Name], visitors: set[_Name]
    ) -> dict[_Name, EventRow]:
        found = {name: self._events[number] for name, number in self._numbers.items()}
        return {
            name: row
            for name, row in found.items()
            if name in names
            or (row.shop, row.order_id or "") in orders
            or (row.hold_until is not None and (row.shop, row.visitor_id or "") in visitors)
        }

    def _deliveries(self, numbers: set[int]) -> dict[int, dict[str, Delivery]]:
        found: dict[int, dict[str, Delivery]] = {}
        for (number, destination), row in self._outbox.items():
            if number in numbers:
                found.setdefault(number, {})[destination] = row
        return found

    def held(self, until: float, limit: int) -> list[EventRow]:
        """Events whose hold ends by `until`, the earliest first."""
        with self._lock:
            due = [(at, row) for at, row in self._holds() if at <= until]
        return [row for _, row in sorted(due, key=lambda pair: (pair[0], pair[1].id))[:limit]]

    def _holds(self) -> list[tuple[float, EventRow]]:
        return [(r.hold_until, r) for r in self._events.values() if r.hold_until is not None]

    def next_hold(self) -> float | None:
        """When the next hold ends, or None."""
        with self._lock:
            return min((at for at, _ in self._holds()), default=None)

    def commit(self, changes: Changes) -> None:
        """Keep all of it or nothing."""
        for row in changes.orders:
            order_row(row, 0)
        with self._lock:
            self._keep_facts(changes)
            for event in changes.events:
                self._keep_event(event)
            moment = {row.id: row.received_at for row in changes.events}
            for delivery in changes.deliveries:
                self._keep_delivery(delivery, moment.get(delivery.event, delivery.due_at))
            self._accepted.update(changes.accepted)
            if changes.position is not None:
                self._position = changes.position

    def _keep_facts(self, changes: Changes) -> None:
        for order in changes.orders:
            name = order.shop, order.seen.order_id
            self._orders[name] = order
            self._order_keys |= {(*name, *key) for key in order.keys}
        for refund in changes.refunds:
            old = self._refunds.get((refund.shop, refund.refund_id), refund)
            first = structs.replace(refund, at=min(old.at, refund.at))
            self._refunds[refund.shop, refund.refund_id] = first
        for edit in changes.edits:
            self._edits.setdefault((edit.shop, edit.edit_id), edit)
        self._sightings.update({(row.shop, row.token): row for row in changes.sightings})
        self._visitors.update({(row.shop, row.visitor_id): row for row in changes.visitors})
        for link in changes.links:
            key = link.shop, link.kind, link.value, link.visitor_id
            self._links[key] = min(link.at, self._links.get(key, link.at))
        for row in changes.touches:
            once = row.shop, row.visitor_id, row.at, row.channel, row.url or ""
            self._touches.setdefault(once, row)
        self._slips.update(changes.slips)

    def _keep_event(self, row: EventRow) -> None:
        name = row.shop, row.fold_key
        replaced = self._numbers.get(name, row.id)
        self._events.pop(replaced, None)
        self._events[row.id] = row
        self._numbers[name] = row.id

    def _keep_delivery(self, row: Delivery, at: float) -> None:
        """Folding never takes an event out of a sender's hands."""
        key = row.event, row.destination
        old = self._outbox.get(key)
        if old is None:
            self._move(structs.replace(row, attempts=0, fence=0), at)
        elif old.state in _FOLDED:
            self._move(structs.replace(row, attempts=old.attempts, fence=old.fence), at)

    def _move(self, row: Delivery, at: float) -> None:
        """Put a row in place of another; a move is kept with its reason."""
        key = row.event, row.destination
        old = self._outbox.get(key)
        self._outbox[key] = row
        if old is None or (old.state, old.reason) != (row.state, row.reason):
            told = Transition(row.destination, at, str(row.state), row.reason, row.detail)
            self._transitions.setdefault(row.event, []).append(told)

    # Outbox

    def lease(self, destination: str, now: float, limit: int, seconds: float) -> list[Leased]:
        """Due events for this sender alone, some fresh ones and the most urgent."""
        with self._lock:
            self._expire(now)
            rows = [row for row in self._outbox.values() if row.destination == destination]
            due = [row for row in rows if row.state in _DUE and row.due_at <= now]
            by_time = sorted(due, key=lambda row: (row.due_at, row.event))
            fresh = [
                r
                for r in by_time
                if r.due_at >= now - gateway_rows.FRESH_SECONDS and not r.attempts
            ]
            urgent = sorted(due, key=lambda row: (row.deadline, row.event))
            first = fresh[: limit * gateway_rows.FRESH_TENTHS // 10]
            chosen = {row.event: row for row in [*first, *urgent]}
            taken = [*chosen.values()][:limit]
            return [
                self._lease_one((row.event, destination), now, now + seconds)
                for row in sorted(taken, key=lambda row: (row.due_at, row.event))
            ]

    def _expire(self, now: float) -> None:
        for key in [key for key, until in self._leases.items() if until <= now]:
            del self._leases[key]
            row = self._outbox[key]
            back = {"state": State.IN_DOUBT, "reason": "lease_expired", "due_at": now}
            self._move(structs.replace(row, **back), now)

    def _lease_one(self, key: tuple[int, str], now: float, until: float) -> Leased:
        old = self._outbox[key]
        new = structs.replace(old, state=State.LEASED, fence=old.fence + 1)
        self._move(new, now)
        self._leases[key] = until
        payload = self._payloads.get(key) if old.attempts else None
        return Leased(new, until, payload)

    def events(self, leased: Sequence[Leased]) -> Iterator[Event | None]:
        """What was leased, in that order."""
        with self._lock:
            rows = [self._events[item.delivery.event] for item in leased]
        return (row.event for row in rows)

    def settle(self, results: Sequence[tuple[Leased, Outcome]], now: float) -> int:
        """Keep what became of leased events; returns how many fences were still valid."""
        with self._lock:
            for destination, reason in gateway_rows.pause_turns(results).items():
                self._turn(destination, reason, now)
            return sum(self._settle_one(item, outcome, now) for item, outcome in results)

    def pauses(self) -> list[Pause]:
        """When destinations took nothing at all, the oldest first."""
        with self._lock:
            return sorted(self._pauses, key=lambda pause: (pause.began_at, pause.destination))

    def _turn(self, destination: str, reason: str | None, now: float) -> None:
        """Begin or end the destination's pause."""
        ours = [p for p in self._pauses if p.destination == destination and p.ended_at is None]
        if reason is not None and not ours:
            self._pauses.append(Pause(destination, now, None, reason))
        for pause in ours if reason is None else ():
            self._pauses.remove(pause)
            self._pauses.append(structs.replace(pause, ended_at=now))

    def _settle_one(self, item: Leased, outcome: Outcome, now: float) -> bool:
        key = item.delivery.event, item.delivery.destination
        row = self._outbox.get(key)
        if row is None or row.state is not State.LEASED or row.fence != item.delivery.fence:
            return False
        del self._leases[key]
        if item.payload is not None:
            self._payloads.setdefault(key, item.payload)
        new = structs.replace(
            row,
            state=outcome.state,
            reason=outcome.reason,
            detail=outcome.detail,
            due_at=now + (outcome.retry_after or 0.0),
            attempts=row.attempts + outcome.sent,
        )
        self._move(new, now)
        return True

    def hurry(self, destination: str, now: float) -> int:
        """Make due now what waits for a later try."""
        with self._lock:
            late = [
                row
                for row in self._outbox.values()
                if row.destination == destination and row.state in _DUE and row.due_at > now
            ]
            for row in late:
                self._outbox[row.event, destination] = structs.replace(row, due_at=now)
            return len(late)

    def next_due(self, destination: str) -> float | None:
        """When the next event is due, or None if none waits."""
        with self._lock:
            rows = (row for row in self._outbox.values() if row.destination == destination)
            return min((row.due_at for row in rows if row.state in _DUE), default=None)

    def free(self, now: float) -> int:
        """Give back every lease."""
        with self._lock:
            for key in self._leases:
                row = self._outbox[key]
                self._move(structs.replace(row, state=State.IN_DOUBT, reason="restart"), now)
            freed = len(self._leases)
            self._leases.clear()
            return freed

    def oldest(self) -> list[tuple[str, str, float]]:
        """(shop, destination, received) of the most urgent event that waits."""
        with self._lock:
            waiting = [row for row in self._outbox.values() if row.state in _DUE]
            urgent: dict[tuple[str, str], Delivery] = {}
            for row in sorted(waiting, key=lambda row: (row.deadline, row.event)):
                urgent.setdefault((row.shop, row.destination), row)
            found = [(*key, self._events[row.event].received_at) for key, row in urgent.items()]
            return sorted(found)

    def transitions(self, event: int) -> list[Transition]:
        """Every move of an event, the first one first."""
        with self._lock:
            return list(self._transitions.get(event, ()))

    def prune(self, before: float) -> int:
        """Remove bad rows older than that; what is in memory has no sealed boxes."""
        with self._lock:
            kept = [row for row in self._bad if row.received_at >= before]
            removed = len(self._bad) - len(kept)
            self._bad = kept
            return removed

    def tallies(self) -> list[tuple[str, str, str, str | None, int]]:
        """(shop, destination, state, reason, events), and one row of state `accepted` each."""
        with self._lock:
            counted = Counter(
                (row.shop, row.destination, str(row.state), row.reason and str(row.reason))
                for row in self._outbox.values()
            )
            counted.update({(*key, "accepted", None): n for key, n in self._accepted.items()})
        rows = [(*key, events) for key, events in counted.items()]
        return sorted(rows, key=lambda row: (*row[:3], row[3] or ""))

    # Facts

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """These tables as they stand at one moment."""
        refunds, edits = RefundRow.__struct_fields__, EditRow.__struct_fields__
        made: dict[str, Callable[[], Rows]] = {
            "orders": self._orders_table,
            "order_keys": lambda: table(ORDER_KEYS, sorted(self._order_keys)),
            "links": lambda: table(LINKS, [(*k, at) for k, at in sorted(self._links.items())]),
            "touches": self._touches_table,
            "refunds": lambda: table(refunds, map(structs.astuple, _sorted(self._refunds))),
            "edits": lambda: table(edits, map(structs.astuple, _sorted(self._edits))),
            "spend": self._spend_table,
            "tag_faults": lambda: tag_faults(self._touches.values(), self._slips),
            "deliveries": self._purchases,
            "shop_journeys": lambda: shop_journeys(self._orders.values()),
            "order_costs": lambda: order_costs(self._orders.values(), self._costs),
            "rates": lambda: table(RATES, [(*k, rate) for k, rate in sorted(self._rates.items())]),
        }
        with self._lock:
            return {name: made[name]() for name in names}

    def _orders_table(self) -> Rows:
        given: Counter[tuple[str, str, str]] = Counter()
        for refund in self._refunds.values():
            given[refund.shop, refund.order_id, refund.currency] += refund.amount_minor
        rows = [
            order_row(row, given[(*name, row.seen.value.currency)])
            for name, row in sorted(self._orders.items())
        ]
        return table(ORDERS, rows)

    def _touches_table(self) -> Rows:
        numbered = enumerate(self._touches.values(), 1)
        return table(("id", *TOUCHES), [touch_row(*pair) for pair in numbered])

    def _purchases(self) -> Rows:
        numbers = {row.id for row in self._events.values()}
        return purchases(self._events.values(), self._deliveries(numbers))

    def event_items(
        self, after: int, limit: int, event_id: str | None, order_id: str | None
    ) -> list[dict[str, Any]]:
        """Events with their outcomes."""
        with self._lock:
            found = [
                row
                for number, row in sorted(self._events.items())
                if number > after
                and event_id in {None, row.event.event_id}
                and order_id in {None, row.order_id}
            ]
            shown = found[:limit]
            outcomes = self._deliveries({row.id for row in shown})
            return [event_item(row, outcomes.get(row.id, {})) for row in shown]

    def bad_rows(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Bodies that could not be read, without what they held."""
        with self._lock:
            rows = list(enumerate(self._bad, 1))[after : after + limit]
        return [
            {"id": number} | {name: getattr(row, name) for name in BAD_ROWS} for number, row in rows
        ]

    def add_spend(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep spend rows instead of those that they replace by `core.spend.replaces`."""
        told = [spend.complete(row) for row in rows]
        with self._lock:
            kept = [old for old in self._spend if not any(spend.replaces(new, old) for new in told)]
            self._spend = [*kept, *told]
        return len(rows)

    def add_product_costs(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep what products cost, newer ones instead of older ones of the same product."""
        with self._lock:
            self._costs.update({(row["shop"], row["product"]): row for row in rows})
        return len(rows)

    def add_rates(self, rates: Sequence[Rate]) -> int:
        """Keep currency rates, newer ones instead of older ones of the same day and pair."""
        with self._lock:
            self._rates.update({(row.day, row.currency, row.into): str(row.rate) for row in rates})
        return len(rates)

    def _spend_table(self) -> Rows:
        rows = [tuple(row[column] for column in SPEND) for row in self._spend]
        rows.sort(key=lambda row: (row[0], row[1], row[3], row[2], *row[4:10]))
        return table(SPEND, rows)


def _sorted(rows: Mapping[Any, Any]) -> list[Any]:
    return [row for _, row in sorted(rows.items())]


def _of(rows: Mapping[_Name, Any], names: Iterable[_Name]) -> dict[_Name, Any]:
    return {name: rows[name] for name in names if name in rows}
