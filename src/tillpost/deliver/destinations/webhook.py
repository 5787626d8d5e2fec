"""A webhook of your own: one event a request, signed as Standard Webhooks says.

Headers `webhook-id`, `webhook-timestamp` and `webhook-signature` (v1, HMAC-SHA256 over
`id.timestamp.body`); the id stays the same over retries, so that a receiver can tell a
repeat. Identifiers are hashed; redirects are not followed.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tillpost.core import capi
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, State
from tillpost.core.retry import PAUSE_SECONDS, Horizon
from tillpost.core.wire import Request, Response
from tillpost.deliver import contract
from tillpost.deliver.contract import UNKNOWN, Built, Failure, Limits, Secret, retry_after

_PREFIX = "whsec_"


class Settings(contract.Settings, frozen=True, kw_only=True, tag="webhook"):
    """Where a shop's events go."""

    url: str
    """The address that is sent to; https, and no private address."""
    secrets: tuple[Secret, ...]
    """Signing secrets, whsec_ and base64; while one is changed, both."""

    def __post_init__(self) -> None:
        """Refuse a secret that no signature can be made with."""
        if not self.secrets:
            raise ValueError("give at least one signing secret in `secrets`")
        for secret in self.secrets:
            _key(secret)

    @property
    def account(self) -> str:
        """The host that is sent to."""
        return urlsplit(self.url).hostname or self.url


class _Head(Struct):
    id: str


_TRANSIENT = Failure("transient", "HTTP 5xx, 408", State.PENDING, codes=(408,))
_RATE = Failure(
    "rate_limited",
    "HTTP 429, 503",
    State.PENDING,
    pauses=True,
    seconds=60.0,
    codes=(429, 503),
    grows=True,
)
_ACCESS = Failure(
    "access",
    "HTTP 3xx, 401, 403, 404, 405",
    State.PAUSED,
    pauses=True,
    seconds=PAUSE_SECONDS,
    codes=(*range(300, 400), 401, 403, 404, 405),
)
_GONE = Failure("gone", "HTTP 410", State.PAUSED, pauses=True, seconds=3600.0, codes=(410,))
_REFUSED = Failure("refused", "HTTP 400, 413, 422", State.DEAD, codes=(400, 413, 422))
_UNKNOWN = Failure(UNKNOWN, "any other status", State.PENDING)
FAILURES = (_TRANSIENT, _RATE, _ACCESS, _GONE, _REFUSED, _UNKNOWN)
"""What a status asks of us."""

_CODES = {code: failure for failure in FAILURES for code in failure.codes}


class Webhook:
    """The destination `webhook`."""

    name = "webhook"
    limits = Limits(events=1, seconds=20.0, horizon=Horizon(7.0, 62.0, None))
    failures = FAILURES

    def refuses(self, event: Event, built: Built, settings: Settings, now: float) -> Outcome | None:
        """None: a webhook takes every event."""

    def build(self, event: Event, settings: Settings) -> Built:  # noqa: ARG002
        """The whole body: type, time and the event in CAPI vocabulary."""
        at = datetime.fromtimestamp(event.event_time, UTC)
        return {
            "id": f"{event.event_name}.{event.event_id}",
            "type": f"event.{event.event_name}",
            "timestamp": at.isoformat().replace("+00:00", "Z"),
            "data": capi.server_event(event),
        }

    def encode(self, payloads: Sequence[bytes], settings: Settings, now: float) -> Request:
        """The body with its signatures, the time of this attempt among what is signed."""
        (body,) = payloads
        name = base64.urlsafe_b64encode(_id(body).encode()).decode().rstrip("=")
        stamp = str(int(now))
        signed = f"{name}.{stamp}.".encode() + body
        signatures = [_signature(secret, signed) for secret in settings.secrets]
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(signatures),
        }
        return Request("POST", settings.url, headers, body)

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """Success is any 2xx; the body says nothing."""
        if 200 <= response.status < 300:
            return [Outcome(State.DELIVERED)] * len(payloads)
        other = _TRANSIENT if response.status >= 500 else _UNKNOWN
        failure = _CODES.get(response.status, other)
        words, wait = f"HTTP {response.status}", retry_after(response.headers)
        return [failure.outcome(words, 1, wait)] * len(payloads)


destination = Webhook()


def _id(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Head).id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a signing secret is `whsec_` and base64") from None


def _signature(secret: str, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
