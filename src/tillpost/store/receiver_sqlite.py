"""The receiver's store in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from tillpost.core import dedup
from tillpost.core.match_key import Code, Key, pack, unpack
from tillpost.core.matching import STRANGER, account_of, strong
from tillpost.core.received import (
    AccountSeen,
    Action,
    Ad,
    Attributed,
    Batch,
    Bounds,
    Candidate,
    Click,
    ConversionRow,
    KeptCall,
    Known,
    ReceivedEvent,
    Settled,
    Settlement,
    Tally,
    Touch,
    TouchSeen,
)
from tillpost.store import queries, receiver_prune
from tillpost.store.receiver_rows import (
    ACTION_NAMES,
    ACTIONS,
    EVENT_COLUMNS,
    candidate,
    conversion,
    event_row,
    named_ad,
    settled_event,
    shown,
    tally,
)
from tillpost.store.sqlite import Database

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
            registrar = _Registrar(connection, self._sql, int(now))
            for account in accounts:
                registrar.account(account)
            for touch in touches:
                registrar.touch(touch)

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
        found: dict[int, list[Settled]] = {}
        seen: dict[int, Settled] = {}
        with self._database.reader() as connection:
            for mark in marks:
                seqs = connection.execute(self._sql["trail"], (mark,)).fetchall()
                if seqs:
                    found[mark] = [
                        event for (seq,) in seqs for event in self._chain(connection, seq, seen)
                    ]
        return found

    def _chain(
        self, connection: sqlite3.Connection, seq: int | None, seen: dict[int, Settled]
    ) -> Iterator[Settled]:
        """The event, and those it is a duplicate of, up to the one that counts."""
        while seq is not None:
            if seq not in seen:
                seen[seq] = settled_event(connection.execute(self._sql["event"], (seq,)).fetchone())
            yield seen[seq]
            seq = seen[seq].twin

    def known(self, keys: Iterable[Key], learned: Iterable[Key]) -> Known:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return _known(connection, self._sql, keys, learned)

    def touches(self, asked: Iterable[tuple[int, int]]) -> dict[tuple[int, int], list[Touch]]:
        """See `ports.ReceiverStore`."""
        sql = self._sql["contenders"]
        with self._database.reader() as connection:
            return {
                (person, at): [
                    Touch(touched, ACTION_NAMES[action], ad)
                    for touched, action, ad in connection.execute(sql, {"person": person, "at": at})
                ]
                for person, at in asked
            }

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
        """The events under these marks, each followed by those it is a duplicate of."""
        seen: dict[int, Settled] = {}
        for mark in marks:
            for (seq,) in connection.execute(self._sql["marked"], (mark,)).fetchall():
                list(self._chain(connection, seq, seen))
        return list(seen.values())

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

    def matched_orders(self) -> list[tuple[str, bool]]:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            rows = connection.execute(self._sql["matched_orders"]).fetchall()
        return [(order_id, bool(matched)) for order_id, matched in rows]

    def order_copies(self) -> list[tuple[str, int, int, int]]:
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

    def people_known(self) -> int:
        """See `ports.ReceiverStore`."""
        with self._database.reader() as connection:
            return int(connection.execute(self._sql["people_known"]).fetchone()[0])


class _Registrar:
    """Writes accounts and touches inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, sql: Mapping[str, str], now: int) -> None:
        self._do = connection.execute
        self._connection = connection
        self._sql = sql
        self._now = now
        self._ads: dict[tuple[str, ...], int] = {}

    def account(self, seen: AccountSeen) -> int | None:
        person = self._by_id(seen.id) if seen.id is not None else None
        if person is None and seen.id is None:
            known = _known(self._connection, self._sql, strong(seen.keys), ())
            person, opens = account_of(seen.keys, known.owners, known.accounts)
            if person is None and not opens:
                return None
        if person is None:
            cursor = self._do(self._sql["new_person"], (seen.id, pack(seen.keys)))
            person, lacking = int(cursor.lastrowid or 0), seen.keys
        else:
            lacking = self._extend(person, seen)
        self._connection.executemany(
            self._sql["own_key"], [(key, person) for key in strong(lacking)]
        )
        return person

    def touch(self, seen: TouchSeen) -> None:
        ad = self._ad(seen.ad, seen.at)
        person = self._toucher(seen)
        if person is not None:
            self._do(self._sql["keep_touch"], (person, ACTIONS[seen.action], seen.at, ad))
        if seen.click is not None:
            self._do(self._sql["keep_click"], (seen.click, person, seen.at, ad))

    def _toucher(self, seen: TouchSeen) -> int | None:
        """Whose touch it was; one that tells only a click opens an account of its own."""
        if seen.person is not None or strong(seen.keys):
            return self.account(AccountSeen(seen.keys, seen.person))
        if seen.click is None:
            return None
        known = _known(self._connection, self._sql, (seen.click,), ())
        click = known.clicks.get(seen.click)
        return click.person if click else self.account(AccountSeen((seen.click,)))

    def _by_id(self, known_as: str) -> int | None:
        row = self._do(self._sql["person_by_id"], (known_as,)).fetchone()
        return int(row[0]) if row else None

    def _extend(self, person: int, seen: AccountSeen) -> tuple[Key, ...]:
        held = unpack(self._do(self._sql["account"], (person,)).fetchone()[0])
        lacking = tuple(key for key in seen.keys if key not in held)
        if lacking:
            self._do(self._sql["name_person"], (seen.id, pack(held + lacking), person))
        return lacking

    def _ad(self, ad: Ad, at: int) -> int:
        path = (ad.ad_id, ad.adset_id, ad.campaign_id, ad.account_id)
        ids = {"account": ad.account_id, "campaign": ad.campaign_id}
        ids |= {"adset": ad.adset_id, "ad": ad.ad_id}
        for kind, name in ad.names.items():
            self._do(self._sql["keep_name"], (kind, ids[kind], name, at))
        if path not in self._ads:
            row = self._do(self._sql["ad"], path).fetchone()
            number = row[0] if row else self._do(self._sql["new_ad"], path).lastrowid
            self._ads[path] = int(number or 0)
        return self._ads[path]


