"""Tools for whoever develops a sender, all behind the receiver's token.

GET,POST,DELETE /receiver/faults                what goes wrong next
GET  /receiver/events[?after=|last=&limit=&wait=]
                                                settled events as they come, the oldest first
GET  /receiver/deduplication[?order_id=|after=&limit=]
                                                each sale with all its sightings, or one order's
GET  /receiver/requests[?after=|last=&limit=&wait=]
                                                calls that were kept, the oldest first
GET  /receiver/requests/{id}                    one of them: request, answer, findings
GET,POST /receiver/keep                         which calls are kept from now on
POST /receiver/requests/{id}/replay             send it again, as it was or edited
GET  /receiver/test-events?code=[&after=&wait=] events of one test_event_code
GET  /receiver/summary                          match rate, accounts, refusals
POST /receiver/reset                            forget everything

A list is of what has a number over `after`, or of the `last` so many. With `wait`, an empty
one is held open for so many seconds until there is something: asked again with the `next`
of the page before, that is a live list.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tillpost.core.received import KeptCall
from tillpost.core.wire import Request, Response
from tillpost.ports import Clock, ReceiverStore
from tillpost.receive import calls, faults, quality, register, sightings, wire
from tillpost.receive.accept import Datasets

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

PAGE = 100
"""Most items on a page unless more are asked for."""

MOST_WAIT = 30.0
"""Seconds that an empty list may be held open."""

_POLL = 0.2
_MOST_ON_A_PAGE = 1000
_WEEK = 7 * 86_400
_KEPT_PATH = re.compile(r"/receiver/requests/(\d{1,15})(/replay)?")


class Tools:
    """The tools' desk of one receiver; `events` is who answers a replayed call."""

    def __init__(
        self,
        store: ReceiverStore,
        datasets: Datasets,
        receiver_token: str,
        clock: Clock,
        queue: faults.FaultQueue,
        keeping: calls.Keeping,
        events: Handler,
    ) -> None:
        self._store = store
        self._datasets = datasets
        self._token = receiver_token
        self._clock = clock
        self._faults = queue
        self._keeping = keeping
        self._events = events
        self._tools: dict[tuple[str, str], Handler] = {
            ("GET", "/receiver/faults"): self._waiting,
            ("POST", "/receiver/faults"): self._plan,
            ("DELETE", "/receiver/faults"): self._unplan,
            ("GET", "/receiver/events"): self._settled,
            ("GET", "/receiver/deduplication"): self._deduplication,
            ("GET", "/receiver/keep"): self._kept,
            ("POST", "/receiver/keep"): self._keep,
            ("GET", "/receiver/requests"): self._requests,
            ("GET", "/receiver/test-events"): self._tested,
            ("GET", "/receiver/summary"): self._summary,
            ("POST", "/receiver/reset"): self._reset,
        }

    async def answer(self, request: Request) -> Response:
        """Answer a call of a tool."""
        if not register.authorised(request, self._token):
            return register.refused(401, "send the receiver token: Authorization: Bearer TOKEN")
        path = urlsplit(request.url).path
        kept = _KEPT_PATH.fullmatch(path)
        if kept is not None:
            replay = kept.group(2) is not None
            if request.method == ("POST" if replay else "GET"):
                return await self._kept_request(request, int(kept.group(1)), replay=replay)
        tool = self._tools.get((request.method, path))
        if tool is None:
            return register.refused(404, f"there is no {request.method} {path[:100]}")
        return await tool(request)

    async def _waiting(self, _request: Request) -> Response:
        return register.answer(200, {"faults": self._faults.waiting()})

    async def _plan(self, request: Request) -> Response:
        body = wire.json_object(request)
        planned = faults.read(body if isinstance(body, dict) else {})
        if isinstance(planned, str):
            return register.refused(400, planned)
        self._faults.plan(planned)
        return await self._waiting(request)

    async def _unplan(self, request: Request) -> Response:
        self._faults.clear()
        return await self._waiting(request)

    async def _kept(self, _request: Request) -> Response:
        return register.answer(200, {"calls": self._keeping.kept})

    async def _keep(self, request: Request) -> Response:
        body = wire.json_object(request)
        given = body.get("calls") if isinstance(body, dict) else None
        wanted = next((kept for kept in calls.KEPT if kept == given), None)
        if wanted is None:
            return register.refused(400, f"calls must be one of {', '.join(calls.KEPT)}")
        self._keeping.kept = wanted
        return await self._kept(request)

    async def _requests(self, request: Request) -> Response:
        def read(page: _Page) -> list[dict[str, Any]]:
            after = page.start(self._store.newest()[1])
            return [calls.listed(call) for call in self._store.calls(after, page.limit)]

        return await self._listed(request, read)

    async def _settled(self, request: Request) -> Response:
        def read(page: _Page) -> list[dict[str, Any]]:
            after = page.start(self._store.newest()[0])
            return self._store.settled_items(after, page.limit, None)

        return await self._listed(request, read)

    async def _deduplication(self, request: Request) -> Response:
        order_id = _query(request).get("order_id")

        def read(page: _Page) -> list[dict[str, Any]]:
            after = page.start(self._store.newest()[0])
            groups = self._store.groups(after, page.limit, order_id)
            return [sightings.proof(group) for group in groups]

        return await self._listed(request, read)

    async def _listed(
        self, request: Request, read: Callable[["_Page"], list[dict[str, Any]]]
    ) -> Response:
        """A page of a list; `next` is where the following one begins, also if that is empty yet."""
        page = _page(request)
        ends = time.monotonic() + page.wait
        items = await asyncio.to_thread(read, page)
        while not items and time.monotonic() < ends:
            await asyncio.sleep(_POLL)  # other processes write too
            items = await asyncio.to_thread(read, page)
        return register.answer(200, {"items": items, "next": _next(items, page)})

    async def _kept_request(self, request: Request, number: int, *, replay: bool) -> Response:
        call = await asyncio.to_thread(self._call, number)
        sealer = self._keeping.sealer
        if call is None or sealer is None:
            return register.refused(404, f"no request {number} is kept")
        if not replay:
            return register.answer(200, calls.opened(call, sealer, self._clock.now()))
        edited = wire.json_object(request) if request.body else {}
        if not isinstance(edited, dict):
            return register.refused(edited.status, edited.error.message)
        dataset = self._datasets.get(wire.graph_call(Request("POST", call.path, {})).dataset_id)
        return await self._events(calls.again(call, sealer, edited, dataset))

    def _call(self, number: int) -> KeptCall | None:
        return next((c for c in self._store.calls(number - 1, 1) if c.id == number), None)

    async def _tested(self, request: Request) -> Response:
        code = _query(request).get("code", "")

        def read(page: _Page) -> list[dict[str, Any]]:
            after = page.start(self._store.newest()[0])
            return self._store.tested_items(code, after, page.limit)

        return await self._listed(request, read)

    async def _summary(self, _request: Request) -> Response:
        datasets, now = list(self._datasets), self._clock.now()
        told = await asyncio.to_thread(_told, self._store, datasets, now)
        return register.answer(200, told)

    async def _reset(self, _request: Request) -> Response:
        self._faults.clear()
        await asyncio.to_thread(self._store.reset)
        return register.answer(200, {"reset": True})


