"""What has changed since a cursor, put in the place of what was kept, is what is read at once."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tillpost.core.event import Journey, Visit
from tillpost.core.facts import FOLLOWED, changed
from tillpost.core.match_key import Code, of_value
from tillpost.core.received import AccountSeen, TouchSeen
from tillpost.receive.settle import Rules, settle_next
from tillpost.serve.receiver import platform_tables
from tillpost.serve.seal import AesSealer
from tillpost.store import followed
from tillpost.store.followed import Followed
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW, SHOP
from tillpost.testing.receiver_store import AD, AT, EVENT

KEYS = [of_value(Code.em, name) for name in "abc"]


class Kept:
    """What a roll-up would hold."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.tables: dict[str, dict[Any, list[Any]]] = {}
        self.parts = 0

    def take(self, found: Followed) -> None:
        self.cursor = found.cursor
        for name in FOLLOWED.keys() & found.tables.keys():
            new = by_key(name, found.tables[name])
            if changed(name) in found.tables:
                self.parts += 1
                gone = {tuple(key) for key in found.tables[changed(name)][1]}
                assert new.keys() <= gone
                new |= {key: rows for key, rows in self.tables[name].items() if key not in gone}
            self.tables[name] = new


def by_key(name: str, rows: Any) -> dict[Any, list[Any]]:
    columns, values = rows
    places = [columns.index(column) for column in FOLLOWED[name]]
    found: dict[Any, list[Any]] = {}
    for row in values:
        found.setdefault(tuple(row[place] for place in places), []).append(row)
    return {key: sorted(map(repr, its)) for key, its in found.items()}


def change(database: Database, text: str) -> None:
    def work(conn: sqlite3.Connection) -> None:
        conn.execute(text)

    database.write_now(work)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "tillpost.db", "gateway")
    yield database
    database.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "receiver.db", "receiver")
    yield database
    database.close()


def happens(database: Database, dice: random.Random) -> None:
    """One of the things that change where an order stands."""
    store = GatewayStore(database, AesSealer(b"k" * 32))
    number = dice.randrange(1, 9)
    name = str(1000 + number)
    last = Visit(NOW, utm_source=dice.choice(["a", "b"]))
    journey = Journey(ready=True, visits=dice.randrange(1, 9), last=last)
    order = make.order_row(make.order(name, journey=dice.choice([None, journey])))
    with database.reader() as conn:
        asked = ("SELECT order_id FROM events WHERE id = ?", (number + 10,))
        joined = conn.execute(*asked).fetchone()
    kinds: dict[str, Callable[[], Any]] = {
        "ordered": lambda: store.commit(make.changes(orders=[order])),
        "sold": lambda: store.commit(
            make.changes(
                orders=[order],
                events=[make.event_row(number, order_id=name)],
                deliveries=[make.delivery(number, dice.choice(["meta:1", "tiktok:C"]))],
            )
        ),
        "seen": lambda: store.commit(
            make.changes(
                events=[make.event_row(number + 10, order_id=joined[0] if joined else None)],
                deliveries=[make.delivery(number + 10)],
            )
        ),
        "joined": lambda: store.commit(
            make.changes(orders=[order], events=[make.event_row(number + 10, order_id=name)])
        ),
        "moved": lambda: change(
            database,
            f"UPDATE outbox SET state = '{dice.choice(['delivered', 'dead', 'pending'])}',"
            f" reason = '{dice.choice('xy')}' WHERE event % 5 = {number % 5}",
        ),
        "costed": lambda: store.add_product_costs(
            [
                {
                    "shop": SHOP,
                    "product": dice.choice(["LAMP-1", "sku1", "v1", "p1"]),
                    "cost_minor": number,
                    "currency": "USD",
                }
            ]
        ),
        "cut": lambda: change(database, "DELETE FROM fresh"),
    }  # fmt: skip
    kinds[dice.choice([*kinds, "sold", "moved"])]()


