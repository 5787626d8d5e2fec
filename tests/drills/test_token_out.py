"""The token is out for 60 hours: longer than the platform remembers the browser's copy.

Where the browser's own copy went out, ours would be counted a second time by now, so it is
dropped; where it was blocked, ours is the only one, and goes as soon as the token works.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.drills.rig import DATASET, HOUR, Rig, rigged
from tests.drills.shop import webhook, worth

from tillpost.core.wire import Request

ORDERS = range(1, 13)
"""The browser's copy of the odd ones went out; that of the even ones was blocked."""


async def _sale(rig: Rig, number: int) -> None:
    """One sale as shop and browser tell it; the copy of the browser goes straight to Meta."""
    now, sent = rig.clock.now(), number % 2 == 1
    assert await rig.post(*webhook(number, worth(number), now)) == 200
    seen = {
        "event_name": "Purchase",
        "event_id": f"page-{number}",
        "event_time": now,
        "checkout_token": f"{number:032x}",
        "direct": "sent" if sent else "blocked",
        "custom_data": {"value": float(worth(number)), "currency": "USD"},
    }
    assert await rig.beacon(seen) == 204
    if sent:
        await _own_copy(rig, number)


async def _own_copy(rig: Rig, number: int) -> None:
    fields = {
        "id": DATASET,
        "ev": "Purchase",
        "eid": f"page-{number}",
        "cd[value]": worth(number),
        "cd[currency]": "USD",
        "cd[order_id]": str(number),
    }
    answers = rig.node.receiver.handler("GET", "/tr")
    assert answers is not None
    assert (await answers(Request("GET", f"/tr?{urlencode(fields)}", {}))).status == 200


async def _counted(rig: Rig) -> dict[str, int]:
    """How many Purchases of each id the platform counts."""
    await rig.node.worker.drain()
    counts: dict[str, int] = {}
    for item in rig.node.receiver.purchases():
        counts[item["event_id"]] = counts.get(item["event_id"], 0) + (not item["duplicate_of"])
    return counts


async def _drill(directory: Path, same_source: str) -> tuple[dict[str, int], dict[str, Any]]:
    async with rigged(directory, embedded=True, same_source=same_source) as rig:
        rig.node.receiver.set_tokens_valid(False)
        for number in ORDERS:
            await _sale(rig, number)
        await rig.pass_time(60 * HOUR, step=HOUR)
        assert rig.node.reading.ledger()["destinations"][0]["delivered"] == 0
        rig.node.receiver.set_tokens_valid(True)
        await rig.settle(2 * HOUR)
        return await _counted(rig), rig.node.reading.ledger()["destinations"][0]


@pytest.mark.parametrize("same_source", ["absorb", "count"])
def test_after_sixty_hours_every_sale_counts_once(tmp_path: Path, same_source: str) -> None:
    counted, ledger = asyncio.run(_drill(tmp_path, same_source))
    assert counted == {f"page-{number}": 1 for number in ORDERS}
    assert ledger["delivered"] == len(ORDERS) // 2
    assert ledger["dropped"] == {"late_twin": len(ORDERS) // 2}
    assert ledger["balanced"]
