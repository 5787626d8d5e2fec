"""Every page of the dashboard over a large shop: the median answer, and the first load's weight.

    python bench/dashboard.py [--orders 1000000] [--touches 10000000] [--rounds 5] [--data DIR]

Orders, visits and deliveries are written straight into the stores of a new data directory
(or read from one that was made before), then a server is asked for each page in turn. The
first answer of a page looks at the stores; the median is of the answers after it.
"""

import argparse
import gzip
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from tillpost.core.channel import RULES_VERSION
from tillpost.serve.screens.catalog import SCREENS
from tillpost.store.sqlite import Database

DAY = 86_400
FIRST_LOAD = (
    "/", "/static/tillpost.css", "/static/screens.css", "/static/page.js", "/static/overview.js",
    "/static/mark.svg", "/static/vendor/htmx-4.0.1.min.js", "/static/vendor/uplot-1.6.32.min.js",
    "/static/vendor/uplot-1.6.32.min.css",
)  # fmt: skip
CHANNELS = ("Paid Social", "Paid Search", "Email", "Direct", "Organic Search", "Referral")


def fill(directory: Path, orders: int, touches: int, now: int) -> None:
    """A shop of so many orders over 180 days, each with its keys, event and delivery."""
    Database(directory / "tillpost.db", "gateway").close()
    database = sqlite3.connect(directory / "tillpost.db")
    database.execute("PRAGMA synchronous=OFF")
    dice = random.Random(7)
    step = 180 * DAY / orders
    moments = [int(now - 180 * DAY + i * step) for i in range(orders)]
    with database:
        database.executemany(_insert("orders", 21), _orders(moments, dice))
        database.executemany(
            _insert("order_keys", 4),
            (("demo", f"o{i}", "checkout", f"t{i}") for i in range(orders)),
        )
        database.executemany(
            _insert("links", 5),
            (("demo", "checkout", f"t{i}", f"v{i:019d}", at - 60) for i, at in enumerate(moments)),
        )
        database.executemany(_TOUCH.format(rules=RULES_VERSION), _touches(moments, touches, dice))
        database.executemany(_EVENT, _events(moments))
        database.executemany(_OUTBOX, _deliveries(moments))
        database.execute(
            "INSERT INTO accepted VALUES ('demo', 'meta:1234567890123456', ?)", (orders,)
        )
    database.close()


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"


_TOUCH = """INSERT OR IGNORE INTO touches (shop, visitor_id, at, source, medium, campaign,
    campaign_id, ad_id, channel, direct, paid, rules) VALUES ('demo', ?, ?, ?, 'm', ?, ?, ?, ?,
    ?, ?, {rules})"""
_EVENT = """INSERT INTO events (id, shop, fold_key, source, event_name, event_id, event_time,
    order_id, received_at, event) VALUES (?, 'demo', ?, 'shopify', 'Purchase', ?, ?, ?, ?, ?)"""
_OUTBOX = """INSERT INTO outbox (event, destination, shop, state, attempts, due_at, updated_at)
    VALUES (?, 'meta:1234567890123456', 'demo', 'delivered', 1, ?, ?)"""


def _orders(moments: list[int], dice: random.Random) -> Iterator[tuple[object, ...]]:
    zero = {"amount": "1.00", "currency": "USD"}
    for i, at in enumerate(moments):
        minor = 1000 + dice.randrange(20_000)
        value = {"amount": f"{minor / 100:.2f}", "currency": "USD"}
        fact = {
            "type": "order", "order_id": f"o{i}", "name": f"#{i}", "version": at,
            "created_at": at, "processed_at": at, "kind": "web", "topic": "orders/create",
            "value": value, "presentment": value, "subtotal": value, "tax": zero, "shipping": zero,
            "checkout_token": f"t{i}", "customer_id": f"c{i % 400_000}",
        }  # fmt: skip
        yield (
            "demo", f"o{i}", at, f"#{i}", at, "web", 1, None, minor, "USD", minor, "USD", f"t{i}",
            f"c{i % 400_000}", int(i >= 400_000), None, int(i % 10 > 0), 1, at, json.dumps(fact),
            None,
        )  # fmt: skip


def _touches(moments: list[int], touches: int, dice: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(touches):
        i, label = number * len(moments) // touches, dice.randrange(600)
        kind = label % len(CHANNELS)
        at = moments[i] - dice.randrange(40 * DAY)
        campaign = label % 50
        yield (
            f"v{i:019d}", at, f"source{kind}", f"Campaign {campaign}", f"c{campaign}", f"a{label}",
            CHANNELS[kind], int(kind == 3), int(kind < 2),
        )  # fmt: skip


def _events(moments: list[int]) -> Iterator[tuple[object, ...]]:
    for i, at in enumerate(moments):
        event = {
            "shop": "demo", "event_name": "Purchase", "event_id": f"purchase.t{i}",
            "event_time": at, "action_source": "website",
        }  # fmt: skip
        yield i + 1, f"order:o{i}", f"purchase.t{i}", at, f"o{i}", at + 1, json.dumps(event)


def _deliveries(moments: list[int]) -> Iterator[tuple[object, ...]]:
    return ((i + 1, at + 1, at + 3) for i, at in enumerate(moments))


class Browser:
    """One signed-in session over HTTP."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        form = urlencode({"password": password}).encode()
        request = urllib.request.Request(f"{url}/login", form, {"origin": url})  # noqa: S310
        self._opener.open(request, timeout=60).read()

    def timed(self, path: str) -> tuple[float, bytes]:
        """Seconds until the whole answer was read, and the answer."""
        began = time.perf_counter()
        with self._opener.open(f"{self._url}{path}", timeout=900) as answer:
            body = answer.read()
        return time.perf_counter() - began, body


def measure(browser: Browser, rounds: int) -> None:
    pages = ["/", *(s.path for s in SCREENS if s.listed), "/order?id=o1", "/event?id=1"]
    print(f"  {'page':12} {'first':>9} {'median':>9}")
    for path in pages:
        first, _ = browser.timed(path)
        found = [browser.timed(path)[0] for _ in range(rounds)]
        print(f"  {path:12} {first * 1000:6.0f} ms {statistics.median(found) * 1000:6.0f} ms")
    weight = sum(len(gzip.compress(browser.timed(path)[1])) for path in FIRST_LOAD)
    print(f"  first load: {weight / 1024:.0f} KB gzipped")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--touches", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--data", type=Path)
    given = options.parse_args()
    from tests.live import running

    with tempfile.TemporaryDirectory() as scratch:
        directory = given.data or Path(scratch) / "data"
        if not (directory / "tillpost.db").exists():
            directory.mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            fill(directory, given.orders, given.touches, int(time.time()))
            print(f"  filled in {time.perf_counter() - began:.0f} s")
        with running(directory) as live:
            print(f"{given.orders:,} orders over {given.touches:,} touches")
            measure(Browser(live.url, live.secrets["admin_password"]), given.rounds)


if __name__ == "__main__":
    sys.exit(main())
