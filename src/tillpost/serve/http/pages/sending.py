"""Forms that send: dead letters again, and test events."""

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import anyio.to_thread
from starlette.routing import BaseRoute

from tillpost.core.outcome import Misconfigured
from tillpost.serve import trial
from tillpost.serve.http.pages.acts import Counter, Form
from tillpost.serve.screens import replay
from tillpost.serve.sessions import Notice


def routes(counter: Counter) -> list[BaseRoute]:
    """`/delivery/...` and `/replay/send`."""
    acts = _Sending(counter)
    return [
        counter.route("/delivery/retry", "send", acts.retry),
        counter.route("/delivery/retry-all", "send", acts.retry_all),
        counter.route("/delivery/again", "send", acts.again),
        counter.route("/delivery/test", "send", acts.test),
        counter.route("/replay/send", "send", acts.replay),
    ]


class _Sending:
    """Sending again, and trying whether a destination takes events."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._node = counter.node

    async def retry(self, form: Form) -> Notice:
        """One dead letter goes again."""
        return await self._retry(form, [_number(form)])

    async def retry_all(self, form: Form) -> Notice:
        """Every dead letter of the shop goes again."""
        return await self._retry(form, None)

    async def _retry(self, form: Form, events: list[int] | None) -> Notice:
        told = await anyio.to_thread.run_sync(self._node.letters.retry, events, form.shop)
        self._node.worker.wake()
        which = "all" if events is None else str(events[0])
        await self._counter.note(form, "retried dead letters", f"{which}: {told['retried']}")
        return _came(told)

    async def again(self, form: Form) -> Notice:
        """An event goes again to every destination, also where it was delivered."""
        number = _number(form)
        at = await anyio.to_thread.run_sync(self._received_at, form.shop, number)
        if at is None:
            raise Misconfigured(f"event: {form.shop} has none of number {number}")
        told = await self._replay((at, at + 1e-6), form.shop, delivered=True)
        await self._counter.note(form, "sent an event again", str(number))
        return _came(told)

    async def replay(self, form: Form) -> Notice:
        """What a span of time left undone goes again, as the Replay page showed it."""
        zone = ZoneInfo(self._node.shops[form.shop].timezone)
        span = replay.span_of(form.field("begin"), form.field("end"), zone)
        if span is None:
            raise Misconfigured("begin: name the span on the Replay page first")
        told = await self._replay(span, form.shop, delivered=bool(form.field("delivered")))
        words = f"{replay.told_span(span)}: {told['retried']}"
        await self._counter.note(form, "replayed a span", words)
        return _came(told)

    async def _replay(
        self, span: tuple[float, float], shop: str, *, delivered: bool
    ) -> dict[str, Any]:
        again = self._node.letters.replay
        send = partial(again, *span, shop, delivered=delivered, dry_run=False)
        told = await anyio.to_thread.run_sync(send)
        self._node.worker.wake()
        return told

    def _received_at(self, shop: str, number: int) -> float | None:
        with self._counter.desk.rows_of(shop) as rows:
            return rows.received_at(number)

    async def test(self, form: Form) -> Notice:
        """A test event goes to every destination of the shop."""
        told = await trial.send(self._node, form.shop, form.field("code"))
        taken = all(t.taken for t in told)
        self._node.memory.trials[form.shop] = taken
        await self._counter.note(form, "sent a test event", "taken" if taken else "refused")
        return Notice(" ".join(t.words for t in told), bad=not taken)


def _number(form: Form) -> int:
    text = form.field("event")
    if not text.isdigit():
        raise Misconfigured("event: name it by its number")
    return min(int(text), 2**62)


def _came(told: dict[str, Any]) -> Notice:
    """What came of sending again, and why something stayed."""
    count = told["retried"]
    words = (
        f"{count:,} {'delivery goes' if count == 1 else 'deliveries go'} again, with the same id."
    )
    left = told["left"]
    if left:
        words += f" {len(left):,} stayed: {left[0]['detail'] or left[0]['reason']}."
    return Notice(words, bad=not count)
