"""The pages: signing in, and the summary at `/`."""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tillpost.serve.access import COOKIE
from tillpost.serve.node import Node

_HERE = Path(__file__).parent.parent / "dashboard"
SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every page: nothing from elsewhere runs, and nobody frames it."""

_FORM_LIMIT = 4096


def routes(node: Node) -> list[BaseRoute]:
    """`/`, `/login`, `/logout` and the static files."""
    return [
        Route("/login", _login(node), methods=["GET", "POST"]),
        Route("/logout", _logout(node), methods=["POST"]),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]


def page(name: str, status: int = 200, **values: Any) -> Response:
    """A rendered template with the safe headers."""
    text = _templates().get_template(name).render(**values)
    return Response(text, status, dict(SAFE_HEADERS), media_type="text/html; charset=utf-8")


def signed_in(
    node: Node, handler: Callable[[Node, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind a session; without one, 303 to `/login`."""

    async def guarded(request: Request) -> Response:
        if not node.access.has_session(request.cookies.get(COOKIE)):
            return RedirectResponse("/login", status_code=303)
        return await handler(node, request)

    return guarded


def _login(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def login(request: Request) -> Response:
        if request.method == "GET":
            return page("login.html", failed=False)
        if not is_own(request):
            return page("login.html", 403, failed=True)
        form = parse_qs((await request.body())[:_FORM_LIMIT].decode("utf-8", "replace"))
        password = form.get("password", [""])[0]
        session = await anyio.to_thread.run_sync(node.access.log_in, password)
        if session is None:
            return page("login.html", 401, failed=True)
        answer = RedirectResponse("/", status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=secure)
        return answer

    return login


def _logout(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def logout(request: Request) -> Response:
        if is_own(request):
            node.access.log_out(request.cookies.get(COOKIE))
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    return logout


def is_own(request: Request) -> bool:
    """Whether a form was sent from a page of ours, and not from another site's."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
