"""The server's one clock: the machine's, or one that a simulation moves."""

import time
from datetime import datetime

from tillpost.core.outcome import Misconfigured


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()


class SimulatedClock:
    """A clock that stands still until it is set or let run, and never goes back."""

    def __init__(self, start: float) -> None:
        self._shown = start
        self._running_since: float | None = None

    def now(self) -> float:
        """Unix seconds of the simulation."""
        if self._running_since is None:
            return self._shown
        return self._shown + time.monotonic() - self._running_since

    def set(self, moment: float) -> float:
        """Move to `moment`, if it lies ahead; returns the time it is now."""
        if moment > self.now():
            self._shown = moment
            if self._running_since is not None:
                self._running_since = time.monotonic()
        return self.now()

    def run(self) -> None:
        """Go on at the pace of the machine's clock, and show its time if that lies ahead."""
        self.set(time.time())
        self._running_since = time.monotonic()


def unix(text: str, name: str = "now") -> float:
    """Unix seconds of an ISO 8601 time with a zone; raises `Misconfigured` for anything else.

    `name` is what the error calls it.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Misconfigured(f"{name}: write a time with its zone, e.g. 2026-11-01T09:00:00Z")
    return moment.timestamp()
