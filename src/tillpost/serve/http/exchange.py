"""ASGI at its plainest, for the hot routes: bytes in, bytes out, with limits."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from tillpost.core.device import is_public, plain
from tillpost.core.wire import Request, Response

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_DRAIN = 1 << 20
"""A body over its limit is read this far, so that the client can read the answer."""
JSON = {"content-type": "application/json"}
Networks: TypeAlias = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None if it is longer than `limit` bytes or the client went away."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= limit and message["type"] == "http.request" else None
    parts, size = [body], len(body)
    while message.get("more_body") and size <= limit + _DRAIN:
        message = await receive()
        if message["type"] != "http.request":
            return None
        if size <= limit:
            parts.append(message.get("body", b""))
        size += len(message.get("body", b""))
    return b"".join(parts) if size <= limit else None


async def answer(send: Send, response: Response) -> None:
    """Send a whole response."""
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
    headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in response.cookies]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def request_of(scope: Scope, body: bytes) -> Request:
    """The request as plain values; of a repeated header the last counts."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    query = scope.get("query_string", b"").decode("latin-1")
    path: str = scope["path"]
    return Request(scope["method"], f"{path}?{query}" if query else path, headers, body)


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(status, {**JSON, **(headers or {})}, msgspec.json.encode(body))


def problem(status: int, reason: str, field: str, detail: str) -> Response:
    """An error as every route of ours tells it: what, where, and how to fix it."""
    headers = {"retry-after": "2"} if status == 503 else {}
    return json_answer(
        status, {"error": {"reason": reason, "field": field, "detail": detail}}, headers
    )


def client_ip(peer: str, headers: Mapping[str, str], trusted: Networks) -> str | None:
    """The shopper's public address; forwarding headers count from trusted proxies only."""
    peer = plain(peer)
    forwarded = headers.get("x-forwarded-for")
    if not forwarded or not _is_in(peer, trusted):
        return peer if is_public(peer) else None
    hops = [plain(hop.strip()) for hop in forwarded.split(",")]
    while hops and len(hops) > 1 and _is_in(hops[-1], trusted):
        hops.pop()
    return hops[-1] if is_public(hops[-1]) else None


@lru_cache(maxsize=4096)
def _is_in(address: str, networks: Networks) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found.version == n.version and found in n for n in networks)
