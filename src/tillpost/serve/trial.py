"""A test event: does a destination take what it is sent? It is no order, and rests nowhere here."""

import hashlib
import re

from msgspec import Struct, structs

from tillpost.core import capi
from tillpost.core.event import Event, Person
from tillpost.core.outcome import Misconfigured, Retryable, State
from tillpost.deliver.outbox import Line
from tillpost.serve.node import Node

_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SECONDS = 10.0


class Told(Struct, frozen=True):
    """What one destination said to a test event."""

    destination: str
    taken: bool
    words: str


async def send(node: Node, shop: str, code: str) -> list[Told]:
    """What each destination of the shop says to a test event under this test event code.

    Raises `Misconfigured` for a code that is none, and for a shop that sends nowhere.
    """
    if not _CODE.fullmatch(code):
        raise Misconfigured("code: copy it from the platform's Test Events tab, e.g. TEST12345")
    lines = node.lines.get(shop, [])
    if not lines:
        raise Misconfigured(f"{shop} has no destination: name one under [[destinations]]")
    event = test_event(shop, node.clock.now())
    return [await _try(node, line, event, code) for line in lines]


def test_event(shop: str, now: float) -> Event:
    """A PageView of nobody; its one match key is the hash of a word."""
    nobody = hashlib.sha256(b"tillpost-test").hexdigest()
    return Event(
        shop=shop,
        event_name="PageView",
        event_id=f"tillpost-test-{int(now)}",
        event_time=int(now),
        action_source="system_generated",
        person=Person(keys={"external_id": (("meta", nobody),)}),
    )


async def _try(node: Node, line: Line, event: Event, code: str) -> Told:
    if not hasattr(line.settings, "test_event_code"):
        return Told(line.name, taken=True, words=f"{line.name} knows no test events.")
    settings = structs.replace(line.settings, test_event_code=code)
    payload = capi.encode(line.destination.build(event, settings))
    request = line.destination.encode([payload], settings, node.clock.now())
    try:
        response = await node.transport.send(request, _SECONDS)
    except Retryable as error:
        return Told(line.name, taken=False, words=f"{line.name} does not answer: {error}.")
    (outcome,) = line.destination.interpret(response, [payload])
    if outcome.state is State.DELIVERED:
        return Told(line.name, taken=True, words=f"{line.name} took the test event.")
    why = outcome.detail or outcome.reason or outcome.state
    return Told(line.name, taken=False, words=f"{line.name} refused the test event: {why}.")
