"""Live shoppers: an endless shop in real time, one order every few seconds."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tillpost.simulate.knobs import Knobs
from tillpost.simulate.play import Player, Progress, Target
from tillpost.simulate.schedule import build_world
from tillpost.simulate.times import HOUR
from tillpost.simulate.wire import Planned

FIRST = 1_000_000
"""Number of the first live order and person; history's stay below."""
SPACING = 5_000
"""Numbers kept for one hour of orders and people."""
TICK = 0.5


def hours(knobs: Knobs, start: datetime, every: float) -> Iterator[tuple[Planned, ...]]:
    """Without end, the requests of one hour after the other, an order every `every` seconds.

    Spend is left out: it comes by the day, and history has told today's.
    """
    orders = min(max(1, round(HOUR / every)), SPACING // 4)
    hour = replace(knobs, orders=orders, skew=0.0)
    number = 0
    while True:
        world = build_world(
            replace(hour, seed=knobs.seed + 1 + number),
            start + timedelta(hours=number),
            seconds=HOUR,
            first=FIRST + number * SPACING,
        )
        yield tuple(row for row in world.plan if row.what != "spend")
        number += 1


async def live(
    knobs: Knobs, target: Target, start: datetime, *, every: float = 4.0,
    on_progress: Progress | None = None,
) -> None:  # fmt: skip
    """Send live traffic until cancelled; `start` is what the server's clock shows now.

    A simulated clock goes on at the pace of the machine's.
    """
    player = Player(target, lanes=4)
    loop = asyncio.get_running_loop()
    began, offset = loop.time(), start.timestamp()
    following = hours(knobs, start, every)
    left: list[Planned] = []
    built_until = offset
    try:
        while True:
            now = offset + loop.time() - began
            # An hour ahead: some of the next hour's buyers land before it begins.
            if now + HOUR >= built_until:
                left = sorted([*left, *await asyncio.to_thread(next, following)], key=_at)
                built_until += HOUR
            due = bisect_right(left, now, key=_at)
            await player.clock(now)
            await player.step(left[:due])
            left = left[due:]
            if on_progress is not None:
                on_progress(now, player.done)
            await asyncio.sleep(TICK)
    finally:
        await player.close()


def _at(row: Planned) -> float:
    return row.at
