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

from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Request, Response
from tillpost.testing.strategies import events, responses

ENDS = frozenset(
    {State.DELIVERED, State.DEAD, State.DROPPED, State.PENDING, State.IN_DOUBT, State.PAUSED}
)
"""What an answer may mean; expiry and leases are not a destination's to say."""

_ADDRESS = re.compile(rb"[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z]{2,}", re.IGNORECASE)


class Limits(Protocol):
    """What one request may hold."""

    @property
    def events(self) -> int:
        """Most events in one request."""

    @property
    def seconds(self) -> float:
        """How long to wait for an answer."""


class Destination(Protocol):
    """A platform as functions over plain values."""

    @property
    def name(self) -> str:
        """The platform's name."""

    @property
    def limits(self) -> Limits:
        """What one request may hold."""

    def encode(self, events: Sequence[Event], settings: Any) -> Request:
        """The request that sends these events."""

    def interpret(self, response: Response, events: Sequence[Event]) -> list[Outcome]:
        """One outcome for each event."""


class DestinationSuite:
    """Total, deterministic, within limits, and silent about people and secrets."""

    destination: ClassVar[Destination]
    settings: ClassVar[Any]
    secrets: ClassVar[tuple[str, ...]] = ()

    @hypothesis.settings(max_examples=60, deadline=None)
    @given(batch=st.lists(events, min_size=1, max_size=5))
    def test_any_event_makes_a_request_and_always_the_same(self, batch: list[Event]) -> None:
        """No event raises; the same events give the same bytes; the body is JSON if it says so."""
        request = self.destination.encode(batch, self.settings)
        assert request == self.destination.encode(list(batch), self.settings)
        assert request.url.startswith(("https://", "http://"))
        assert all(name == name.lower() for name in request.headers)
        if request.headers.get("content-type") == "application/json":
            msgspec.json.decode(request.body)

    @hypothesis.settings(max_examples=60, deadline=None)
    @given(event=events)
    def test_nobody_is_named_and_no_secret_shown(self, event: Event) -> None:
        """No raw e-mail in the body, no secret in URL, headers' names or the settings' repr."""
        request = self.destination.encode([event], self.settings)
        known = _texts([event.custom_data, event.person.plain])
        found = {address.decode() for address in _ADDRESS.findall(request.body)}
        assert all(any(address in text for text in known) for address in found)
        for secret in self.secrets:
            assert secret not in request.url
            assert secret not in repr(self.settings)
            assert secret not in str(self.settings)

    def test_limits_are_sensible(self) -> None:
        """At least one event a request, and an answer within two minutes."""
        assert self.destination.name
        assert self.destination.limits.events >= 1
        assert 0 < self.destination.limits.seconds <= 120

    @hypothesis.settings(max_examples=300, deadline=None)
    @given(
        response=responses(msgspec.json.Encoder(decimal_format="number").encode),
        batch=st.lists(events, min_size=1, max_size=3),
    )
    def test_any_answer_gives_each_event_one_outcome(
        self, response: Response, batch: list[Event]
    ) -> None:
        """Whatever status, headers and body say; waits are finite and detail is short."""
        outcomes = self.destination.interpret(response, batch)
        assert len(outcomes) == len(batch)
        assert outcomes == self.destination.interpret(response, batch)
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
