"""Meta's wire: every way a call can be encoded, and the answers in Meta's own shape.

A call comes as JSON, urlencoded, multipart or all in the query; `data` as a list, as
JSON text, or as a list of JSON texts (what Meta's Python SDK sends); gzipped or not
(meta-capi 1.2-1.5, 5). Reading never raises on bad input: what is wrong becomes the
call's `problem`, so that authorisation is answered first.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict, replace

from tillpost.core.body import DEPTH_LIMIT, INFLATION_LIMIT, Unfit, inflate, opens_at_most
from tillpost.core.limits import EVENT_LIMIT
from tillpost.core.validation import MetaError
from tillpost.core.wire import Request, Response

BODY_LIMIT = 10 * 1024 * 1024
"""Most bytes of a body, also after decompression."""

_FIELD_LIMIT = 1000
_ROUTE = re.compile(r"(?:/v(\d{1,3}\.\d{1,3}))?/([^/]{1,64})/([a-z_]+)/?")
_DOCS = "https://developers.facebook.com/docs/graph-api"
_HEADERS = {
    "content-type": "application/json; charset=UTF-8",
    "cache-control": "private, no-cache, no-store, must-revalidate",
    "pragma": "no-cache",
    "expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "access-control-allow-origin": "*",
    "strict-transport-security": "max-age=15552000; preload",
}


class Problem(Struct, frozen=True):
    """Why a call is refused: Meta's error object and the HTTP status that goes with it."""

    error: MetaError
    status: int = 400


class GraphCall(Struct, frozen=True):
    """A call of the Graph API's `/{dataset_id}/events`, whichever way it was encoded.

    `data` holds the events as decoded objects; it is empty when there is a `problem`.
    """

    dataset_id: str
    version: str | None = None
    access_token: str | None = None
    appsecret_proof: str | None = None
    data: Sequence[Any] = ()
    test_event_code: str | None = None
    partner_agent: str | None = None
    problem: Problem | None = None


class _Body(Struct):
    """The fields of a JSON body that are read; any other is ignored, as Meta ignores it."""

    data: Raw = Raw(b"")
    access_token: Any = None
    appsecret_proof: Any = None
    test_event_code: Any = None
    partner_agent: Any = None


class Unreadable(Exception):
    """A body that cannot be read; `problem` is what to answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.problem = Problem(invalid(message), status)


_body_decoder = msgspec.json.Decoder(_Body)
_list_decoder = msgspec.json.Decoder(list[Raw])
_any_decoder = msgspec.json.Decoder()
_text_decoder = msgspec.json.Decoder(str)


def invalid(message: str) -> MetaError:
    """Meta's plain error 100 without a subcode."""
    return MetaError(f"(#100) {message}", "OAuthException", 100, is_transient=False)


NO_TOKEN = Problem(
    MetaError("An access token is required to request this resource.", "OAuthException", 104)
)
"""Not 401/190, which is the answer to a token that is wrong: see decision 0009."""

BAD_TOKEN = Problem(
    MetaError(
        "Invalid OAuth access token - Cannot parse access token",
        "OAuthException",
        190,
        is_transient=False,
    ),
    401,
)
NO_PROOF = Problem(
    MetaError(
        "API calls from the server require an appsecret_proof argument",
        "GraphMethodException",
        100,
        is_transient=False,
    )
)
BAD_PROOF = Problem(
    MetaError(
        "Invalid appsecret_proof provided in the API argument",
        "GraphMethodException",
        100,
        is_transient=False,
    )
)


BUSY = Problem(
    MetaError("Service temporarily unavailable", "OAuthException", 2, is_transient=True), 503
)
"""The answer when the events could not be kept: the sender comes again."""
BROKEN = Problem(MetaError("An unknown error occurred", "OAuthException", 1), 500)
"""The answer when something happened that nobody expected."""


def too_large() -> Problem:
    """The answer to a body over the limits; it can be given before the body is read."""
    return _too_large().problem


def no_object(object_id: str, method: str) -> Problem:
    """The answer for an id that is unknown, not the token's, or not to be used this way."""
    return Problem(
        MetaError(
            f"Unsupported {method.lower()} request. Object with ID '{object_id[:64]}' does not "
            "exist, cannot be loaded due to missing permissions, or does not support this "
            f"operation. Please read the Graph API documentation at {_DOCS}",
            "GraphMethodException",
            100,
            is_transient=False,
            error_subcode=33,
        )
    )