def _known(
    connection: sqlite3.Connection,
    sql: Mapping[str, str],
    keys: Iterable[Key],
    learned: Iterable[Key],
) -> Known:
    known = Known({}, {}, {}, {})
    for key in keys:
        if key[0] == Code.fbc:
            _recall_click(connection, sql, key, known)
        owners = connection.execute(sql["owners"], (key,)).fetchall()
        if owners and key not in known.owners:
            known.owners[key] = tuple(person for (person,) in owners)
    for key in learned:
        owners = connection.execute(sql["learned"], (key,)).fetchall()
        if owners:
            known.learned[key] = tuple(person for (person,) in owners)
    for several in (*known.owners.values(), *known.learned.values()):
        for person in several:
            if person not in known.accounts and person != STRANGER:
                packed = connection.execute(sql["account"], (person,)).fetchone()[0]
                known.accounts[person] = frozenset(unpack(packed))
    return known


def _recall_click(
    connection: sqlite3.Connection, sql: Mapping[str, str], key: Key, known: Known
) -> None:
    row = connection.execute(sql["click"], (key,)).fetchone()
    if row is None:
        return
    person, at, ad = row
    known.clicks[key] = Click(person, Touch(at, "link_click", ad))
    if person is not None:
        known.owners[key] = (person,)


def _commit(connection: sqlite3.Connection, sql: Mapping[str, str], done: Settlement) -> None:
    many = connection.executemany
    events = [event_row(event) for event in (*done.settled, *done.changed)]
    many(sql["keep_event"], events)
    many(sql["keep_mark"], sorted(done.marks))
    many(
        sql["keep_series"],
        {(event.event.dataset_id, event.event.event_name) for event in done.settled},
    )
    many(sql["teach"], done.taught)
    _commit_credits(connection, sql, done.attributed, {event.seq for event in done.changed})
    connection.execute(sql["pass"], (done.upto,))


def _commit_credits(
    connection: sqlite3.Connection,
    sql: Mapping[str, str],
    attributed: Sequence[Attributed],
    changed: set[int],
) -> None:
    earlier = [(seq,) for seq in changed]
    connection.executemany(sql["drop_conversion"], earlier)
    connection.executemany(sql["drop_contenders"], earlier)
    connection.executemany(
        sql["keep_conversion"],
        [
            (
                a.seq,
                a.credit.window,
                ACTIONS[a.credit.touch.action],
                a.credit.touch.at,
                a.credit.touch.ad,
            )
            for a in attributed
            if a.credit is not None
        ],
    )
    connection.executemany(
        sql["keep_contender"],
        [(a.seq, ACTIONS[t.action], t.at, t.ad) for a in attributed for t in a.contenders],
    )
