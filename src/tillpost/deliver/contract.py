"""What every destination offers; none of them sends anything itself."""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from tillpost.core.event import Event
from tillpost.core.outcome import Outcome
from tillpost.core.wire import Request, Response

BISECT = "bisect"
"""Reason of a pending outcome: the batch was refused for one of its events, send the halves."""

UNKNOWN = "unknown_error"
"""Reason of a pending outcome: nobody knows what the refusal means, perhaps one event of many."""


class Limits(Struct, frozen=True):
    """What one request may hold."""

    events: int
    seconds: float
    """How long to wait for an answer; without one the batch is in doubt."""


class Destination(Protocol):
    """One platform, as functions over plain values."""

    @property
    def name(self) -> str:
        """The platform's name, as `destinations.kind` has it."""

    @property
    def limits(self) -> Limits:
        """What one request may hold."""

    def refuses(self, event: Event, now: float) -> Outcome | None:
        """How the event ends unsent because the platform would refuse it; None if it would not."""

    def encode(self, events: Sequence[Event], settings: Any) -> Request:
        """The request that sends these events, of which there are at most `limits.events`."""

    def interpret(self, response: Response, events: Sequence[Event]) -> list[Outcome]:
        """One outcome for each event, in order, for any status and any body."""
