"""What every destination offers; none of them sends anything itself.

A new destination is one module under `tillpost.deliver.destinations` with a class
`Settings` (its keys in `[[destinations]]`) and a value `destination`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.retry import DAY, Horizon
from tillpost.core.wire import Request, Response

BISECT = "bisect"
"""Reason of a pending outcome: the batch was refused for one of its events, send the halves."""

UNKNOWN = "unknown_error"
"""Reason of a pending outcome: nobody knows what the refusal means, perhaps one event of many."""

EMBEDDED = "embedded"
"""As a `url`: the receiver in the same process, the only loopback address there is."""

Built: TypeAlias = dict[str, Any]
"""One event as a platform takes it, as JSON values; `core.capi.encode` makes its text."""

Secret: TypeAlias = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A setting that is never shown, logged or put into a URL."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every destination is told; each adds its own keys, and its name as the `tag`."""

    shop: str
    """Name of the shop whose events it is sent."""
    events: tuple[str, ...] = ()
    """Event names to send; none named: all."""
    mode: Literal["live", "shadow"] = "live"
    """`shadow` builds, checks and keeps every payload, and sends none."""

    @property
    def kind(self) -> str:
        """The destination's name."""
        return str(type(self).__struct_config__.tag)

    @property
    def account(self) -> str:
        """What tells two destinations of a kind apart, e.g. the dataset; shown in the ledger."""
        return self.shop

    @property
    def is_embedded(self) -> bool:
        """Whether it sends to the receiver in the same process."""
        return getattr(self, "url", None) == EMBEDDED

    def __repr__(self) -> str:
        """Never shows a secret."""
        hidden = secret_keys(type(self))
        shown = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name not in hidden
        )
        return f"Settings({shown})"


def secret_keys(kind: Any) -> frozenset[str]:
    """The keys of a settings table whose values are `Secret`."""
    return frozenset(f.name for f in msgspec.structs.fields(kind) if _is_secret(f.type))


def _is_secret(kind: Any) -> bool:
    marks = getattr(kind, "__metadata__", ())
    return any(isinstance(m, msgspec.Meta) and (m.extra or {}).get("secret") for m in marks) or any(
        _is_secret(part) for part in getattr(kind, "__args__", ())
    )


_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, a day at most; None if there is none in seconds."""
    text = headers.get("retry-after", "")
    return min(float(text), DAY) if _SECONDS.fullmatch(text) else None


class Limits(Struct, frozen=True):
    """What one request may hold, and how old an event may be."""

    events: int
    seconds: float
    """How long to wait for an answer; without one the batch is in doubt."""
    bytes: int = 8 << 20
    """Most bytes of payloads in one request."""
    horizon: Horizon = Horizon()


class Failure(NamedTuple):
    """A row of a platform's table: what it answers, and what that asks of us.

    Events become `state`. `event_borne`: one event of the batch is bad, find it.
    `pauses`: the destination takes nothing at all, hold everything for `seconds`, which double
    with each refusal in a row where it `grows` and the answer tells no time.
    """

    reason: str
    signals: str
    """The answers that mean it, as the docs print them."""
    state: State
    event_borne: bool = False
    pauses: bool = False
    seconds: float | None = None
    codes: tuple[int, ...] = ()
    grows: bool = False

    def outcome(self, words: str, events: int, wait: float | None = None) -> Outcome:
        """What it means for each event of a batch of so many; `wait` is what the answer asked."""
        if self.event_borne and events > 1:
            return Outcome(State.PENDING, BISECT, words)
        grows = self.grows and wait is None
        wait = wait or self.seconds
        return Outcome(self.state, self.reason, words, wait, pauses=self.pauses, grows=grows)


class Destination(Protocol):
    """One platform, as functions over plain values."""

    @property
    def name(self) -> str:
        """The platform's name, as `destinations.kind` has it."""

    @property
    def limits(self) -> Limits:
        """What one request may hold."""

    @property
    def failures(self) -> Sequence[Failure]:
        """Everything that its answers can mean besides success; printed into the docs."""

    def build(self, event: Event, settings: Any) -> Built:
        """The event as the platform takes it; its text is kept, the same in every attempt."""

    def refuses(self, event: Event, built: Built, settings: Any, now: float) -> Outcome | None:
        """How the event ends unsent because the platform would refuse it; None if it would not."""

    def encode(self, payloads: Sequence[bytes], settings: Any, now: float) -> Request:
        """The request that sends these payloads, of which there are at most `limits.events`."""

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """One outcome for each payload, in order, for any status and any body."""
