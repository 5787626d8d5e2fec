"""The front door: hot routes are answered here, all others by the pages and the API behind."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tillpost.core.wire import Request, Response
from tillpost.serve.http import collect
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
}
"""Longest body by route, in bytes (design 3.5)."""

_GRAPH = re.compile(r"/(?:v\d+\.\d+/)?(\d+)/events/?")


class Front:
    """An ASGI application: the hot routes of `node`, and `behind` for everything else."""

    def __init__(self, node: Node, behind: App) -> None:
        self._node = node
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._route(scope) if scope["type"] == "http" else None
        if route is None:
            await self._behind(scope, receive, send)
            return
        name, handle = route
        body = await read_body(receive, LIMITS[name])
        if body is None:
            text = f"the body is longer than {LIMITS[name]} bytes: send less at once"
            await answer(send, problem(413, "too_large", "body", text))
            return
        await answer(send, await handle(request_of(scope, body), scope))

    def _route(
        self, scope: Scope
    ) -> tuple[str, Callable[[Request, Scope], Awaitable[Response]]] | None:
        path: str = scope["path"]
        head, _, tail = path[1:].partition("/")
        post = scope["method"] == "POST"
        if head == "px" and tail and scope["method"] in {"POST", "OPTIONS"}:
            return "px", self._px
        if head == "webhooks" and post and "/" in tail:
            return "webhooks", self._webhook
        if head == "events" and tail and post:
            return "events", self._events
        if head == "tr" and not tail and scope["method"] in {"GET", "POST"}:
            return "tr", self._pixel
        if head == "receiver" and tail in {"people", "touches"} and post:
            return "receiver", self._register
        if _GRAPH.fullmatch(path):
            return "graph", self._graph
        return None

    async def _webhook(self, request: Request, scope: Scope) -> Response:
        _, _, kind, shop = scope["path"].split("/", 3)
        return await collect.webhook(self._node, kind, shop, request)

    async def _events(self, request: Request, scope: Scope) -> Response:
        return await collect.server_events(self._node, scope["path"][8:], request)

    async def _px(self, request: Request, scope: Scope) -> Response:
        if request.method == "OPTIONS":
            return collect.preflight(request.headers)
        address = client_ip(scope, request.headers, self._node.trusted)
        return await collect.beacon(self._node, scope["path"][4:], request, address)

    async def _graph(self, request: Request, _scope: Scope) -> Response:
        return await self._node.receiver.graph(request, self._node.clock.now())

    async def _pixel(self, request: Request, _scope: Scope) -> Response:
        return await self._node.receiver.pixel(request, self._node.clock.now())

    async def _register(self, request: Request, scope: Scope) -> Response:
        what = scope["path"].rsplit("/", 1)[1]
        return await self._node.receiver.register(request, what, self._node.clock.now())
