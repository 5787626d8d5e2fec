"""The gateway's ports over SQLite: journal, books, outbox and what reports are made from."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tillpost.core import money, spend
from tillpost.core.books import (
    BadRow,
    Books,
    Changes,
    Delivery,
    EventRow,
    Leased,
    OrderRow,
    Pause,
    Sighting,
    Transition,
    Visitor,
    Wanted,
)
from tillpost.core.event import BrowserSeen, Consent, Entry, Event, OrderSeen
from tillpost.core.exchange import Rate
from tillpost.core.outcome import Outcome, Reason, State
from tillpost.ports import Rows, Sealer
from tillpost.store import codec, followed, gateway_rows, privacy_sqlite, queries, segments
from tillpost.store.followed import Followed
from tillpost.store.sqlite import Database, insert_rows

_Names = set[tuple[str, str]]


class GatewayStore:
    """Journal, Folder, Outbox and Facts on one database file."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer
        self._sql = queries.load("gateway")

    # Journal

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return only when every entry is on disk."""
        rows = [
            (e.shop, e.source, e.received_at, *codec.pack(e.fact, self._sealer)) for e in entries
        ]
        await self._db.append(self._sql["append_journal"], rows)

    async def keep_bad(self, row: BadRow) -> None:
        """Keep a body that could not be read, sealed."""
        values = msgspec.structs.astuple(row)
        await self._db.write(lambda conn: conn.execute(self._sql["keep_bad"], values) and None)

    def set_aside(self, row: BadRow, position: int) -> None:
        """Keep a row for an entry that cannot be folded, and go past its position."""
        values = msgspec.structs.astuple(row)

        def work(conn: sqlite3.Connection) -> None:
            conn.execute(self._sql["keep_bad"], values)
            conn.execute(self._sql["set_progress"], (position,))

        self._db.write_now(work)

    def unfolded(self, limit: int) -> list[tuple[int, Entry]]:
        """The oldest entries that no commit has passed yet.

        One whose JSON is damaged is set aside as soon as it is the oldest.
        """
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["unfolded"], (limit,)).fetchall()
        found: list[tuple[int, Entry]] = []
        for position, shop, source, at, text, box in rows:
            fact = codec.readable_fact(text, box, self._sealer)
            if fact is not None:
                found.append((position, Entry(shop, source, at, fact)))
            elif found:
                break
            else:
                sealed, why = self._sealer.seal(text), Reason.UNREADABLE
                self.set_aside(BadRow(shop, source, at, why, "journal", "", sealed), position)
        return found

    # Folder

    def recall(self, wanted: Wanted) -> Books:
        """The rows of these names, at one moment."""
        with self._db.reader() as conn:
            tokens = self._recall_pairs(conn, "recall_tokens", wanted.checkouts)
            tokens |= self._recall_pairs(conn, "recall_visitor_orders", wanted.checkouts)
            orders = self._recall_orders(
                conn, wanted.orders | {(shop, order) for (shop, _), order in tokens.items()}
            )
            named = wanted.checkouts | gateway_rows.names_of(orders.values())
            checkouts = self._recall_pairs(conn, "recall_checkouts", named)
            found_visitors = wanted.visitors | {(s, v) for (s, _), v in checkouts.items()}
            found_visitors |= {
                (shop, row.seen.carried.visitor_id)
                for (shop, _), row in orders.items()
                if row.seen.carried.visitor_id
            }
            sightings = self._recall_sightings(conn, named)
            sales = wanted.events | gateway_rows.sales_of(sightings)
            events = self._recall_events(conn, sales, set(orders), wanted.visitors)
            return Books(
                orders=orders,
                sightings=sightings,
                visitors=self._recall_visitors(conn, found_visitors),
                events=events,
                deliveries=self._recall_deliveries(conn, [row.id for row in events.values()]),
                checkouts=checkouts,
                tokens=tokens,
                next_event=int(conn.execute(self._sql["next_event"]).fetchone()[0]),
            )

    def held(self, until: float, limit: int) -> list[EventRow]:
        """Events whose hold ends by `until`, the earliest first.

        One whose row is damaged is let go: its sender ends it.
        """
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["held"], (until, limit)).fetchall()
        events = [codec.readable_event(row[6], row[7], self._sealer) for row in rows]
        damaged = [row[0] for row, event in zip(rows, events, strict=True) if event is None]
        if damaged:
            self._let_go(json.dumps(damaged), until)
        return [_event_row(row, e) for row, e in zip(rows, events, strict=True) if e is not None]

    def _let_go(self, numbers: str, now: float) -> None:
        def work(conn: sqlite3.Connection) -> None:
            conn.execute(self._sql["let_go"], (now, numbers))
            conn.execute(self._sql["end_hold"], (numbers,))

        self._db.write_now(work)

    def next_hold(self) -> float | None:
        """When the next hold ends, or None."""
        with self._db.reader() as conn:
            found: float | None = conn.execute(self._sql["next_hold"]).fetchone()[0]
            return found

    def commit(self, changes: Changes) -> None:
        """Keep all of it or nothing."""
        batches = self._batches(changes)

        def work(conn: sqlite3.Connection) -> None:
            for name, rows in batches:
                insert_rows(conn, self._sql[name], rows)

        self._db.write_now(work)

    def _batches(self, changes: Changes) -> list[tuple[str, list[tuple[Any, ...]]]]:
        moment = {row.id: row.received_at for row in changes.events}
        keys = [(row.shop, row.seen.order_id, *key) for row in changes.orders for key in row.keys]
        made: list[tuple[str, list[tuple[Any, ...]]]] = [
            ("put_order", [self._order_values(row) for row in changes.orders]),
            ("put_order_key", keys),
            ("put_refund", [msgspec.structs.astuple(row) for row in changes.refunds]),
            ("put_edit", [msgspec.structs.astuple(row) for row in changes.edits]),
            ("put_sighting", [self._sighting_values(row) for row in changes.sightings]),
            ("put_visitor", [_visitor_values(row) for row in changes.visitors]),
            ("put_link", [msgspec.structs.astuple(row) for row in changes.links]),
            ("put_touch", [msgspec.structs.astuple(row) for row in changes.touches]),
            ("put_slip", [msgspec.structs.astuple(row) for row in changes.slips]),
            ("put_event", [self._event_values(row) for row in changes.events]),
            ("put_delivery", [_delivery_values(d, moment) for d in changes.deliveries]),
            ("add_accepted", [(*key, n) for key, n in changes.accepted.items()]),
            ("put_privacy", [privacy_sqlite.values(row) for row in changes.privacy]),
        ]
        if changes.position is not None:
            made.append(("set_progress", [(changes.position,)]))
        return [(name, rows) for name, rows in made if rows]

    def _recall_pairs(
        self, conn: sqlite3.Connection, query: str, names: _Names
    ) -> dict[tuple[str, str], str]:
        """What each checkout token leads to: its order, or its visitor."""
        rows = conn.execute(self._sql[query], (_json(names),))
        return {(row[0], row[1]): row[2] for row in rows}

    def _recall_orders(
        self, conn: sqlite3.Connection, names: _Names
    ) -> dict[tuple[str, str], OrderRow]:
        found = {}
        for row in conn.execute(self._sql["recall_orders"], (_json(names),)):
            seen = codec.unpack_fact(row[6], row[7], self._sealer)
            if isinstance(seen, OrderSeen):
                found[row[0], row[1]] = OrderRow(
                    row[0], seen, row[2], bool(row[3]), row[4], bool(row[5])
                )
        return found

    def _recall_sightings(
        self, conn: sqlite3.Connection, names: _Names
    ) -> dict[tuple[str, str], Sighting]:
        found = {}
        for row in conn.execute(self._sql["recall_sightings"], (_json(names),)):
            seen = codec.unpack_fact(row[3], row[4], self._sealer)
            if isinstance(seen, BrowserSeen):
                found[row[0], row[1]] = Sighting(row[0], row[1], row[2], seen)
        return found

    def _recall_visitors(
        self, conn: sqlite3.Connection, names: _Names
    ) -> dict[tuple[str, str], Visitor]:
        return {
            (row[0], row[1]): _visitor(row)
            for row in conn.execute(self._sql["recall_visitors"], (_json(names),))
        }

    def _recall_events(
        self, conn: sqlite3.Connection, names: _Names, orders: _Names, visitors: _Names
    ) -> dict[tuple[str, str], EventRow]:
        rows = [
            *conn.execute(self._sql["recall_events"], (_json(names),)),
            *conn.execute(self._sql["recall_order_events"], (_json(orders),)),
            *conn.execute(self._sql["recall_waiting"], (_json(visitors),)),
        ]
        found = [self._event(row) for row in rows]
        return {(row.shop, row.fold_key): row for row in found}

    def _recall_deliveries(
        self, conn: sqlite3.Connection, numbers: list[int]
    ) -> dict[int, dict[str, Delivery]]:
        found: dict[int, dict[str, Delivery]] = {}
        for row in conn.execute(self._sql["recall_deliveries"], (json.dumps(numbers),)):
            found.setdefault(row[0], {})[row[1]] = _delivery(row)
        return found

    # Outbox

    def lease(self, destination: str, now: float, limit: int, seconds: float) -> list[Leased]:
        """Due events for this sender alone, some fresh ones and the most urgent."""
        until = now + seconds
        fresh = limit * gateway_rows.FRESH_TENTHS // 10
        asked = (destination, now, limit, fresh, now - gateway_rows.FRESH_SECONDS)

        def work(conn: sqlite3.Connection) -> str:
            conn.execute(self._sql["lease_expired"], (now,))
            found: str = conn.execute(self._sql["due"], asked).fetchone()[0]
            conn.execute(self._sql["lease"], (destination, now, until, found))
            return found

        if not self._any_due(destination, now):
            return []
        given = (destination, self._db.write_now(work), until)
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["leased"], given).fetchall()
        taken = [
            Delivery(event, destination, shop, State.LEASED, *rest) for event, shop, *rest in rows
        ]
        payloads = self._payloads(destination, [row.event for row in taken if row.attempts])
        return [Leased(row, until, payloads.get(row.event)) for row in taken]

    def events(self, leased: Sequence[Leased]) -> Iterator[Event | None]:
        """What was leased, in that order, each event read when it is asked for."""
        numbers = json.dumps([item.delivery.event for item in leased])
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["leased_events"], (numbers,)).fetchall()
        return (codec.readable_event(text, box, self._sealer) for text, box in rows)

    def _payloads(self, destination: str, tried: list[int]) -> dict[int, bytes]:
        """What was built for events that were tried before; what is damaged is built again."""
        if not tried:
            return {}
        with self._db.reader() as conn:
            asked = (destination, json.dumps(tried))
            boxes = conn.execute(self._sql["leased_payloads"], asked).fetchall()
        return codec.readable(boxes, self._sealer)

    def _any_due(self, destination: str, now: float) -> bool:
        """Look before writing: an idle server does not touch its disk."""
        with self._db.reader() as conn:
            due = conn.execute(self._sql["next_due"], (destination,)).fetchone()[0]
            expired = conn.execute(
                "SELECT 1 FROM outbox WHERE state = 'leased' AND lease_until <= ? LIMIT 1", (now,)
            ).fetchone()
        return expired is not None or (due is not None and due <= now)

    def settle(self, results: Sequence[tuple[Leased, Outcome]], now: float) -> int:
        """Keep what became of leased events, and what was built for them the first time."""
        groups = gateway_rows.alike(results, now)
        turns = gateway_rows.pause_turns(results)
        payloads = [
            (item.delivery.event, item.delivery.destination, self._sealer.seal(item.payload))
            for item, _ in results
            if item.payload is not None
        ]

        def work(conn: sqlite3.Connection) -> int:
            kept = sum(conn.execute(self._sql["settle"], group).rowcount for group in groups)
            insert_rows(conn, self._sql["keep_payload"], payloads)
            for destination, reason in turns.items():
                if reason is None:
                    conn.execute(self._sql["end_pause"], (destination, now))
                else:
                    conn.execute(self._sql["begin_pause"], (destination, now, reason))
            return kept

        return self._db.write_now(work)

    def hurry(self, destination: str, now: float) -> int:
        """Make due now what waits for a later try."""
        text = self._sql["hurry"]
        return self._db.write_now(lambda conn: conn.execute(text, (destination, now)).rowcount)

    def pauses(self) -> list[Pause]:
        """When destinations took nothing at all, the oldest first."""
        with self._db.reader() as conn:
            return [Pause(*row) for row in conn.execute(self._sql["pauses"])]

    def next_due(self, destination: str) -> float | None:
        """When the next event is due, or None if none waits."""
        with self._db.reader() as conn:
            due: float | None = conn.execute(self._sql["next_due"], (destination,)).fetchone()[0]
            return due

    def free(self, now: float) -> int:
        """Give back every lease."""
        return self._db.write_now(lambda conn: conn.execute(self._sql["free"], (now,)).rowcount)

    def oldest(self) -> list[tuple[str, str, float]]:
        """(shop, destination, received) of the most urgent event that waits."""
        with self._db.reader() as conn:
            return conn.execute(self._sql["oldest"]).fetchall()

    def expiring(self, deadline: float, due: float) -> list[tuple[str, str, int, float]]:
        """(shop, destination, events, first deadline) of what is held up until its end is near.

        That is what ends by `deadline`, and was tried already or due before `due`.
        """
        given = {"deadline": deadline, "due": due}
        with self._db.reader() as conn:
            return conn.execute(self._sql["expiring"], given).fetchall()

    def transitions(self, event: int) -> list[Transition]:
        """Every move of an event, the first one first."""
        with self._db.reader() as conn:
            return [Transition(*row) for row in conn.execute(self._sql["transitions"], (event,))]

    def prune(self, before: float) -> int:
        """Remove sealed boxes, bad rows and folded facts older than that; returns how many."""
        names = ("bad_rows", "journal", "events", "payloads", "orders", "sightings")

        def work(conn: sqlite3.Connection) -> int:
            return sum(
                conn.execute(self._sql[f"prune_{name}"], (before,)).rowcount for name in names
            )

        return self._db.write_now(work)

    def tallies(self) -> list[tuple[str, str, str, str | None, int]]:
        """(shop, destination, state, reason, events), and one row of state `accepted` each."""
        with self._db.reader() as conn:
            return conn.execute(self._sql["tallies"]).fetchall()

    # Facts

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """These tables as they stand at one moment; see `store.segments` of what lies in files."""
        with self._db.reader() as conn:
            return segments.tables(conn, self._db.path.parent, names)

    def followed(self, since: str | None) -> Followed:
        """`followed.OF_GATEWAY`, as far as it has changed since this cursor; else all of it."""
        with self._db.reader() as conn:
            return followed.of_gateway(conn, since)

    def event_items(
        self, after: int, limit: int, event_id: str | None, order_id: str | None
    ) -> list[dict[str, Any]]:
        """Events with their outcomes."""
        given = {"after": after, "limit": limit, "event_id": event_id, "order_id": order_id}
        with self._db.reader() as conn:
            names, rows = _rows(conn.execute(self._sql["event_items"], given))
        items = [dict(zip(names, row, strict=True)) for row in rows]
        return [{**item, "outcomes": json.loads(item["outcomes"])} for item in items]

    def bad_rows(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Bodies that could not be read, without what they held."""
        with self._db.reader() as conn:
            names, rows = _rows(conn.execute(self._sql["bad_rows"], (after, limit)))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def add_spend(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep spend rows instead of those that they replace by `core.spend.replaces`."""
        told = [spend.complete(row) for row in rows]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(self._sql["clear_spend"], told)
            conn.executemany(self._sql["put_spend"], told)

        self._db.write_now(work)
        return len(rows)

    def add_product_costs(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep what products cost, newer ones instead of older ones of the same product."""
        text = self._sql["put_product_cost"]
        self._db.write_now(lambda conn: conn.executemany(text, rows) and None)
        return len(rows)

    def add_rates(self, rates: Sequence[Rate]) -> int:
        """Keep currency rates, newer ones instead of older ones of the same day and pair."""
        text = self._sql["put_rate"]
        rows = [(row.day, row.currency, row.into, str(row.rate)) for row in rates]
        self._db.write_now(lambda conn: conn.executemany(text, rows) and None)
        return len(rows)

    # Rows

    def _event(self, row: Sequence[Any]) -> EventRow:
        return _event_row(row, codec.unpack_event(row[6], row[7], self._sealer))

    def _event_values(self, row: EventRow) -> tuple[Any, ...]:
        event = row.event
        head = (row.id, event.shop, row.fold_key, row.source, event.event_name, event.event_id)
        rest = (event.event_time, row.order_id, row.received_at, row.hold_until)
        return (*head, *rest, *codec.pack(event, self._sealer), row.visitor_id)

    def _sighting_values(self, row: Sighting) -> tuple[Any, ...]:
        return (row.shop, row.token, row.received_at, *codec.pack(row.seen, self._sealer))

    def _order_values(self, row: OrderRow) -> tuple[Any, ...]:
        seen = row.seen
        return (
            row.shop,
            seen.order_id,
            seen.version,
            seen.name,
            seen.processed_at,
            seen.kind,
            int(row.eligible),
            row.reason,
            money.to_minor(seen.value.amount, seen.value.currency),
            seen.value.currency,
            money.to_minor(seen.presentment.amount, seen.presentment.currency),
            seen.presentment.currency,
            seen.checkout_token,
            seen.customer_id,
            seen.returning,
            seen.cancelled_at,
            int(row.browser),
            row.first_received_at,
            *gateway_rows.order_parts(seen),
            seen.also,
            *codec.pack(seen, self._sealer),
        )


def _event_row(row: Sequence[Any], event: Event) -> EventRow:
    return EventRow(row[0], row[1], row[2], row[3], event, row[4], row[5], row[8])


def _visitor(row: Sequence[Any]) -> Visitor:
    consent = msgspec.json.decode(row[6], type=Consent) if row[6] else None
    return Visitor(row[0], row[1], row[2], row[3], row[4], row[5], consent)


def _visitor_values(row: Visitor) -> tuple[Any, ...]:
    consent = msgspec.json.encode(row.consent) if row.consent else None
    return (
        row.shop,
        row.visitor_id,
        row.last_seen,
        row.last_touch,
        row.fbp,
        row.fbc,
        consent,
    )


def _delivery_values(row: Delivery, moment: Mapping[int, float]) -> tuple[Any, ...]:
    at = moment.get(row.event, row.due_at)
    return (
        row.event,
        row.destination,
        row.shop,
        str(row.state),
        row.reason,
        row.detail,
        row.due_at,
        row.deadline,
        at,
    )


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(row[0], row[1], row[2], State(row[3]), *row[4:])


def _rows(cursor: sqlite3.Cursor) -> Rows:
    return [column[0] for column in cursor.description], cursor.fetchall()


def _json(names: _Names) -> str:
    return json.dumps(sorted(names))
