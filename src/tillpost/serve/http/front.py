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
from tillpost.serve.http.trouble import noted
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


Handler: TypeAlias = Callable[[Request, str], Awaitable[Response]]
"""Answers a request of this peer: the address that the connection came from."""


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


class Hot(NamedTuple):
    """A hot route of one request: its name in `LIMITS`, and who answers."""

    name: str
    handler: Handler

    @property
    def limit(self) -> int:
        """Longest body, in bytes."""
        return LIMITS[self.name]


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
        hot = self.hot(scope["method"], scope["path"])
        if hot is None and scope["method"] in _BODILESS:
            await self._behind(scope, receive, send)
            return
        name = hot.name if hot else "behind"
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(receive, LIMITS[name])
        except TimeoutError:
            await answer(send, too_slow())
            return
        if body is None:
            await answer(send, self._too_large(name))
        elif hot is None:
            await self._reach_behind(scope, body, receive, send)
        else:
            peer = (scope.get("client") or ("",))[0]
            await answer(send, await self.answered(hot, request_of(scope, body), peer))

    def hot(self, method: str, path: str) -> Hot | None:
        """The hot route of a request, or None if it is for what stands behind."""
        head, _, tail = path[1:].partition("/")
        found = self._doors.get(head)
        if found is not None and method in found.methods and found.tail(tail):
            return Hot(found.limit, found.handler)
        answers = self._node.receiver.handler(method, path)
        if answers is None:
            return None
        return Hot(head if head in {"tr", "receiver"} else "graph", _without_peer(answers))

    async def answered(self, hot: Hot, request: Request, peer: str) -> Response:
        """The answer of a hot route; an error that nobody expected is a 500 with an id."""
        try:
            return await self._answered(hot, request, peer)
        except Exception as error:  # noqa: BLE001  # no error but by its id leaves the process
            told = noted(_path(request), error)
        if hot.name in _UNFOLD_THEMSELVES:
            return self._node.receiver.broken()
        return problem(500, "internal", "", told)

    async def _answered(self, hot: Hot, request: Request, peer: str) -> Response:
        """The answer of a hot route; a compressed body is unfolded first, within its limits."""
        encoding = request.headers.get("content-encoding")
        if encoding is None or hot.name in _UNFOLD_THEMSELVES:
            return await hot.handler(request, peer)
        plain = inflate(request.body, encoding, hot.limit)
        if isinstance(plain, Unfit):
            return problem(plain.status, "unfit_body", "Content-Encoding", plain.detail)
        return await hot.handler(request._replace(body=plain), peer)

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

    async def _webhook(self, request: Request, _peer: str) -> Response:
        kind, shop = _path(request).removeprefix("/webhooks/").split("/", 1)
        return await collect.webhook(self._node, kind, shop, request)

    async def _events(self, request: Request, _peer: str) -> Response:
        shop = _path(request).removeprefix("/events/")
        return await collect.server_events(self._node, shop, request)

    async def _px(self, request: Request, peer: str) -> Response:
        _, _, shop = _path(request).split("/", 2)
        if request.method == "OPTIONS":
            return beacon.preflight(self._node, shop, request.headers)
        address = client_ip(peer, request.headers, self._node.trusted)
        return await beacon.beacon(self._node, shop, request, address)


def too_slow() -> Response:
    """The answer to a body that does not come."""
    text = f"the body did not come within {BODY_SECONDS:g} s: send it at once"
    return problem(408, "too_slow", "body", text)


def _path(request: Request) -> str:
    return request.url.partition("?")[0]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then whatever follows."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return first.pop() if first else await receive()

    return replay


def _without_peer(answers: Callable[[Request], Awaitable[Response]]) -> Handler:
    async def handle(request: Request, _peer: str) -> Response:
        return await answers(request)

    return handle
