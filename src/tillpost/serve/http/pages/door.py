"""Signing in and out, who is at the door, and how the pages look."""

from urllib.parse import parse_qs, quote, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tillpost.serve.access import COOKIE, is_own
from tillpost.serve.http.pages.render import SAFE_HEADERS, THEME_COOKIE, THEMES, page, theme_of
from tillpost.serve.node import Node
from tillpost.serve.sessions import Viewer

FORM_LIMIT = 64 * 1024
"""Longest form of a page, in bytes."""
_YEAR = 365 * 86400


class Door:
    """Tells who asks, and lets them in and out."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def routes(self) -> list[BaseRoute]:
        """`/login`, `/logout` and `/theme`."""
        return [
            Route("/theme", self._theme, methods=["POST"]),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
        ]

    def viewer(self, request: Request) -> Viewer | None:
        """Who is signed in."""
        return self._node.access.sessions.viewer(request.cookies.get(COOKIE))

    def shops(self, request: Request) -> list[str]:
        """The shops that this session, or this server key, may look at."""
        shops = list(self._node.shops)
        viewer = self.viewer(request)
        if viewer is not None:
            return viewer.sees(shops)
        key = self._node.access.key(request.headers, "reports")
        return [key.shop] if key is not None else []

    def may_read(self, request: Request, shop: str | None) -> bool:
        """Whether a session, or a key with the scope `reports` (of this shop), asks."""
        if self.viewer(request) is not None:
            return True
        return self._node.access.key(request.headers, "reports", shop) is not None

    def turned_away(self, request: Request) -> Response:
        """The way to the door, and back from there to the page that was asked for."""
        path = request.url.path
        asked = f"{path}?{request.url.query}" if request.url.query else path
        to = "/login" if asked == "/" else f"/login?next={quote(asked)}"
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={**SAFE_HEADERS, "HX-Redirect": to})
        return RedirectResponse(to, status_code=303)

    async def _theme(self, request: Request) -> Response:
        """Keep how the pages look, and go back to the page."""
        if self.viewer(request) is None:
            return self.turned_away(request)
        form = await form_of(request)
        chosen = form.get("theme", "auto")
        answer = RedirectResponse(own_path(form.get("back", "/")), status_code=303)
        if is_own(request.headers) and chosen in THEMES:
            answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    async def _login(self, request: Request) -> Response:
        back = own_path(request.query_params.get("next", "/"))
        if request.method == "GET":
            return _sign_in(request, back)
        if not is_own(request.headers):
            return _sign_in(request, back, 403)
        form = await form_of(request)
        given = form.get("password", "")
        session = await anyio.to_thread.run_sync(self._node.access.log_in, given)
        if session is None:
            return _sign_in(request, back, 401)
        answer = RedirectResponse(back, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=secure)
        return answer

    async def _logout(self, request: Request) -> Response:
        if is_own(request.headers):
            self._node.access.sessions.close(request.cookies.get(COOKIE))
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer


def _sign_in(request: Request, back: str, status: int = 200) -> Response:
    failed = status != 200
    return page("login.html", status, theme=theme_of(request), next=back, failed=failed)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a short form; of a repeated field the first counts."""
    body = (await request.body())[:FORM_LIMIT].decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body).items()}


def own_path(text: str) -> str:
    """The path and query of an address on this server; anything else leads to `/`."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text
