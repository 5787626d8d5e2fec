"""Telling and forgetting what the gateway's database holds of one person or one shop.

Rows are found by the hashes that the person's identifiers have, by the orders named, and by
what those lead to: checkouts, visitors and click cookies. Searching reads beside the writers;
forgetting is one transaction, with freed bytes overwritten (`secure_delete`).

A row that the disk has damaged stops neither. It is found by its plain columns; one that nothing
tells the person of may be theirs, so what cannot be read of it is forgotten too.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tillpost.core import privacy
from tillpost.core.books import PrivacyRow
from tillpost.core.event import Event, Fact, OrderSeen, PrivacyAsked
from tillpost.core.outcome import Permanent, Reason, State
from tillpost.ports import Sealer
from tillpost.store import codec, damaged, queries
from tillpost.store.sqlite import Database

R = TypeVar("R", Fact, Event)
_asked = msgspec.json.Decoder(PrivacyAsked)


class Trace(Struct):
    """Where one person stands in the books of a shop."""

    shop: str
    hashes: list[str]
    orders: list[OrderSeen]
    visitors: list[str]
    cookies: list[str]
    names: list[tuple[str, str]]
    """What ties visitors to the person: (kind, value) of links."""
    events: list[tuple[int, Event]]
    others: list[tuple[int, Event]]
    """Events of other people that only share a browser's cookies."""
    sightings: list[str]
    journal: list[int]
    bad_rows: list[int]
    in_flight: bool
    """Whether a sender holds one of the events just now."""
    damaged: damaged.Damaged

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind are theirs, and how many could not be read."""
        kinds = ("orders", "events", "visitors", "sightings", "journal", "bad_rows")
        return {**{kind: len(getattr(self, kind)) for kind in kinds}, **self.damaged.counts}


class PrivacyStore:
    """Requests about people's data, and what is done about them, in the gateway's database."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer
        self._sql = queries.load("privacy")
        self._put = queries.load("gateway")["put_privacy"]

    def ask(self, row: PrivacyRow) -> int:
        """Keep a request; returns its number."""

        def work(conn: sqlite3.Connection) -> int:
            return conn.execute(self._put, values(row)).lastrowid or 0

        return self._db.write_now(work)

    def open_requests(self, limit: int) -> list[tuple[int, PrivacyRow | None]]:
        """Requests that are not carried out yet, the oldest first, with their numbers.

        None stands for one whose row is damaged: nothing tells who asked.
        """
        with self._db.reader() as conn:
            rows = conn.execute(self._sql["open_requests"], (limit,)).fetchall()
        return [(row[0], _request(row)) for row in rows]

    def requests(self, after: int, limit: int) -> list[dict[str, Any]]:
        """What was asked and done, without whose data it was."""
        with self._db.reader() as conn:
            rows = _named(conn.execute(self._sql["requests"], (after, limit)))
        return [{**row, "counts": json.loads(row["counts"] or "{}")} for row in rows]

    def request(self, number: int) -> dict[str, Any] | None:
        """One request with its answer, if it asked for one and it is still kept.

        The answer is `{"unreadable": 1}` if its own row is damaged: it must be asked again.
        """
        with self._db.reader() as conn:
            found = _named(conn.execute(self._sql["request"], (number,)))
        for row in found:
            answer = self._answer(row["answer"]) if row["answer"] else None
            return {**row, "counts": json.loads(row["counts"] or "{}"), "answer": answer}
        return None

    def _answer(self, box: bytes) -> Any:
        try:
            return msgspec.json.decode(self._sealer.open(box))
        except Permanent:
            return {"unreadable": 1}

    def close_request(
        self, number: int, now: float, counts: dict[str, int], answer: dict[str, Any] | None
    ) -> None:
        """Keep what was done; an erasure's hashes are forgotten with it."""
        box = self._sealer.seal(msgspec.json.encode(answer)) if answer is not None else None
        done = (number, now, json.dumps(counts), box)
        self._db.write_now(lambda conn: conn.execute(self._sql["close_request"], done) and None)

    def prune(self, before: float) -> int:
        """Remove answers given before that time; returns how many."""
        text = self._sql["prune_answers"]
        return self._db.write_now(lambda conn: conn.execute(text, (before,)).rowcount)

    def widened(self, shop: str, asked: PrivacyAsked) -> PrivacyAsked:
        """The request with the e-mails of the orders and of the customer that it names.

        So a person who is named by a number alone is found by every event of theirs.
        """
        with self._db.reader() as conn:
            found = self._orders(conn, shop, asked, [])
        return privacy.widened(asked, [order.person for order in found])

    def trace(self, shop: str, asked: PrivacyAsked) -> Trace:
        """All that is kept of this person, at one moment."""
        hashes = privacy.strong_hashes(asked.person)
        with self._db.reader() as conn:
            orders = self._orders(conn, shop, asked, hashes)
            names = _names(asked, orders)
            visitors = self._column(conn, "visitors_named", shop=shop, names=json.dumps(names))
            cookies = self._cookies(conn, shop, visitors, orders)
            tokens = [o.checkout_token for o in orders] + [o.cart_token for o in orders]
            sought = privacy.needles([*hashes, *visitors, *cookies, *tokens])
            given = {"shop": shop, "needles": json.dumps(sought)}
            theirs_by = {
                "orders": json.dumps([o.order_id for o in orders]),
                "visitors": json.dumps(visitors),
            }
            rows = _named(conn.execute(self._sql["events"], {**given, **theirs_by}))
            found = [(row["id"], self._event(row), row["order_id"]) for row in rows]
            own = {o.order_id for o in orders}
            theirs = {n for n, e, order in found if order in own or privacy.is_theirs(e, hashes)}
            bad_rows, lone = self._bad_rows(conn, shop, asked)
            trace = Trace(
                shop=shop,
                hashes=hashes,
                orders=orders,
                visitors=visitors,
                cookies=cookies,
                names=names,
                events=[(n, event) for n, event, _ in found if n in theirs],
                others=[(n, event) for n, event, _ in found if n not in theirs],
                sightings=self._column(conn, "sightings", **given),
                journal=self._journal(conn, shop, sought, own),
                bad_rows=bad_rows,
                in_flight=self._in_flight(conn, sorted(theirs)),
                damaged=damaged.Damaged(),
            )
            trace.damaged = self._damaged(conn, trace)
            trace.damaged.bad_rows = lone
            trace.damaged.theirs += self._damaged_parts(conn, trace)
            return trace

    def stored(self, trace: Trace) -> dict[str, Any]:
        """All that is kept of this person, in full, as JSON values."""
        orders = json.dumps([order.order_id for order in trace.orders])
        visitors = [*trace.visitors, *(f"order:{order.order_id}" for order in trace.orders)]
        seen = {"shop": trace.shop, "visitors": json.dumps(visitors)}
        with self._db.reader() as conn:
            outcomes = self._outcomes(conn, [number for number, _ in trace.events])
            plain = {
                "refunds": _named(
                    conn.execute(self._sql["refunds"], {"shop": trace.shop, "orders": orders})
                ),
                "edits": _named(
                    conn.execute(self._sql["edits"], {"shop": trace.shop, "orders": orders})
                ),
                "visitors": _named(conn.execute(self._sql["visitors"], seen)),
                "touches": _named(conn.execute(self._sql["touches"], seen)),
            }
        for row in plain["visitors"]:
            row["consent"] = _consent(row["consent"])
        return {
            **trace.damaged.counts,
            "orders": [msgspec.to_builtins(order) for order in trace.orders],
            "events": [
                {**msgspec.to_builtins(event), "outcomes": outcomes.get(number, [])}
                for number, event in trace.events
            ],
            **plain,
        }

    def erase(self, trace: Trace, token: str, now: float) -> dict[str, int]:
        """Forget all that was traced; returns what was forgotten, by kind.

        `token` is made up for this erasure: under it the person's orders and visits stay
        together, so that reports stand still.
        """
        sent = json.dumps([number for number, _ in trace.events])

        def work(conn: sqlite3.Connection) -> int:
            delivered = conn.execute(self._sql["delivered"], (sent,)).fetchone()[0]
            self._erase_visitors(conn, trace, token)
            self._erase_orders(conn, trace, token)
            self._erase_events(conn, trace, now)
            self._erase_raw(conn, trace)
            return int(delivered)

        delivered = self._db.write_now(work)
        return {**trace.counts, "already_delivered": delivered}

    def erase_shop(self, shop: str) -> dict[str, int]:
        """Forget every row of a shop but the record that it was forgotten."""

        def work(conn: sqlite3.Connection) -> dict[str, int]:
            tables = [row[0] for row in conn.execute(self._sql["shop_tables"])]
            counts = {
                table: conn.execute(f"DELETE FROM {table} WHERE shop = ?", (shop,)).rowcount
                for table in tables
            }
            counts["journal"] = conn.execute(self._sql["forget_shop_journal"], (shop,)).rowcount
            return {table: count for table, count in counts.items() if count}

        return self._db.write_now(work)

    def stop(self, shop: str, now: float) -> dict[str, int]:
        """Drop what waits to be sent for a shop that took the app away."""

        def work(conn: sqlite3.Connection) -> int:
            conn.execute(self._sql["end_holds"], {"shop": shop})
            given = {"shop": shop, "reason": str(Reason.UNINSTALLED), "now": now}
            return conn.execute(self._sql["stop_shop"], given).rowcount

        return {"events": self._db.write_now(work)}

    def empty_log(self) -> bool:
        """Leave no old page in the write-ahead log; False if it must be tried again."""
        return self._db.empty_log()

    # What a trace is made of

    def _orders(
        self, conn: sqlite3.Connection, shop: str, asked: PrivacyAsked, hashes: list[str]
    ) -> list[OrderSeen]:
        given = {
            "shop": shop,
            "orders": json.dumps(asked.order_ids),
            "customers": json.dumps([asked.customer_id] if asked.customer_id else []),
            "needles": json.dumps(hashes),
        }
        found = self._column(conn, "orders_named", **given)
        rows = _named(
            conn.execute(self._sql["orders"], {"shop": shop, "orders": json.dumps(found)})
        )
        facts = [self._order(row) for row in rows]
        return [fact for fact in facts if isinstance(fact, OrderSeen)]

    def _order(self, row: Mapping[str, Any]) -> Fact:
        """As much of an order as can be read."""
        return self._read(codec.readable_fact, row["fact"], row["sealed"]) or damaged.order(row)

    def _event(self, row: Mapping[str, Any]) -> Event:
        """As much of an event as can be read."""
        return self._read(codec.readable_event, row["event"], row["sealed"]) or damaged.event(row)

    def _read(
        self,
        read: Callable[[bytes, bytes | None, Sealer], R | None],
        text: bytes,
        box: bytes | None,
    ) -> R | None:
        """What the row holds, without its device if only that is damaged; None if all is."""
        whole = read(text, box, self._sealer)
        return read(text, None, self._sealer) if whole is None else whole

    def _cookies(
        self, conn: sqlite3.Connection, shop: str, visitors: list[str], orders: list[OrderSeen]
    ) -> list[str]:
        given = {"shop": shop, "visitors": json.dumps(visitors)}
        rows = conn.execute(self._sql["visitors"], given).fetchall()
        found = [cookie for row in rows for cookie in row[2:4]]
        found += [cookie for o in orders for cookie in (o.person.fbp, o.person.fbc)]
        return sorted({cookie for cookie in found if cookie})

    def _journal(
        self, conn: sqlite3.Connection, shop: str, sought: list[str], orders: set[str]
    ) -> list[int]:
        ids = [f'"order_id":"{order_id}"' for order_id in orders]
        return self._column(conn, "journal", shop=shop, needles=json.dumps([*sought, *ids]))

    def _bad_rows(
        self, conn: sqlite3.Connection, shop: str, asked: PrivacyAsked
    ) -> tuple[list[int], list[int]]:
        """Those that name the person, and those that nobody can tell it of."""
        rows = conn.execute(self._sql["bad_rows"], {"shop": shop}).fetchall()
        bodies = codec.readable((row[:2] for row in rows), self._sealer)
        theirs = [number for number, body in bodies.items() if privacy.mentions(body, asked)]
        unread = {number for number, _, is_damaged in rows if is_damaged or number not in bodies}
        return theirs, sorted(unread.difference(theirs))

    def _damaged(self, conn: sqlite3.Connection, trace: Trace) -> damaged.Damaged:
        known: dict[str, set[Any]] = {
            "orders": {order.order_id for order in trace.orders},
            "events": {number for number, _ in (*trace.events, *trace.others)},
            "sightings": set(trace.sightings),
            "journal": set(trace.journal),
        }
        return damaged.find(conn, self._sql, trace.shop, known)

    def _damaged_parts(self, conn: sqlite3.Connection, trace: Trace) -> int:
        """How many of the person's boxes and answers about consent cannot be read."""
        given = {
            "shop": trace.shop,
            "orders": json.dumps([order.order_id for order in trace.orders]),
            "events": json.dumps([number for number, _ in trace.events]),
            "visitors": json.dumps(trace.visitors),
        }
        boxes = [(row[:2], row[2]) for row in conn.execute(self._sql["boxes"], given)]
        told = [row[4] for row in conn.execute(self._sql["visitors"], given) if row[4]]
        read = len(codec.readable(boxes, self._sealer))
        return len(boxes) - read + [_consent(one) for one in told].count(None)

    def _in_flight(self, conn: sqlite3.Connection, events: list[int]) -> bool:
        rows = conn.execute(self._sql["outcomes"], {"events": json.dumps(events)})
        return any(row[2] == State.LEASED for row in rows)

    def _outcomes(self, conn: sqlite3.Connection, events: list[int]) -> dict[int, list[Any]]:
        made: dict[int, list[Any]] = {}
        for row in _named(conn.execute(self._sql["outcomes"], {"events": json.dumps(events)})):
            made.setdefault(row.pop("event"), []).append(row)
        return made

    def _column(self, conn: sqlite3.Connection, query: str, **given: Any) -> list[Any]:
        return [row[0] for row in conn.execute(self._sql[query], given)]

    # What an erasure does

    def _erase_visitors(self, conn: sqlite3.Connection, trace: Trace, token: str) -> None:
        orders = [order.order_id for order in trace.orders]
        given = {"shop": trace.shop, "orders": json.dumps(orders)}
        conn.execute(self._sql["keep_order_links"], given)
        names = json.dumps(trace.names)
        conn.execute(self._sql["forget_links"], {"shop": trace.shop, "names": names})
        for number, visitor in enumerate(trace.visitors):
            self._rename(conn, trace.shop, visitor, f"erased.{token}.{number}")
        for order_id in orders:
            self._rename(conn, trace.shop, f"order:{order_id}", f"order:{order_id}")

    def _rename(self, conn: sqlite3.Connection, shop: str, visitor: str, pseudonym: str) -> None:
        given = {"shop": shop, "visitor": visitor, "pseudonym": pseudonym}
        conn.execute(self._sql["rename_touches"], given)
        conn.execute(self._sql["rename_links"], given)
        if visitor != pseudonym:
            for what in ("visitor_touches", "visitor_links", "visitor"):
                conn.execute(self._sql[f"forget_{what}"], {"shop": shop, "visitor": visitor})

    def _erase_orders(self, conn: sqlite3.Connection, trace: Trace, token: str) -> None:
        orders = json.dumps([order.order_id for order in trace.orders])
        conn.execute(self._sql["forget_order_keys"], {"shop": trace.shop, "orders": orders})
        for order in trace.orders:
            customer = f"erased.{token}" if order.customer_id else None
            fact, _ = codec.pack(privacy.anonymous(order, customer), self._sealer)
            given = {"shop": trace.shop, "order": order.order_id, "customer": customer}
            conn.execute(self._sql["forget_order"], {**given, "fact": fact})
        self._blank_orders(conn, trace)

    def _blank_orders(self, conn: sqlite3.Connection, trace: Trace) -> None:
        """Orders that cannot be read keep their columns, and what these tell of their worth."""
        given = {"shop": trace.shop, "orders": json.dumps(trace.damaged.orders)}
        for row in _named(conn.execute(self._sql["orders"], given)):
            fact, _ = codec.pack(privacy.anonymous(damaged.order(row), None), self._sealer)
            named = {"shop": trace.shop, "order": row["order_id"], "fact": fact}
            conn.execute(self._sql["blank_order"], named)

    def _erase_events(self, conn: sqlite3.Connection, trace: Trace, now: float) -> None:
        stopped = json.dumps([number for number, _ in trace.events])
        given = {"events": stopped, "reason": str(Reason.ERASED), "now": now}
        conn.execute(self._sql["stop_deliveries"], given)
        for number, event in trace.events:
            left = privacy.anonymous_event(event, number)
            packed, _ = codec.pack(left, self._sealer)
            changed = {"number": number, "event": packed, "event_id": left.event_id}
            conn.execute(self._sql["forget_event"], changed)
        conn.execute(self._sql["blank_events"], (json.dumps(trace.damaged.events),))
        for number, event in trace.others:
            packed, _ = codec.pack(privacy.without_cookies(event), self._sealer)
            conn.execute(self._sql["amend_event"], {"number": number, "event": packed})

    def _erase_raw(self, conn: sqlite3.Connection, trace: Trace) -> None:
        lone = trace.damaged
        for token in (*trace.sightings, *lone.sightings):
            given = {"shop": trace.shop, "token": token}
            conn.execute(self._sql["forget_sighting"], given)
        journal = json.dumps([*trace.journal, *lone.journal])
        conn.execute(self._sql["forget_journal"], {"journal": journal})
        bad_rows = [(number,) for number in (*trace.bad_rows, *lone.bad_rows)]
        conn.executemany(self._sql["forget_bad_row"], bad_rows)


def values(row: PrivacyRow) -> tuple[Any, ...]:
    """The columns of a new request."""
    asked = msgspec.json.encode(row.asked)
    return (row.shop, row.source, row.received_at, row.asked.request, row.reference, asked)


def _request(row: Sequence[Any]) -> PrivacyRow | None:
    _, shop, source, at, asked, reference = row
    try:
        return PrivacyRow(shop, source, at, _asked.decode(asked), reference)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _consent(told: bytes | None) -> Any:
    """A visitor's answer about consent; None if there is none, or its row is damaged."""
    try:
        return json.loads(told or "null")
    except ValueError:
        return None


def _names(asked: PrivacyAsked, orders: Sequence[OrderSeen]) -> list[tuple[str, str]]:
    """What visitors of this person are linked by."""
    names = [("em", digest) for _, digest in asked.person.keys.get("em", ())]
    names += [("customer", asked.customer_id)] if asked.customer_id else []
    for order in orders:
        names.append(("order", order.order_id))
        names += [("customer", order.customer_id)] if order.customer_id else []
        names += [("checkout", order.checkout_token)] if order.checkout_token else []
        names += [("em", digest) for _, digest in order.person.keys.get("em", ())]
    return sorted(set(names))


def _named(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
