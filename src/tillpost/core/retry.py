"""When an event that was not taken goes again, and when it is too late.

Delays are full jitter over an exponential: random(0, min(cap, base * 2^n)). The last
call is the platform's age limit, and 47 hours where the browser's own copy went out:
Meta's 48-hour window runs from its first receipt, and a later server copy would be
counted a second time (domain rule 4).
"""

from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, Reason, State

BASE_SECONDS = 2.0
CAP_SECONDS = 900.0
PAUSE_SECONDS = 300.0
"""A destination that cannot take anything is asked again this often."""

DAY = 86400.0
OLDEST_DAYS = {"physical_store": 62.0}
"""Days after the event that Meta still takes it, by action source (100/2804003)."""
DEFAULT_OLDEST_DAYS = 7.0
TWIN_HOURS = 47.0


def delay(attempts: int, luck: float) -> float:
    """Seconds until the next try, after so many attempts; `luck` is uniform in [0, 1)."""
    top: float = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempts, 16))
    return luck * top


def age_limit(action_source: str) -> float:
    """Seconds after the event until which the platform takes it."""
    return OLDEST_DAYS.get(action_source, DEFAULT_OLDEST_DAYS) * DAY


def deadline(event: Event) -> float:
    """Unix seconds after which the platform refuses the event."""
    return event.event_time + age_limit(event.action_source)


def too_late(event: Event, now: float) -> Outcome | None:
    """How the event ends unsent, if it is too late to send it: late twin first, then age."""
    sent_at = event.direct_at if event.direct == "sent" else None
    if sent_at is not None and now - sent_at > TWIN_HOURS * 3600:
        return Outcome(State.DROPPED, Reason.LATE_TWIN, sent=False)
    if now >= deadline(event):
        return Outcome(State.EXPIRED, Reason.TOO_OLD, sent=False)
    return None
