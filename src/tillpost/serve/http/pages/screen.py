"""Every screen in three forms: a page, `.json` with all of it, `.csv` with one of its tables."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tillpost.core.outcome import Misconfigured
from tillpost.serve.http.api import refusal
from tillpost.serve.http.pages.door import Door, no_key
from tillpost.serve.http.pages.frame import Frame
from tillpost.serve.http.pages.long_work import LongWork, Progress
from tillpost.serve.http.pages.render import page
from tillpost.serve.http.pages.waiting import is_waiting, shown_now, waiting
from tillpost.serve.screens import ask
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.catalog import SCREENS
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.view import Screen, View
from tillpost.serve.tabular import as_csv


def routes(desk: Desk, door: Door, work: LongWork) -> list[BaseRoute]:
    """`PATH`, `PATH.json` and `PATH.csv` of every screen."""
    made: list[BaseRoute] = []
    for screen in SCREENS:
        forms = _Forms(desk, door, work, screen)
        made += [
            Route(screen.path, forms.page),
            Route(f"{screen.path}.json", forms.json),
            Route(f"{screen.path}.csv", forms.csv),
        ]
    return made


class _Forms:
    """One screen as a page and as files."""

    def __init__(self, desk: Desk, door: Door, work: LongWork, screen: Screen) -> None:
        self._desk = desk
        self._door = door
        self._work = work
        self._screen = screen

    async def page(self, request: Request) -> Response:
        """The page; without a session, the way to the door."""
        viewer = self._door.viewer(request)
        if viewer is None:
            return self._door.turned_away(request)
        frame = Frame(self._desk, self._screen, viewer, request)
        if not viewer.may(self._screen.act):
            told = "This page is for owners. Ask one of them."
            return page("problem.html", 403, **frame.values(None), problem=told)
        try:
            asked = self._asked(request)
            desk = self._desk.visit()
            key = (self._screen.path, msgspec.json.encode(asked))
            found = await self._work.ask(key, partial(self._read, desk, asked))
        except Misconfigured as error:
            return page("problem.html", 400, **frame.values(None), problem=str(error))
        if isinstance(found, Progress):
            return waiting(request, frame, asked, found)
        if is_waiting(request):
            return shown_now()
        view, age = found
        return page(self._screen.template, **frame.values(asked), v=view, age=age)

    async def json(self, request: Request) -> Response:
        """All that the page shows, as JSON."""
        return await self._file(request, _as_json)

    async def csv(self, request: Request) -> Response:
        """The table that `table` names, or the first, as CSV."""
        return await self._file(request, _as_csv)

    async def _file(self, request: Request, shape: Callable[[Request, View], Response]) -> Response:
        shop = request.query_params.get("shop")
        if not self._door.may_read(request, shop, self._screen.act):
            return no_key()
        try:
            asked = self._asked(request)
            view, _ = await anyio.to_thread.run_sync(self._read, self._desk.visit(), asked)
        except Misconfigured as error:
            return refusal(400, "bad_parameter", "query", str(error))
        viewer = self._door.viewer(request)
        if viewer is not None:
            self._desk.node.keeper.note(
                viewer.name, "took data along", request.url.path, asked.shop
            )
        return shape(request, view)

    def _asked(self, request: Request) -> Ask:
        shops = self._door.shops(request)
        return ask.read(request.query_params.multi_items(), shops, self._screen.own)

    def _read(self, desk: Desk, asked: Ask) -> tuple[View, float]:
        """What the screen shows, and how many seconds ago the oldest of it was read."""
        view = self._screen.read(desk, asked)
        return view, desk.age


def _as_json(request: Request, view: View) -> Response:
    name = request.query_params.get("table")
    table = view.table(name) if name else None
    body: Any = {"rows": table.plain()} if table is not None else view
    return Response(msgspec.json.encode(body), media_type="application/json")


def _as_csv(request: Request, view: View) -> Response:
    table = view.table(request.query_params.get("table", ""))
    if table is None:
        named = ", ".join(t.name for t in view.tables)
        return refusal(404, "unknown_table", "table", f"this page has the tables: {named}")
    return Response(
        as_csv(table.plain()),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="tillpost-{table.name}.csv"'},
    )


Handler = Callable[[Request], Awaitable[Response]]
