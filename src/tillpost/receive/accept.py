"""Takes what is sent to the platform: authorise, validate, hand over rows, answer as Meta does.

Every function here is pure: a request in, an `Answer` out. The caller keeps the
answer's rows durably before it sends the response; if it cannot, it answers 503 itself.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from tillpost.core import match_key, money
from tillpost.core.browsers import Browser, browser
from tillpost.core.identity import choose, identify
from tillpost.core.received import Dataset, ReceivedEvent
from tillpost.core.traits import traits_of
from tillpost.core.validation import refusal
from tillpost.core.wire import Request, Response
from tillpost.receive import wire
from tillpost.receive.whereabouts import page_of
from tillpost.receive.wire import GraphCall, Problem

Row = TypeVar("Row")
Datasets = Mapping[str, Dataset]
"""The receiver's datasets by id."""

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""The transparent picture of 43 bytes that `/tr` answers with, whatever it was sent."""

CLOCK_TOLERANCE = 600
"""A browser's clock is believed so many seconds off ours; else the time of receipt counts."""

_AMOUNT: TypeAlias = int | float | str
_ID: TypeAlias = int | str
_MOST_NAME = 200
_MOST_ID = 500
_MOST_AGENT = 512
_FIELD = re.compile(r"(cd|ud|aud)\[([A-Za-z0-9_]{1,64})\]")
_FBCLID = re.compile(r"[?&#]fbclid=([^&#]{1,1000})")


class Answer(Struct, Generic[Row], frozen=True):
    """The response, the rows to keep before it is sent, and why nothing was kept if so."""

    response: Response
    rows: tuple[Row, ...] = ()
    refused: str | None = None


def graph_events(
    request: Request, datasets: Datasets, now: float, new_trace_id: Callable[[], str]
) -> Answer[ReceivedEvent]:
    """Meta's answer to `POST /{dataset_id}/events`, and its events if all of them are good."""
    call = wire.graph_call(request)
    if request.method != "POST":
        return _refused(wire.no_object(call.dataset_id, request.method), new_trace_id())
    return accept(call, datasets, now, new_trace_id)


def accept(
    call: GraphCall, datasets: Datasets, now: float, new_trace_id: Callable[[], str]
) -> Answer[ReceivedEvent]:
    """As `graph_events`, for a call that is decoded. One bad event refuses all."""
    problem = authorise(call, datasets) or call.problem
    if problem is not None:
        return _refused(problem, new_trace_id())
    error = refusal(call.data, now)
    if error is not None:
        return _refused(Problem(error), new_trace_id())
    rows = tuple(server_event(event, call, now) for event in call.data)
    return Answer(wire.received(len(rows), new_trace_id()), rows)


def authorise(call: GraphCall, datasets: Datasets) -> Problem | None:
    """Why the call may not send to its dataset, or None: token, then dataset, then proof."""
    if not call.access_token:
        return wire.NO_TOKEN
    dataset = datasets.get(call.dataset_id)
    if dataset is None or not _same(call.access_token, dataset.access_token):
        known = [_same(call.access_token, other.access_token) for other in datasets.values()]
        return wire.no_object(call.dataset_id, "POST") if any(known) else wire.BAD_TOKEN
    if dataset.app_secret is None:
        return None
    if not call.appsecret_proof:
        return wire.NO_PROOF
    proof = proof_of(call.access_token, dataset.app_secret)
    return None if _same(call.appsecret_proof, proof) else wire.BAD_PROOF


def proof_of(access_token: str, app_secret: str) -> str:
    """The `appsecret_proof` of a token: SHA-256 HMAC under the app's secret, in hex."""
    return hmac.new(app_secret.encode(), access_token.encode(), sha256).hexdigest()


def server_event(event: Mapping[str, Any], call: GraphCall, now: float) -> ReceivedEvent:
    """What is kept of a valid server event: keys as short hashes, and no raw value."""
    user = _object(event, "user_data")
    custom = _object(event, "custom_data")
    found = match_key.find(user)
    value, currency = _value(custom)
    return ReceivedEvent(
        dataset_id=call.dataset_id,
        source="server",
        event_name=event["event_name"][:_MOST_NAME],
        event_id=_id(event.get("event_id")),
        event_time=int(event["event_time"]),
        received_at=now,
        keys=found.keys,
        action_source=event.get("action_source"),
        value=value,
        currency=currency,
        order_id=_id(custom.get("order_id")),
        test_event_code=call.test_event_code,
        traits=traits_of(event, user),
        unusable=found.unusable,
        page=_page(event.get("event_source_url")),
        browser=_browser(user.get("client_user_agent")),
    )


