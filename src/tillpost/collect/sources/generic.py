"""Any back end: server events in CAPI vocabulary, identifiers raw or hashed.

One event, a list, or a CAPI body `{"data": [...]}`. What Meta would refuse for its
shape is refused here with the field and the fix, and so is a key of a person under a
name that is not Meta's; what lacks match keys is taken, counted and reported.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeAlias, get_args

import msgspec
from msgspec import Struct

from tillpost.core import click, event_id
from tillpost.core.body import check_depth
from tillpost.core.device import shopper
from tillpost.core.event import (
    ActionSource,
    Consent,
    Parsed,
    Person,
    Place,
    Raw,
    ServerSeen,
)
from tillpost.core.outcome import Rejection
from tillpost.core.refusals import REFUSALS
from tillpost.core.rule import checks, first_broken, view
from tillpost.core.scrub import scrub
from tillpost.core.vocabulary import APP_DATA, USER_ALIASES
from tillpost.core.wire import RECEIVED_AT, Request

name = "events"


_MOST_EVENTS = 1000
_LATEST = 10**10
"""A Unix second in the year 2286: what is later is milliseconds."""
_SOURCES = frozenset(get_args(ActionSource))
_HASHED = frozenset(
    {"em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge", "external_id"}
)
_EXTRA = frozenset(
    {
        "opt_out",
        "data_processing_options",
        "data_processing_options_country",
        "data_processing_options_state",
        "app_data",
        "original_event_data",
        "attribution_data",
        "customer_segmentation",
        "messaging_channel",
    }
)


_REFUSED = checks(
    row for row in REFUSALS if row.name.startswith(("purchase.", "contents.", "app.", "messaging."))
)
"""What of an event's shape Meta would refuse; its time and its person are looked at later."""
_TOLD: TypeAlias = str | int | float
"""What may stand for a value or a currency."""
_FLAGS = frozenset(row.name for row in APP_DATA if row.type == "0 or 1")


class Settings(Struct, frozen=True):
    """The shop's country places phone numbers and postcodes; `key` makes ids where none is told."""

    country: str | None = None
    key: bytes = b""

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"Settings(country={self.country!r})"


class _Consent(Struct):
    marketing: bool | None = None
    analytics: bool | None = None
    sale_of_data: bool | None = None


class _Event(Struct):
    event_name: str
    event_id: str | None = None
    event_time: int | str | None = None
    action_source: str | None = None
    event_source_url: str | None = None
    referrer_url: str | None = None
    user_data: dict[str, Any] = msgspec.field(default_factory=dict)
    custom_data: dict[str, Any] = msgspec.field(default_factory=dict)
    consent: _Consent | None = None


def verify(_request: Request, _settings: Settings) -> Rejection | None:
    """Always None: who holds the key was checked at the edge, before the body was read."""
    return None


def parse(request: Request, settings: Settings) -> list[Parsed] | Rejection:
    """The events of a request; one that cannot be read refuses all, saying which and why."""
    try:
        check_depth(request.body)
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(400, "not_json", "body", f"the body is not JSON: {error}")
    events = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(events, dict):
        events = [events]
    if not isinstance(events, list) or not events or len(events) > _MOST_EVENTS:
        return Rejection(
            400, "no_events", "data", f"send one event or a list of 1 to {_MOST_EVENTS}"
        )
    now = float(request.headers.get(RECEIVED_AT, 0))
    parsed: list[Parsed] = []
    for index, event in enumerate(events):
        one = _parsed(event, index, now, settings)
        if isinstance(one, Rejection):
            return one
        parsed.append(one)
    return parsed


def _parsed(given: object, index: int, now: float, settings: Settings) -> Parsed | Rejection:
    where = f"data[{index}]"
    try:
        event = msgspec.convert(given, _Event)
        at = _time(event.event_time, now)
    except (msgspec.ValidationError, ValueError) as error:
        return Rejection(400, "unexpected_shape", where, str(error))
    told = given if isinstance(given, dict) else {}
    problem = _problem(event, at, where) or _misnamed(event, where) or _refused(told, now, where)
    if problem is not None:
        return problem
    seen = _seen(event, told, at, now, settings.key)
    country = seen.place.country or settings.country
    return Parsed(seen, _raw(event.user_data), country)


def _time(given: int | str | None, now: float) -> int:
    """Unix seconds of a number, of digits, or of an ISO 8601 time with its zone.

    Raises `ValueError` for anything else.
    """
    if given is None:
        return int(now)
    if isinstance(given, int) or given.lstrip("-").isdigit():
        return int(given)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("event_time: send Unix seconds, or an ISO time with its zone")
    return int(moment.timestamp())


