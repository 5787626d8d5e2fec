"""The overview at `/`, the part of it that is asked for again and again, and its numbers."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tillpost.core.outcome import Misconfigured
from tillpost.serve import showcase
from tillpost.serve.http.api import refusal, reply
from tillpost.serve.http.pages.door import Door, no_key
from tillpost.serve.http.pages.frame import Frame
from tillpost.serve.http.pages.long_work import LongWork, Progress
from tillpost.serve.http.pages.render import SAFE_HEADERS, page, theme_of
from tillpost.serve.http.pages.waiting import is_waiting, shown_now, waiting
from tillpost.serve.screens import ask
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.view import Page
from tillpost.serve.summary import Summary, SummaryDesk
from tillpost.serve.tabular import as_csv

TABLES = ("trend", "channels", "campaigns", "orders", "destinations")
"""The overview's tables, as its files name them."""

OVERVIEW = Page(path="/", title="Overview", filters=("days",), own=("pixels",))


def routes(desk: Desk, door: Door, work: LongWork, summaries: SummaryDesk) -> list[BaseRoute]:
    """`/` and its parts."""
    front = FrontPage(desk, door, work, summaries)
    return [
        Route("/", front.whole),
        Route("/summary", front.part),
        Route("/summary.json", front.numbers),
        Route("/summary.csv", front.file),
    ]


class FrontPage:
    """`/`, the part of it that is asked for again and again, and its numbers as JSON."""

    def __init__(self, desk: Desk, door: Door, work: LongWork, summaries: SummaryDesk) -> None:
        self._desk = desk
        self._work = work
        self._door = door
        self._node = desk.node
        self._summaries = summaries

    async def whole(self, request: Request) -> Response:
        """The page."""
        viewer = self._door.viewer(request)
        if viewer is None:
            return self._door.turned_away(request)
        if not self._node.shops:
            return page("empty.html", theme=theme_of(request))
        frame = Frame(self._desk, OVERVIEW, viewer, request)
        try:
            asked = self._ask(request)
        except Misconfigured as error:
            return page("problem.html", 400, **frame.values(None), problem=str(error))
        found = await self._read(asked)
        if isinstance(found, Progress):
            return waiting(request, frame, asked, found)
        if is_waiting(request):
            return shown_now()
        return page("overview.html", **{**frame.values(asked), **self._values(asked, found)})

    async def part(self, request: Request) -> Response:
        """What changes on the page; 204 if it is as the browser has it already."""
        if self._door.viewer(request) is None:
            return Response(status_code=401, headers={**SAFE_HEADERS, "HX-Redirect": "/login"})
        asked = self._ask(request)
        found = await self._read(asked)
        if isinstance(found, Progress):
            return Response(status_code=204, headers=SAFE_HEADERS)
        values = self._values(asked, found)
        if values["version"] == request.query_params.get("version"):
            return Response(status_code=204, headers=SAFE_HEADERS)
        return page("summary.html", **values)

    async def numbers(self, request: Request) -> Response:
        """`/summary.json`: all of it, or the rows of the table that `table` names."""
        name = request.query_params.get("table", "")
        return await self._data(request, lambda found: _as_json(found, name))

    async def file(self, request: Request) -> Response:
        """`/summary.csv?table=NAME`: the rows of one of `TABLES`."""
        name = request.query_params.get("table", "")
        return await self._data(request, lambda found: _as_csv(found, name))

    async def _data(self, request: Request, shape: Callable[[Summary], Response]) -> Response:
        """For a session, or a server key with the scope `reports`."""
        if not self._door.may_read(request, request.query_params.get("shop")):
            return no_key()
        try:
            asked = self._ask(request)
            read = partial(self._summaries.read, asked.shop, asked.days)
            return shape(await anyio.to_thread.run_sync(read))
        except Misconfigured as error:
            return refusal(400, "bad_parameter", "query", str(error))

    def _ask(self, request: Request) -> Ask:
        return ask.read(request.query_params.multi_items(), self._door.shops(request), OVERVIEW.own)

    async def _read(self, asked: Ask) -> Summary | Progress:
        key = ("/", asked.shop, asked.days)
        read = partial(self._summaries.read, asked.shop, asked.days)
        found: Summary | Progress = await self._work.ask(key, read)
        return found

    def _values(self, asked: Ask, summary: Summary) -> dict[str, Any]:
        blocked = asked.one("pixels") == "blocked"
        demo = showcase.read(self._node.directory, summary.currency, blocked=blocked)
        version = hashlib.sha256(msgspec.json.encode((summary, demo))).hexdigest()[:16]
        return {
            "s": summary,
            "demo": demo,
            "zone": ZoneInfo(summary.timezone),
            "today": summary.today,
            "ask": asked,
            "version": version,
        }


def _as_json(found: Summary, name: str) -> Response:
    return reply(200, {"rows": rows_of(found, name)} if name in TABLES else found)


def _as_csv(found: Summary, name: str) -> Response:
    if name not in TABLES:
        return refusal(404, "unknown_table", "table", f"the overview has: {', '.join(TABLES)}")
    headers = {"content-disposition": f'attachment; filename="tillpost-{name}.csv"'}
    text = as_csv(rows_of(found, name))
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def rows_of(found: Summary, name: str) -> list[dict[str, Any]]:
    """One table of the overview, its nested values as columns of their own."""
    told = msgspec.to_builtins(found)
    rows = told["ledger"]["destinations"] if name == "destinations" else told[name]
    return [_flat(row) for row in rows]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            made |= {f"{name}_{inner}": part for inner, part in value.items()}
        else:
            made[name] = ", ".join(value) if isinstance(value, list) else value
    return made
