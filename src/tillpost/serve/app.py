"""The composition root: settings become a node, the node becomes an application, and it runs."""

import asyncio
import gc
import os
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Clock
from tillpost.serve import measured
from tillpost.serve.http import (
    api,
    backfill,
    letters,
    operations,
    other_tool,
    pages,
    privacy,
    reconciling,
)
from tillpost.serve.http.front import Front
from tillpost.serve.http.granian_types import Application
from tillpost.serve.http.rsgi import Rsgi
from tillpost.serve.http.trouble import noted
from tillpost.serve.node import Node
from tillpost.serve.observe import configure, to_standard_error
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Server as ServerSettings
from tillpost.serve.settings import Settings
from tillpost.serve.wishes import Reread, Wishes
from tillpost.store.lock import hold

_DRAIN_SECONDS = 10.0
_HEADER_BYTES = 16 * 1024
"""Longest head of a request (design 3.5); bodies stream through and have limits of their own."""
_WAITING = 1024
"""Connections that the system holds until the server takes them."""
_TURN_SECONDS = 0.001
_OBJECTS_BEFORE_COLLECTING = 200_000
T = TypeVar("T")


def build(node: Node) -> Rsgi:
    """The whole application of a node; each request has an id."""
    return Rsgi(Front(node, behind(node)))


def behind(node: Node) -> Starlette:
    """The pages and the API, which stand behind the front."""
    parts = (api, backfill, other_tool, reconciling, letters, privacy, operations, pages)
    routes = [route for part in parts for route in part.routes(node)]
    return Starlette(
        routes=routes, exception_handlers={HTTPException: _refused, Exception: _trouble}
    )


def _watched(node: Node) -> Application:
    """The application; where telemetry is set, what it does and says is told there too."""
    made = build(node)
    told = node.telemetry
    if told is None:
        return made

    def write(line: str) -> None:
        to_standard_error(line)
        told.log(line)

    configure(node.settings, write)
    told.measure(lambda: measured.registry(node).collect())
    return told.follow(made)


async def run(
    settings: Settings,
    directory: Path,
    clock: Clock,
    *,
    ready: Callable[[Node], Awaitable[None]] | None = None,
    reread: Reread | None = None,
    config_file: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until `ready` returns if it is given.

    At SIGHUP it goes on with what `reread` gives: what has begun is finished, the socket is
    closed for as long as a start takes, and wrong settings change nothing and are logged.
    The address is checked before anything is opened: a taken port raises
    `Misconfigured`, as does a data directory that another server holds.
    """
    host, port = settings.server.host, settings.server.port
    check_free(host, port)
    tune_interpreter()
    allow_files()
    with hold(directory, url=own_url(host, port), config_file=config_file):
        wishes = Wishes(reread)
        wanted: Settings | None = settings
        while wanted is not None:
            configure(wanted)
            wanted = await _serve(wanted, directory, clock, ready, wishes)


async def _serve(
    settings: Settings,
    directory: Path,
    clock: Clock,
    ready: Callable[[Node], Awaitable[None]] | None,
    wishes: Wishes,
) -> Settings | None:
    """Serve with these settings; returns those to go on with, or None at the end."""
    host, port = settings.server.host, settings.server.port
    node = Node(settings, directory, clock, read_keys(directory), own_url(host, port))
    node.worker.start()
    server = _server(_watched(node), settings.server)
    serving = asyncio.create_task(server.serve())
    try:
        await _listening(serving, host, port)
        return await _until_done(serving, node, ready, wishes)
    finally:
        node.memory.is_ending = True
        server.stop()
        await asyncio.wait({serving}, timeout=_DRAIN_SECONDS)
        await node.close()


def run_until_done(serving: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fastest event loop there is: uvloop's, else the standard one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(serving)
    return uvloop.run(serving)


def tune_interpreter() -> None:
    """Let the answering thread wait less for others.

    It takes turns with the threads that fold and write; a batch of 1,000 events makes 30,000
    objects that the collector would walk, and none of them is in a cycle.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTING, 20, 100)


def allow_files() -> None:
    """Take as many open files as the system gives: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def own_url(host: str, port: int) -> str:
    """The server's own address, as itself and its commands reach it."""
    name = "127.0.0.1" if host in {"", "0.0.0.0"} else host  # noqa: S104  # it is compared
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def check_free(host: str, port: int) -> None:
    """Raises `Misconfigured` if nothing can listen on the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}): "
                "choose another port with --port"
            ) from None


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_done(
    serving: "asyncio.Task[Any]",
    node: Node,
    ready: Callable[[Node], Awaitable[None]] | None,
    wishes: Wishes,
) -> Settings | None:
    wished = asyncio.create_task(wishes.next())
    waits: list[asyncio.Task[Any]] = [serving, wished]
    if ready is not None:
        waits.append(asyncio.create_task(ready(node)))  # type: ignore[arg-type]
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    for task in waits[1:]:
        task.cancel()
    return wished.result() if wished in done else None


async def _listening(serving: "asyncio.Task[Any]", host: str, port: int) -> None:
    """Return when the server answers on its address."""
    while True:
        if serving.done():
            serving.result()
            raise Misconfigured(f"cannot listen on {host}:{port}: choose another port with --port")
        try:
            _, writer = await asyncio.open_connection(host or "127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return


def _server(app: Application, given: ServerSettings) -> Any:
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    return Server(
        app,
        address=given.host,
        port=given.port,
        interface=Interfaces.RSGI,
        log_enabled=False,
        websockets=False,
        backlog=_WAITING,
        backpressure=given.connections,
        http1_settings=HTTP1Settings(header_read_timeout=5000, max_buffer_size=_HEADER_BYTES),
    )


async def _refused(request: Request, error: Exception) -> Response:
    """A path that is not there, or a method that it does not take, told as every refusal is."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = HTTPStatus(status).phrase
    text = f"{words}: {request.method} {request.url.path[:100]}; /openapi.json lists what there is"
    return api.refusal(status, words.lower().replace(" ", "_"), "path", text)


async def _trouble(request: Request, error: Exception) -> Response:
    """No stack trace ever leaves the process."""
    return api.refusal(500, "internal", "", noted(request.url.path, error))