def _told(store: ReceiverStore, datasets: list[str], now: float) -> dict[str, Any]:
    """The last seven days: match rate by dataset with and without learned keys, and refusals."""
    return {
        "people_known": store.people_known(),
        "datasets": {
            dataset: quality.match_rate(store.tallies(dataset, now - _WEEK, now + 1))
            for dataset in datasets
        },
        "refused": [
            {"day": day, "path": path, "reason": reason, "calls": calls}
            for day, path, reason, calls in store.refusals()
        ],
    }


class _Page(NamedTuple):
    """Which part of a list is asked for, and for how many seconds it may be awaited."""

    after: int
    last: int | None
    limit: int
    wait: float

    def start(self, newest: int) -> int:
        """The number after which it begins, where `newest` is the highest that there is.

        A number over that is from before a reset: what came since then is all new.
        """
        if self.last is not None:
            return max(0, newest - self.last)
        return self.after if self.after <= newest else 0


def _page(request: Request) -> _Page:
    """The page that the query asks for, with defaults where it has no number."""
    query = _query(request)
    numbers = {
        name: int(text[:15])
        for name, text in query.items()
        if text.isascii() and text.isdigit() and name in _Page._fields
    }
    return _Page(
        after=numbers.get("after", 0),
        last=None if "after" in numbers else numbers.get("last"),
        limit=min(_MOST_ON_A_PAGE, numbers.get("limit", PAGE)) or PAGE,
        wait=min(MOST_WAIT, numbers.get("wait", 0)),
    )


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query))


def _next(items: list[dict[str, Any]], page: _Page) -> int | None:
    """Where the following page begins: there always is one for who waits."""
    if page.wait:
        return int(items[-1]["id"]) if items else page.after
    return int(items[-1]["id"]) if len(items) == page.limit else None
