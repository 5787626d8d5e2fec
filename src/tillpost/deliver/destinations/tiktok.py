"""TikTok's Events API 2.0: `POST {url}/open_api/v1.3/event/track/`.

The HTTP status is 200 even on an error: `code` in the body tells (reference
`ad-platforms` 3.1, 3.4). A batch may be taken in part; then `data.failed_events` names
the others by their place. The token goes in a header, never in a URL.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from tillpost.core import capi, identity
from tillpost.core.event import Event
from tillpost.core.outcome import Outcome, Reason, State
from tillpost.core.retry import PAUSE_SECONDS, Horizon
from tillpost.core.wire import Request, Response
from tillpost.deliver import contract
from tillpost.deliver.contract import UNKNOWN, Built, Failure, Limits, Secret, retry_after

TIKTOK_URL = "https://business-api.tiktok.com"
_PATH = "/open_api/v1.3/event/track/"


class Settings(contract.Settings, frozen=True, kw_only=True, tag="tiktok"):
    """Where a shop's events go."""

    pixel_code: str
    """The pixel's code; for `offline` the event set's id, for `app` the app's id."""
    access_token: Secret
    """The Events API token of the pixel."""
    event_source: Literal["web", "app", "offline"] = "web"
    """Which events are sent: those of the website, of the app, or all others."""
    purchase: Literal["Purchase", "CompletePayment"] = "Purchase"
    """TikTok's name for a Purchase; the pixel must use the same, or each sale counts twice."""
    url: str = TIKTOK_URL
    """Base address."""
    test_event_code: str | None = None
    """Code of the Test Events tab."""

    @property
    def account(self) -> str:
        """The pixel."""
        return self.pixel_code


NAMES: Mapping[str, str] = {"PageView": "Pageview"}
"""Meta's name -> TikTok's, where they differ; Purchase is a setting, all others are the same."""

USER_KEYS: Mapping[str, str] = {
    "em": "email",
    "ph": "phone",
    "external_id": "external_id",
    "fn": "first_name",
    "ln": "last_name",
    "zp": "zip_code",
}
"""Match key -> TikTok's; city, state and country are taken plain only, and we have hashes."""

PROPERTIES: Mapping[str, str] = {
    **{k: k for k in ("currency", "value", "order_id", "num_items", "content_type")},
    **{k: k for k in ("content_ids", "content_name", "content_category", "predicted_ltv")},
    "search_string": "query",
}
"""Key of `custom_data` -> TikTok's."""

CONTENT: Mapping[str, str] = {
    "id": "content_id",
    "quantity": "quantity",
    "item_price": "price",
    "title": "content_name",
    "category": "content_category",
    "brand": "brand",
}
"""Key of one of `contents` -> TikTok's."""

_TRANSIENT = Failure(
    "transient", "50000-59999, HTTP 5xx", State.PENDING, codes=(50000, 50001, 50002)
)
_RATE = Failure(
    "rate_limited",
    "40100, HTTP 429",
    State.PENDING,
    pauses=True,
    seconds=60.0,
    codes=(40100,),
    grows=True,
)
_TOKEN = Failure(
    "token",
    "40102, 40104, 40105, HTTP 401",
    State.PAUSED,
    pauses=True,
    seconds=PAUSE_SECONDS,
    codes=(40102, 40104, 40105),
)
_ACCESS = Failure(
    "access",
    "40001, 40003, HTTP 403",
    State.PAUSED,
    pauses=True,
    seconds=PAUSE_SECONDS,
    codes=(40001, 40003),
)
_REFUSED = Failure("refused", "40002, 40000", State.DEAD, event_borne=True, codes=(40000, 40002))
_UNKNOWN = Failure(
    UNKNOWN, "any other code; 20001 that does not name the refused events", State.PENDING
)
_DOUBT = Failure("no_clear_answer", "HTTP 2xx without a code", State.IN_DOUBT)
FAILURES = (_TRANSIENT, _RATE, _TOKEN, _ACCESS, _REFUSED, _UNKNOWN, _DOUBT)
"""What TikTok's answers ask of us."""

_CODES = {code: failure for failure in FAILURES for code in failure.codes}
_STATUS = {401: _TOKEN, 403: _ACCESS, 429: _RATE}
_PARTIAL = 20001


class _Failed(Struct):
    order_in_list: int
    error_code: int = 0
    error_message: str = ""


class _Data(Struct):
    failed_events: list[_Failed] | None = None


class _Answer(Struct):
    code: int | None = None
    message: str = ""
    data: _Data | None = None


