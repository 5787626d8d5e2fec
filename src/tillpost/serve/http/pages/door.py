"""Signing in and out, who is at the door, and how the pages look."""

import math
from urllib.parse import quote, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tillpost.core.outcome import Misconfigured
from tillpost.report.spend.text import decoded
from tillpost.serve.access import COOKIE, Scope, is_own
from tillpost.serve.http.api import refusal
from tillpost.serve.http.exchange import client_ip
from tillpost.serve.http.pages.render import SAFE_HEADERS, THEME_COOKIE, THEMES, page, theme_of
from tillpost.serve.keeper import Waits
from tillpost.serve.node import Node
from tillpost.serve.sessions import Act, Viewer

FORM_LIMIT = 64 * 1024
"""Longest form of a page, in bytes."""
_YEAR = 365 * 86400
WRONG = "That name and password do not fit."
WRONG_IN_DEVELOPMENT = (
    "That is not the password. In development it stands in dev-secrets.json of the data "
    "directory, as admin_password."
)


class Door:
    """Tells who asks, and lets them in and out."""

    def __init__(self, node: Node) -> None:
        self._node = node
        public = node.settings.server.public_url or ""
        self._is_secure = public.startswith("https://")

    def routes(self) -> list[BaseRoute]:
        """`/login`, `/first`, `/open/TOKEN`, `/logout` and `/theme`."""
        return [
            Route("/theme", self._theme, methods=["POST"]),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/first", self._first_owner, methods=["GET", "POST"]),
            Route("/open/{token}", self._link),
            Route("/logout", self._logout, methods=["POST"]),
        ]

    def viewer(self, request: Request) -> Viewer | None:
        """Who is signed in; nobody, if it was for a shop that is gone."""
        found = self._node.access.sessions.viewer(request.cookies.get(COOKIE))
        return found if found and found.shop in {None, *self._node.shops} else None

    def shops(self, request: Request) -> list[str]:
        """The shops that this session, or this server key, may look at."""
        shops = list(self._node.shops)
        viewer = self.viewer(request)
        if viewer is not None:
            return viewer.sees(shops)
        key = self._node.access.key(request.headers, "reports")
        return [key.shop] if key is not None else []

    def may_read(self, request: Request, shop: str | None, act: Act = "read") -> bool:
        """Whether a session, or a key with that scope (of this shop), asks."""
        viewer = self.viewer(request)
        if viewer is not None:
            return viewer.may(act)
        scope: Scope = "admin" if act == "govern" else "reports"
        return self._node.access.key(request.headers, scope, shop) is not None

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
        form = await _fields(request)
        chosen = form.get("theme", "auto")
        answer = RedirectResponse(own_path(form.get("back", "/")), status_code=303)
        if is_own(request.headers) and chosen in THEMES:
            answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    async def _login(self, request: Request) -> Response:
        back = own_path(request.query_params.get("next", "/"))
        if request.method == "GET":
            return self._sign_in(request, back)
        if not is_own(request.headers):
            return self._sign_in(request, back, 403, "This form came from another site.")
        form = await _fields(request)
        address = self._address(request)
        told = await anyio.to_thread.run_sync(
            self._node.keeper.sign_in, form.get("username", ""), form.get("password", ""), address
        )
        if isinstance(told, Waits):
            minutes = math.ceil(told.seconds / 60)
            problem = f"Too many wrong passwords. Try again in {minutes} minutes."
            return self._sign_in(request, back, 429, problem)
        if told is None:
            developing = self._node.settings.admin_password is not None
            problem = WRONG_IN_DEVELOPMENT if developing else WRONG
            return self._sign_in(request, back, 401, problem)
        return self._in(told, back)

    def _sign_in(
        self, request: Request, back: str, status: int = 200, problem: str = ""
    ) -> Response:
        named = self._node.keeper.asks_for_name
        theme = theme_of(request)
        return page("login.html", status, theme=theme, next=back, problem=problem, named=named)

    def _in(self, session: str, back: str) -> Response:
        answer = RedirectResponse(back, status_code=303)
        answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=self._is_secure)
        return answer

    def _address(self, request: Request) -> str:
        """Whose guesses are counted together: the client's address, or its proxy's."""
        peer = request.client.host if request.client else ""
        return client_ip(peer, request.headers, self._node.trusted) or peer

    async def _first_owner(self, request: Request) -> Response:
        """The one-time link of the console: name and password of the first owner."""
        token = request.query_params.get("token", "")
        keeper = self._node.keeper
        if not keeper.is_first(token):
            return _first(request, token, 404, is_open=False)
        if request.method == "GET" or not is_own(request.headers):
            return _first(request, token)
        form = await _fields(request)
        name, password = form.get("username", "").strip(), form.get("password", "")
        try:
            session = await anyio.to_thread.run_sync(keeper.first_sign_in, token, name, password)
        except Misconfigured as error:
            return _first(request, token, 400, str(error))
        return self._in(session, "/setup")

    async def _link(self, request: Request) -> Response:
        """A read-only link: it opens a session that sees one shop and changes nothing."""
        token = request.path_params["token"]
        session = await anyio.to_thread.run_sync(self._node.keeper.open_link, token)
        if session is None:
            return self._sign_in(request, "/", 404, "This link has ended. Ask for another one.")
        return self._in(session, "/")

    async def _logout(self, request: Request) -> Response:
        if is_own(request.headers):
            close = self._node.access.sessions.close
            await anyio.to_thread.run_sync(close, request.cookies.get(COOKIE))
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer


def no_key() -> Response:
    """The answer to who asks for data without a session or a key."""
    return refusal(
        401,
        "no_key",
        "Authorization",
        "sign in, or send `Authorization: Bearer KEY` with a key of scope `reports`",
    )


def _first(
    request: Request, token: str, status: int = 200, problem: str = "", *, is_open: bool = True
) -> Response:
    theme = theme_of(request)
    return page("first.html", status, theme=theme, token=token, problem=problem, open=is_open)


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form of the door; one that cannot be read has none."""
    try:
        return await form_of(request)
    except Misconfigured:
        return {}


async def form_of(request: Request, most: int = FORM_LIMIT) -> dict[str, str]:
    """The text fields of a form; a file is text, and its name stands under `FIELD.name`.

    Raises `Misconfigured` for one that is longer than `most` bytes or not UTF-8.
    """
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > most:
        raise Misconfigured(f"the form is longer than {most} bytes: send less at once")
    found: dict[str, str] = {}
    async with request.form(max_files=1, max_fields=50, max_part_size=most) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                found[name] = value
            else:
                found[name] = decoded(await value.read())
                found[f"{name}.name"] = value.filename or ""
    return found


def own_path(text: str) -> str:
    """The path and query of an address on this server; anything else leads to `/`."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text
