"""A platform that fails as often as it is told to: to see what a fault does, on purpose.

Which event meets which fault is decided by its bytes and the minute, so that a retry may
meet another. Nothing leaves the machine.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from tillpost.core import capi
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Request, Response
from tillpost.deliver import contract
from tillpost.deliver.contract import Built, Failure, Limits

ECHO_URL = "echo:"
"""The transport answers what is sent there with its own body."""


class Settings(contract.Settings, frozen=True, kw_only=True, tag="faulty"):
    """Whose events fail, and how often."""

    refused: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of events that are refused for good."""
    transient: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of events that must go again."""
    unanswered: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of events whose answer is lost."""
    token: bool = False
    """Whether the token is revoked: everything is paused."""


FAILURES = (
    Failure("refused", "`refused`", State.DEAD),
    Failure("transient", "`transient`", State.PENDING),
    Failure("no_clear_answer", "`unanswered`, or an answer that is not ours", State.IN_DOUBT),
    Failure("token", "`token = true`", State.PAUSED, pauses=True, seconds=60.0),
)
_BY_REASON = {failure.reason: failure for failure in FAILURES}
_TAKEN = "taken"
_answers = msgspec.json.Decoder(list[str])


class Faulty:
    """The destination `faulty`."""

    name = "faulty"
    limits = Limits(events=1000, seconds=5.0)
    failures = FAILURES

    def refuses(self, event: Event, built: Built, settings: Settings, now: float) -> Outcome | None:
        """None: it fails only when it is asked."""

    def build(self, event: Event, settings: Settings) -> Built:  # noqa: ARG002
        """The event in CAPI vocabulary."""
        return capi.server_event(event)

    def encode(self, payloads: Sequence[bytes], settings: Settings, now: float) -> Request:
        """The answers that the payloads will get, for the transport to send back."""
        minute = int(now // 60)
        body = msgspec.json.encode([_fate(payload, settings, minute) for payload in payloads])
        return Request("POST", ECHO_URL, {"content-type": "application/json"}, body)

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """As the answers say."""
        try:
            answers = _answers.decode(response.body)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            answers = []
        told = response.status == 200 and len(answers) == len(payloads)
        return [_outcome(answers[n] if told else "") for n in range(len(payloads))]


destination = Faulty()


def _outcome(answer: str) -> Outcome:
    if answer == _TAKEN:
        return Outcome(State.DELIVERED)
    failure = _BY_REASON.get(answer, _BY_REASON["no_clear_answer"])
    return failure.outcome("a fault that was asked for", 1)


def _fate(payload: bytes, settings: Settings, minute: int) -> str:
    """Refusals are for good, so they do not hang on the minute."""
    if settings.token:
        return "token"
    if _share(payload) < settings.refused:
        return "refused"
    now = _share(payload + str(minute).encode())
    if now < settings.transient:
        return "transient"
    return "no_clear_answer" if now < settings.transient + settings.unanswered else _TAKEN


def _share(data: bytes) -> float:
    return int.from_bytes(sha256(data).digest()[:6]) / 2**48
