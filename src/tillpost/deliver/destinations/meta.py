"""Meta's Conversions API: `POST {url}/{version}/{dataset_id}/events`.

A batch is taken or refused as a whole; what each error code asks of us is a table
(references `meta-capi` 5 and `reliability-security` 1b). The token goes in the body,
never in a URL.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Struct

from tillpost.core import capi, validation
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, Reason, State
from tillpost.core.retry import DAY, PAUSE_SECONDS
from tillpost.core.wire import Request, Response
from tillpost.deliver import contract
from tillpost.deliver.contract import UNKNOWN, Built, Failure, Limits, Secret, retry_after

GRAPH_URL = "https://graph.facebook.com"
PARTNER_AGENT = "tillpost_0_1"


class Settings(contract.Settings, frozen=True, kw_only=True, tag="meta"):
    """Where a shop's events go."""

    dataset_id: str
    """The dataset (pixel) id."""
    access_token: Secret
    """The dataset's token; it is never logged nor written to disk."""
    url: str = GRAPH_URL
    """Base address; `embedded` is the receiver in the same process."""
    version: str = "v26.0"
    """Version of the Graph API."""
    test_event_code: str | None = None
    """Code of the Test Events tab; test events count in measurement all the same."""

    @property
    def account(self) -> str:
        """The dataset."""
        return self.dataset_id


_TRANSIENT = Failure(
    "transient",
    "1, 2, 341, 5000, 21009, `is_transient`, HTTP 5xx",
    State.PENDING,
    codes=(1, 2, 341, 5000, 21009),
)
_RATE = Failure(
    "rate_limited",
    "4, 17, 32, 613, 80000-80014, HTTP 429",
    State.PENDING,
    pauses=True,
    seconds=60.0,
    codes=(4, 17, 32, 613, *range(80000, 80015)),
    grows=True,
)
_TOKEN = Failure(
    "token",
    "102, 104, 190 (any subcode)",
    State.PAUSED,
    pauses=True,
    seconds=PAUSE_SECONDS,
    codes=(102, 104, 190),
)
_ACCESS = Failure(
    "access",
    "3, 10, 200-299, 100/33",
    State.PAUSED,
    pauses=True,
    seconds=PAUSE_SECONDS,
    codes=(3, 10, *range(200, 300)),
)
_BLOCKED = Failure("policy_block", "368", State.PENDING, pauses=True, seconds=900.0, codes=(368,))
_REFUSED = Failure("refused", "100 (other subcodes)", State.DEAD, event_borne=True, codes=(100,))
_UNKNOWN = Failure(UNKNOWN, "any other code, HTTP 3xx or 4xx without one", State.PENDING)
_DOUBT = Failure("no_clear_answer", "2xx without its count of events, or cut short", State.IN_DOUBT)
FAILURES = (_TRANSIENT, _RATE, _TOKEN, _ACCESS, _BLOCKED, _REFUSED, _UNKNOWN, _DOUBT)
"""What Meta's answers ask of us (references `meta-capi` 5, `reliability-security` 1b)."""

_CODES = {code: failure for failure in FAILURES for code in failure.codes}
_SUBCODES = {(100, 33): _ACCESS}
"""Exceptions to `_CODES`: 100/33 says that the dataset, or access to it, is missing."""

_SLOW_FROM = 75.0
_STOP_FROM = 95.0
_SLOW_SECONDS = 5.0
_STOP_SECONDS = 60.0


class _Error(Struct):
    code: int | None = None
    error_subcode: int | None = None
    is_transient: bool | None = None
    message: str | None = None
    error_user_title: str | None = None
    error_user_msg: str | None = None


class _Answer(Struct):
    events_received: int | None = None
    fbtrace_id: str | None = None
    error: _Error | None = None


class _Usage(Struct):
    estimated_time_to_regain_access: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    call_count: float = 0.0
    total_cputime: float = 0.0
    total_time: float = 0.0

    @property
    def share(self) -> float:
        """Percent of what is allowed that has been used."""
        return max(self.call_count, self.total_cputime, self.total_time)


