"""`tillpost backfill`: past orders from the shop's Admin API into the journal, resumable.

Orders go through the same door as webhooks: raw identifiers are hashed in the request that
takes them in. After each batch that is on disk the place is noted, so that a pull that was
ended goes on from there; a batch that comes twice folds to the same rows.
"""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from tillpost.collect.backfill import Ask, Fetch, Keep, Pull, Span, Wait
from tillpost.collect.sources.shopify import pull
from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.core.wire import Request
from tillpost.serve import admin_api, app
from tillpost.serve.clock import SystemClock
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.http.backfill import take_in
from tillpost.serve.node import Node
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Settings, ShopSettings
from tillpost.store.lock import hold, running

_SECONDS = 60.0
_BATCH = 250
_MOST_TRIES = 5
_FIRST_PAUSE = 1.0
Deliver: TypeAlias = Callable[[list[Any]], dict[str, Any]]
Say: TypeAlias = Callable[[str], None]


class Asked(Struct, frozen=True):
    """What to pull and how: by `pages`, or as one `bulk` operation."""

    since: str
    until: str
    how: str = "bulk"
    reports_only: bool = False
    restart: bool = False


class Progress(Struct):
    """How far a pull is; kept in the data directory after every batch."""

    since: str
    until: str
    how: str
    cursor: str | None = None
    lines: int = 0
    """Orders of the bulk file that are on disk already."""
    orders: int = 0
    bad: int = 0
    not_ready: int = 0
    """Orders whose journey the shop was still computing: pull them again later."""
    done: bool = False


def backfill(
    asked: Asked, config_file: Path | None, data: Path | None, shop: str | None, say: Say
) -> dict[str, Any]:
    """`{"orders", "bad", "journeys_not_ready", "done"}` of the whole pull.

    Raises `Misconfigured` with the fix, or `Retryable` when the shop did not answer: the same
    command goes on from where it was.
    """
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    given = next(s for s in settings.shops if s.name == name)
    note = directory / "backfill" / f"{name}.json"
    progress = _progress(note, asked)
    with _deliverer(settings, directory, name, reports_only=asked.reports_only) as deliver:
        driver = _Driver(_Shop(given), deliver, progress, note, say)
        driver.run(_pull(asked, progress, given))
    return {
        "orders": progress.orders,
        "bad": progress.bad,
        "journeys_not_ready": progress.not_ready,
        "done": progress.done,
    }


def _pull(asked: Asked, progress: Progress, shop: ShopSettings) -> Pull:
    version = shop.shopify.api_version if shop.shopify else ""
    span = Span(progress.since, progress.until)
    flow = pull.pages if asked.how == "pages" else pull.bulk
    return flow(span, version, progress.cursor)


class _Driver:
    """Carries out a pull's steps."""

    def __init__(
        self, shop: "_Shop", deliver: Deliver, progress: Progress, note: Path, say: Say
    ) -> None:
        self._shop = shop
        self._deliver = deliver
        self._progress = progress
        self._note = note
        self._say = say

    def run(self, flow: Pull) -> None:
        """Every step until the pull ends."""
        answer: dict[str, Any] | None = None
        try:
            while True:
                answer = self._carry_out(flow.send(answer) if answer is not None else next(flow))
        except StopIteration:
            self._progress.done = True
            _write(self._note, self._progress)

    def _carry_out(self, step: Ask | Wait | Keep | Fetch) -> dict[str, Any]:
        match step:
            case Ask():
                return self._shop.ask(step)
            case Wait():
                time.sleep(step.seconds)
            case Keep():
                self._keep(step.orders)
                self._progress.cursor = step.cursor
                _write(self._note, self._progress)
            case Fetch():
                self._fetch(step.url)
        return {}

    def _fetch(self, url: str) -> None:
        with self._shop.lines(url) as lines:
            orders = pull.grouped(lines)
            for _ in range(self._progress.lines):
                next(orders, None)
            while batch := list(islice(orders, _BATCH)):
                self._keep(batch)
                self._progress.lines += len(batch)
                _write(self._note, self._progress)

    def _keep(self, orders: list[Any]) -> None:
        """Keep the orders; one that is not as documented is set aside alone, sealed."""
        if not orders:
            return
        if self._deliver(orders).get("bad") is None:
            self._count(orders)
        else:
            for order in orders:
                if len(orders) == 1 or self._deliver([order]).get("bad") is not None:
                    self._progress.bad += 1
                else:
                    self._count([order])
        self._say(f"{self._progress.orders} orders kept")

    def _count(self, orders: list[Any]) -> None:
        self._progress.orders += len(orders)
        journeys = [order.get("customerJourneySummary") or {} for order in orders]
        self._progress.not_ready += sum(journey.get("ready") is False for journey in journeys)


