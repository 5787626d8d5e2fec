"""What a scraper is told of delivery."""

import asyncio
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from tillpost.core.outcome import Outcome, State
from tillpost.serve import development
from tillpost.serve.clock import SystemClock
from tillpost.serve.measured import DeliveryMetrics
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Server
from tillpost.store.checks import Check
from tillpost.testing import entries as make


def test_delay_breaker_and_balance_are_told(tmp_path: Path) -> None:
    async def work() -> str:
        settings = development.settings(development.read_secrets(tmp_path), Server())
        node = Node(settings, tmp_path, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")
        (sender,) = node.worker.senders
        now = node.clock.now()
        row = make.event_row(received_at=now - 50.0)
        name = sender.line.name
        changes = make.changes(
            events=[row],
            deliveries=[make.delivery(1, name, due_at=now - 50.0)],
            accepted={(make.SHOP, name): 2},
        )
        node.store.commit(changes)
        down = Outcome(State.PAUSED, "token", "190: no", 300.0, pauses=True)
        sender._note([down])
        node.checks.note(Check(make.SHOP, 0.0, now, now, now - 60.0, 4, 3, 1, None, now + 60.0))
        lost = ("9", "#9", int(now) - 20_000, 700, "USD", 0, "webhook_never_came")
        node.checks.keep(make.SHOP, ["9"], [lost], now)
        registry = CollectorRegistry()
        registry.register(DeliveryMetrics(node))
        (told,) = node.destinations()
        assert (told["state"], told["reason"], told["detail"]) == ("open", "token", "190: no")
        assert told["asked_again_at"] > told["since"]
        scraped = generate_latest(registry).decode()
        await node.close()
        return scraped

    text = asyncio.run(work())
    line = 'destination="meta:1234567890123456"'
    assert f'tillpost_ledger_imbalance{{{line},shop="demo"}} 1.0' in text
    assert f'tillpost_destination_open{{{line},reason="token",shop="demo"}} 1.0' in text
    assert f'tillpost_delivery_exchanges_total{{{line},outcome="token",shop="demo"}} 1.0' in text
    assert f'tillpost_events_expiring{{{line},shop="demo"}} 0.0' in text
    assert 'tillpost_order_accuracy{shop="demo"} 0.75' in text
    assert 'tillpost_orders_missing{shop="demo"} 1.0' in text
    assert 'tillpost_orders_fetched_total{shop="demo"} 1.0' in text
    assert 'tillpost_orders_compared_seconds{shop="demo"} 6' in text
    lag = next(part for part in text.splitlines() if part.startswith("tillpost_delivery_lag"))
    assert 50.0 <= float(lag.rpartition(" ")[2]) < 90.0
