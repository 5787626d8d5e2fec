"""The drills in which time passes: what the platform does to us for hours and days.

Each takes a rig and how much to do, and leaves its figures in `rig.figures`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.drills.chaos import MODES
from tests.drills.rig import DAY, HOUR, Rig

from tillpost.deliver.outbox import LEASE_SECONDS, Sender

Trial: TypeAlias = Callable[[Rig, int], Awaitable[None]]


PASSING = set(MODES) - {"late_refusal"}
"""Every mode but the one that calls a good event bad: that is the end of it."""


async def every_mode(rig: Rig, times: int) -> None:
    """Each of the platform's ways to answer meets a batch of its own, twice; then it is well."""
    for mode in PASSING:
        rig.platform.play(lambda n, mode=mode: mode if n < 2 else "ok")  # type: ignore[misc]
        await rig.sell(2 * times)
        await rig.pass_time(3 * HOUR, step=600.0)
    played = rig.platform.modes()
    assert set(played) == PASSING, f"not played: {PASSING - set(played)}"
    rig.figures |= {"modes": len(played), "requests": sum(played.values())}


BROKEN = ("silent", "html_200", "transient", "silent_after", "short_count", "unavailable")
"""Modes that a careless sender takes for an end."""


async def broken_answers(rig: Rig, times: int) -> None:
    """Answers that are missing, cut off or not the platform's, each to a batch of its own."""
    for _ in range(times):
        for mode in BROKEN:
            rig.platform.play(lambda n, mode=mode: mode if n == 0 else "ok")  # type: ignore[misc]
            await rig.sell(4)
            await rig.pass_time(HOUR, step=600.0)
    rig.figures |= {"modes": len(BROKEN)}


async def poison(rig: Rig, times: int) -> None:
    """Events that the platform refuses, at random among good ones."""
    dice = random.Random(17)
    before = len(rig.platform.arrivals)
    await rig.sell(100 * times, poison=lambda _: dice.random() < 0.03)
    await rig.pass_time(DAY, step=HOUR)
    rig.figures |= {"events": 100 * times, "requests": len(rig.platform.arrivals) - before}


async def token_out(rig: Rig, times: int) -> None:
    """The token is revoked for six days, while orders keep coming; then it works again."""
    rig.platform.play("token_expired")
    before = len(rig.platform.arrivals)
    for _ in range(24):
        await rig.sell(times)
        await rig.pass_time(6 * HOUR, step=600.0)
    asked = len(rig.platform.arrivals) - before
    rig.platform.play("ok")
    rig.figures |= {"days": 6, "requests a day": round(asked / 6)}


async def clock_jumps(rig: Rig, times: int) -> None:
    """The clock jumps an hour back, a day ahead, and about, while answers break off."""
    rig.platform.play(lambda n: "silent_after" if n % 3 == 0 else "ok")
    jumps = (-HOUR, DAY, -60.0, HOUR, -HOUR, 2.0)
    for n in range(times):
        await rig.sell(6)
        await rig.pass_time(60.0, step=10.0)
        rig.clock.time += jumps[n % len(jumps)]
        await rig.sell(2)
        await rig.node.worker.drain()
    rig.figures |= {"jumps": times}


async def late_answers(rig: Rig, times: int) -> None:
    """A sender hangs past its lease; another sends the batch; then the first comes to its end."""
    node = rig.node
    first = node.worker.senders[0]
    other = Sender(first.line, node.store, node.transport, rig.clock, random.random)
    for _ in range(times):
        rig.platform.play(lambda n: "late_refusal" if n == 0 else "ok")
        await rig.sell(1)
        rig.clock.time += 3.0
        await node.worker.fold_round()
        slow = asyncio.create_task(first.round())
        await asyncio.sleep(0.15)
        rig.clock.time += LEASE_SECONDS + 1
        await other.round()
        await slow
    rig.figures |= {"leases taken over": times}


async def repeats(rig: Rig, times: int) -> None:
    """Every order is sent four times, the last of them after three days."""
    await rig.sell(5 * times)
    for wait in (0.0, HOUR, 3 * DAY):
        await rig.pass_time(wait, step=HOUR)
        await rig.repeat()
    rig.figures |= {"deliveries of each": 4}
