"""Server-sent events: the tail of the Events page, again whenever it changed."""

import hashlib
from collections.abc import AsyncIterator, Callable

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tillpost.core.outcome import Misconfigured
from tillpost.serve.http.api import refusal
from tillpost.serve.http.pages.door import Door
from tillpost.serve.http.pages.frame import Frame
from tillpost.serve.http.pages.render import SAFE_HEADERS, rendered
from tillpost.serve.screens import ask, events
from tillpost.serve.screens.desk import Desk

LOOK_SECONDS = 1.0
"""How often the stores are looked at for a page that is open."""
STREAM_SECONDS = 300.0
"""After so long a stream ends; the browser opens another by itself."""


def routes(desk: Desk, door: Door) -> list[BaseRoute]:
    """`/events/stream`."""

    async def stream(request: Request) -> Response:
        viewer = door.viewer(request)
        if viewer is None:
            return Response(status_code=401, headers=SAFE_HEADERS)
        try:
            asked = ask.read(
                request.query_params.multi_items(), door.shops(request), events.SCREEN.own
            )
        except Misconfigured as error:
            return refusal(400, "bad_parameter", "query", str(error))
        frame = Frame(desk, events.SCREEN, viewer, request)

        def look() -> str:
            return rendered("tail.html", **frame.quiet(asked), v=events.read(desk, asked))

        def is_over() -> bool:
            return door.viewer(request) is None or desk.node.memory.is_ending

        headers = {**SAFE_HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(
            _changes(look, is_over), media_type="text/event-stream", headers=headers
        )

    return [Route("/events/stream", stream)]


async def _changes(look: Callable[[], str], is_over: Callable[[], bool]) -> AsyncIterator[str]:
    """A message at once, and again whenever what `look` shows has changed."""
    last = ""
    with anyio.move_on_after(STREAM_SECONDS):
        while not is_over():
            text = await anyio.to_thread.run_sync(look)
            mark = hashlib.sha256(text.encode()).hexdigest()
            yield _message(text) if mark != last else ": nothing new\n\n"
            last = mark
            await anyio.sleep(LOOK_SECONDS)


def _message(text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: tail\n{lines}\n"
