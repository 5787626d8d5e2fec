"""A breaker: while a destination takes nothing, nothing is tried, and one event asks for all.

Closed, everything goes. A refusal of everything (a limit, a dead token) opens it at once for
as long as the platform asks (a limit that tells no time: a minute, then twice as long each time,
up to a quarter of an hour); three failures in a row open it for a random time that doubles
up to a minute. When that time is over it is half open: one event is sent, and what becomes of
it closes the breaker or opens it again. Pure: the clock and the luck are arguments.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from tillpost.core import retry
from tillpost.core.outcome import Outcome, State
from tillpost.deliver.contract import BISECT, UNKNOWN

FAILURES = 3
"""So many exchanges in a row must fail before nothing more is tried."""
LONGEST_SECONDS = 60.0
"""A destination that is well again is noticed within this time."""
SHORTEST_SECONDS = 1.0

_ALIVE = frozenset({State.DELIVERED, State.DEAD, State.DROPPED})


class Breaker(Struct, frozen=True):
    """Whether a destination is tried; `since` is when its trouble began."""

    failures: int = 0
    opened_at: float | None = None
    seconds: float = 0.0
    reason: str | None = None
    detail: str | None = None
    since: float | None = None

    def state(self, now: float) -> Literal["closed", "open", "half_open"]:
        """Closed, open until its time is over, then half open; a clock set back opens nothing."""
        if self.opened_at is None:
            return "closed"
        return "open" if 0 <= now - self.opened_at < self.seconds else "half_open"

    @property
    def until(self) -> float | None:
        """When it is asked again, if it is open."""
        return None if self.opened_at is None else self.opened_at + self.seconds

    def after(self, outcomes: Sequence[Outcome], now: float, luck: float) -> "Breaker":
        """What one exchange with these outcomes makes of it; `luck` is uniform in [0, 1)."""
        closed = self.opened_at is None
        pause = next((one for one in outcomes if one.pauses), None)
        if pause is not None:
            return self._open(pause, self._pause(pause), now)
        alive = next((o for o in outcomes if o.state in _ALIVE or o.reason == BISECT), None)
        if alive is not None:
            return self._rest(alive, now)
        failed = outcomes[0]
        if closed and failed.reason == UNKNOWN:
            return self
        if closed and self.failures + 1 < FAILURES:
            return Breaker(self.failures + 1, since=now if self.since is None else self.since)
        wait = retry.delay(self.failures + 1, luck)
        seconds = failed.retry_after or min(max(wait, SHORTEST_SECONDS), LONGEST_SECONDS)
        return self._open(failed, seconds, now)

    def _pause(self, why: Outcome) -> float:
        asked = why.retry_after or retry.PAUSE_SECONDS
        return min(asked * 2 ** min(self.failures, 8), retry.CAP_SECONDS) if why.grows else asked

    def _open(self, why: Outcome, seconds: float, now: float) -> "Breaker":
        since = now if self.since is None else self.since
        return Breaker(self.failures + 1, now, seconds, why.reason, why.detail, since)

    def _rest(self, taken: Outcome, now: float) -> "Breaker":
        """Closed; or, if the platform took it and asks for a rest, open for that long."""
        if taken.state is State.DELIVERED and taken.retry_after:
            return Breaker(0, now, taken.retry_after, "usage", None, now)
        return Breaker()
