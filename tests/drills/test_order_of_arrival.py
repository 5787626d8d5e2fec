"""A history in any order, some of it twice, gives the same reports to the cent."""

import asyncio
import itertools
import json
import os
import random
from pathlib import Path
from typing import Any, NamedTuple

from tests.drills.rig import HOUR, Rig, rigged
from tests.drills.shop import signed, webhook
from tests.orders import order

from tillpost.serve.reading import Asked

REPORTS = ("orders", "channels", "campaigns", "journeys", "coverage")
FULL = bool(os.environ.get("TILLPOST_FULL"))


class Message(NamedTuple):
    """A webhook: its topic and body; or a beacon's event, with no topic."""

    topic: str | None
    body: dict[str, Any]


def _history(now: float) -> list[Message]:
    """Two visits, an order that is told twice, its refund, and the page's own sighting."""
    made = json.loads(webhook(7001, "59.00", now)[1])
    later = {**made, "updated_at": order()["updated_at"], "financial_status": "partially_refunded"}
    page = {"visitor_id": "v-7001", "checkout_token": made["checkout_token"]}
    url = "https://demo-shop.myshopify.com/tea?utm_source=facebook&utm_medium=paid_social"
    back = {
        "id": 31,
        "order_id": 7001,
        "created_at": made["updated_at"],
        "processed_at": made["updated_at"],
        "transactions": [
            {"kind": "refund", "status": "success", "amount": "12.50", "currency": "USD"}
        ],
    }
    first = {"event_name": "PageView", "event_id": "p1", "event_time": now - 2 * HOUR}
    last = {"event_name": "PageView", "event_id": "p2", "event_time": now - 60}
    sale = {"event_name": "Purchase", "event_id": "page-7001", "event_time": now, "direct": "sent"}
    return [
        Message("orders/create", made),
        Message("orders/updated", later),
        Message("refunds/create", back),
        Message(None, {**first, **page, "event_source_url": url + "&utm_campaign=Spring"}),
        Message(None, {**last, **page, "event_source_url": url + "&utm_campaign=Summer"}),
        Message(None, {**sale, **page, "event_source_url": url}),
    ]


async def _tell(rig: Rig, message: Message) -> None:
    if message.topic is None:
        assert await rig.beacon(message.body) == 204
        return
    body = json.dumps(message.body).encode()
    path = "/webhooks/shopify/demo"
    assert await rig.post(path, body, signed(body, message.topic)) == 200


async def _reports(directory: Path, order: tuple[int, ...], now: float, *, late: bool) -> Any:
    async with rigged(directory) as rig:
        rig.clock.time = now
        history = _history(now)
        for index in order:
            await _tell(rig, history[index])
            if late:
                await rig.node.worker.fold_round()
        await rig.settle(2 * HOUR)
        asked = Asked(shop="demo")
        found = {name: rig.node.reading.report(name, asked) for name in REPORTS}
        return {**found, "ledger": rig.node.reading.ledger()}


def test_every_order_of_arrival_gives_the_same_reports(tmp_path: Path) -> None:
    now = 1_790_000_000.0
    told = asyncio.run(_reports(tmp_path / "first", tuple(range(6)), now, late=False))
    assert [row["value"] for row in told["orders"]] == ["59.00"]
    dice = random.Random(19)
    permutations = list(itertools.permutations(range(6)))
    chosen = permutations if FULL else dice.sample(permutations, 8)
    for number, some in enumerate(chosen):
        again = (*some, *dice.sample(some, 2))
        late = number % 2 == 1
        found = asyncio.run(_reports(tmp_path / str(number), again, now, late=late))
        assert found == told, f"in the order {again}"
