"""What the platform itself knows: accounts, what they did with ads, and what ads cost.

`POST /receiver/people`, `/receiver/touches` and `/receiver/spend`, with the receiver's own token.
Identifiers come hashed, as in CAPI; a raw one is refused, for it must not get this far.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar, get_args

import msgspec

from tillpost.core import match_key, money
from tillpost.core.match_key import Key
from tillpost.core.matching import strong
from tillpost.core.received import AccountSeen, Action, Ad, SpendSeen, TouchSeen
from tillpost.core.wire import Request, Response
from tillpost.receive import wire
from tillpost.receive.accept import Answer
from tillpost.receive.wire import Problem

Row = TypeVar("Row")

MOST_AT_ONCE = 10_000
"""Most people or touches in one request."""

ACTIONS: tuple[Action, ...] = get_args(Action)
_FIRST_DAY = date(1970, 1, 1)
_AD_FIELDS = ("account_id", "campaign_id", "adset_id", "ad_id")
_NAMES = {
    "account": "account",
    "account_name": "account",
    "campaign": "campaign",
    "campaign_name": "campaign",
    "adset": "adset",
    "adset_name": "adset",
    "ad": "ad",
    "ad_name": "ad",
}


class _Wrong(Exception):
    """A field that cannot be taken: where it stands and what to do."""


def people(request: Request, receiver_token: str) -> Answer[AccountSeen]:
    """The accounts of `{"people": [{"id"?, "user_data"}]}`, and the answer once they are kept."""
    return _listed(request, receiver_token, "people", _person)


def touches(request: Request, receiver_token: str) -> Answer[TouchSeen]:
    """The touches of `{"touches": [...]}`, and the answer once they are kept."""
    return _listed(request, receiver_token, "touches", _touch)


def spend(request: Request, receiver_token: str) -> Answer[SpendSeen]:
    """What ads cost, of `{"spend": [...]}`, and the answer once it is kept."""
    return _listed(request, receiver_token, "spend", _spend)


def _listed(
    request: Request, token: str, name: str, read: Callable[[Mapping[str, Any], str], Row]
) -> Answer[Row]:
    if not authorised(request, token):
        return _refused(401, "send the receiver token: Authorization: Bearer TOKEN")
    body = wire.json_object(request)
    if isinstance(body, Problem):
        return _refused(body.status, body.error.message.removeprefix("(#100) "))
    items = body.get(name)
    if not isinstance(items, list) or not items:
        return _refused(400, f'{name} must be a list: send {{"{name}": [...]}}')
    if len(items) > MOST_AT_ONCE:
        return _refused(413, f"{name} has {len(items)} items: send at most {MOST_AT_ONCE}")
    try:
        rows = tuple(_read(item, f"{name}[{i}]", read) for i, item in enumerate(items))
    except _Wrong as wrong:
        return _refused(400, str(wrong))
    return Answer(answer(200, {"received": len(rows)}), rows)


def _read(item: Any, at: str, read: Callable[[Mapping[str, Any], str], Row]) -> Row:
    if not isinstance(item, dict):
        raise _Wrong(f"{at} is not an object")
    return read(item, at)


def _person(item: Mapping[str, Any], at: str) -> AccountSeen:
    keys = _keys(item, at)
    known_as = _optional_text(item, "id", at)
    if not strong(keys):
        raise _Wrong(f"{at}.user_data has no key that can match: give em, ph or external_id")
    return AccountSeen(keys, known_as)


def _touch(item: Mapping[str, Any], at: str) -> TouchSeen:
    action = item.get("action")
    if action not in ACTIONS:
        raise _Wrong(f"{at}.action must be one of {', '.join(ACTIONS)}")
    click = _optional_text(item, "click_id", at)
    return TouchSeen(
        action=action,
        at=_time(item.get("time"), at),
        ad=_ad(item, at),
        click=match_key.of_click(click) if click else None,
        keys=_keys(item, at),
        person=_optional_text(item, "person", at),
    )


def _spend(item: Mapping[str, Any], at: str) -> SpendSeen:
    currency = _text(item, "currency", at).upper()
    try:
        day = date.fromisoformat(_text(item, "date", at))
    except ValueError:
        raise _Wrong(f"{at}.date must be a day: YYYY-MM-DD") from None
    try:
        amount = money.to_minor(str(item.get("spend")), currency)
    except ValueError as error:
        raise _Wrong(f"{at}.spend must be an amount in {at}.currency ({error})") from None
    if amount < 0:
        raise _Wrong(f"{at}.spend is below zero")
    return SpendSeen((day - _FIRST_DAY).days, _ad(item, at), currency, amount)


def _ad(item: Mapping[str, Any], at: str) -> Ad:
    ad = Ad(**{field: _text(item, field, at) for field in _AD_FIELDS}, names=_names(item, at))
    if not ad.ad_id or not ad.campaign_id:
        raise _Wrong(f"{at} needs ad_id and campaign_id")
    return ad


def _keys(item: Mapping[str, Any], at: str) -> tuple[Key, ...]:
    user = item.get("user_data")
    if user is None:
        return ()
    if not isinstance(user, dict):
        raise _Wrong(f"{at}.user_data is not an object")
    found = match_key.find(user)
    if found.unusable:
        raise _Wrong(
            f"{at}.user_data.{found.unusable[0]} has a value that is not in CAPI's form: "
            "send SHA-256 in hex for hashed keys, fb.1.<ms>.<id> for fbc and fbp"
        )
    return found.keys


def _text(item: Mapping[str, Any], field: str, at: str) -> str:
    return _optional_text(item, field, at) or ""


def _optional_text(item: Mapping[str, Any], field: str, at: str) -> str | None:
    value = item.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 1000:
        raise _Wrong(f"{at}.{field} must be a string of at most 1000 characters")
    return str(value)


def _names(item: Mapping[str, Any], at: str) -> dict[str, str]:
    names = item.get("names") or {}
    if not isinstance(names, dict):
        raise _Wrong(f"{at}.names is not an object")
    return {_NAMES[key]: str(value)[:400] for key, value in names.items() if key in _NAMES}


def _time(value: Any, at: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**11:
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _Wrong(f"{at}.time must be ISO 8601 with a zone, or Unix seconds")
    return int(moment.timestamp())


def authorised(request: Request, token: str) -> bool:
    """Whether the request carries the receiver's token as Bearer."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def refused(status: int, message: str) -> Response:
    """An error that says what, where and how to fix it."""
    return answer(
        status, {"error": {"message": message, "type": "ReceiverException", "code": status}}
    )


def answer(status: int, body: Mapping[str, Any]) -> Response:
    """A JSON answer that nothing may keep."""
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(status, headers, msgspec.json.encode(body))


def _refused(status: int, message: str) -> Answer[Any]:
    return Answer(refused(status, message), refused=message)
