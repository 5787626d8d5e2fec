"""Requests about people's data are carried out past what the disk has damaged."""

import asyncio
import json
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from tests.store.test_flipped_bits import damage

from tillpost.serve import development
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.node import Node
from tillpost.serve.rounds.privacy import asked_of
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Server
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW


async def _asked(node: Node) -> dict[str, dict[str, Any]]:
    """The requests of Ada, whose order and Purchase are damaged, and of one that is itself."""
    await node.store.append([make.entry(make.order(), source="shopify")])
    await node.worker.drain()
    damage(node.store, "orders", "fact", "order_id = '1001'")
    damage(node.store, "events", "event", "order_id = '1001'")
    lost = node.privacy.ask("demo", asked_of({"email": "eve@example.com"}, None), NOW, source="api")
    cut = "UPDATE privacy_requests SET asked = x'00' WHERE id = ?"
    node.store._db.write_now(lambda conn: conn.execute(cut, (lost,)) and None)
    given = {"email": "ada@example.com"}
    for request in ("access", "erase"):
        asked = asked_of({**given, "request": request}, None)
        node.privacy.ask("demo", asked, NOW, source="api")
    await node.worker.drain()
    items = node.privacy.requests(0, 9)["items"]
    return {
        "lost" if item["id"] == lost else item["request"]: node.privacy.request(item["id"]) or {}
        for item in items
    }


def test_a_damaged_row_stops_no_request_and_is_counted_in_the_record_and_the_log(
    tmp_path: Path,
) -> None:
    plain = development.settings(development.read_secrets(tmp_path), Server(mode="shadow"))
    clock = SimulatedClock(NOW + 60.0)
    node = Node(plain, tmp_path, clock, read_keys(tmp_path), "http://127.0.0.1:1")
    with capture_logs() as logs, asyncio.Runner() as runner:
        found = runner.run(_asked(node))
        runner.run(node.close())
    assert found["lost"]["done_at"] is None
    assert found["access"]["answer"]["unreadable"] == 2
    assert (found["erase"]["counts"]["orders"], found["erase"]["counts"]["unreadable"]) == (1, 2)
    told = [(log["event"], log.get("unreadable")) for log in logs if "unreadable" in log["event"]]
    assert told == [
        ("privacy_request_unreadable", None),
        ("rows_unreadable", 2),
        ("rows_unreadable", 2),
    ]
    assert "1001" not in json.dumps(logs, default=str)
