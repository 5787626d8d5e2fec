"""A node without its network, under a clock that the drill moves: days pass in seconds.

For faults of the platform and of time, where no process has to die. What the shop sends
goes through the same functions as over HTTP; what goes to the platform goes over a real
socket to `Chaos`, or straight to the receiver of the node.
"""

import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import structs
from tests.drills.chaos import Chaos
from tests.drills.oracle import Books, Verdict, judge
from tests.drills.shop import KEY, SECRET, server_event, webhook, worth
from tests.live import BROWSER

from tillpost.core.wire import Request, Response
from tillpost.deliver.contract import EMBEDDED
from tillpost.deliver.destinations import meta
from tillpost.serve.http import beacon, collect
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import (
    Dataset,
    OrderSettings,
    ReceiverSettings,
    Server,
    ServerKey,
    Settings,
    ShopifySettings,
    ShopSettings,
)

DATASET = "1234567890123456"
TOKEN = "EAADrigtoken0123456789"
RECEIVER_TOKEN = "tr_rig0123456789abcdef"
HOUR = 3600.0
DAY = 24 * HOUR
_ANSWER_SECONDS = 0.6
"""How long an answer is waited for, so that silence costs a drill no half minutes."""


class MovableClock:
    """A clock that goes where it is told, also back."""

    def __init__(self, start: float) -> None:
        self.time = start

    def now(self) -> float:
        """Unix seconds."""
        return self.time


class Loop:
    """A transport straight to the node's own receiver."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def send(self, request: Request, seconds: float) -> Response:
        """The receiver's answer."""
        path = "/" + request.url.split("/", 3)[3]
        answers = self._node.receiver.handler(request.method, path)
        assert answers is not None, path
        return await answers(request._replace(url=path))

    async def close(self) -> None:
        """Nothing to close."""


class Rig:
    """A node, its clock, what was sent to it and what the platform took; see `rigged`."""

    def __init__(self, directory: Path, node: Node, clock: MovableClock, platform: Chaos) -> None:
        self.node = node
        self.clock = clock
        self.platform = platform
        self.figures: dict[str, Any] = {}
        self._sent = directory / "sent.jsonl"
        self._file = self._sent.open("a", encoding="utf-8")
        self._next = 0
        self._requests: list[tuple[str, str, bytes, dict[str, str]]] = []

    async def sell(self, count: int, *, poison: Callable[[int], bool] = lambda _: False) -> None:
        """So many orders now, from the shop and from a back end by turns."""
        for _ in range(count):
            self._next += 1
            number = self._next
            bad = poison(number)
            self._note(order=str(number), value=float(worth(number)), poison=bad)
            made = webhook if number % 2 and not bad else None
            now = self.clock.now()
            request = (
                made(number, worth(number), now)
                if made
                else server_event(number, worth(number), now, poison=bad)
            )
            self._requests.append((str(number), *request))
            self._note(order=str(number), status=await self.post(*request))

    async def beacon(self, event: dict[str, Any]) -> int:
        """The status of the answer to an event of the shop's page."""
        body = json.dumps({"events": [event]}).encode()
        headers = {"origin": "https://demo-shop.myshopify.com", "user-agent": BROWSER}
        request = Request("POST", "/px/demo", {"content-type": "text/plain", **headers}, body)
        return (await beacon.beacon(self.node, "demo", request, "8.8.4.4")).status

    async def repeat(self) -> None:
        """All that was ever sent, once more."""
        for number, path, body, headers in self._requests:
            self._note(order=number, status=await self.post(path, body, headers))

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer to what a shop or a back end sends."""
        request = Request("POST", path, headers, body)
        if path.startswith("/events"):
            return (await collect.server_events(self.node, "demo", request)).status
        return (await collect.webhook(self.node, "shopify", "demo", request)).status

    async def pass_time(self, seconds: float, step: float = 300.0) -> None:
        """Let time pass, with all that is due done at every step."""
        end = self.clock.time + seconds
        while self.clock.time < end:
            self.clock.time = min(self.clock.time + step, end)
            await self.node.worker.drain()

    async def settle(self, most: float) -> None:
        """Let time pass until nothing of the ledger is under way, or so many seconds."""
        began = self.clock.time
        while await self._drained() and self.clock.time - began < most:
            await self.pass_time(300.0)
        self.figures["hours to come to an end"] = round((self.clock.time - began) / HOUR, 1)

    def books(self) -> Books:
        """What the node says."""
        found: list[dict[str, Any]] = []
        after: Any = 0
        while after is not None:
            page = self.node.reading.events(after, 1000)
            found += page["items"]
            after = page["next"]
        return Books(found, self.node.reading.ledger())

    async def verdict(self, most: float = 2 * DAY) -> Verdict:
        """Heal the platform, let everything come to an end within so many seconds, and judge."""
        self.platform.play("ok")
        await self.settle(most)
        return judge(self._sent, self.platform.log, self.books())

    async def _drained(self) -> int:
        await self.node.worker.drain()
        return sum(int(row["pending"]) for row in self.node.reading.ledger()["destinations"])

    def _note(self, **line: Any) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """End the log."""
        self._file.close()


@asynccontextmanager
async def rigged(
    directory: Path, *, embedded: bool = False, same_source: str = "absorb"
) -> AsyncIterator[Rig]:
    """A rig whose shop sends to `Chaos`, or with `embedded` to the node's own receiver."""
    os.makedirs(directory, exist_ok=True)  # nothing else runs yet
    platform = Chaos(directory / "arrived.jsonl")
    clock = MovableClock(float(int(time.time())))
    settings = _settings(EMBEDDED if embedded else platform.url, same_source)
    node = Node(settings, directory, clock, Keys(b"k" * 32), "http://127.0.0.1:1")
    if embedded:
        for sender in node.worker.senders:
            sender._transport = Loop(node)
    limits = meta.Meta.limits
    meta.Meta.limits = structs.replace(limits, seconds=_ANSWER_SECONDS)
    rig = Rig(directory, node, clock, platform)
    try:
        yield rig
    finally:
        meta.Meta.limits = limits
        rig.close()
        platform.close()
        await node.close()


def _settings(url: str, same_source: Any) -> Settings:
    key = ServerKey(key=KEY, scopes=("events", "reports", "costs", "admin"))
    shop = ShopSettings(
        name="demo",
        domain="demo-shop.myshopify.com",
        country="US",
        origins=("https://demo-shop.myshopify.com",),
        server_keys=(key,),
        shopify=ShopifySettings(webhook_secrets=(SECRET,)),
        orders=OrderSettings(join_wait=2.0),
    )
    destination = meta.Settings(shop="demo", dataset_id=DATASET, access_token=TOKEN, url=url)
    return Settings(
        server=Server(private_networks=("127.0.0.0/8",)),
        shops=(shop,),
        destinations=(destination,),
        receiver=ReceiverSettings(
            datasets=(Dataset(id=DATASET, access_token=TOKEN),),
            token=RECEIVER_TOKEN,
            same_source=same_source,
            keep_calls="all",
        ),
    )
