import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillpost.core.books import Leased, Sighting, Wanted
from tillpost.core.event import Device, Fact
from tillpost.core.outcome import Outcome, State, TillpostError
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_memory import MemoryGatewayStore
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing import strategies
from tillpost.testing.entries import DESTINATION, NOW, SHOP
from tillpost.testing.facts import FactsSuite
from tillpost.testing.gateway_store import (
    FolderSuite,
    Gateway,
    JournalSuite,
    MakeStore,
    RetentionSuite,
)
from tillpost.testing.outbox import OutboxSuite

KEY = b"k" * 32


def sqlite_store(path: Path) -> tuple[Database, GatewayStore]:
    database = Database(path, "gateway")
    return database, GatewayStore(database, AesSealer(KEY))


@pytest.fixture(params=["sqlite", "memory"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    opened: list[Database] = []

    def make_one() -> Gateway:
        if request.param == "memory":
            return MemoryGatewayStore()
        database, store = sqlite_store(tmp_path / f"{len(opened)}.db")
        opened.append(database)
        return store

    yield make_one
    for database in opened:
        database.close()


class TestJournal(JournalSuite):
    pass


class TestFolder(FolderSuite):
    pass


class TestRetention(RetentionSuite):
    pass


def test_addresses_go_from_the_disk_a_week_after_the_last_platform_settled(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "one.db")
    store.commit(make.outgoing(1))
    (leased,) = store.lease(DESTINATION, float(NOW), 10, 1.0)
    event = next(store.events([leased]))
    assert event is not None
    assert event.device.client_ip_address
    store.settle([(leased, Outcome(State.DELIVERED))], float(NOW))
    store.prune(NOW - 1)
    assert sealed(database) == 1
    store.prune(NOW + 1)
    assert sealed(database) == 0
    database.close()


def sealed(database: Database) -> int:
    with database.reader() as conn:
        found: int = conn.execute("SELECT COUNT(sealed) FROM events").fetchone()[0]
    return found


class TestOutbox(OutboxSuite):
    pass


class TestFacts(FactsSuite):
    pass


def damage(database: Database, table: str, column: str, number: int) -> None:
    """One byte of that row is another on the disk."""
    sql = f"UPDATE {table} SET {column} = CAST(REPLACE({column}, '{{', '[') AS BLOB) WHERE id = ?"
    database.write_now(lambda conn: conn.execute(sql, (number,)) and None)


def test_a_damaged_entry_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    asyncio.run(store.append([make.entry(make.order(str(n))) for n in range(4)]))
    damage(database, "journal", "fact", 2)
    damage(database, "journal", "fact", 3)
    assert [at for at, _ in store.unfolded(9)] == [1]
    store.commit(make.changes(position=1))
    assert [at for at, _ in store.unfolded(9)] == [4]
    rows = store.bad_rows(0, 9)
    assert [(row["reason"], row["field"], row["source"]) for row in rows] == [
        ("unreadable", "journal", "shopify")
    ] * 2
    assert store.unfolded(9)[0][0] == 4
    database.close()


def test_an_event_whose_row_is_damaged_is_told_as_none_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    store.commit(make.outgoing(3))
    damage(database, "events", "event", 2)
    leased = store.lease(DESTINATION, NOW + 9.0, 10, 1.0)
    assert [event is None for event in store.events(leased)] == [False, True, False]
    database.close()


def test_an_entry_that_another_key_sealed_is_never_set_aside(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    asyncio.run(store.append([make.entry(make.order())]))
    stranger = GatewayStore(database, AesSealer(b"x" * 32))
    with pytest.raises(TillpostError):
        stranger.unfolded(9)
    assert (len(store.unfolded(9)), store.bad_rows(0, 9)) == (1, [])
    database.close()


def test_what_was_appended_survives(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    given_entries = [make.entry(make.order()), make.entry(make.beacon())]
    asyncio.run(store.append(given_entries))
    database.close()
    again, reopened = sqlite_store(tmp_path / "a.db")
    assert [entry for _, entry in reopened.unfolded(9)] == given_entries
    again.close()


def test_a_row_that_the_file_refuses_undoes_the_whole_commit(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    too_large = make.event_row(event=make.event(event_time=2**70))
    with pytest.raises(OverflowError):
        store.commit(make.changes(orders=[make.order_row()], events=[too_large], position=3))
    assert store.tables(["orders"])["orders"][1] == []
    database.close()


def test_addresses_and_browsers_are_sealed_on_disk(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    device = Device("198.51.100.213", "Mozilla/5.0 Conspicuous/7.7")
    facts: list[Fact] = [
        make.order(device=device),
        make.beacon(device=device),
        make.server_event(device=device),
    ]
    asyncio.run(store.append([make.entry(fact) for fact in facts]))
    order, beacon = make.order(device=device), make.beacon(device=device)
    event = make.event_row(event=make.event(device=device))
    store.commit(
        make.changes(
            orders=[make.order_row(order)],
            sightings=[Sighting(SHOP, make.CHECKOUT, float(NOW), beacon)],
            events=[event],
            deliveries=[make.delivery()],
        )
    )
    recalled = store.recall(Wanted(orders={(SHOP, "1001")}))
    assert recalled.orders[SHOP, "1001"].seen == order
    assert recalled.sightings[SHOP, make.CHECKOUT].seen == beacon
    assert [*store.events(store.lease(DESTINATION, NOW, 9, 60.0))] == [event.event]
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"198.51.100.213" not in held
    assert b"Conspicuous" not in held
    assert b"demo-shop.example" in held
    database.close()
    assert b"Conspicuous" not in (tmp_path / "a.db").read_bytes()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    database, store = sqlite_store(tmp_path / "a.db")
    asyncio.run(store.append([make.entry(make.order())]))
    other = GatewayStore(database, AesSealer(b"x" * 32))
    with pytest.raises(Exception, match="sealing key"):
        other.unfolded(1)
    database.close()


class Player:
    """Does the steps of a history to a store."""

    def __init__(self, store: Gateway) -> None:
        self.store = store
        self.now = float(NOW)
        self.next = 1
        self.leases: list[Leased] = []
        self.answers: list[Any] = []

    def play(self, step: tuple[Any, ...]) -> None:
        name, *given_values = step
        self.answers.append(getattr(self, name)(*given_values))

    def commit(self, count: int) -> None:
        self.store.commit(make.outgoing(count, self.next))
        self.next += count

    def move(self, number: int, state: str) -> None:
        if number < self.next:
            self.store.commit(make.changes(deliveries=[make.delivery(number, state=state)]))

    def lease(self, limit: int, seconds: int) -> list[tuple[int, int, str | None]]:
        taken = self.store.lease(DESTINATION, self.now, limit, float(seconds))
        self.leases += taken
        return [(t.delivery.event, t.delivery.fence, t.delivery.reason) for t in taken]

    def settle(self, index: int, outcome: Any) -> int | None:
        if not self.leases:
            return None
        return self.store.settle([(self.leases[index % len(self.leases)], outcome)], self.now)

    def wait(self, seconds: int) -> float | None:
        self.now += seconds
        return self.store.next_due(DESTINATION)

    def free(self) -> int:
        return self.store.free(self.now)


@pytest.fixture
def fresh_sqlite(tmp_path: Path) -> Iterator[Callable[[], GatewayStore]]:
    database, store = sqlite_store(tmp_path / "shared.db")

    def wipe(conn: sqlite3.Connection) -> None:
        for table in ("events", "outbox", "accepted"):
            conn.execute(f"DELETE FROM {table}")

    def fresh() -> GatewayStore:
        database.write_now(wipe)
        return store

    yield fresh
    database.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(strategies.steps, max_size=25))
def test_both_stores_tell_the_same_story(
    history: list[tuple[Any, ...]], fresh_sqlite: Callable[[], GatewayStore]
) -> None:
    players = [Player(fresh_sqlite()), Player(MemoryGatewayStore())]
    for step in [("commit", 3), *history]:
        for player in players:
            player.play(step)
    on_disk, in_memory = players
    assert on_disk.answers == in_memory.answers
    assert on_disk.store.tallies() == in_memory.store.tallies()
    assert on_disk.store.event_items(0, 99, None, None) == in_memory.store.event_items(
        0, 99, None, None
    )
    rows = on_disk.store.tallies()
    accepted = sum(n for *_, state, _, n in rows if state == "accepted")
    assert accepted == sum(n for *_, state, _, n in rows if state != "accepted")