_usages = msgspec.json.Decoder(dict[str, list[_Usage]])
_usage = msgspec.json.Decoder(_Usage)


class Meta:
    """The destination `meta`."""

    name = "meta"
    limits = Limits(events=1000, seconds=30.0)
    failures = FAILURES

    def build(self, event: Event, settings: Settings) -> Built:  # noqa: ARG002
        """One element of `data`."""
        return capi.server_event(event)

    def refuses(
        self,
        event: Event,  # noqa: ARG002
        built: Built,
        settings: Settings,  # noqa: ARG002
        now: float,
    ) -> Outcome | None:
        """Dead as `invalid`, with what Meta would say: one bad event refuses its whole batch."""
        error = validation.first_error(built, 0, now)
        if error is None:
            return None
        words = f"{error.code}/{error.error_subcode}: {error.error_user_title or error.message}"
        return Outcome(State.DEAD, Reason.INVALID, words, sent=False)

    def encode(self, payloads: Sequence[bytes], settings: Settings, now: float) -> Request:  # noqa: ARG002
        """One request for at most 1,000 events; the token goes in the body."""
        rest = {"access_token": settings.access_token, "partner_agent": PARTNER_AGENT}
        if settings.test_event_code:
            rest["test_event_code"] = settings.test_event_code
        body = b'{"data":[' + b",".join(payloads) + b"]," + capi.encode(rest)[1:]
        url = f"{settings.url}/{settings.version}/{settings.dataset_id}/events"
        return Request("POST", url, {"content-type": "application/json"}, body)

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """The same outcome for each: Meta takes or refuses a batch as a whole."""
        return [_outcome(response, len(payloads))] * len(payloads)


destination = Meta()


def _outcome(response: Response, events: int) -> Outcome:
    answer = _read(response)
    if 200 <= response.status < 300:
        if answer is not None and answer.error is None and answer.events_received == events:
            wait = _breath(response.headers)
            return Outcome(State.DELIVERED, detail=answer.fbtrace_id, retry_after=wait)
        return _DOUBT.outcome("a success without its count of events", events)
    error = answer.error if answer else None
    failure = _failure(response.status, error)
    return failure.outcome(_words(response.status, error), events, _wait(response.headers))


def _failure(status: int, error: _Error | None) -> Failure:
    if status == 429:
        return _RATE
    if error is None:
        return _TRANSIENT if status >= 500 else _UNKNOWN
    if error.is_transient:
        return _TRANSIENT
    code = error.code or 0
    special = _SUBCODES.get((code, error.error_subcode or 0))
    known = special or _CODES.get(code)
    if known is None or (known is _REFUSED and status >= 500):
        return _TRANSIENT if status >= 500 else _UNKNOWN
    return known


def _read(response: Response) -> _Answer | None:
    try:
        return msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _words(status: int, error: _Error | None) -> str:
    """Meta's own words, capped; it never repeats identifiers in them."""
    if error is None:
        return f"HTTP {status} without an error body"
    subcode = f"/{error.error_subcode}" if error.error_subcode else ""
    text = error.error_user_msg or error.error_user_title or error.message or "no words"
    return f"{error.code or 0}{subcode}: {text}"[:500]


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of Retry-After, or of the usage header's time to regain access; a day at most."""
    asked = retry_after(headers)
    if asked is not None:
        return asked or None
    minutes = [entry.estimated_time_to_regain_access for entry in _used(headers)]
    return min(max(minutes, default=0.0) * 60.0, DAY) or None


def _breath(headers: Mapping[str, str]) -> float | None:
    """Seconds to leave Meta alone after a success, when nearly all that is allowed is used."""
    share = max((entry.share for entry in _used(headers)), default=0.0)
    if share < _SLOW_FROM:
        return None
    return _SLOW_SECONDS if share < _STOP_FROM else _wait(headers) or _STOP_SECONDS


def _used(headers: Mapping[str, str]) -> list[_Usage]:
    try:
        usage = _usages.decode(headers.get("x-business-use-case-usage") or "{}")
        app = _usage.decode(headers.get("x-app-usage") or "{}")
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return []
    return [app, *(entry for rows in usage.values() for entry in rows)]
