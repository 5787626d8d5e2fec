"""Our own pixel: beacons of a shopper's browser.

A browser can say anything. What it says of money and of identity is never believed
for a sale; its Purchase only joins the order that the shop's server reports
(reference `reliability-security`, 6). Clocks of browsers are wrong: times are
corrected by the time the beacon says it was sent, and never lie in the future.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct, structs

from tillpost.core import bots, click, consent, session
from tillpost.core.body import check_depth
from tillpost.core.event import (
    BrowserSeen,
    Consent,
    Device,
    Direct,
    Landing,
    Parsed,
    Person,
    Raw,
)
from tillpost.core.outcome import Rejection
from tillpost.core.scrub import scrub
from tillpost.core.wire import CLIENT_IP, RECEIVED_AT, Request

name = "pixel"


_MOST_EVENTS = 100
_SKEW = 120
"""Seconds that a browser's clock may be off before its times are corrected."""
_OLDEST = 7 * 86400
_LAST_MS = 1e14
"""No time in milliseconds is later."""
_REMEMBERED = 400 * 86400
"""Seconds that a browser's memory of a landing may go back."""
_CHECKOUTS = "/checkouts/cn/"
_CART_ID = "gid://shopify/Cart/"
_CUSTOMER_ID = "gid://shopify/Customer/"
"""Webhooks tell the bare number: both must make one hash."""
_CART_END = re.compile(r"[/?#]")
_FLAGS = ("marketing", "analytics", "sale_of_data")
_DIRECTS = frozenset(get_args(Direct))
_USER_KEYS = frozenset(
    {"em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge", "external_id"}
)


class Settings(Struct, frozen=True):
    """Pages whose beacons count; a sandboxed pixel has the origin `null`."""

    origins: frozenset[str] = frozenset()
    country: str | None = None


class _Event(Struct):
    event_name: str
    event_id: str | None = None
    event_time: float | None = None
    event_source_url: str | None = None
    referrer_url: str | None = None
    custom_data: dict[str, Any] | None = None
    user_data: dict[str, Any] | None = None
    fbp: str | None = None
    fbc: str | None = None
    visitor_id: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    direct: str | None = None
    consent: dict[str, Any] | None = None
    recorded: bool | None = None


class _Beacon(Struct):
    events: list[_Event]
    sent_at: float | None = None
    first: Any = None
    last: Any = None


_beacons = msgspec.json.Decoder(_Beacon)


def verify(request: Request, settings: Settings) -> Rejection | None:
    """None if the page that sent the beacon is one of the shop's own."""
    origin = request.headers.get("origin")
    if origin is None or origin == "null" or origin in settings.origins:
        return None
    return Rejection(
        403, "foreign_origin", "Origin", f"add {origin[:100]} to shops.origins if it is yours"
    )


