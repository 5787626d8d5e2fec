"""How fast the receiver settles beside millions of touches: python bench/receive.py [MILLIONS ...].

A platform of one account per three touches is written straight into the store's
tables; then Purchases are accepted and settled: 70% of them by known accounts with a
phone and an e-mail, half with a browser twin a second before. Printed per size: events a
second, the file's size, and the process's largest memory.
"""

import asyncio
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tillpost.core.match_key import Code, Key, of_value, pack
from tillpost.core.received import ReceivedEvent
from tillpost.receive.settle import STANDARD, settle_next
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database

AT = 1_790_000_000
EVENTS = 60_000
REQUEST = 100


def keys(person: int) -> tuple[Key, Key]:
    return of_value(Code.em, f"{person}@example.com"), of_value(Code.ph, f"+1{person:010}")


def load(path: Path, touches: int) -> int:
    """Fill the tables as registering would leave them; returns how many accounts."""
    people = touches // 3
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-400000")
    db.execute("BEGIN")
    for ad in range(1, 1001):
        db.execute("INSERT INTO ad VALUES (?, 'act', ?, ?, ?)", (ad, ad % 20, ad % 200, ad))
    db.executemany(
        "INSERT INTO person VALUES (?, ?, ?)",
        ((p, f"p{p}", pack(keys(p))) for p in range(1, people + 1)),
    )
    pairs = sorted((key, p) for p in range(1, people + 1) for key in keys(p))
    db.executemany("INSERT INTO person_key VALUES (?, ?)", pairs)
    db.executemany("INSERT OR IGNORE INTO touch VALUES (?, ?, ?, ?)", touched(people))
    db.execute("COMMIT")
    db.close()
    return people


def touched(people: int) -> Iterator[tuple[int, int, int, int]]:
    dice = random.Random(7)
    for person in range(1, people + 1):
        for _ in range(3):
            action = dice.choice((1, 1, 2, 3, 4, 4))
            yield person, action, AT - dice.randrange(30 * 86_400), dice.randrange(1, 1001)


def events(people: int, count: int, seed: int) -> Iterator[ReceivedEvent]:
    dice = random.Random(seed)
    for number in range(count):
        person = dice.randrange(1, people + 1) if dice.random() < 0.7 else people + number + 1
        event_id = f"purchase.{seed}.{number}"
        fbp = of_value(Code.fbp, f"fb.1.1.{person}")
        common: dict[str, Any] = {"value": 1999, "currency": "USD", "order_id": f"{seed}{number}"}
        if dice.random() < 0.5:
            yield ReceivedEvent(
                "1", "browser", "Purchase", event_id, AT, AT + number, (fbp,), "website", **common
            )
        yield ReceivedEvent(
            "1", "server", "Purchase", event_id, AT, AT + number + 1, (*keys(person), fbp),
            "website", **common,
        )  # fmt: skip


def settle(store: SqliteReceiverStore, people: int, seed: int) -> tuple[int, float]:
    """How many events were settled, and in how many seconds."""

    async def accept() -> None:
        waiting = list(events(people, EVENTS, seed))
        for n in range(0, len(waiting), REQUEST):
            await store.receive(waiting[n : n + REQUEST])

    asyncio.run(accept())
    began, count = time.perf_counter(), 0
    while settled := settle_next(store, STANDARD):
        count += settled
    return count, time.perf_counter() - began


def main(sizes: list[float]) -> None:
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receiver.db"
            Database(path, "receiver").close()
            people = load(path, int(size * 1e6))
            database = Database(path, "receiver")
            store = SqliteReceiverStore(database)
            for round_ in (1, 2):
                count, seconds = settle(store, people, round_)
                print(
                    f"{size:g} million touches, {people:,} accounts, round {round_}: "
                    f"{count / seconds:,.0f} events/s, {path.stat().st_size / 1e6:,.0f} MB, "
                    f"RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
                )
            database.close()


if __name__ == "__main__":
    main([float(size) for size in sys.argv[1:]] or [1, 3, 10])