class TikTok:
    """The destination `tiktok`."""

    name = "tiktok"
    limits = Limits(events=1000, seconds=30.0, bytes=1 << 20, horizon=Horizon(7.0, 7.0, None))
    failures = FAILURES

    def refuses(
        self,
        event: Event,
        built: Built,  # noqa: ARG002
        settings: Settings,
        now: float,  # noqa: ARG002
    ) -> Outcome | None:
        """Dropped as `not_subscribed`, if this pixel does not take events of that source."""
        source = {"website": "web", "app": "app"}.get(event.action_source, "offline")
        if source == settings.event_source:
            return None
        words = f"a pixel of {settings.event_source} takes no event of {event.action_source}"
        return Outcome(State.DROPPED, Reason.NOT_SUBSCRIBED, words, sent=False)

    def build(self, event: Event, settings: Settings) -> Built:
        """One element of `data`."""
        names = {**NAMES, "Purchase": settings.purchase}
        made: Built = {
            "event": names.get(event.event_name, event.event_name),
            "event_time": event.event_time,
            "event_id": event.event_id,
            "user": _user(event),
            "properties": _properties(event.custom_data),
        }
        if event.event_source_url is not None:
            made["page"] = {"url": event.event_source_url, "referrer": event.referrer_url or ""}
        if event.data_processing_options:
            made["limited_data_use"] = True
        return made

    def encode(self, payloads: Sequence[bytes], settings: Settings, now: float) -> Request:  # noqa: ARG002
        """One request for at most 1,000 events of one source."""
        head = {
            "event_source": settings.event_source,
            "event_source_id": settings.pixel_code,
            "partner_name": "Tillpost",
        }
        if settings.test_event_code:
            head["test_event_code"] = settings.test_event_code
        body = capi.encode(head)[:-1] + b',"data":[' + b",".join(payloads) + b"]}"
        headers = {"content-type": "application/json", "access-token": settings.access_token}
        return Request("POST", settings.url + _PATH, headers, body)

    def interpret(self, response: Response, payloads: Sequence[bytes]) -> list[Outcome]:
        """One outcome each: all are taken, some are, or none."""
        events = len(payloads)
        answer = _read(response)
        code = answer.code if answer else None
        if code == 0 and 200 <= response.status < 300:
            return [Outcome(State.DELIVERED)] * events
        if code == _PARTIAL and answer is not None:
            return _in_part(answer, events)
        words = f"{code}: {answer.message}"[:500] if answer else f"HTTP {response.status}"
        failure = _failure(response.status, code)
        return [failure.outcome(words, events, retry_after(response.headers))] * events


destination = TikTok()


def _user(event: Event) -> dict[str, Any]:
    keys = identity.choose(event.person.keys, "tiktok")
    user: dict[str, Any] = {USER_KEYS[key]: _single(hashes) for key, hashes in keys.items()}
    given = {
        "ip": event.device.client_ip_address,
        "user_agent": event.device.client_user_agent,
        "ttclid": _click(event.event_source_url),
        "ttp": event.person.plain.get("ttp"),
    }
    return user | {key: value for key, value in given.items() if value}


def _single(hashes: list[str]) -> str | list[str]:
    return hashes[0] if len(hashes) == 1 else hashes


def _click(url: str | None) -> str | None:
    try:
        found = parse_qs(urlsplit(url or "").query).get("ttclid")
    except ValueError:
        return None
    return found[0] if found else None


def _properties(custom: Mapping[str, Any]) -> dict[str, Any]:
    made = {PROPERTIES[key]: value for key, value in custom.items() if key in PROPERTIES}
    contents = custom.get("contents")
    if isinstance(contents, list):
        made["contents"] = [_content(item) for item in contents if isinstance(item, dict)]
        made.setdefault("content_type", "product")
    return made


def _content(item: Mapping[str, Any]) -> dict[str, Any]:
    return {CONTENT[key]: value for key, value in item.items() if key in CONTENT}


def _in_part(answer: _Answer, events: int) -> list[Outcome]:
    """Who is named as failed ends as its own code says; all others were taken."""
    named = answer.data.failed_events if answer.data else None
    failed = {row.order_in_list: row for row in named or ()}
    if not failed or not failed.keys() <= set(range(events)):
        return [_UNKNOWN.outcome(f"20001: {answer.message}"[:500], events)] * events
    taken = Outcome(State.DELIVERED)
    return [_alone(failed[n]) if n in failed else taken for n in range(events)]


def _alone(row: _Failed) -> Outcome:
    words = f"{row.error_code}: {row.error_message}"[:500]
    return _CODES.get(row.error_code, _REFUSED).outcome(words, 1)


def _failure(status: int, code: int | None) -> Failure:
    if code is None:
        if status >= 500:
            return _TRANSIENT
        return _STATUS.get(status, _DOUBT if 200 <= status < 300 else _UNKNOWN)
    known = _CODES.get(code) or _STATUS.get(status)
    if known is None:
        return _TRANSIENT if status >= 500 or 50000 <= code < 60000 else _UNKNOWN
    return known


def _read(response: Response) -> _Answer | None:
    try:
        return msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
