"""Prints every event on the server's standard output, one JSON text a line.

For looking at what would be sent; nothing leaves the machine. Identifiers are hashed, and
addresses and user agents are left out.
"""

from collections.abc import Sequence

from msgspec import structs

from tillpost.core import capi
from tillpost.core.event import Device, Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.retry import Horizon
from tillpost.core.wire import Request, Response
from tillpost.deliver import contract
from tillpost.deliver.contract import Built, Failure, Limits

CONSOLE_URL = "console:"
"""The transport prints what is sent there."""


class Settings(contract.Settings, frozen=True, kw_only=True, tag="console"):
    """Whose events are printed."""


_BROKEN = Failure("transient", "the output is closed", State.PENDING)


class Console:
    """The destination `console`."""

    name = "console"
    limits = Limits(events=1000, seconds=5.0, horizon=Horizon(7.0, 62.0, None))
    failures = (_BROKEN,)

    def refuses(self, event: Event, built: Built, settings: Settings, now: float) -> Outcome | None:
        """None: every event can be printed."""

    def build(self, event: Event, settings: Settings) -> Built:  # noqa: ARG002
        """The event in CAPI vocabulary, without what no terminal should show."""
        return capi.server_event(structs.replace(event, device=Device()))

    def encode(self, payloads: Sequence[bytes], settings: Settings, now: float) -> Request:  # noqa: ARG002
        """One line an event."""
        return Request("POST", CONSOLE_URL, {}, b"\n".join(payloads) + b"\n")

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """What was printed is delivered."""
        if response.status == 200:
            return [Outcome(State.DELIVERED)] * len(payloads)
        words = f"status {response.status}"
        return [_BROKEN.outcome(words, len(payloads))] * len(payloads)


destination = Console()
