"""What the checks look at, and how they reach it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import structs

from tillpost.core.wire import Request, Response
from tillpost.deliver.contract import Settings as DestinationSettings
from tillpost.ports import Transport
from tillpost.serve.access import Access, Scope
from tillpost.serve.clock import SystemClock
from tillpost.serve.settings import Settings

_SECONDS = 10.0


class Room(NamedTuple):
    """The disk under a data directory, in bytes."""

    free: int
    all: int


class Bench(NamedTuple):
    """A set-up to examine: its settings and directory, its server, and ways to reach others."""

    settings: Settings
    config_file: Path | None
    directory: Path
    url: str | None
    """The running server of this directory, if there is one."""
    own_url: str
    """Where the settings say that the server is."""
    now: float
    room: Room
    transport: Transport
    test_event_code: str | None = None
    """Code to send a test event to real platforms with; None sends none."""

    async def ask(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """The answer; raises `NotSent` or `Retryable` if there is none."""
        return await self.transport.send(Request(method, url, headers or {}, body), _SECONDS)

    async def read(self, path: str, shop: str, scope: Scope = "reports") -> dict[str, Any] | None:
        """What the running server says at a path of its API; None without a key for it."""
        key = Access(self.settings, SystemClock()).any_key(scope, shop)
        if key is None:
            return None
        told = await self.ask("GET", f"{self.url}{path}", {"authorization": f"Bearer {key}"})
        found: dict[str, Any] | None = json.loads(told.body) if told.status == 200 else None
        return found

    def destinations(self) -> list[tuple[str, DestinationSettings]]:
        """Every destination that is sent to over the network: its name and its settings."""
        found = []
        for given in self.settings.destinations:
            url = getattr(given, "url", None)
            if given.is_embedded and self.url is not None:
                found.append((name_of(given), structs.replace(given, url=self.url)))
            elif not given.is_embedded and str(url).startswith("http"):
                found.append((name_of(given), given))
        return found


def name_of(given: DestinationSettings) -> str:
    """A destination as the lines name it."""
    return f"{given.kind}:{given.account} of {given.shop}"
