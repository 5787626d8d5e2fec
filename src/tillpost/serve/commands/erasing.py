"""Asking for erasure or access from the command line: through the server, else alone."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.serve import app
from tillpost.serve.clock import SystemClock
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.node import Node
from tillpost.serve.rounds import privacy
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Settings
from tillpost.store.lock import hold, running

_WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_PATH = "/api/v1/privacy"


def ask(
    config_file: Path | None, data: Path | None, shop: str | None, given: dict[str, Any]
) -> dict[str, Any]:
    """The closed request, with what was done; with `dry_run`, `{"would_erase": counts}`.

    Raises `Misconfigured` if nobody is named, `Retryable` if it was not done in a minute.
    """
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    privacy.asked_of(given, None)
    url = running(directory)
    if url is None:
        return asyncio.run(_alone(settings, directory, name, given))
    remote = Remote(url, settings, name, "admin")
    told = remote.post(f"{_PATH}/{name}", json.dumps(given))
    return told if given.get("dry_run") else _closed(remote, told["id"])


def listed(config_file: Path | None, data: Path | None, shop: str | None) -> list[dict[str, Any]]:
    """Every request of a shop, and what was done."""
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    url = running(directory)
    if url is None:
        items = asyncio.run(_listed_alone(settings, directory))
    else:
        items = Remote(url, settings, name, "admin").get(f"{_PATH}/requests?limit=1000")["items"]
    return [item for item in items if item["shop"] == name]


def shown(
    config_file: Path | None, data: Path | None, shop: str | None, number: int
) -> dict[str, Any]:
    """One request, with its answer; raises `Misconfigured` if there is none of this number."""
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    url = running(directory)
    if url is None:
        found = asyncio.run(_shown_alone(settings, directory, number))
    else:
        found = Remote(url, settings, name, "admin").get(f"{_PATH}/requests/{number}")
    if found is None or found["shop"] != name:
        raise Misconfigured(f"there is no request {number} of shop {name}")
    return found


def _closed(remote: Remote, number: int) -> dict[str, Any]:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        found = remote.get(f"{_PATH}/requests/{number}")
        if found["done_at"] is not None:
            return found
        time.sleep(_LOOK_SECONDS)
    raise Retryable(f"request {number} is not done yet: look again with `privacy show {number}`")


async def _alone(
    settings: Settings, directory: Path, shop: str, given: dict[str, Any]
) -> dict[str, Any]:
    with hold(directory):
        node = _node(settings, directory)
        try:
            asked = privacy.asked_of(given, node.shops[shop].country)
            if given.get("dry_run"):
                return {"would_erase": node.privacy.preview(shop, asked)}
            node.store.free(node.clock.now())
            number = node.privacy.ask(shop, asked, node.clock.now(), source="command")
            node.privacy.round(node.clock.now())
            return node.privacy.request(number) or {}
        finally:
            await node.close()


async def _listed_alone(settings: Settings, directory: Path) -> list[dict[str, Any]]:
    with hold(directory):
        node = _node(settings, directory)
        try:
            items: list[dict[str, Any]] = node.privacy.requests(0, 1000)["items"]
            return items
        finally:
            await node.close()


async def _shown_alone(settings: Settings, directory: Path, number: int) -> dict[str, Any] | None:
    with hold(directory):
        node = _node(settings, directory)
        try:
            return node.privacy.request(number)
        finally:
            await node.close()


def _node(settings: Settings, directory: Path) -> Node:
    own = app.own_url(settings.server.host, settings.server.port)
    return Node(settings, directory, SystemClock(), read_keys(directory), own)