def _problem(event: _Event, at: int, where: str) -> Rejection | None:
    if not 0 <= at < _LATEST:
        detail = "send Unix seconds, not milliseconds"
        return Rejection(400, "bad_time", f"{where}.event_time", detail)
    if not event.event_name.strip():
        return Rejection(400, "no_name", f"{where}.event_name", "name the event, e.g. Purchase")
    source = event.action_source or "website"
    if source not in _SOURCES:
        known = ", ".join(sorted(_SOURCES))
        return Rejection(400, "unknown_source", f"{where}.action_source", f"use one of: {known}")
    for key in ("value", "currency") if event.event_name == "Purchase" else ():
        given = event.custom_data.get(key)
        if given == "" or not isinstance(given, _TOLD):
            detail = f"a Purchase needs custom_data.{key}"
            return Rejection(400, f"no_{key}", f"{where}.custom_data.{key}", detail)
    return None


def _misnamed(event: _Event, where: str) -> Rejection | None:
    """A key that Meta would pass over in silence, and with it the person."""
    if USER_ALIASES.keys().isdisjoint(event.user_data):
        return None
    key = min(event.user_data.keys() & USER_ALIASES.keys())
    detail = f"Meta knows no such key: name it {USER_ALIASES[key]}"
    return Rejection(400, "unknown_key", f"{where}.user_data.{key}", detail)


def _refused(given: Mapping[str, Any], now: float, where: str) -> Rejection | None:
    broken = first_broken(_REFUSED, view(given, now))
    if broken is None:
        return None
    row, path = broken
    return Rejection(400, row.name, f"{where}.{path}", f"{row.message} {row.fix}")


def _seen(event: _Event, given: Mapping[str, Any], at: int, now: float, key: bytes) -> ServerSeen:
    user, custom = event.user_data, event.custom_data
    order_id = custom.get("order_id")
    return ServerSeen(
        event_name=event.event_name,
        event_id=event.event_id or _made_id(event, given, now, key),
        event_time=at,
        action_source=event.action_source or "website",  # type: ignore[arg-type]
        event_source_url=click.strip_query(event.event_source_url or "") or None,
        referrer_url=click.strip_query(event.referrer_url or "") or None,
        custom_data=scrub(custom),
        order_id=str(order_id) if order_id is not None else None,
        extra=_extra(given),
        consent=_consent(event.consent, at),
        person=Person(fbc=_fbc(event, min(at, now)), fbp=_text(user, "fbp"), plain=_plain(user)),
        device=shopper(_text(user, "client_ip_address"), _text(user, "client_user_agent")),
        place=Place(country=_country(user)),
    )


def _made_id(event: _Event, given: Mapping[str, Any], now: float, key: bytes) -> str:
    """An id for an event that came without one: the order's, else that of all it tells.

    So the same event sent again is the same one. One that tells no time is new each time.
    """
    order_id = event.custom_data.get("order_id")
    if event.event_name == "Purchase" and order_id is not None:
        return event_id.of_order(key, str(order_id))
    told = msgspec.json.encode([given, now if event.event_time is None else None])
    return f"srv.{hmac.new(key, told, sha256).hexdigest()[:32]}"


def _extra(given: Mapping[str, Any]) -> dict[str, Any]:
    """Other fields as they came; only that Meta wants an app's flags as numbers."""
    if _EXTRA.isdisjoint(given):
        return {}
    found = {k: v for k, v in given.items() if k in _EXTRA and v is not None}
    app = found.get("app_data")
    if isinstance(app, dict):
        found["app_data"] = {
            k: int(v) if k in _FLAGS and isinstance(v, bool) else v for k, v in app.items()
        }
    return found


def _fbc(event: _Event, at: float) -> str | None:
    """The cookie as it came; else of the click id that came in its place, or with the page."""
    told = _text(event.user_data, "fbc")
    if told is None:
        return click.fbc_of_url(event.event_source_url, at)
    return told if click.is_cookie(told) else click.fbc_of_click(told, at)


def _consent(given: _Consent | None, at: int) -> Consent | None:
    if given is None:
        return None
    return Consent(given.marketing, given.analytics, given.sale_of_data, "events", at)


def _text(user: Mapping[str, Any], key: str) -> str | None:
    value = user.get(key)
    return value if isinstance(value, str) and value else None


def _plain(user: Mapping[str, Any]) -> dict[str, str]:
    if click.PLAIN_IDS.isdisjoint(user):
        return {}
    return {key: str(user[key]) for key in user.keys() & click.PLAIN_IDS if user[key]}


def _country(user: Mapping[str, Any]) -> str | None:
    value = user.get("country")
    first = value[0] if isinstance(value, list) and value else value
    return first.upper() if isinstance(first, str) and len(first) == 2 else None


def _raw(user: Mapping[str, Any]) -> Raw:
    return {
        key: (value,) if isinstance(value, str) else _values(value)
        for key, value in user.items()
        if key in _HASHED and value
    }


def _values(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in (value if isinstance(value, list) else [value]) if v)