def parse(request: Request, settings: Settings) -> list[Parsed] | Rejection:
    """The beacon's events; `user_data` leaves only as raw values for this request."""
    try:
        check_depth(request.body)
        beacon = _beacons.decode(request.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(400, "not_a_beacon", "body", f'send {{"events": [...]}}: {error}')
    if len(beacon.events) > _MOST_EVENTS:
        return Rejection(400, "too_many_events", "events", f"send at most {_MOST_EVENTS} at once")
    now = float(request.headers.get(RECEIVED_AT, 0))
    offset = _offset(beacon.sent_at, now)
    device = _device(request)
    bot = bots.is_bot(device.client_user_agent)
    parsed = [_parsed(e, request, device, now, offset, settings, bot=bot) for e in beacon.events]
    return _with_landings(parsed, (beacon.first, beacon.last), offset)


def _parsed(
    event: _Event,
    request: Request,
    device: Device,
    now: float,
    offset: float,
    settings: Settings,
    *,
    bot: bool,
) -> Parsed:
    at = _clamp((event.event_time or now) + offset, now)
    seen = BrowserSeen(
        event_name=event.event_name[:100],
        event_id=(event.event_id or _made_id(event, at))[:200],
        event_time=at,
        visitor_id=_short(event.visitor_id),
        event_source_url=click.strip_query(event.event_source_url or "") or None,
        referrer_url=click.strip_query(event.referrer_url or "") or None,
        custom_data=scrub(event.custom_data or {}),
        checkout_token=_short(event.checkout_token),
        cart_token=_cart(event),
        direct=event.direct if event.direct in _DIRECTS else "unknown",  # type: ignore[arg-type]
        consent=_consent(event.consent, request.headers, at),
        person=Person(fbc=_cookie(event.fbc), fbp=_cookie(event.fbp)),
        device=device,
        bot=bot,
        recorded=bool(event.recorded),
    )
    return Parsed(seen, _raw(event.user_data), settings.country)


def _with_landings(parsed: list[Parsed], told: tuple[Any, ...], offset: float) -> list[Parsed]:
    """The first event with the landings of the browser's earlier sessions."""
    if not parsed or not isinstance(parsed[0].fact, BrowserSeen):
        return parsed
    seen = parsed[0].fact
    found = {landing for landing in (_landing(one, offset) for one in told) if landing}
    ages = {landing: seen.event_time - landing.at for landing in found}
    earlier = [one for one, age in ages.items() if session.IDLE < age <= _REMEMBERED]
    kept = tuple(sorted(earlier, key=lambda landing: landing.at))
    return [structs.replace(parsed[0], fact=structs.replace(seen, landings=kept)), *parsed[1:]]


def _landing(told: Any, offset: float) -> Landing | None:
    """A landing as the script keeps it, its time in ms; None for anything else."""
    if not isinstance(told, dict):
        return None
    url, at, referrer = (told.get(name) for name in ("url", "time", "referrer"))
    if not isinstance(url, str) or not url:
        return None
    if not isinstance(at, int | float) or not 0 < at < _LAST_MS:
        return None
    came = click.strip_query(referrer) if isinstance(referrer, str) else None
    return Landing(int(at / 1000 + offset), click.strip_query(url), came or None)


def _made_id(event: _Event, at: int) -> str:
    """An id for an event that came without one; the same beacon again makes the same id."""
    return f"px.{event.visitor_id or ''}.{event.event_name}.{at}"


def _offset(sent_at: float | None, now: float) -> float:
    if sent_at is None or abs(now - sent_at) <= _SKEW:
        return 0.0
    return now - sent_at


def _clamp(at: float, now: float) -> int:
    return int(min(max(at, now - _OLDEST), now))


def _device(request: Request) -> Device:
    return Device(
        client_ip_address=request.headers.get(CLIENT_IP) or None,
        client_user_agent=request.headers.get("user-agent") or None,
    )


def _consent(given: dict[str, Any] | None, headers: Mapping[str, str], at: int) -> Consent | None:
    """The strictest of what the banner, its strings and the browser itself say.

    Flags are booleans under `marketing`, `analytics` and `sale_of_data`; consent strings
    stand under `tcf` (with `ac`) and `gpp`; the browser's own signal is `Sec-GPC`.
    """
    told = given or {}
    flags = {k: told[k] for k in _FLAGS if isinstance(told.get(k), bool)}
    banner = Consent(**flags, source="pixel", at=at) if flags else None
    tcf, gpp, additional = (_text(told.get(k)) for k in ("tcf", "gpp", "ac"))
    return consent.strictest(
        banner,
        consent.from_tcf(tcf, at, additional) if tcf else None,
        consent.from_gpp(gpp, at) if gpp else None,
        consent.from_gpc(headers.get("sec-gpc"), at),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _cookie(value: str | None) -> str | None:
    return value if value and click.is_cookie(value) else None


def _raw(given: dict[str, Any] | None) -> Raw:
    found = {k: v for k, v in (given or {}).items() if k in _USER_KEYS}
    listed = {
        key: tuple(
            str(v).removeprefix(_CUSTOMER_ID)
            for v in (value if isinstance(value, list) else [value])
            if v
        )
        for key, value in found.items()
    }
    return {key: values for key, values in listed.items() if values}


def _cart(event: _Event) -> str | None:
    """The cart's bare token: as told, else of the checkout page's address.

    It is told with its key or as a whole id too (reference `shopify`, 2.4 and 4).
    """
    told = event.cart_token or (event.event_source_url or "").partition(_CHECKOUTS)[2]
    return _short(_CART_END.split(told.removeprefix(_CART_ID))[0])


def _short(value: str | None) -> str | None:
    return value[:200] if value else None
