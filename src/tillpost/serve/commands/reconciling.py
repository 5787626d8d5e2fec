"""`tillpost reconcile`: the shop's own orders against ours, through the running server or alone."""

import asyncio
from pathlib import Path
from typing import Any

from msgspec import json

from tillpost.serve import app
from tillpost.serve.clock import SystemClock
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.node import Node
from tillpost.serve.rounds.reconciling import Wish
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Settings
from tillpost.store.lock import hold, running


def reconcile(
    wish: Wish, config_file: Path | None, data: Path | None, shop: str | None
) -> dict[str, Any]:
    """What `Reconciler.answer` tells of one shop.

    Raises `Misconfigured` with the fix, or `Retryable` when the shop did not answer.
    """
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    url = running(directory)
    if url is not None:
        body = json.encode(wish).decode()
        return Remote(url, settings, name, "admin").post(f"/api/v1/reconcile/{name}", body)
    return asyncio.run(_alone(settings, directory, name, wish))


async def _alone(settings: Settings, directory: Path, shop: str, wish: Wish) -> dict[str, Any]:
    with hold(directory):
        own = app.own_url(settings.server.host, settings.server.port)
        node = Node(settings, directory, SystemClock(), read_keys(directory), own)
        try:
            return await node.reconciler.answer(shop, wish)
        finally:
            await node.close()