def no_edge(path: str) -> Problem:
    """The answer for what stands behind an object's id and does not exist: `/foo`."""
    shown = path[:200].rstrip("/")
    return Problem(MetaError(f"Unknown path components: {shown}", "OAuthException", 2500))


def graph_call(request: Request) -> GraphCall:
    """The call as it was meant, or with its `problem`; the token of the query comes first."""
    target = urlsplit(request.url)
    route = _ROUTE.fullmatch(target.path)
    version, dataset_id = (route.group(1), route.group(2)) if route else (None, "")
    query = _query(target.query)
    carried = bearer(request.headers)
    fields, data, problem = _read(request)
    events: Sequence[Any] = ()
    if problem is None:
        events, problem = _events(data or query.get("data", "").encode())
    return GraphCall(
        dataset_id=dataset_id,
        version=version,
        access_token=query.get("access_token") or _text(fields.get("access_token")) or carried,
        appsecret_proof=query.get("appsecret_proof") or _text(fields.get("appsecret_proof")),
        data=events,
        test_event_code=_text(fields.get("test_event_code")) or query.get("test_event_code"),
        partner_agent=_text(fields.get("partner_agent")) or query.get("partner_agent"),
        problem=problem,
    )


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True, errors="replace")) if text else {}


def form_fields(request: Request) -> dict[str, str]:
    """All names and values of a pixel hit: its query, then its form, whatever its encoding.

    A body that cannot be read gives what the query has.
    """
    fields = dict(parse_qsl(urlsplit(request.url).query, errors="replace"))
    try:
        body = inflated(request)
        if body:
            fields.update(_form(body, request.headers.get("content-type", "")))
    except (Unreadable, ValueError):
        return fields
    return fields


def json_object(request: Request) -> dict[str, Any] | Problem:
    """A JSON object as the body; else the problem, in plain words."""
    try:
        body = _checked(inflated(request))
        decoded = _any_decoder.decode(body)
    except Unreadable as unreadable:
        return unreadable.problem
    except (ValueError, RecursionError) as error:
        return Problem(invalid(f"the body is not JSON ({_said(error)}): send a JSON object"))
    if not isinstance(decoded, dict):
        return Problem(invalid("the body must be a JSON object"))
    if too_deep(decoded, DEPTH_LIMIT):
        return Problem(invalid(f"the body nests deeper than {DEPTH_LIMIT} levels"))
    return decoded


def inflated(request: Request) -> bytes:
    """The body, decompressed within the limits; raises `Unreadable`."""
    body = request.body
    encoding = request.headers.get("content-encoding", "")
    if len(body) > BODY_LIMIT:
        raise _too_large()
    plain = inflate(body, encoding, BODY_LIMIT)
    if isinstance(plain, Unfit):
        raise _too_large() if plain.status == 413 else Unreadable(plain.detail, plain.status)
    return plain


def too_deep(value: Any, room: int) -> bool:
    """Whether objects and lists nest deeper than `room` levels."""
    if isinstance(value, dict):
        return room == 0 or any(
            too_deep(inner, room - 1) for inner in value.values() if isinstance(inner, dict | list)
        )
    if isinstance(value, list):
        return room == 0 or any(
            too_deep(inner, room - 1) for inner in value if isinstance(inner, dict | list)
        )
    return False


def received(count: int, trace_id: str, extra: Mapping[str, str] | None = None) -> Response:
    """Meta's answer to a call that was taken."""
    body = {"events_received": count, "messages": [], "fbtrace_id": trace_id}
    return _answer(200, body, trace_id, extra)


def told(body: Mapping[str, Any] | Sequence[Any], trace_id: str) -> Response:
    """What was asked for, with Meta's headers."""
    return _answer(200, body, trace_id, None)


def failed(problem: Problem, trace_id: str, extra: Mapping[str, str] | None = None) -> Response:
    """Meta's answer to a call that was refused."""
    error = replace(problem.error, fbtrace_id=trace_id)
    reason = "invalid_token" if problem.status == 401 else "invalid_request"
    told = error.message.replace('"', "'").encode("ascii", "replace").decode()
    challenge = {"www-authenticate": f'OAuth "Facebook Platform" "{reason}" "{told}"'}
    return _answer(problem.status, {"error": error}, trace_id, {**challenge, **(extra or {})})


