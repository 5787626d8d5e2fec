"""Facts in segments and beside them are those of the database, whatever was written when."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tillpost.core.books import Link, RefundRow, Touch
from tillpost.core.facts import KINDS, SEGMENTS
from tillpost.report import balance
from tillpost.report.engine import Engine
from tillpost.report.query import Query
from tillpost.serve.seal import AesSealer
from tillpost.store import queries
from tillpost.store import segments as store_segments
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.segments import SegmentWriter, rows_of
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW, SHOP


class Shop:
    """A gateway database with its segments, and what happens to it."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.database = database
        self.store = GatewayStore(database, AesSealer(b"k" * 32))
        self.writer = SegmentWriter(database, clock)

    def happens(self, dice: random.Random) -> None:
        dice.choice((self.order, self.order, self.visit, self.visit, self.refund, self.forget))(
            dice
        )

    def order(self, dice: random.Random) -> None:
        name = str(dice.randrange(6))
        seen = make.order(order_id=name, customer_id=f"c{dice.randrange(3)}")
        self.store.commit(make.changes(orders=[make.order_row(seen)]))

    def visit(self, dice: random.Random) -> None:
        visitor, at = f"v{dice.randrange(4)}", NOW - dice.randrange(9)
        told = dict.fromkeys(Touch.__struct_fields__)
        seen = {"shop": SHOP, "visitor_id": visitor, "at": at, "channel": "Email", "rules": 1}
        touch = Touch(**{**told, "direct": False, "paid": False, "flags": "", **seen})  # type: ignore[arg-type]
        link = Link(SHOP, "customer", f"c{dice.randrange(3)}", visitor, at)
        self.store.commit(make.changes(touches=[touch], links=[link]))

    def refund(self, dice: random.Random) -> None:
        order = str(dice.randrange(6))
        row = RefundRow(SHOP, f"r{order}-{dice.randrange(2)}", order, NOW, 7 * int(order), "USD")
        self.store.commit(make.changes(refunds=[row]))

    def forget(self, dice: random.Random) -> None:
        self.sql(f"DELETE FROM touches WHERE visitor_id = 'v{dice.randrange(4)}' AND at % 2 = 0")
        self.sql(f"DELETE FROM links WHERE visitor_id = 'v{dice.randrange(4)}'")
        self.sql(f"UPDATE touches SET dropped = 1, rules = 2 WHERE id = {dice.randrange(9)}")

    def sql(self, text: str) -> None:
        def work(conn: sqlite3.Connection) -> None:
            conn.execute(text)

        self.database.write_now(work)

    def reported(self) -> dict[str, list[tuple[Any, ...]]]:
        with Engine(self.store.tables(KINDS)) as engine:
            run = engine.connection.execute
            return {
                "orders": run("SELECT * EXCLUDE (seq) FROM orders").fetchall(),
                "order_keys": run("SELECT * FROM order_keys").fetchall(),
                "refunds": run("SELECT * FROM refunds").fetchall(),
                "links": run("SELECT * FROM links").fetchall(),
                "touches": run(
                    "SELECT id, shop, visitor_id, moment, channel FROM touches t"
                    " JOIN labels b ON b.label = t.label"
                ).fetchall(),
            }

    def true(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.database.reader() as conn:
            texts = queries.load("gateway")
            found = {name: rows_of(conn, texts[f"table_{name}"]) for name in KINDS}
        columns, rows = found["touches"]
        kept = [columns.index(c) for c in ("id", "shop", "visitor_id", "at", "channel")]
        touches = [tuple(row[i] for i in kept) for row in rows]
        return {name: rows for name, (_, rows) in found.items()} | {"touches": touches}


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def shop(tmp_path: Path, time: Time) -> Iterator[Shop]:
    database = Database(tmp_path / "tillpost.db", "gateway")
    yield Shop(database, time)
    database.close()


@pytest.mark.parametrize("seed", range(3))
def test_reports_read_what_the_database_says(
    shop: Shop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_segments, "CHANGES_A_SEGMENT", 5)
    monkeypatch.setattr(store_segments, "MOST_FILES", 3)
    dice = random.Random(seed)
    for _ in range(60):
        shop.happens(dice)
        if dice.random() < 0.3:
            shop.writer.round()
        assert _sorted(shop.reported()) == _sorted(shop.true())
    assert SEGMENTS in shop.store.tables(["orders"])


def test_the_shop_s_total_is_of_all_orders_wherever_they_lie(shop: Shop) -> None:
    dice = random.Random(1)
    for _ in range(20):
        shop.order(dice)
    shop.writer.write(whole=False)
    shop.order(dice)
    tables = shop.store.tables(balance.TABLES)
    assert len(tables["orders"][1]) == 1
    with Engine(tables) as engine:
        assert engine.connection.execute("SELECT COUNT(*) FROM orders").fetchall() == [(6,)]
    assert balance.missing(tables, Query()) == []


def test_a_backlog_is_never_held_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(2)
    for _ in range(60):
        shop.happens(dice)
    monkeypatch.setattr(store_segments, "AT_ONCE", 4)
    sizes: list[int] = []
    fill = store_segments.fill

    def noted(engine: Any, name: str, rows: list[tuple[Any, ...]]) -> None:
        sizes.append(len(rows))
        fill(engine, name, rows)

    monkeypatch.setattr(store_segments, "fill", noted)
    shop.writer.write(whole=False)
    assert max(sizes) == 4 < max(map(len, shop.true().values()))
    assert _sorted(shop.reported()) == _sorted(shop.true())


def test_few_changes_write_no_segment(shop: Shop) -> None:
    shop.order(random.Random(1))
    assert shop.writer.round() == 0
    assert SEGMENTS not in shop.store.tables(["orders"])


def test_what_is_forgotten_leaves_the_files_and_the_log(shop: Shop, tmp_path: Path) -> None:
    secret = make.hashed("ada@example.com")
    shop.order(random.Random(1))
    shop.writer.write(whole=False)
    assert _holds(tmp_path / "segments", secret)
    shop.sql("DELETE FROM order_keys WHERE kind = 'em'")
    shop.writer.forget()
    assert not _holds(tmp_path / "segments", secret)
    with shop.database.reader() as conn:
        assert conn.execute("SELECT COUNT(*) FROM fresh").fetchone() == (0,)


def test_a_file_stays_for_those_that_read_it(shop: Shop, tmp_path: Path, time: Time) -> None:
    shop.order(random.Random(1))
    shop.writer.write(whole=False)
    tables = shop.store.tables(KINDS)
    shop.writer.write(whole=True)
    shop.writer.round()
    with Engine(tables) as engine:
        assert engine.connection.execute("SELECT COUNT(*) FROM orders").fetchone() == (1,)
    time.now = store_segments.GRACE_SECONDS + 1
    shop.writer.round()
    assert len(list((tmp_path / "segments").iterdir())) == len(KINDS)


def _sorted(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


def _holds(folder: Path, secret: str) -> bool:
    import duckdb

    text = f"SELECT value FROM read_parquet('{folder}/*-order_keys.parquet')"
    with duckdb.connect(":memory:") as engine:
        return (secret,) in engine.execute(text).fetchall()
