"""A backlog drains in bounded memory, all of it, and the fresh do not wait behind it.

20,000 events here; a million with TILLPOST_FULL set.
"""

import os
import time
import urllib.request
from pathlib import Path

import pytest
from msgspec import structs
from tests.drills.chaos import Chaos
from tests.drills.nodes import Node
from tests.drills.oracle import standing
from tests.drills.shop import KEY, server_event, worth
from tests.live import DATASET

from tillpost.core.books import Changes
from tillpost.serve.seal import AesSealer, read_keys
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make

EVENTS = 1_000_000 if os.environ.get("TILLPOST_FULL") else 20_000
MOST_BYTES = 300 << 20
FRESH = 99_999_999
_PART = 5000


def _part(first: int, now: float) -> Changes:
    """A commit of events that were all due an hour ago."""
    made = make.outgoing(_PART, first, f"meta:{DATASET}")
    events = [
        structs.replace(
            row,
            received_at=now - 3600,
            event=structs.replace(row.event, shop="demo", event_time=int(now) - 7200),
        )
        for row in made.events
    ]
    deliveries = [structs.replace(d, shop="demo", due_at=now - 3600) for d in made.deliveries]
    accepted = {("demo", f"meta:{DATASET}"): _PART}
    return structs.replace(made, events=events, deliveries=deliveries, accepted=accepted)


def _fill(data: Path) -> None:
    data.mkdir(parents=True)
    database = Database(data / "tillpost.db", "gateway")
    store = GatewayStore(database, AesSealer(*read_keys(data)))
    now = time.time()
    for first in range(1, EVENTS + 1, _PART):
        store.commit(_part(first, now))
    database.close()


def _sell_fresh(node: Node) -> None:
    path, body, headers = server_event(FRESH, worth(FRESH), time.time())
    request = urllib.request.Request(node.url + path, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def _drained(node: Node, platform: Chaos, within: float) -> tuple[float, float]:
    """Seconds until all is delivered, and until the fresh one, sold on the way, was taken."""
    began, sold = time.monotonic(), None
    fresh = 0.0
    while time.monotonic() - began < within:
        if sold is None and platform.has_taken():
            _sell_fresh(node)
            sold = time.monotonic()
        if sold and not fresh and platform.has_taken(("Purchase", f"made-{FRESH}")):
            fresh = time.monotonic() - sold
        if fresh and standing(node.url, KEY) == (EVENTS + 1, 0):
            return time.monotonic() - began, fresh
        time.sleep(0.2)
    raise AssertionError(f"not drained within {within:g} s: {standing(node.url, KEY)}")


@pytest.mark.slow
def test_a_backlog_drains_in_bounded_memory_and_the_fresh_go_beside_it(tmp_path: Path) -> None:
    platform = Chaos(tmp_path / "arrived.jsonl", remember=False)
    node = Node(tmp_path, platform.url)
    _fill(node.data)
    node.must_start()
    try:
        seconds, fresh = _drained(node, platform, within=120 + EVENTS / 500)
        memory = node.rss()
    finally:
        node.close()
        platform.close()
    counts = platform.taken()
    again = sum(times > 1 for times in counts.values())
    figures = f"fresh after {fresh:.1f} s, {again} sent again, {memory >> 20} MiB"
    print(f"{EVENTS} in {seconds:.0f} s, {figures}")
    assert len(counts) == EVENTS + 1
    assert memory <= MOST_BYTES
