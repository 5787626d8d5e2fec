"""Bad rows, dead letters, replays from the command line: through the running server, or alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured
from tillpost.serve import app
from tillpost.serve.access import Scope
from tillpost.serve.clock import SystemClock, unix
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.letters import LetterDesk
from tillpost.serve.node import Node
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Settings
from tillpost.store.lock import hold, running

_MOST = 1000


class Place:
    """A data directory and one of its shops."""

    def __init__(self, config_file: Path | None, data: Path | None, shop: str | None) -> None:
        self._settings, self._directory = settings_of(config_file, data)
        self._shop = shop_of(self._settings, shop)

    def letters(self) -> list[dict[str, Any]]:
        """Every event of the shop that did not go through."""
        items: list[dict[str, Any]] = []
        after = 0
        while True:
            found = self._letters(after)
            items += found["items"]
            if found["next"] is None:
                return items
            after = found["next"]

    def _letters(self, after: int) -> dict[str, Any]:
        remote = self._remote("reports")
        if remote is not None:
            return remote.get(f"/api/v1/dead-letters?after={after}&limit={_MOST}")
        return self._alone(lambda desk: desk.listed(after, _MOST, self._shop))

    def letter(self, number: int) -> dict[str, Any]:
        """One event; raises `Misconfigured` if the shop has none of this number."""
        remote = self._remote("reports")
        if remote is not None:
            return remote.get(f"/api/v1/dead-letters/{number}")
        found = self._alone(lambda desk: desk.shown(number, self._shop) or {})
        if not found:
            raise Misconfigured(f"there is no event {number} of shop {self._shop}")
        return found

    def retry(self, ids: list[int] | None, reason: str | None) -> dict[str, Any]:
        """Send letters again; what was done, and what was left and why."""
        remote = self._remote("admin")
        if remote is not None:
            body = json.dumps({"ids": ids, "reason": reason})
            return remote.post("/api/v1/dead-letters/retry", body)
        return self._alone(lambda desk: desk.retry(ids, self._shop, reason))

    def replay(self, since: str, until: str, *, delivered: bool, dry_run: bool) -> dict[str, Any]:
        """Send again what was received in that time; what was done or would be."""
        begin, end = unix(since, "since"), unix(until, "until")
        remote = self._remote("admin")
        if remote is not None:
            given = {"since": since, "until": until, "delivered": delivered, "dry_run": dry_run}
            return remote.post("/api/v1/replay", json.dumps(given))
        return self._alone(
            lambda desk: desk.replay(begin, end, self._shop, delivered=delivered, dry_run=dry_run)
        )

    def bad_rows(self) -> list[dict[str, Any]]:
        """Every body of the shop that was signed and could not be read."""
        items: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            found = self._bad_rows(after)
            items += [item for item in found["items"] if item["shop"] == self._shop]
            after = found["next"]
        return items

    def _bad_rows(self, after: int) -> dict[str, Any]:
        remote = self._remote("reports")
        if remote is not None:
            return remote.get(f"/api/v1/bad-rows?after={after}&limit={_MOST}")

        async def work(node: Node) -> dict[str, Any]:
            return node.reading.bad_rows(after, _MOST)

        return self._with_node(work)

    def read_again(self, ids: list[int] | None) -> dict[str, Any]:
        """Take bad rows in by today's code; what was taken, and what was left and why."""
        remote = self._remote("admin")
        if remote is not None:
            return remote.post("/api/v1/bad-rows/retry", json.dumps({"ids": ids}))
        return self._with_node(lambda node: node.bad_rows.retry(ids, self._shop))

    def _remote(self, scope: Scope) -> Remote | None:
        url = running(self._directory)
        return Remote(url, self._settings, self._shop, scope) if url else None

    def _alone(self, work: Callable[[LetterDesk], dict[str, Any]]) -> dict[str, Any]:
        async def with_letters(node: Node) -> dict[str, Any]:
            return work(node.letters)

        return self._with_node(with_letters)

    def _with_node(self, work: Callable[[Node], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        return asyncio.run(_with_node(self._settings, self._directory, work))


async def _with_node(
    settings: Settings, directory: Path, work: Callable[[Node], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    with hold(directory):
        own = app.own_url(settings.server.host, settings.server.port)
        node = Node(settings, directory, SystemClock(), read_keys(directory), own)
        try:
            return await work(node)
        finally:
            await node.close()
