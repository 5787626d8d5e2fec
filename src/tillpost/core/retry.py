"""When an event that was not taken goes again, and when it is too late.

Delays are full jitter over an exponential: random(0, min(cap, base * 2^n)). The last
call is the platform's age limit, and 47 hours where the browser's own copy went out:
Meta's 48-hour window runs from its first receipt, and a later server copy would be
counted a second time (domain rule 4). Near the last call the waits grow shorter.
"""

from msgspec import Struct

from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, Reason, State

BASE_SECONDS = 2.0
CAP_SECONDS = 900.0
PAUSE_SECONDS = 300.0
"""A destination that cannot take anything is asked again this often."""
URGENT_SHARE = 0.1
"""No wait is longer than this share of the time that is left."""

DAY = 86400.0


class Horizon(Struct, frozen=True):
    """How long after an event a platform still takes it; the defaults are Meta's (100/2804003)."""

    days: float = 7.0
    store_days: float = 62.0
    """The same for `physical_store`."""
    twin_hours: float | None = 47.0
    """Hours after the browser's own copy; None where the browser sends no copy there."""

    def age(self, action_source: str) -> float:
        """Seconds after an event of this source until which the platform takes it."""
        return DAY * (self.store_days if action_source == "physical_store" else self.days)


META = Horizon()


def delay(attempts: int, luck: float, left: float = float("inf")) -> float:
    """Seconds until the next try, after so many attempts; `luck` is uniform in [0, 1).

    `left` is the time until the deadline: the less of it, the shorter the wait.
    """
    top: float = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempts, 16))
    return luck * min(top, max(BASE_SECONDS, left * URGENT_SHARE))


def deadline(event: Event, horizon: Horizon = META) -> float:
    """Unix seconds after which the event can no longer be sent."""
    twin = _twin_deadline(event, horizon)
    oldest = event.event_time + horizon.age(event.action_source)
    return oldest if twin is None else min(oldest, twin)


def too_late(event: Event, now: float, horizon: Horizon = META) -> Outcome | None:
    """How the event ends unsent, if it is too late to send it: late twin first, then age."""
    twin = _twin_deadline(event, horizon)
    if twin is not None and now > twin:
        return Outcome(State.DROPPED, Reason.LATE_TWIN, sent=False)
    if now >= event.event_time + horizon.age(event.action_source):
        return Outcome(State.EXPIRED, Reason.TOO_OLD, sent=False)
    return None


def _twin_deadline(event: Event, horizon: Horizon) -> float | None:
    if event.direct != "sent" or event.direct_at is None or horizon.twin_hours is None:
        return None
    return event.direct_at + horizon.twin_hours * 3600
