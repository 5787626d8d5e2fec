"""Calls that are kept to be looked at, and sent again: sealed, and without their token."""

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import asdict, replace

from tillpost.core.moment import iso
from tillpost.core.received import Dataset, Exchange, KeptCall
from tillpost.core.validation import lint
from tillpost.core.wire import Request, Response
from tillpost.ports import Sealer
from tillpost.receive import wire
from tillpost.receive.accept import proof_of

MOST_BYTES = 1024 * 1024
MOST_TAKEN_BYTES = 64 * 1024
"""A longer body is not kept, of a refused call and of one that was taken; the rest of it is."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Exchange).decode
_TOKENS = frozenset({"access_token", "appsecret_proof"})
_IN_BODY = (
    re.compile(rb'("(?:access_token|appsecret_proof)"\s*:\s*")(?:[^"\\]|\\.)*(")'),
    re.compile(rb"((?:^|&)(?:access_token|appsecret_proof)=)[^&]*(&|$)"),
    re.compile(rb'(name="(?:access_token|appsecret_proof)"\r\n\r\n)[^\r]*(\r)'),
)
"""Where a token stands in JSON, in a form, and in a multipart body."""


Kept: TypeAlias = Literal["none", "refused", "all"]
"""Which calls are kept; `refused` keeps those with a `test_event_code` too."""

KEPT: tuple[Kept, ...] = get_args(Kept)


class Keeping:
    """Which calls are kept from now on: what the settings say, until a developer says else.

    Without a sealer none is.
    """

    def __init__(self, kept: Kept, sealer: Sealer | None) -> None:
        self.kept: Kept = kept
        self.sealer = sealer

    def wants(self, *, refused: bool, tested: bool) -> bool:
        """Whether such a call is to be kept."""
        return self.kept == "all" or (self.kept == "refused" and (refused or tested))


def kept_call(
    request: Request, answer: Response, sealer: Sealer, now: float, **facts: Any
) -> KeptCall:
    """A call as it is kept: its body sealed, its token left out."""
    body, left_out = _body(request, MOST_TAKEN_BYTES if answer.status == 200 else MOST_BYTES)
    exchange = Exchange(
        request.method,
        without_tokens(request.url),
        request.headers.get("content-type", ""),
        "",
        body,
        left_out,
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


def _body(request: Request, most: int) -> tuple[bytes, str | None]:
    """The body as it is kept, decompressed; or none, and why."""
    try:
        body = wire.inflated(request)
    except wire.Unreadable as unreadable:
        return b"", unreadable.problem.error.message
    if len(body) > most:
        return b"", f"a body of {len(body)} bytes is not kept: at most {most}"
    return without_body_tokens(body), None


def without_body_tokens(body: bytes) -> bytes:
    """The body with every token's value left out."""
    for pattern in _IN_BODY:
        body = pattern.sub(rb"\1\2", body)
    return body


def without_tokens(url: str) -> str:
    """The address without the parameters that authorise."""
    path, _, query = url.partition("?")
    kept = "&".join(part for part in query.split("&") if part.partition("=")[0] not in _TOKENS)
    return f"{path}?{kept}" if kept else path


def listed(call: KeptCall) -> dict[str, Any]:
    """A kept call in a list, without what it held."""
    row = asdict(call)
    del row["box"], row["answer"]
    return {**row, "at": iso(call.at)}


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
            "left_out": exchange.left_out,
        },
        "response": {"status": call.status, "body": call.answer},
        "findings": [asdict(finding) for finding in lint(decoded.data, now)],
    }


def again(
    call: KeptCall, sealer: Sealer, edited: Mapping[str, Any], dataset: Dataset | None
) -> Request:
    """The kept call as a new request, with the dataset's own token and proof.

    `edited` may give another `body` and `content_type`.
    """
    exchange = _decode(sealer.open(call.box))
    body = edited.get("body")
    if body is not None:
        text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
        kind = str(edited.get("content_type") or "application/json")
        exchange = Exchange(exchange.method, exchange.url, kind, "", text.encode())
    if dataset is None:
        return as_request(exchange, {})
    if dataset.app_secret is not None:
        proof = proof_of(dataset.access_token, dataset.app_secret)
        mark = "&" if "?" in exchange.url else "?"
        exchange = replace(exchange, url=f"{exchange.url}{mark}appsecret_proof={proof}")
    return as_request(exchange, {"authorization": f"Bearer {dataset.access_token}"})


def as_request(exchange: Exchange, headers: Mapping[str, str]) -> Request:
    """A kept exchange as a request."""
    told = {
        "content-type": exchange.content_type,
        "content-encoding": exchange.content_encoding,
        **headers,
    }
    return Request(exchange.method, exchange.url, told, exchange.body)
