"""The receiver as one value: what the server mounts, over a store and a clock.

    POST      [/v{N}.{M}]/{dataset_id}/events       `events`
    POST      /, /v{N}.{M}                          `batch`
    GET,POST  /tr, /tr/                             `pixel`
    POST      /receiver/people, touches, spend      `people`, `touches`, `spend`
    GET       what `receive.graph` reads
    any       /v{N}.{M}/...                         `unknown`
    any       the tools of `receive.tools`

`handler` names who answers a path. Each handler answers after its rows are on disk.
`settle` is the worker's part.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from tillpost.core.outcome import Retryable
from tillpost.core.received import AccountSeen, Bounds, KeptCall, ReceivedEvent, TouchSeen
from tillpost.core.wire import Request, Response
from tillpost.ports import Clock, ReceiverStore, Sealer
from tillpost.receive import accept, batch, faults, graph, register, wire
from tillpost.receive.accept import Answer, Datasets
from tillpost.receive.calls import Keeping, Kept, kept_call
from tillpost.receive.rate import LIMITED, Rate, RateLimit
from tillpost.receive.settle import BATCH, STANDARD, Rules, settle_next
from tillpost.receive.tools import Tools
from tillpost.receive.wire import GraphCall, Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

EVENTS_PATH = re.compile(r"(?:/v\d{1,3}\.\d{1,3})?/[^/]{1,64}/events/?")
"""Paths of the Graph API's events edge, with any version or none."""


class Options(Struct, frozen=True):
    """The receiver's switches.

    `keep`: which calls are kept to be looked at; those with a `test_event_code` are kept with
    the refused ones. Without a sealer none is. `rate`: a rate limit, None for none.
    `bounds`: how much of the past is kept.
    """

    rules: Rules = STANDARD
    keep: Kept = "refused"
    rate: Rate | None = None
    bounds: Bounds = Bounds()


PLAIN = Options()
"""What the receiver does if nothing else is said."""