def _answer(
    status: int,
    body: Mapping[str, Any] | Sequence[Any],
    trace_id: str,
    extra: Mapping[str, str] | None,
) -> Response:
    headers = {**_HEADERS, "x-fb-trace-id": trace_id, **(extra or {})}
    return Response(status, headers, msgspec.json.encode(body))


def _read(request: Request) -> tuple[dict[str, Any], bytes, Problem | None]:
    try:
        return *_fields(request), None
    except Unreadable as unreadable:
        return {}, b"", unreadable.problem


def _fields(request: Request) -> tuple[dict[str, Any], bytes]:
    """The body's fields, and its `data` as JSON text."""
    body = inflated(request)
    if not body:
        return {}, b""
    kind = request.headers.get("content-type", "")
    if _is_json(kind, body):
        return _json_fields(_checked(body))
    fields = _form(body, kind)
    return dict(fields), fields.get("data", "").encode()


def _is_json(kind: str, body: bytes) -> bool:
    media = kind.partition(";")[0].strip().lower()
    if media in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return False
    return media.endswith("json") or body.lstrip()[:1] in (b"{", b"[")


def _json_fields(body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        fields = _body_decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The body is not valid JSON: {_said(error)}") from None
    data = bytes(fields.data)
    if data[:1] == b'"':
        data = _text_decoder.decode(data).encode()
    return asdict(fields), data


def _checked(body: bytes) -> bytes:
    """The body, if it is UTF-8 all through: skipped fields are not looked at later."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise Unreadable(f"The body is not UTF-8: byte {error.start} is wrong") from None
    return body


def _form(body: bytes, kind: str) -> dict[str, str]:
    if kind.partition(";")[0].strip().lower() == "multipart/form-data":
        return _multipart(body, kind)
    try:
        text = _checked(body).decode()
        return dict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELD_LIMIT)
        )
    except ValueError as error:
        raise Unreadable(f"The form cannot be read: {_said(error)}") from None


def _multipart(body: bytes, kind: str) -> dict[str, str]:
    from tillpost.receive.multipart import FormError, read_form

    try:
        return read_form(body, kind, most=_FIELD_LIMIT)
    except FormError as error:
        raise Unreadable(f"The multipart form cannot be read: {error}") from None


def _events(data: bytes) -> tuple[Sequence[Any], Problem | None]:
    """The events of `data`, split first so that each is decoded for itself."""
    if data.strip() in (b"", b"null"):
        return (), Problem(invalid("The parameter data is required"))
    try:
        raws = _list_decoder.decode(data)
        if len(raws) > EVENT_LIMIT:
            return (), Problem(invalid(f"Too many events: at most {EVENT_LIMIT} go in one request"))
        return [_event(index, bytes(raw)) for index, raw in enumerate(raws)], None
    except Unreadable as unreadable:
        return (), unreadable.problem
    except (ValueError, RecursionError) as error:
        return (), Problem(invalid(f"Param data must be an array: {_said(error)}"))


def _event(index: int, raw: bytes) -> Any:
    try:
        event = _any_decoder.decode(raw)
        if isinstance(event, str):
            raw = event.encode()
            event = _any_decoder.decode(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"Param data[{index}] is not valid JSON: {_said(error)}") from None
    room = DEPTH_LIMIT - 2
    if not opens_at_most(raw, room) and too_deep(event, room):
        raise Unreadable(f"Param data[{index}] nests deeper than {DEPTH_LIMIT} levels")
    return event


def _too_large() -> Unreadable:
    return Unreadable(
        f"The request is too large: at most {BODY_LIMIT >> 20} MiB, "
        f"and {INFLATION_LIMIT} times its size when decompressed; send fewer events at once",
        413,
    )


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of the Authorization header, if there is one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in ("bearer", "oauth") else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _said(error: BaseException) -> str:
    """The decoder's words, which name a place and never the value."""
    return str(error)[:200] if isinstance(error, msgspec.MsgspecError) else type(error).__name__
