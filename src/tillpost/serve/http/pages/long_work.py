"""Reading that outlasts a request: begun once, joined by whoever asks for the same meanwhile."""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from msgspec import Struct

PATIENCE_SECONDS = 2.5
"""A page that takes longer tells of its progress instead, and asks again by itself."""
_MOST_TIMES = 256
"""Pages of which it is known how long they take; the one that was read longest ago goes first."""


class Progress(Struct, frozen=True):
    """How long something has been read, and how long it took the last time; whole seconds."""

    seconds: int
    usual: int | None = None


class _Running(NamedTuple):
    task: "asyncio.Task[Any]"
    began: float


class LongWork:
    """What is being read for pages, by what it is of."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Running] = {}
        self._took: dict[Hashable, float] = {}

    async def ask(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """What `read` gives, if it is there in time; else its `Progress`. Raises what it raises."""
        running = self._running.get(key)
        if running is None:
            task = asyncio.create_task(asyncio.to_thread(read))
            running = self._running[key] = _Running(task, time.monotonic())
        done, _ = await asyncio.wait({running.task}, timeout=PATIENCE_SECONDS)
        seconds = time.monotonic() - running.began
        if not done:
            usual = self._took.get(key)
            return Progress(int(seconds), None if usual is None else round(usual))
        if self._running.pop(key, None) is running:
            self._note(key, seconds)
        return running.task.result()

    def _note(self, key: Hashable, seconds: float) -> None:
        self._took.pop(key, None)
        self._took[key] = seconds
        if len(self._took) > _MOST_TIMES:
            del self._took[next(iter(self._took))]
