"""granian's own interface, RSGI: a hot route costs two calls of the server, not five messages.

A request whose body has a length within its limit is read and answered at once. Every other
one (pages, the API, a body in chunks, one that is too long) goes the ASGI way.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # no __all__ there

from tillpost.core.wire import Request, Response
from tillpost.serve.http import front as door
from tillpost.serve.http.front import Front
from tillpost.serve.http.granian_types import Exchange, Scope, Stream
from tillpost.serve.observe import Observed, RequestIds

_LOOK_SECONDS = 0.25
"""How often bodies that are on their way are looked at."""


class Rsgi:
    """The whole application for granian: `front` in person, all that is not hot through ASGI."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._ids = RequestIds()
        self._asgi = Observed(front, self._ids)
        self._patience = _Patience()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        method, path = scope.method, scope.path
        hot = self._front.hot(method, path)
        # Each look at the head copies it out of the server, so there is one.
        headers = {} if hot is None else dict(scope.headers.items())
        if hot is None or not _fits(headers, hot.limit):
            bridge = _Bridge(exchange)
            await self._asgi(_asgi_scope(scope), bridge.receive, bridge.send)
            return
        number = self._ids.begin(headers.get("x-request-id"))
        try:
            body = await self._patience.read(exchange)
        except ProtocolClosed:
            return
        if body is None:
            response = door.too_slow()
        else:
            query = scope.query_string
            request = Request(method, f"{path}?{query}" if query else path, headers, body)
            response = await self._front.answered(hot, request, _host(scope.client))
        exchange.response_bytes(response.status, _headers(response, number), response.body)


class _Patience:
    """Waits for bodies, and not for ever; one timer watches all of them."""

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[Any], float] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.AbstractEventLoop | None = None

    async def read(self, exchange: Exchange) -> bytes | None:
        """The whole body, or None if it did not come within `BODY_SECONDS`."""
        # To ask for the running loop is a system call, so it is remembered.
        loop = self._looking or self._begin()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  # nosec B101  # a coroutine of a server runs in a task
        self._until[task] = loop.time() + door.BODY_SECONDS
        try:
            return await exchange()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            self._ended.remove(task)
            task.uncancel()
            return None
        finally:
            del self._until[task]

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._looking = loop = asyncio.get_running_loop()
        loop.call_later(_LOOK_SECONDS, self._look, loop)
        return loop

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = [task for task, until in self._until.items() if until <= now]
        self._ended.update(late)
        for task in late:
            task.cancel()
        self._looking = None
        if self._until:
            self._begin()


def _fits(headers: Mapping[str, str], limit: int) -> bool:
    """Whether the head promises a body of a length that may be read at once."""
    length = headers.get("content-length")
    return length is not None and length.isdecimal() and int(length) <= limit


def _host(address: str) -> str:
    """The host of `host:port`."""
    return address.rpartition(":")[0].strip("[]")


def _headers(response: Response, number: str) -> list[tuple[str, str]]:
    cookies = [("set-cookie", cookie) for cookie in response.cookies]
    return [*response.headers.items(), *cookies, ("x-request-id", number)]


def _asgi_scope(scope: Scope) -> MutableMapping[str, Any]:
    """The same head as ASGI has it."""
    host, _, port = scope.client.rpartition(":")
    server, _, own_port = scope.server.rpartition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "query_string": scope.query_string.encode("latin-1"),
        "root_path": "",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in scope.headers.items()],
        "client": (host.strip("[]"), int(port or 0)),
        "server": (server.strip("[]"), int(own_port or 0)),
    }


class _Bridge:
    """ASGI's `receive` and `send` over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parts: AsyncIterator[bytes] | None = None
        self._ended = False
        self._head: tuple[int, list[tuple[str, str]]] = (500, [])
        self._stream: Stream | None = None

    async def receive(self) -> MutableMapping[str, Any]:
        """The next part of the body; after the last one, wait until the client is gone."""
        if self._ended:
            await self._exchange.client_disconnect()
            return {"type": "http.disconnect"}
        if self._parts is None:
            self._parts = aiter(self._exchange)
        try:
            # Not `anext(..., None)`: its wrapper and granian's awaitable crash the interpreter.
            part = await self._parts.__anext__()
        except ProtocolClosed:
            self._ended = True
            return {"type": "http.disconnect"}
        except StopAsyncIteration:
            self._ended = True
            part = b""
        return {"type": "http.request", "body": part, "more_body": not self._ended}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send a whole response at once, and one in parts as they come."""
        if message["type"] == "http.response.start":
            self._head = message["status"], _texts(message.get("headers", ()))
            return
        body = message.get("body", b"")
        if self._stream is None and not message.get("more_body"):
            self._exchange.response_bytes(*self._head, body)
            return
        if self._stream is None:
            self._stream = self._exchange.response_stream(*self._head)
        if body:
            await self._stream.send_bytes(body)


def _texts(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
