"""The pages: signing in, and the summary at `/`."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tillpost.serve import showcase, shown
from tillpost.serve.access import COOKIE
from tillpost.serve.http.api import refusal, reply
from tillpost.serve.node import Node
from tillpost.serve.summary import DEFAULT_DAYS, PERIODS, Summary, SummaryDesk

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

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "tillpost_theme"

_FORM_LIMIT = 4096
_YEAR = 365 * 86400


def routes(node: Node) -> list[BaseRoute]:
    """`/` and its parts, `/login`, `/logout`, `/theme` and the static files."""
    front = FrontPage(node)
    return [
        Route("/", signed_in(node, front.whole)),
        Route("/summary", front.part),
        Route("/summary.json", front.numbers),
        Route("/theme", signed_in(node, _theme), methods=["POST"]),
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


class FrontPage:
    """`/`, the part of it that is asked for again and again, and its numbers as JSON."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._desk = SummaryDesk(node)

    async def whole(self, _node: Node, request: Request) -> Response:
        """The page."""
        if not self._node.shops:
            return page("empty.html", theme=_theme_of(request))
        values = await self._values(request)
        return page("overview.html", theme=_theme_of(request), **values)

    async def part(self, request: Request) -> Response:
        """What changes on the page; 204 if it is as the browser has it already."""
        if not self._has_session(request):
            return Response(status_code=401, headers={**SAFE_HEADERS, "HX-Redirect": "/login"})
        values = await self._values(request)
        if values["version"] == request.query_params.get("version"):
            return Response(status_code=204, headers=SAFE_HEADERS)
        return page("summary.html", **values)

    async def numbers(self, request: Request) -> Response:
        """`/summary.json`: a session, or a server key with the scope `reports`."""
        shop = self._shop(request)
        key = self._node.access.key(request.headers, "reports", shop)
        if key is None and not self._has_session(request):
            return refusal(
                401,
                "no_key",
                "Authorization",
                "sign in, or send `Authorization: Bearer KEY` with a key of scope `reports`",
            )
        summary = await self._summary(request)
        return reply(200, summary)

    def _has_session(self, request: Request) -> bool:
        return self._node.access.has_session(request.cookies.get(COOKIE))

    def _shop(self, request: Request) -> str:
        named = request.query_params.get("shop")
        return named if named in self._node.shops else next(iter(self._node.shops), "")

    async def _summary(self, request: Request) -> Summary:
        asked = request.query_params.get("days", "")
        days = int(asked) if asked in {str(n) for n in PERIODS} else DEFAULT_DAYS
        return await anyio.to_thread.run_sync(self._desk.read, self._shop(request), days)

    async def _values(self, request: Request) -> dict[str, Any]:
        summary = await self._summary(request)
        blocked = request.query_params.get("pixels") == "blocked"
        demo = showcase.read(self._node.directory, summary.currency, blocked=blocked)
        zone = ZoneInfo(summary.timezone)
        values = {
            "s": summary,
            "demo": demo,
            "zone": zone,
            "periods": PERIODS,
            "link": _Link(summary.shop, summary.days, blocked=blocked),
        }
        version = hashlib.sha256(msgspec.json.encode((summary, demo))).hexdigest()[:16]
        return {**values, "version": version}


class _Link:
    """Addresses of this page, each with one thing changed."""

    def __init__(self, shop: str, days: int, *, blocked: bool) -> None:
        self._now: dict[str, Any] = {"shop": shop, "days": days}
        if blocked:
            self._now["pixels"] = "blocked"

    @property
    def now(self) -> dict[str, Any]:
        """What the page was asked for."""
        return self._now

    def __call__(self, path: str, **changed: Any) -> str:
        """The path with what the page was asked for, except what is changed; None leaves out."""
        values = {k: v for k, v in {**self._now, **changed}.items() if v is not None}
        return f"{path}?{urlencode(values)}"


async def _theme(_node: Node, request: Request) -> Response:
    """Keep how the pages look, and go back to the page."""
    form = parse_qs((await request.body())[:_FORM_LIMIT].decode("utf-8", "replace"))
    chosen = form.get("theme", ["auto"])[0]
    back = form.get("back", [""])[0]
    answer = RedirectResponse(f"/?{urlencode(parse_qs(back), doseq=True)}", status_code=303)
    if is_own(request) and chosen in THEMES:
        answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="lax")
    return answer


def _theme_of(request: Request) -> str:
    kept = request.cookies.get(THEME_COOKIE, "")
    return kept if kept in THEMES else "auto"


def _login(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def login(request: Request) -> Response:
        if request.method == "GET":
            return page("login.html", theme=_theme_of(request), failed=False)
        if not is_own(request):
            return page("login.html", 403, theme=_theme_of(request), failed=True)
        form = parse_qs((await request.body())[:_FORM_LIMIT].decode("utf-8", "replace"))
        password = form.get("password", [""])[0]
        session = await anyio.to_thread.run_sync(node.access.log_in, password)
        if session is None:
            return page("login.html", 401, theme=_theme_of(request), failed=True)
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

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("money", "whole", "share", "times", "seconds", "moment", "day", "words", "key_name")
    made.filters.update({name: getattr(shown, name) for name in names})
    return made
