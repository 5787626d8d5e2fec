"""The overview at `/`, the part of it that is asked for again and again, and its numbers."""

import hashlib
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tillpost.serve import showcase
from tillpost.serve.access import COOKIE
from tillpost.serve.http.api import refusal, reply
from tillpost.serve.http.pages.door import signed_in
from tillpost.serve.http.pages.render import SAFE_HEADERS, page, theme_of
from tillpost.serve.node import Node
from tillpost.serve.summary import DEFAULT_DAYS, PERIODS, Summary, SummaryDesk


def routes(node: Node) -> list[BaseRoute]:
    """`/` and its parts."""
    front = FrontPage(node)
    return [
        Route("/", signed_in(node, front.whole)),
        Route("/summary", front.part),
        Route("/summary.json", front.numbers),
    ]


class FrontPage:
    """`/`, the part of it that is asked for again and again, and its numbers as JSON."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._desk = SummaryDesk(node)

    async def whole(self, _node: Node, request: Request) -> Response:
        """The page."""
        if not self._node.shops:
            return page("empty.html", theme=theme_of(request))
        values = await self._values(request)
        return page("overview.html", theme=theme_of(request), **values)

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
