"""The receiver as one value: what the server mounts, over a store and a clock.

    POST      [/v{N}.{M}]/{dataset_id}/events    `events`
    GET,POST  /tr, /tr/                          `pixel`
    POST      /receiver/people, /receiver/touches

Each handler answers after the rows are on disk. `settle` is the worker's part.
"""

import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tillpost.core.outcome import Retryable
from tillpost.core.received import AccountSeen, ReceivedEvent, TouchSeen
from tillpost.core.validation import MetaError
from tillpost.core.wire import Request, Response
from tillpost.ports import Clock, ReceiverStore
from tillpost.receive import accept, register, wire
from tillpost.receive.accept import Datasets
from tillpost.receive.settle import BATCH, STANDARD, Rules, settle_next

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

EVENTS_PATH = re.compile(r"(?:/v\d{1,3}\.\d{1,3})?/[^/]{1,64}/events/?")
"""Paths of the Graph API's events edge, with any version or none."""

_BUSY = wire.Problem(
    MetaError("Service temporarily unavailable", "OAuthException", 2, is_transient=True),
    503,
)


class Receiver:
    """The platform's side of one server."""

    def __init__(
        self,
        store: ReceiverStore,
        datasets: Datasets,
        receiver_token: str,
        clock: Clock,
        new_trace_id: Callable[[], str],
        rules: Rules = STANDARD,
    ) -> None:
        self.store = store
        self._datasets = datasets
        self._token = receiver_token
        self._clock = clock
        self._new_trace_id = new_trace_id
        self._rules = rules

    def handler(self, method: str, path: str) -> Handler | None:
        """Who answers this path, or None if it is not the receiver's."""
        if EVENTS_PATH.fullmatch(path):
            return self.events
        if path in ("/tr", "/tr/") and method in ("GET", "POST"):
            return self.pixel
        if method == "POST" and path == "/receiver/people":
            return self.people
        if method == "POST" and path == "/receiver/touches":
            return self.touches
        return None

    async def events(self, request: Request) -> Response:
        """Answer a call of the events edge as Meta does."""
        answer = accept.graph_events(request, self._datasets, self._clock.now(), self._new_trace_id)
        if answer.refused:
            self.store.note_refused("events", answer.refused, self._clock.now())
        return await self._kept(answer.rows, answer.response)

    async def pixel(self, request: Request) -> Response:
        """Answer a pixel hit with its picture, kept or not."""
        answer = accept.pixel_hit(request, self._datasets, self._clock.now())
        if answer.refused:
            self.store.note_refused("tr", answer.refused, self._clock.now())
        return await self._kept(answer.rows, answer.response)

    async def people(self, request: Request) -> Response:
        """Take accounts that the platform knows."""
        answer = register.people(request, self._token)
        return await self._registered(answer.rows, (), answer.response)

    async def touches(self, request: Request) -> Response:
        """Take touches of ads."""
        answer = register.touches(request, self._token)
        return await self._registered((), answer.rows, answer.response)

    def settle(self, limit: int = BATCH) -> int:
        """Settle the oldest accepted events; returns how many there were. Call it in a thread."""
        return settle_next(self.store, self._rules, limit)

    async def _kept(self, rows: Sequence[ReceivedEvent], response: Response) -> Response:
        if not rows:
            return response
        try:
            await self.store.receive(rows)
        except Retryable:
            return self._unavailable()
        return response

    async def _registered(
        self, accounts: Sequence[AccountSeen], touches: Sequence[TouchSeen], response: Response
    ) -> Response:
        if not accounts and not touches:
            return response
        try:
            await self.store.register(accounts, touches, self._clock.now())
        except Retryable:
            return self._unavailable()
        return response

    def _unavailable(self) -> Response:
        return wire.failed(_BUSY, self._new_trace_id(), {"retry-after": "5"})


def receiver_events(
    store: ReceiverStore, after: int, limit: int, event_id: str | None = None
) -> dict[str, Any]:
    """A page of `GET /api/v1/receiver/events`: `{"items": [...], "next": cursor | None}`."""
    items = store.settled_items(after, limit, event_id)
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}