class _Shop:
    """The shop's Admin API, with its token; a token of client credentials is asked for."""

    def __init__(self, shop: ShopSettings) -> None:
        self._door = admin_api.Door(shop)
        self._token = self._door.token or self._fresh_token()

    def ask(self, step: Ask) -> dict[str, Any]:
        """The answer to a query, after as many tries as it takes (at most five)."""
        return self._answered(self._door.query(step, self._token))

    @contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        """The lines of a file, as they come."""
        if not url.startswith("https://") and not url.startswith(self._door.base):
            raise Misconfigured("the shop names a file that is not read over https")
        try:
            with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310  # nosec B310  # checked above
                yield iter(answer)
        except OSError as error:
            raise Retryable(f"the file of orders broke off ({error}): run it again") from None

    def _fresh_token(self) -> str:
        return str(self._answered(self._door.credentials())["access_token"])

    def _answered(self, asked: Request) -> dict[str, Any]:
        for tries in range(_MOST_TRIES):
            request = urllib.request.Request(asked.url, asked.body, dict(asked.headers))  # noqa: S310  # the shop's own address
            try:
                with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # nosec B310
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as error:
                admin_api.check(error.code)
                why = f"status {error.code}"
                pause = float(error.headers.get("retry-after") or _FIRST_PAUSE * 2**tries)
            except (OSError, ValueError) as error:
                why, pause = type(error).__name__, _FIRST_PAUSE * 2**tries
            if tries < _MOST_TRIES - 1:
                time.sleep(pause)
        raise Retryable(f"the shop's Admin API does not answer ({why}): run the command again")


@contextmanager
def _deliverer(
    settings: Settings, directory: Path, shop: str, *, reports_only: bool
) -> Iterator[Deliver]:
    """Who takes batches in: the running server, else a node of our own under the lock."""
    url = running(directory)

    def body(orders: list[Any]) -> str:
        return json.dumps({"orders": orders, "reports_only": reports_only})

    if url is not None:
        remote = Remote(url, settings, shop, "admin")
        yield lambda orders: remote.post(f"/api/v1/backfill/{shop}", body(orders))
        return
    with hold(directory), asyncio.Runner() as runner:
        own = app.own_url(settings.server.host, settings.server.port)
        node = Node(settings, directory, SystemClock(), read_keys(directory), own)
        try:
            yield lambda orders: runner.run(take_in(node, shop, body(orders).encode()))
        finally:
            runner.run(node.close())


def _progress(note: Path, asked: Asked) -> Progress:
    """Where a former pull of the same span ended, else the beginning."""
    fresh = Progress(asked.since, asked.until, asked.how)
    try:
        found = msgspec.json.decode(note.read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return fresh
    same = (found.since, found.until, found.how) == (fresh.since, fresh.until, fresh.how)
    return found if same and not found.done and not asked.restart else fresh


def _write(note: Path, progress: Progress) -> None:
    """Note the place so that a crash leaves the old note or the new one, never half of one."""
    note.parent.mkdir(parents=True, exist_ok=True)
    half = note.with_suffix(".new")
    half.write_bytes(msgspec.json.encode(progress))
    half.replace(note)