@pytest.mark.parametrize("seed", range(3))
def test_the_gateway_tells_what_has_changed_of_orders(gateway: Database, seed: int) -> None:
    dice, kept = random.Random(seed), Kept()
    for _ in range(40):
        for _ in range(dice.randrange(3)):
            happens(gateway, dice)
        with gateway.reader() as conn:
            kept.take(followed.of_gateway(conn, kept.cursor))
            whole = followed.of_gateway(conn, None).tables
        assert kept.tables == {name: by_key(name, rows) for name, rows in whole.items()}
    assert kept.parts > 60


def test_of_two_sales_of_an_order_the_latest_counts(gateway: Database) -> None:
    GatewayStore(gateway, AesSealer(b"k" * 32)).commit(
        make.changes(
            events=[make.event_row(number, order_id="1001") for number in (1, 2)],
            deliveries=[make.delivery(1), make.delivery(1, "tiktok:C"), make.delivery(2)],
        )
    )
    change(gateway, "UPDATE outbox SET state = 'dead' WHERE event = 2")
    with gateway.reader() as conn:
        _, rows = followed.of_gateway(conn, None).tables["deliveries"]
    assert {(row[2], row[3]) for row in rows} == {
        (make.DESTINATION, "dead"),
        ("tiktok:C", "pending"),
    }


def is_received(database: Database, dice: random.Random) -> None:
    """One of the things that change what the platform knows of orders."""
    store = SqliteReceiverStore(database)
    key = dice.choice(KEYS)

    def event() -> None:
        told = structs.replace(
            EVENT,
            source=dice.choice(["server", "browser"]),
            event_id=dice.choice([None, "e1", "e2", "e3", "e4"]),
            order_id=dice.choice([None, "1001", "1002", "1003"]),
            event_name=dice.choice(["Purchase", "Purchase", "Lead"]),
            event_time=AT + dice.randrange(100),
            received_at=float(AT + dice.randrange(100)),
            keys=(key,),
        )
        asyncio.run(store.receive([told]))
        settle_next(store, Rules())

    def visit() -> None:
        ad = structs.replace(AD, names={"campaign": dice.choice(["Spring", "Summer"])})
        person = AccountSeen((key,), f"p{KEYS.index(key)}")
        seen = TouchSeen("link_click", AT - 3600 + dice.randrange(99), ad, keys=(key,))
        asyncio.run(store.register((person,), (seen,), float(AT)))

    def pruned() -> None:
        change(database, "DELETE FROM trail")
        for name in ("conversion", "event"):
            change(database, f"DELETE FROM {name} WHERE seq < (SELECT MAX(seq) FROM event)")

    dice.choices((event, visit, pruned), (12, 3, 1))[0]()


@pytest.mark.parametrize("seed", range(3))
def test_the_receiver_tells_what_has_changed_of_orders(receiver: Database, seed: int) -> None:
    dice, kept = random.Random(seed), Kept()
    for _ in range(40):
        for _ in range(dice.randrange(4)):
            is_received(receiver, dice)
        with receiver.reader() as conn:
            kept.take(followed.of_receiver(conn, kept.cursor))
            whole = followed.of_receiver(conn, None).tables
        told = {name: by_key(name, rows) for name, rows in whole.items()}
        assert kept.tables == told
        store = SqliteReceiverStore(receiver)
        tables = platform_tables(store, followed.OF_RECEIVER)
        assert told == {name: by_key(name, rows) for name, rows in tables.items()}
    assert kept.parts > 60
    assert any(kept.tables["conversions"].values())


def test_more_than_can_be_told_one_by_one_is_read_whole(
    receiver: Database, gateway: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "MOST", 0)
    with receiver.reader() as conn:
        platform = followed.of_receiver(conn, None).cursor
    with gateway.reader() as conn:
        own = followed.of_gateway(conn, None).cursor
    asyncio.run(SqliteReceiverStore(receiver).receive([EVENT]))
    settle_next(SqliteReceiverStore(receiver), Rules())
    happens(gateway, random.Random(1))
    with receiver.reader() as conn:
        assert followed.of_receiver(conn, platform).tables.keys() == set(followed.OF_RECEIVER)
    GatewayStore(gateway, AesSealer(b"k" * 32)).commit(make.changes(orders=[make.order_row()]))
    with gateway.reader() as conn:
        assert followed.of_gateway(conn, own).tables.keys() == set(followed.OF_GATEWAY)
