"""Calls that are kept to be looked at, and sent again: sealed, and without their token."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict

from tillpost.core.received import Exchange, KeptCall
from tillpost.core.validation import lint
from tillpost.core.wire import Request, Response
from tillpost.ports import Sealer
from tillpost.receive import wire

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Exchange).decode
_TOKENS = frozenset({"access_token", "appsecret_proof"})
_IN_BODY = (
    re.compile(rb'("(?:access_token|appsecret_proof)"\s*:\s*")(?:[^"\\]|\\.)*(")'),
    re.compile(rb"((?:^|&)(?:access_token|appsecret_proof)=)[^&]*(&|$)"),
    re.compile(rb'(name="(?:access_token|appsecret_proof)"\r\n\r\n)[^\r]*(\r)'),
)
"""Where a token stands in JSON, in a form, and in a multipart body."""


def kept_call(
    request: Request, answer: Response, sealer: Sealer, now: float, **facts: Any
) -> KeptCall:
    """A call as it is kept: its body sealed, its token left out."""
    exchange = Exchange(
        request.method,
        without_tokens(request.url),
        request.headers.get("content-type", ""),
        request.headers.get("content-encoding", ""),
        without_body_tokens(request),
    )
    return KeptCall(
        at=now,
        method=request.method,
        path=request.url.partition("?")[0][:200],
        status=answer.status,
        answer=answer.body.decode("utf-8", "replace"),
        box=sealer.seal(_encode(exchange)),
        **facts,
    )


def without_body_tokens(request: Request) -> bytes:
    """The body with every token's value left out; a compressed body is not kept."""
    if request.headers.get("content-encoding"):
        return b""
    body = request.body
    for pattern in _IN_BODY:
        body = pattern.sub(rb"\1\2", body)
    return body


def without_tokens(url: str) -> str:
    """The address without the parameters that authorise."""
    path, mark, query = url.partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] not in _TOKENS]
    return path + (mark + "&".join(kept) if query else "")


def listed(call: KeptCall) -> dict[str, Any]:
    """A kept call in a list, without what it held."""
    row = asdict(call)
    del row["box"], row["answer"]
    return row


def opened(call: KeptCall, sealer: Sealer, now: float) -> dict[str, Any]:
    """A kept call whole: the request, the answer, and every finding with its fix."""
    exchange = _decode(sealer.open(call.box))
    decoded = wire.graph_call(as_request(exchange, {}))
    return {
        **listed(call),
        "request": {
            "method": exchange.method,
            "url": exchange.url,
            "content_type": exchange.content_type,
            "body": exchange.body.decode("utf-8", "replace"),
        },
        "response": {"status": call.status, "body": call.answer},
        "findings": [asdict(finding) for finding in lint(decoded.data, now)],
    }


def again(call: KeptCall, sealer: Sealer, edited: Mapping[str, Any], token: str) -> Request:
    """The kept call as a new request; `edited` may give another `body` and `content_type`."""
    exchange = _decode(sealer.open(call.box))
    body = edited.get("body")
    if body is not None:
        text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
        kind = str(edited.get("content_type") or "application/json")
        exchange = Exchange(exchange.method, exchange.url, kind, "", text.encode())
    return as_request(exchange, {"authorization": f"Bearer {token}"})


def as_request(exchange: Exchange, headers: Mapping[str, str]) -> Request:
    """A kept exchange as a request."""
    told = {
        "content-type": exchange.content_type,
        "content-encoding": exchange.content_encoding,
        **headers,
    }
    return Request(exchange.method, exchange.url, told, exchange.body)
