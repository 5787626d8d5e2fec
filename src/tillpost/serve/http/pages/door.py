"""Signing in and out, and how the pages look."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tillpost.serve.access import COOKIE
from tillpost.serve.http.pages.render import THEME_COOKIE, THEMES, page, theme_of
from tillpost.serve.node import Node

_FORM_LIMIT = 4096
_YEAR = 365 * 86400


def routes(node: Node) -> list[BaseRoute]:
    """`/login`, `/logout` and `/theme`."""
    return [
        Route("/theme", signed_in(node, _theme), methods=["POST"]),
        Route("/login", _login(node), methods=["GET", "POST"]),
        Route("/logout", _logout(node), methods=["POST"]),
    ]


def signed_in(
    node: Node, handler: Callable[[Node, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind a session; without one, 303 to `/login`."""

    async def guarded(request: Request) -> Response:
        if not node.access.has_session(request.cookies.get(COOKIE)):
            return RedirectResponse("/login", status_code=303)
        return await handler(node, request)

    return guarded


async def _theme(_node: Node, request: Request) -> Response:
    """Keep how the pages look, and go back to the page."""
    form = parse_qs((await request.body())[:_FORM_LIMIT].decode("utf-8", "replace"))
    chosen = form.get("theme", ["auto"])[0]
    back = form.get("back", [""])[0]
    answer = RedirectResponse(f"/?{urlencode(parse_qs(back), doseq=True)}", status_code=303)
    if is_own(request) and chosen in THEMES:
        answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="lax")
    return answer


def _login(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def login(request: Request) -> Response:
        if request.method == "GET":
            return page("login.html", theme=theme_of(request), failed=False)
        if not is_own(request):
            return page("login.html", 403, theme=theme_of(request), failed=True)
        form = parse_qs((await request.body())[:_FORM_LIMIT].decode("utf-8", "replace"))
        password = form.get("password", [""])[0]
        session = await anyio.to_thread.run_sync(node.access.log_in, password)
        if session is None:
            return page("login.html", 401, theme=theme_of(request), failed=True)
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
