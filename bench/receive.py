"""How fast the receiver settles beside millions of touches.

    python -m bench.receive [MILLIONS ...] [--rounds N]

A platform of one account per three touches is written straight into the store's
tables; then Purchases are sent as JSON bodies of 100, validated, appended and settled: 70%
of them by known accounts with a phone and an e-mail, half with a browser twin a second
before. Each round leaves about 180,000 more events in the same file. Printed per size and
round: events a second of both steps, by the clock and by CPU time, the
file's size, and the process's largest memory.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tillpost.core.match_key import Code, Key, of_value, pack
from tillpost.core.received import Dataset, ReceivedEvent
from tillpost.core.wire import Request
from tillpost.receive.accept import graph_events
from tillpost.receive.settle import STANDARD, settle_next
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database

AT = 1_790_000_000
EVENTS = 60_000
REQUEST = 100
TOUCH_INDEX = "CREATE INDEX touch_at ON touch (at, ad, action)"


def keys(person: int) -> tuple[Key, Key]:
    return of_value(Code.em, f"{person}@example.com"), of_value(Code.ph, f"+1{person:010}")


def load(path: Path, people: int) -> None:
    """Fill the tables as registering would leave them, three touches an account."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-400000")
    db.execute("DROP INDEX touch_at")
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
    db.execute(TOUCH_INDEX)
    db.execute("COMMIT")
    db.close()


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


def body(sale: ReceivedEvent, person: int) -> dict[str, Any]:
    """The sale as a sender's JSON."""
    user = {
        "em": [sha256(f"{person}@example.com".encode()).hexdigest()],
        "ph": [sha256(f"+1{person:010}".encode()).hexdigest()],
        "fbp": f"fb.1.1790000000000.{person}",
        "client_ip_address": "203.0.113.7",
        "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    custom = {"value": 19.99, "currency": "USD", "order_id": sale.order_id}
    custom |= {"contents": [{"id": "sku-1", "quantity": 1, "item_price": 19.99}]}
    return {
        "event_name": sale.event_name,
        "event_time": AT,
        "event_id": sale.event_id,
        "action_source": "website",
        "event_source_url": "https://shop.example/thank-you",
        "user_data": user,
        "custom_data": custom,
    }


class Spent(NamedTuple):
    """Seconds by the clock, and seconds of all the process's threads on a core."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Spent":
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> "Spent":
        now = Spent.now()
        return Spent(now.wall - self.wall, now.cpu - self.cpu)

    def rate(self, count: int) -> str:
        return f"{count / self.wall:,.0f} events/s ({count / self.cpu:,.0f} a CPU second)"


def take(store: SqliteReceiverStore, sales: list[ReceivedEvent], seed: int) -> Spent:
    """What it took to validate and append the sales as they come over the wire."""
    headers = {"content-type": "application/json"}
    bodies = [
        msgspec.json.encode(
            {"data": [body(s, seed * EVENTS + n + i) for i, s in enumerate(sales[n : n + REQUEST])]}
        )
        for n in range(0, len(sales), REQUEST)
    ]
    datasets = {"2": Dataset("2", "TOKEN")}

    async def one(sent: bytes) -> None:
        request = Request("POST", "/v26.0/2/events?access_token=TOKEN", headers, sent)
        await store.receive(graph_events(request, datasets, float(AT), lambda: "A").rows)

    async def all_of_them() -> None:
        for n in range(0, len(bodies), 32):
            await asyncio.gather(*[one(sent) for sent in bodies[n : n + 32]])

    began = Spent.now()
    asyncio.run(all_of_them())
    return began.since()


def settle(store: SqliteReceiverStore, waiting: list[ReceivedEvent]) -> Spent:
    """What it took to settle these events."""

    async def accept() -> None:
        for n in range(0, len(waiting), REQUEST):
            await store.receive(waiting[n : n + REQUEST])

    asyncio.run(accept())
    began = Spent.now()
    while settle_next(store, STANDARD):
        pass
    return began.since()


def main() -> None:
    """Print a line for each size and round."""
    parser = argparse.ArgumentParser(description="How fast the receiver settles.")
    parser.add_argument("sizes", nargs="*", type=float, default=[1, 3, 10], metavar="MILLIONS")
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receiver.db"
            Database(path, "receiver").close()
            people = int(size * 1e6) // 3
            # Elsewhere, so that the memory told is what receiving and settling take.
            loading = multiprocessing.get_context("spawn").Process(target=load, args=(path, people))
            loading.start()
            loading.join()
            database = Database(path, "receiver")
            store = SqliteReceiverStore(database)
            for round_ in range(1, asked.rounds + 1):
                sales = list(events(people, EVENTS, round_))
                settling = settle(store, sales)
                taking = take(store, sales, round_)
                print(
                    f"{size:g} million touches, {people:,} accounts, round {round_}: "
                    f"validate + append {taking.rate(len(sales))}, "
                    f"settle {settling.rate(len(sales))}, "
                    f"{path.stat().st_size / 1e6:,.0f} MB, "
                    f"RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB",
                    flush=True,
                )
                while settle_next(store, STANDARD):
                    pass
            database.close()


if __name__ == "__main__":
    main()