class Receiver:
    """The platform's side of one server."""

    def __init__(
        self,
        store: ReceiverStore,
        datasets: Datasets,
        receiver_token: str,
        clock: Clock,
        new_trace_id: Callable[[], str],
        sealer: Sealer | None = None,
        options: Options = PLAIN,
    ) -> None:
        self.store = store
        self.faults = faults.FaultQueue()
        self._keeping = Keeping(options.keep, sealer)
        self._tools = Tools(
            store,
            datasets,
            receiver_token,
            clock,
            self.faults,
            self._keeping,
            self.events,
        )
        self._datasets = datasets
        self._token = receiver_token
        self._clock = clock
        self._new_trace_id = new_trace_id
        self._options = options
        self._rate = RateLimit(options.rate) if options.rate else None
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.waited = 0.0
        """Seconds that the oldest of the last batch that was settled had waited."""

    def handler(self, method: str, path: str) -> Handler | None:
        """Who answers this path, or None if it is not the receiver's."""
        if path.startswith("/receiver/"):
            platform = _PLATFORM.get((method, path))
            return getattr(self, platform) if platform else self._tools.answer
        if EVENTS_PATH.fullmatch(path):
            return self.events
        if path.rstrip("/") == "/tr" and method in ("GET", "POST"):
            return self.pixel
        if method == "POST" and batch.PATH.fullmatch(path):
            return self.batch
        found = graph.PATH.fullmatch(path)
        if method == "GET" and found and _is_object(found.group(1)):
            return self.read
        return self.unknown if graph.VERSIONED.fullmatch(path) else None

    async def events(self, request: Request) -> Response:
        """Answer a call of the events edge as Meta does, or as a planned fault would."""
        planned = self.faults.next() if request.method == "POST" else None
        if planned is None:
            return await self._taken(request)
        if planned.fault.waits:
            await self._sleep(planned.seconds)
        real = await self._taken(request) if planned.fault.keeps else None
        return faults.answer(planned, real, self._new_trace_id())

    async def batch(self, request: Request) -> Response:
        """Answer several calls that came as one, in their order."""
        asked = batch.read(request)
        if asked.problem is not None:
            return wire.failed(asked.problem, self._new_trace_id())
        answers = [
            batch.element(await self._operation(operation), with_headers=asked.with_headers)
            for operation in asked.operations
        ]
        return wire.told(answers, self._new_trace_id())

    async def _operation(self, operation: Request | Problem) -> Response:
        if isinstance(operation, Problem):
            return wire.failed(operation, self._new_trace_id())
        path = operation.url.partition("?")[0]
        if EVENTS_PATH.fullmatch(path):
            return await self.events(operation)
        found = graph.PATH.fullmatch(path)
        if operation.method == "GET" and found and _is_object(found.group(1)):
            return await self.read(operation)
        return wire.failed(wire.no_object(path[1:], operation.method), self._new_trace_id())

    async def pixel(self, request: Request) -> Response:
        """Answer a pixel hit with its picture, kept or not."""
        answer = accept.pixel_hit(request, self._datasets, self._clock.now())
        await self._noted("tr", answer.refused)
        return await self._kept(answer.rows, answer.response)

    async def people(self, request: Request) -> Response:
        """Take accounts that the platform knows."""
        answer = register.people(request, self._token)
        return await self._registered(answer.rows, (), answer.response)

    async def touches(self, request: Request) -> Response:
        """Take touches of ads."""
        answer = register.touches(request, self._token)
        return await self._registered((), answer.rows, answer.response)

    async def spend(self, request: Request) -> Response:
        """Take what ads cost."""
        answer = register.spend(request, self._token)
        if not answer.rows:
            return answer.response
        return await self._once(self.store.register_spend(answer.rows), answer.response)

    async def read(self, request: Request) -> Response:
        """Answer Insights, dataset quality and statistics."""
        return await asyncio.to_thread(
            graph.read,
            request,
            self.store,
            self._datasets,
            self._clock.now(),
            self._new_trace_id(),
        )

    async def unknown(self, request: Request) -> Response:
        """Answer a path of the Graph API that the receiver has not."""
        return graph.unknown(request, self._datasets, self._new_trace_id())

    def settle(self, limit: int = BATCH) -> int:
        """Settle the oldest accepted events; returns how many there were. Call it in a thread."""
        events = settle_next(self.store, self._options.rules, limit)
        self.waited = self._clock.now() - events[0].received_at if events else 0.0
        return len(events)

    def prune(self, now: float) -> int:
        """Forget what is beyond the bounds; returns how many rows. Call it in a thread."""
        return self.store.prune(self._options.bounds, now)

    async def _taken(self, request: Request) -> Response:
        now = self._clock.now()
        call = wire.graph_call(request)
        over, headers = self._counted(call, now)
        if over:
            return wire.failed(LIMITED, self._new_trace_id(), headers)
        if request.method == "POST":
            answer = accept.accept(call, self._datasets, now, self._new_trace_id)
        else:
            answer = accept.graph_events(request, self._datasets, now, self._new_trace_id)
        await self._noted("events", answer.refused)
        kept = self._call(request, call, answer, now)
        if kept is None:
            response = await self._kept(answer.rows, answer.response)
        else:
            # Together, so that one commit takes both.
            _, response = await asyncio.gather(
                self._keep(kept), self._kept(answer.rows, answer.response)
            )
        if headers:
            return response._replace(headers={**response.headers, **headers})
        return response

    def _counted(self, call: GraphCall, now: float) -> tuple[bool, dict[str, str]]:
        """Whether the call is over the limit, and the headers of use; only its owner's count."""
        if self._rate is None or accept.authorise(call, self._datasets) is not None:
            return False, {}
        return self._rate.count(call.dataset_id, now)

    def _call(
        self, request: Request, call: GraphCall, answer: Answer[ReceivedEvent], now: float
    ) -> KeptCall | None:
        """The call as it is kept to be looked at, or None if it is not, as a stranger's is."""
        code = call.test_event_code
        wanted = self._keeping.wants(refused=bool(answer.refused), tested=bool(code))
        unknown = not call.access_token or answer.response.status == 401
        sealer = self._keeping.sealer
        if sealer is None or not wanted or unknown:
            return None
        return kept_call(
            request,
            answer.response,
            sealer,
            now,
            events=len(answer.rows),
            refused=answer.refused,
            test_event_code=code,
        )

    async def _keep(self, call: KeptCall) -> None:
        with suppress(Retryable):
            await self.store.keep_call(call, self._options.bounds.calls.most)

    async def _noted(self, path: str, reason: str | None) -> None:
        """Count a refusal; on a full disk the answer is given all the same."""
        if reason is not None:
            now = self._clock.now()
            with suppress(Retryable):
                await asyncio.to_thread(self.store.note_refused, path, reason, now)

    async def _kept(self, rows: Sequence[ReceivedEvent], response: Response) -> Response:
        return await self._once(self.store.receive(rows), response) if rows else response

    async def _registered(
        self, accounts: Sequence[AccountSeen], touches: Sequence[TouchSeen], response: Response
    ) -> Response:
        if not accounts and not touches:
            return response
        return await self._once(self.store.register(accounts, touches, self._clock.now()), response)

    async def _once(self, kept: Awaitable[None], response: Response) -> Response:
        """The response once the rows are on disk; else that the sender comes again."""
        try:
            await kept
        except Retryable:
            return self._unavailable()
        return response

    def _unavailable(self) -> Response:
        return wire.failed(wire.BUSY, self._new_trace_id(), {"retry-after": "5"})


_PLATFORM = {
    ("POST", "/receiver/people"): "people",
    ("POST", "/receiver/touches"): "touches",
    ("POST", "/receiver/spend"): "spend",
}


def receiver_events(
    store: ReceiverStore, after: int, limit: int, event_id: str | None = None
) -> dict[str, Any]:
    """A page of `GET /api/v1/receiver/events`: `{"items": [...], "next": cursor | None}`."""
    items = store.settled_items(after, limit, event_id)
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


def _is_object(name: str) -> bool:
    """Whether a path's first part names something of the Graph API's: an id, not a page of ours."""
    return name.isdigit() or name.startswith("act_") or name == "dataset_quality"