def pixel_hit(request: Request, datasets: Datasets, now: float) -> Answer[ReceivedEvent]:
    """The picture that `GET,POST /tr` answers, and the browser's event if it is one of ours."""
    fields = wire.form_fields(request)
    if fields.get("id") not in datasets:
        return Answer(_picture(), refused="unknown dataset")
    name = fields.get("ev", "")
    if not name or name.isspace() or len(name) > _MOST_NAME:
        return Answer(_picture(), refused="no event name")
    agent = request.headers.get("user-agent")
    return Answer(_picture(), (_browser_event(fields, name, agent, now),))


def _browser_event(
    fields: Mapping[str, str], name: str, agent: str | None, now: float
) -> ReceivedEvent:
    custom, user = _grouped(fields, "cd"), _browser_user(fields)
    found = match_key.find(user)
    value, currency = _value(custom)
    return ReceivedEvent(
        dataset_id=fields["id"],
        source="browser",
        event_name=name,
        event_id=_id(fields.get("eid")),
        event_time=_hit_time(fields.get("ts", ""), now),
        received_at=now,
        keys=found.keys,
        action_source="website",
        value=value,
        currency=currency,
        order_id=_id(custom.get("order_id")),
        test_event_code=fields.get("tec") or None,
        traits=traits_of({"event_source_url": fields.get("dl")}, user),
        unusable=found.unusable,
        page=_page(fields.get("dl")),
        browser=_browser(agent),
    )


def _browser_user(fields: Mapping[str, str]) -> dict[str, Any]:
    """The hit's `user_data`: raw values are hashed here, and are not kept."""
    raw = {**_grouped(fields, "aud"), **_grouped(fields, "ud")}
    identified = identify({key: (value,) for key, value in raw.items() if value})
    user: dict[str, Any] = {**choose(identified.keys, "meta"), **identified.plain}
    for cookie in ("fbp", "fbc"):
        if fields.get(cookie):
            user[cookie] = fields[cookie]
    clicked = _FBCLID.search(fields.get("dl", ""))
    if "fbc" not in user and clicked:
        user["fbc"] = f"fb.1.{10**12}.{clicked.group(1)}"
    return user


def _grouped(fields: Mapping[str, str], group: str) -> dict[str, str]:
    """The values of `group[name]` fields by name."""
    found = ((_FIELD.fullmatch(field), value) for field, value in fields.items())
    return {m.group(2): value for m, value in found if m is not None and m.group(1) == group}


def _hit_time(text: str, now: float) -> int:
    at = int(text) / 1000 if text.isascii() and text.isdigit() and len(text) < 15 else now
    return int(at if abs(at - now) <= CLOCK_TOLERANCE else now)


def _value(custom: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Value in minor units and its currency; both None unless together they are money."""
    currency = str(custom.get("currency") or "").strip().upper()
    value = custom.get("value")
    if isinstance(value, bool) or not isinstance(value, _AMOUNT):
        return None, None
    try:
        return money.to_minor(str(value).strip(), currency), currency
    except ValueError:
        return None, None


def _id(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, _ID):
        return None
    return str(value)[:_MOST_ID] or None


def _page(url: Any) -> str | None:
    return page_of(url) if isinstance(url, str) else None


def _browser(agent: Any) -> Browser | None:
    return browser(agent[:_MOST_AGENT]) if isinstance(agent, str) and agent else None


def _object(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _picture() -> Response:
    headers = {
        "content-type": "image/gif",
        "cache-control": "no-cache, must-revalidate, max-age=0",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
    }
    return Response(200, headers, PIXEL)


def _refused(problem: Problem, trace_id: str) -> Answer[ReceivedEvent]:
    code = problem.error.error_subcode or problem.error.code
    return Answer(wire.failed(problem, trace_id), refused=f"{problem.status}/{code}")
