"""The front door: hot routes are answered here, all others by the pages and the API behind."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, TypeAlias

from tillpost.core.body import Unfit, check_depth, inflate
from tillpost.core.wire import Request, Response
from tillpost.serve import pixel
from tillpost.serve.http import beacon, collect
from tillpost.serve.http.exchange import (
    Receive,
    Scope,
    Send,
    answer,
    client_ip,
    problem,
    read_body,
    request_of,
)
from tillpost.serve.node import Node

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_KIB = 1024
LIMITS = {
    "webhooks": 5 * _KIB * _KIB,
    "events": 10 * _KIB * _KIB,
    "px": 64 * _KIB,
    "tr": 64 * _KIB,
    "graph": 10 * _KIB * _KIB,
    "receiver": 10 * _KIB * _KIB,
    "behind": 10 * _KIB * _KIB,
}
"""Longest body by route, in bytes (design 3.5)."""


Handler: TypeAlias = Callable[[Request, Scope], Awaitable[Response]]


_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_UNFOLD_THEMSELVES = frozenset({"graph", "receiver", "tr"})
"""Routes that answer in the platform's own words to a body that does not unfold."""

BODY_SECONDS = 10.0
"""How long a body may take to come (design 3.5)."""


class _Door(NamedTuple):
    """A hot route: its body limit, its methods, what may follow its first step, who answers."""

    limit: str
    methods: frozenset[str]
    tail: Callable[[str], bool]
    handler: Handler


class Front:
    """An ASGI application: the hot routes of `node`, and `behind` for everything else."""

    def __init__(self, node: Node, behind: App) -> None:
        self._node = node
        self._behind = behind
        post = frozenset({"POST"})
        px = _Door("px", post | {"OPTIONS"}, bool, self._px)
        self._doors = {
            **{path[1:]: px for path in pixel.paths(node.settings)},
            "webhooks": _Door("webhooks", post, lambda tail: "/" in tail, self._webhook),
            "events": _Door("events", post, bool, self._events),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        route = self._route(scope)
        if route is None and scope["method"] in _BODILESS:
            await self._behind(scope, receive, send)
            return
        name = route[0] if route else "behind"
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(receive, LIMITS[name])
        except TimeoutError:
            text = f"the body did not come within {BODY_SECONDS:g} s: send it at once"
            await answer(send, problem(408, "too_slow", "body", text))
            return
        if body is None:
            await answer(send, self._too_large(name))
        elif route is None:
            await self._reach_behind(scope, body, receive, send)
        else:
            await answer(send, await self._handled(name, route[1], request_of(scope, body), scope))

    async def _handled(
        self, name: str, handle: Handler, request: Request, scope: Scope
    ) -> Response:
        """The answer of a hot route; a compressed body is unfolded first, within its limits."""
        encoding = request.headers.get("content-encoding")
        if encoding is None or name in _UNFOLD_THEMSELVES:
            return await handle(request, scope)
        plain = inflate(request.body, encoding, LIMITS[name])
        if isinstance(plain, Unfit):
            return problem(plain.status, "unfit_body", "Content-Encoding", plain.detail)
        return await handle(request._replace(body=plain), scope)

    async def _reach_behind(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Hand a request on with its body, which came in time and within the limits."""
        try:
            check_depth(body)
        except RecursionError as error:
            await answer(send, problem(400, "too_deep", "body", str(error)))
            return
        await self._behind(scope, _replayed(body, receive), send)

    def _too_large(self, name: str) -> Response:
        if name == "graph":
            return self._node.receiver.too_large()
        text = f"the body is longer than {LIMITS[name]} bytes: send less at once"
        return problem(413, "too_large", "body", text)

    def _route(self, scope: Scope) -> "tuple[str, Handler] | None":
        """The hot route of a request: its name in `LIMITS`, and who answers."""
        path, method = scope["path"], scope["method"]
        head, _, tail = path[1:].partition("/")
        found = self._doors.get(head)
        if found is not None and method in found.methods and found.tail(tail):
            return found.limit, found.handler
        answers = self._node.receiver.handler(method, path)
        if answers is None:
            return None
        return head if head in {"tr", "receiver"} else "graph", _without_scope(answers)

    async def _webhook(self, request: Request, scope: Scope) -> Response:
        _, _, kind, shop = scope["path"].split("/", 3)
        return await collect.webhook(self._node, kind, shop, request)

    async def _events(self, request: Request, scope: Scope) -> Response:
        return await collect.server_events(self._node, scope["path"][8:], request)

    async def _px(self, request: Request, scope: Scope) -> Response:
        _, _, shop = scope["path"].split("/", 2)
        if request.method == "OPTIONS":
            return beacon.preflight(self._node, shop, request.headers)
        address = client_ip(scope, request.headers, self._node.trusted)
        return await beacon.beacon(self._node, shop, request, address)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then whatever follows."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return first.pop() if first else await receive()

    return replay


def _without_scope(answers: Callable[[Request], Awaitable[Response]]) -> Handler:
    async def handle(request: Request, _scope: Scope) -> Response:
        return await answers(request)

    return handle
