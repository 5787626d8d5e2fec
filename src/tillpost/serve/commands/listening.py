"""What happens at a server, as it happens: told once for every step of an event's way."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct, to_builtins

from tillpost.core.outcome import FINAL
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.store.lock import server_of

Step: TypeAlias = Literal[
    "accepted", "rejected", "delivered", "dead", "expired", "dropped", "received", "merged",
    "matched",
]  # fmt: skip
STEPS: tuple[Step, ...] = Step.__args__  # type: ignore[attr-defined]
"""What is told, in the order of an event's way."""

_EVENTS = "/api/v1/events"
_BAD_ROWS = "/api/v1/bad-rows"
_RECEIVED = "/api/v1/receiver/events"
_PAGE = 200
_LOOK_SECONDS = 0.4
_FORWARD_SECONDS = 5.0
_MOST_OPEN = 1000
"""So many events are watched until they end; of more, the oldest are let go."""


class News(Struct, frozen=True):
    """One step of one event; nothing in it can name a person."""

    step: Step
    at: str
    shop: str
    event_name: str
    event_id: str | None
    source: str
    order_id: str | None = None
    destination: str | None = None
    detail: str | None = None


class Tail:
    """Turns what the API lists, asked again and again, into news; each is told once."""

    def __init__(self) -> None:
        self._told: dict[int, dict[str, str]] = {}

    @property
    def oldest_open(self) -> int | None:
        """The first event that has not ended at every destination."""
        return min(self._told, default=None)

    def events(self, items: list[dict[str, Any]]) -> Iterator[News]:
        """Events with where they stand at each destination."""
        for item in items:
            known = self._told.get(item["id"])
            if known is None:
                yield _news("accepted", item)
            states = {o["destination"]: o["state"] for o in item["outcomes"]}
            for outcome in item["outcomes"]:
                where, state = outcome["destination"], outcome["state"]
                if state in FINAL and (known or {}).get(where) != state:
                    yield _ended(item, outcome)
            self._watch(item["id"], states)

    def open(self, items: list[dict[str, Any]]) -> Iterator[News]:
        """The same, of events that are being watched alone."""
        return self.events([item for item in items if item["id"] in self._told])

    def _watch(self, number: int, states: dict[str, str]) -> None:
        if states and all(state in FINAL for state in states.values()):
            self._told.pop(number, None)
            return
        self._told[number] = states
        if len(self._told) > _MOST_OPEN:
            del self._told[min(self._told)]


def rejected(item: dict[str, Any]) -> News:
    """A body that could not be read."""
    words = f"{item['reason']} at {item['field'] or 'the body'}: {item['detail']}"
    return News(
        step="rejected",
        at=item["received_at"],
        shop=item["shop"],
        event_name="",
        event_id=None,
        source=item["source"],
        detail=words,
    )


def received(item: dict[str, Any]) -> Iterator[News]:
    """What the receiver made of an event: its own, a twin's double, a known buyer's."""
    base = News(
        step="received",
        at=item.get("received_at") or "",
        shop=item["dataset_id"],
        event_name=item["event_name"],
        event_id=item["event_id"],
        source=item["source"],
    )
    yield base
    if item["duplicate_of"] is not None:
        yield _as(base, "merged", f"a double of {item['duplicate_of']}")
    if item["matched"]:
        yield _as(base, "matched", " ".join(item["matched_by"]))


def _as(base: News, step: Step, detail: str) -> News:
    return News(**{**to_builtins(base), "step": step, "detail": detail})


def _news(step: Step, item: dict[str, Any], **more: str | None) -> News:
    return News(
        step=step,
        at=item["received_at"],
        shop=item["shop"],
        event_name=item["event_name"],
        event_id=item["event_id"],
        source=item["source"],
        order_id=item["order_id"],
        **more,
    )


def _ended(item: dict[str, Any], outcome: dict[str, Any]) -> News:
    return _news(
        outcome["state"], item, destination=outcome["destination"], detail=outcome["reason"]
    )


class Listener:
    """Asks a running server for what is new; raises `Misconfigured` if none runs."""

    def __init__(self, config_file: Path | None, data: Path | None, shop: str | None) -> None:
        settings, directory = settings_of(config_file, data)
        name = shop_of(settings, shop)
        self.url = url = server_of(directory)
        self._remote = Remote(url, settings, name, "reports")
        self._tail = Tail()
        self._after = {path: self._last(path) for path in (_EVENTS, _BAD_ROWS, _RECEIVED)}

    def listen(self) -> Iterator[News]:
        """News without end, in the order in which it is seen."""
        while True:
            yield from self._look()
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> Iterator[News]:
        oldest = self._tail.oldest_open
        if oldest is not None:
            yield from self._tail.open(self._page(_EVENTS, oldest - 1)["items"])
        yield from self._tail.events(self._fresh(_EVENTS))
        for item in self._fresh(_BAD_ROWS):
            yield rejected(item)
        for item in self._fresh(_RECEIVED):
            yield from received(item)

    def _fresh(self, path: str) -> list[dict[str, Any]]:
        """What came since the last look, at most a page of it."""
        found = self._page(path, self._after[path])
        items: list[dict[str, Any]] = found["items"]
        seen = [item["id"] for item in items]
        self._after[path] = max([self._after[path], *seen, found["next"] or 0])
        return items

    def _page(self, path: str, after: int, limit: int = _PAGE) -> dict[str, Any]:
        return self._remote.get(f"{path}?after={after}&limit={limit}")

    def _last(self, path: str) -> int:
        """The newest id there is, found by halving: the API lists the oldest first."""
        low, high = 0, 1
        while self._any(path, high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._any(path, middle) else (low, middle)
        return high if self._any(path, low) else low

    def _any(self, path: str, after: int) -> bool:
        """Whether anything is newer than this id."""
        found = self._page(path, after, 1)
        return bool(found["items"]) or found["next"] is not None


def forward(news: News, url: str) -> str | None:
    """Post one piece of news as JSON; what went wrong, if it did."""
    body = json.dumps(to_builtins(news)).encode()
    headers = {"content-type": "application/json", "user-agent": "tillpost"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the user named it
    try:
        with urllib.request.urlopen(request, timeout=_FORWARD_SECONDS):  # noqa: S310  # nosec B310
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"{url} answered {error.code}"
    except OSError as error:
        return f"{url} does not answer ({getattr(error, 'reason', error)})"
