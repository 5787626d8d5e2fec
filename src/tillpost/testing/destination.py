# ruff: noqa: S101 - a suite of tests says what must hold by asserting it
"""What every destination must do, over any events and any answers, as pytest tests.

Run it over a destination of your own: subclass `DestinationSuite`, and set
`destination`, `settings`, and `secrets`, the texts that must never be shown.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import hypothesis
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import capi
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Request, Response
from tillpost.testing.strategies import events, responses

ENDS = frozenset(
    {State.DELIVERED, State.DEAD, State.DROPPED, State.PENDING, State.IN_DOUBT, State.PAUSED}
)
"""What an answer may mean; expiry and leases are not a destination's to say."""

_ADDRESS = re.compile(rb"[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z]{2,}", re.IGNORECASE)


def _examples(count: int) -> hypothesis.settings:
    """One suite runs over every destination, so that each test has many executors."""
    return hypothesis.settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.differing_executors],
    )


class Limits(Protocol):
    """What one request may hold."""

    @property
    def events(self) -> int:
        """Most events in one request."""

    @property
    def bytes(self) -> int:
        """Most bytes of payloads in one request."""

    @property
    def seconds(self) -> float:
        """How long to wait for an answer."""


class Destination(Protocol):
    """A platform as functions over plain values."""

    @property
    def name(self) -> str:
        """The platform's name."""

    @property
    def limits(self) -> Any:
        """What one request may hold, as `Limits` has it."""

    @property
    def failures(self) -> Sequence[Any]:
        """The table of what its answers mean."""

    def build(self, event: Event, settings: Any) -> dict[str, Any]:
        """One event as the platform takes it, as JSON values."""

    def refuses(
        self, event: Event, built: dict[str, Any], settings: Any, now: float
    ) -> Outcome | None:
        """How an event ends unsent, or None."""

    def encode(self, payloads: Sequence[bytes], settings: Any, now: float) -> Request:
        """The request that sends these payloads."""

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """One outcome for each payload."""


class DestinationSuite:
    """Total, deterministic, within limits, and silent about people and secrets."""

    destination: ClassVar[Destination]
    settings: ClassVar[Any]
    secrets: ClassVar[tuple[str, ...]] = ()

    @_examples(60)
    @given(batch=st.lists(events, min_size=1, max_size=5))
    def test_any_event_makes_a_request_and_always_the_same(self, batch: list[Event]) -> None:
        """No event raises; the same events give the same bytes; the body is JSON if it says so."""
        request = self.request(batch)
        assert request == self.request(list(batch))
        assert request.url.partition(":")[0] in {"https", "http", "console", "echo"}
        assert all(name == name.lower() for name in request.headers)
        assert all("\n" not in text and "\r" not in text for text in request.headers.values())
        if request.headers.get("content-type") == "application/json":
            msgspec.json.decode(request.body)

    def payload(self, event: Event) -> bytes:
        """The event as text."""
        return capi.encode(self.destination.build(event, self.settings))

    def request(self, batch: list[Event]) -> Request:
        """The request for the first of these events, as many as one may hold."""
        first = batch[: self.destination.limits.events]
        payloads = [self.payload(event) for event in first]
        return self.destination.encode(payloads, self.settings, 1_763_892_000.0)

    @_examples(60)
    @given(event=events)
    def test_nobody_is_named_and_no_secret_shown(self, event: Event) -> None:
        """No raw e-mail in the body, no secret in URL, payload or the settings' repr."""
        request = self.request([event])
        known = _texts([event.custom_data, event.person.plain])
        found = {address.decode() for address in _ADDRESS.findall(request.body)}
        assert all(any(address in text for text in known) for address in found)
        payload = self.payload(event)
        for secret in self.secrets:
            assert secret not in request.url
            assert secret.encode() not in payload
            assert secret not in repr(self.settings)
            assert secret not in str(self.settings)

    @_examples(60)
    @given(event=events, now=st.integers(0, 2**33))
    def test_what_is_refused_unsent_has_ended(self, event: Event, now: int) -> None:
        """With a reason, and without an attempt."""
        built = self.destination.build(event, self.settings)
        end = self.destination.refuses(event, built, self.settings, float(now))
        if end is not None:
            assert end.state in {State.DEAD, State.DROPPED}
            assert end.reason
            assert not end.sent

    def test_the_table_of_failures_is_whole(self) -> None:
        """Each row has a name of its own, what means it, and a state that answers may mean."""
        rows = self.destination.failures
        assert len({row.reason for row in rows}) == len(rows) > 0
        assert all(row.signals and row.state in ENDS for row in rows)
        assert all(row.seconds for row in rows if row.pauses)

    def test_limits_are_sensible(self) -> None:
        """At least one event a request, and an answer within two minutes."""
        assert self.destination.name
        assert self.destination.limits.events >= 1
        assert self.destination.limits.bytes >= 1 << 16
        assert 0 < self.destination.limits.seconds <= 120

    @_examples(300)
    @given(
        response=responses(msgspec.json.Encoder(decimal_format="number").encode),
        batch=st.lists(events, min_size=1, max_size=3),
    )
    def test_any_answer_gives_each_event_one_outcome(
        self, response: Response, batch: list[Event]
    ) -> None:
        """Whatever status, headers and body say; waits are finite and detail is short."""
        first = batch[: self.destination.limits.events]
        payloads = [self.payload(event) for event in first]
        outcomes = self.destination.interpret(response, payloads)
        assert len(outcomes) == len(payloads)
        assert outcomes == self.destination.interpret(response, payloads)
        for outcome in outcomes:
            assert outcome.state in ENDS
            assert outcome.state is State.DELIVERED or outcome.reason
            assert outcome.retry_after is None or 0 <= outcome.retry_after <= 86400
            assert len(outcome.detail or "") <= 500
            assert not any(secret in repr(outcome) for secret in self.secrets)


def _texts(value: object) -> list[str]:
    """Every text inside a JSON value."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
