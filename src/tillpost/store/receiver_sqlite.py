"""The receiver's store in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from tillpost.core import dedup
from tillpost.core.match_key import Key
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
from tillpost.store import queries, receiver_prune
from tillpost.store import receiver_recall as recall
from tillpost.store.receiver_registrar import Registrar
from tillpost.store.receiver_rows import (
    ACTION_NAMES,
    ACTIONS,
    EVENT_COLUMNS,
    SOURCE_NAMES,
    candidate,
    conversion,
    event_row,
    named_ad,
    seen_row,
    settled_event,
    shown,
    tally,
)
from tillpost.store.sqlite import Database, insert_rows

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[ReceivedEvent, ...]).decode
_DAY = 86_400


class SqliteReceiverStore:
    """Implements `ports.ReceiverStore` over a `Database` of schema `receiver`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = queries.load("receiver")

    async def receive(self, events: Sequence[ReceivedEvent]) -> None:
        """See `ports.ReceiverStore`."""
        if not events:
            return
        packed = _encode(tuple(events))
        await self._database.append(self._sql["receive"], [(packed,)])

    async def register(
        self, accounts: Sequence[AccountSeen], touches: Sequence[TouchSeen], now: float
    ) -> None:
        """See `ports.ReceiverStore`."""

        def work(connection: sqlite3.Connection) -> None:
            registrar = Registrar(connection, self._sql, int(now))
            for account in accounts:
                registrar.account(account)
            for touch in touches:
                registrar.touch(touch)

        await self._database.write(work)

    async def register_spend(self, rows: Sequence[SpendSeen]) -> None:
        """See `ports.ReceiverStore`."""

        def work(connection: sqlite3.Connection) -> None:
            registrar = Registrar(connection, self._sql, 0)
            for row in rows:
                registrar.spend(row)

        await self._database.write(work)

    def note_refused(self, path: str, reason: str, now: float) -> None:
        """See `ports.ReceiverStore`."""
        row = (int(now) // _DAY, path, reason)
        self._database.write_now(lambda c: c.execute(self._sql["note_refused"], row))

    async def keep_call(self, call: KeptCall, most: int) -> None:
        """See `ports.ReceiverStore`."""
        row = msgspec.structs.astuple(call)[:-1]

        def work(connection: sqlite3.Connection) -> None:
            kept = connection.execute(self._sql["keep_call"], row).lastrowid or 0
            connection.execute(self._sql["drop_calls"], (kept - most,))

        await self._database.write(work)

    def calls(self, after: int, limit: int) -> list[KeptCall]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["calls"], (after, limit)).fetchall()
        return [KeptCall(*row) for row in rows]

    def newest(self) -> tuple[int, int]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            event, call = connection.execute(self._sql["newest"]).fetchone()
        return event, call

    def refusals(self) -> list[tuple[int, str, str, int]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return connection.execute(self._sql["refusals"]).fetchall()

    def prune(self, bounds: Bounds, now: float) -> int:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            before = receiver_prune.cut(connection, self._sql, bounds, now)
        pruned = 0
        for _ in range(receiver_prune.MOST_ROUNDS):
            rows = self._database.write_now(
                lambda c: receiver_prune.prune(c, self._sql, before),
            )
            pruned += rows
            if rows == 0:
                break
        return pruned

    def reset(self) -> None:
        """See `ports.ReceiverStore`."""

        def work(connection: sqlite3.Connection) -> None:
            for (table,) in connection.execute(self._sql["tables"]).fetchall():
                connection.execute(f"DELETE FROM {table}")

        self._database.write_now(work)

    def unsettled(self, limit: int) -> Batch:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            first = connection.execute(self._sql["last_seq"]).fetchone()[0] + 1
            events: list[ReceivedEvent] = []
            upto = 0
            for box, packed in connection.execute(self._sql["unsettled"], (limit,)):
                several = _decode(packed)
                if events and len(events) + len(several) > limit:
                    break
                events.extend(several)
                upto = box
        return Batch(upto, first, tuple(events))

    def earlier(self, marks: Iterable[int]) -> dict[int, list[Settled]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return recall.earlier(connection, self._sql, marks)

    def known(self, keys: Iterable[Key], learned: Iterable[Key]) -> Known:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return recall.known(connection, self._sql, keys, learned)

    def touches(self, asked: Iterable[tuple[int, int]]) -> dict[tuple[int, int], list[Touch]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return recall.touches(connection, self._sql, asked)

    def commit(self, settlement: Settlement) -> None:
        """See `ports.ReceiverStore`."""
        self._database.write_now(lambda c: _commit(c, self._sql, settlement))

    def settled_items(self, after: int, limit: int, event_id: str | None) -> list[dict[str, Any]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            if event_id is None:
                rows = connection.execute(self._sql["items"], (after, limit)).fetchall()
            else:
                rows = self._rows_of_id(connection, after, limit, event_id)
            return [self._item(connection, row) for row in rows]

    def _rows_of_id(
        self, connection: sqlite3.Connection, after: int, limit: int, event_id: str
    ) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for dataset_id, name in connection.execute(self._sql["series"]).fetchall():
            mark = dedup.id_mark(dataset_id, name, event_id)
            for row in connection.execute(self._sql["items_of_mark"], (mark, after, limit)):
                if row[4] == event_id and row not in rows:
                    rows.append(row)
        return sorted(rows)[:limit]

    def _item(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> dict[str, Any]:
        settled = settled_event(row[:EVENT_COLUMNS])
        root = None
        if settled.twin is not None:
            root = connection.execute(self._sql["root"], (settled.twin,)).fetchone()[0]
        _, joint_id, window, ad_id, adset_id, campaign_id = row[EVENT_COLUMNS:]
        ad = None
        if window is not None:
            ad = {
                "ad_id": ad_id,
                "adset_id": adset_id,
                "campaign_id": campaign_id,
                "window": window,
            }
        return shown(settled, root, joint_id, ad)

    def groups(self, after: int, limit: int, order_id: str | None) -> list[list[dict[str, Any]]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            if order_id is None:
                rows = connection.execute(self._sql["counting"], (after, limit)).fetchall()
                roots = [seq for (seq,) in rows]
            else:
                roots = self._roots_of_order(connection, order_id, after)[:limit]
            return [
                [
                    self._item(connection, row)
                    for row in connection.execute(self._sql["group"], (root,)).fetchall()
                ]
                for root in roots
            ]

    def _roots_of_order(
        self, connection: sqlite3.Connection, order_id: str, after: int
    ) -> list[int]:
        """The events that count of those with the order's id, or with an id like one of theirs."""
        series = connection.execute(self._sql["series"]).fetchall()
        marks = {dedup.order_mark(dataset, name, order_id) for dataset, name in series}
        own = self._marked(connection, marks)
        ids = {mark for event in own for mark in dedup.marks(event.event).written}
        found = {
            event.seq for event in (*own, *self._marked(connection, ids)) if event.twin is None
        }
        return sorted(seq for seq in found if seq > after)

    def _marked(self, connection: sqlite3.Connection, marks: Iterable[int]) -> list[Settled]:
        """The events under these marks, and those they are duplicates of."""
        rows = connection.execute(self._sql["marked"], (recall.listed(sorted(marks)),)).fetchall()
        return list(recall.Chains(connection, self._sql, {seq for (seq,) in rows}).events.values())

    def conversions(self, since: int, until: int) -> list[ConversionRow]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["conversions"], (since, until)).fetchall()
        return [conversion(row) for row in rows]

    def tested_items(self, code: str, after: int, limit: int) -> list[dict[str, Any]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["tested"], (code, after, limit)).fetchall()
            return [self._item(connection, row) for row in rows]

    def matched_orders(self) -> list[tuple[str, str, bool]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["matched_orders"]).fetchall()
        return [(dataset_id, order_id, bool(matched)) for dataset_id, order_id, matched in rows]

    def order_copies(self) -> list[tuple[str, str, int, int, int]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return connection.execute(self._sql["order_copies"]).fetchall()

    def candidates(self, since: int, until: int) -> list[Candidate]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["candidates"], (since, until)).fetchall()
        return [candidate(event, its) for event, its in groupby(rows, key=lambda row: row[:5])]

    def ads(self) -> dict[int, Ad]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["ads"]).fetchall()
        return {row[0]: named_ad(row) for row in rows}

    def touch_counts(self, since: int, until: int) -> list[tuple[int, Action, int, int]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["touch_counts"], (since, until)).fetchall()
        return [(ad, ACTION_NAMES[action], day, count) for ad, action, day, count in rows]

    def tallies(self, dataset_id: str, since: float, until: float) -> list[Tally]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            asked = {"dataset": dataset_id, "since": since, "until": until}
            rows = connection.execute(self._sql["tallies"], asked).fetchall()
        return [tally(row) for row in rows]

    def seen(
        self, dataset_id: str, kind: SeenKind, since: float, until: float
    ) -> list[tuple[int, Source, str, int]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            asked = (dataset_id, kind, since, until)
            rows = connection.execute(self._sql["seen"], asked).fetchall()
        return [(hour, SOURCE_NAMES[source], value, n) for hour, source, value, n in rows]

    def spend(self, since: int, until: int) -> list[tuple[int, int, str, int]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return connection.execute(self._sql["spend"], (since, until)).fetchall()

    def reach(
        self, rows: Mapping[int, int], periods: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        """See `ports.ReceiverStore`."""
        asked = {"groups": recall.listed(list(rows.items())), "periods": recall.listed(periods)}
        with self._database.reader() as connection:
            return connection.execute(self._sql["reach"], asked).fetchall()

    def people_known(self) -> int:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return int(connection.execute(self._sql["people_known"]).fetchone()[0])


def _commit(connection: sqlite3.Connection, sql: Mapping[str, str], done: Settlement) -> None:
    events = [event_row(event) for event in (*done.settled, *done.changed)]
    series = {(event.event.dataset_id, event.event.event_name) for event in done.settled}
    insert_rows(connection, sql["keep_event"], events)
    insert_rows(connection, sql["keep_mark"], sorted(done.marks))
    insert_rows(connection, sql["keep_series"], list(series))
    insert_rows(connection, sql["teach"], sorted(done.taught))
    _commit_credits(connection, sql, done)
    connection.executemany(sql["keep_seen"], [seen_row(seen, n) for seen, n in done.seen])
    connection.execute(sql["pass"], (done.upto,))


def _commit_credits(
    connection: sqlite3.Connection, sql: Mapping[str, str], done: Settlement
) -> None:
    earlier = [(event.seq,) for event in done.changed]
    connection.executemany(sql["drop_conversion"], earlier)
    connection.executemany(sql["drop_contenders"], earlier)
    credited = [
        (a.seq, a.credit.window, *_touch_row(a.credit.touch))
        for a in done.attributed
        if a.credit is not None
    ]
    insert_rows(connection, sql["keep_conversion"], credited)
    contenders = [(a.seq, *_touch_row(t)) for a in done.attributed for t in a.contenders]
    insert_rows(connection, sql["keep_contender"], contenders)


def _touch_row(touch: Touch) -> tuple[int, int, int]:
    return ACTIONS[touch.action], touch.at, touch.ad
