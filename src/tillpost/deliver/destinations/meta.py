"""Meta's Conversions API: `POST {url}/{version}/{dataset_id}/events`.

A batch is taken or refused as a whole; what each error code asks of us is a table
(references `meta-capi` 5 and `reliability-security` 1b). The token goes in the body,
never in a URL.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Struct

from tillpost.core import capi, validation
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, Reason, State
from tillpost.core.retry import DAY, PAUSE_SECONDS
from tillpost.core.wire import Request, Response
from tillpost.deliver.contract import BISECT, UNKNOWN, Limits

GRAPH_URL = "https://graph.facebook.com"
PARTNER_AGENT = "tillpost_0_1"

_SECONDS = re.compile(r"[0-9]{1,9}")


class Settings(Struct, frozen=True):
    """Where a shop's events go; `access_token` is never shown."""

    dataset_id: str
    access_token: str
    url: str = GRAPH_URL
    version: str = "v26.0"
    test_event_code: str | None = None

    def __repr__(self) -> str:
        """Never shows the token."""
        return f"Settings(dataset_id={self.dataset_id!r}, url={self.url!r})"


class Rule(NamedTuple):
    """What an error asks of us: events become `state`; `event_borne` means one of them is bad."""

    what: str
    state: State
    event_borne: bool = False
    seconds: float | None = None


_TRANSIENT = Rule("transient", State.PENDING)
_RATE = Rule("rate_limited", State.PENDING, seconds=60.0)
_TOKEN = Rule("token", State.PAUSED, seconds=PAUSE_SECONDS)
_ACCESS = Rule("access", State.PAUSED, seconds=PAUSE_SECONDS)
_BLOCKED = Rule("policy_block", State.PENDING, seconds=900.0)
_REFUSED = Rule("refused", State.DEAD, event_borne=True)
_UNKNOWN = Rule(UNKNOWN, State.PENDING)
_DOUBT = Rule("no_clear_answer", State.IN_DOUBT)

_CODES: dict[int, Rule] = {
    **dict.fromkeys((1, 2, 341, 5000, 21009), _TRANSIENT),
    **dict.fromkeys((4, 17, 32, 613), _RATE),
    **dict.fromkeys(range(80000, 80015), _RATE),
    **dict.fromkeys((102, 104, 190), _TOKEN),
    **dict.fromkeys((3, 10, 270), _ACCESS),
    **dict.fromkeys(range(200, 300), _ACCESS),
    368: _BLOCKED,
    100: _REFUSED,
}
_SUBCODES: dict[tuple[int, int], Rule] = {(100, 33): _ACCESS}
"""Exceptions to `_CODES`: 100/33 says that the dataset, or access to it, is missing."""


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


_usages = msgspec.json.Decoder(dict[str, list[_Usage]])


class Meta:
    """The destination `meta`."""

    name = "meta"
    limits = Limits(events=1000, seconds=30.0)

    def refuses(self, event: Event, now: float) -> Outcome | None:
        """Dead as `invalid`, with what Meta would say: one bad event refuses its whole batch."""
        error = validation.first_error(capi.server_event(event), 0, now)
        if error is None:
            return None
        words = f"{error.code}/{error.error_subcode}: {error.error_user_title or error.message}"
        return Outcome(State.DEAD, Reason.INVALID, words, sent=False)

    def encode(self, events: Sequence[Event], settings: Settings) -> Request:
        """One request for at most 1,000 events."""
        body: dict[str, Any] = {
            "data": [capi.server_event(event) for event in events],
            "access_token": settings.access_token,
            "partner_agent": PARTNER_AGENT,
        }
        if settings.test_event_code:
            body["test_event_code"] = settings.test_event_code
        url = f"{settings.url}/{settings.version}/{settings.dataset_id}/events"
        return Request("POST", url, {"content-type": "application/json"}, capi.encode(body))

    def interpret(self, response: Response, events: Sequence[Event]) -> list[Outcome]:
        """The same outcome for each: Meta takes or refuses a batch as a whole."""
        return [_outcome(response, len(events))] * len(events)


destination = Meta()


def _outcome(response: Response, events: int) -> Outcome:
    answer = _read(response)
    if 200 <= response.status < 300:
        if answer is not None and answer.error is None and answer.events_received == events:
            return Outcome(State.DELIVERED, detail=answer.fbtrace_id)
        return Outcome(State.IN_DOUBT, _DOUBT.what, "a success without its count of events")
    error = answer.error if answer else None
    rule = _rule(response.status, error)
    words = _words(response.status, error)
    if rule.event_borne and events > 1:
        return Outcome(State.PENDING, BISECT, words)
    wait = _wait(response.headers) or rule.seconds
    return Outcome(rule.state, rule.what, words, wait)


def _rule(status: int, error: _Error | None) -> Rule:
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
    after = headers.get("retry-after", "")
    if _SECONDS.fullmatch(after):
        return min(float(after), DAY) or None
    try:
        usage = _usages.decode(headers.get("x-business-use-case-usage") or "{}")
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    minutes = [entry.estimated_time_to_regain_access for rows in usage.values() for entry in rows]
    return min(max(minutes, default=0.0) * 60.0, DAY) or None
