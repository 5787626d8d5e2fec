"""The API of what did not go through: bad rows, dead letters, replays, and the destinations."""

from typing import Any

import anyio.to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.core.outcome import Retryable
from tillpost.serve.clock import unix
from tillpost.serve.http.api import guarded, page, read_json, refusal, reply
from tillpost.serve.node import Node


def routes(node: Node) -> list[Route]:
    """The routes of deliveries; what sends again needs the scope `admin`."""
    return [
        Route("/api/v1/bad-rows/retry", guarded(node, _read_again, "admin"), methods=["POST"]),
        Route("/api/v1/dead-letters", guarded(node, _listed)),
        Route("/api/v1/dead-letters/retry", guarded(node, _retry, "admin"), methods=["POST"]),
        Route("/api/v1/dead-letters/{number:int}", guarded(node, _shown)),
        Route("/api/v1/events/{number:int}", guarded(node, _shown)),
        Route("/api/v1/replay", guarded(node, _replay, "admin"), methods=["POST"]),
        Route("/api/v1/destinations", guarded(node, _destinations)),
    ]


class _Again(Struct, forbid_unknown_fields=True):
    ids: list[int] | None = None


class _Retry(Struct, forbid_unknown_fields=True):
    ids: list[int] | None = None
    reason: str | None = None


class _Replay(Struct, forbid_unknown_fields=True):
    since: str
    until: str
    dry_run: bool = True
    delivered: bool = False


async def _read_again(node: Node, request: Request) -> Response:
    """Take bad rows in by today's code: `{"ids": [1, 2]}`, or all."""
    given = await read_json(request, _Again, '{"ids": [1]}')
    if isinstance(given, Response):
        return given
    try:
        found = await node.bad_rows.retry(given.ids, request.state.shop)
    except Retryable as error:
        return refusal(503, "disk", "", str(error))
    node.worker.wake()
    return reply(200, found)


async def _listed(node: Node, request: Request) -> Response:
    after, limit = page(request)
    shop = request.state.shop
    return reply(200, await anyio.to_thread.run_sync(node.letters.listed, after, limit, shop))


async def _shown(node: Node, request: Request) -> Response:
    number, shop = request.path_params["number"], request.state.shop
    found = await anyio.to_thread.run_sync(node.letters.shown, number, shop)
    if found is None:
        return refusal(404, "no_event", "path", f"there is no event {number}")
    return reply(200, found)


async def _retry(node: Node, request: Request) -> Response:
    """Send letters again: `{"ids": [1, 2]}`, or all, or all of one `reason`."""
    given = await read_json(request, _Retry, '{"ids": [1]}')
    if isinstance(given, Response):
        return given
    shop = request.state.shop
    found = await anyio.to_thread.run_sync(node.letters.retry, given.ids, shop, given.reason)
    node.worker.wake()
    return reply(200, found)


async def _replay(node: Node, request: Request) -> Response:
    """Send again what was received in a time; a dry run unless `dry_run` is false."""
    given = await read_json(request, _Replay, '{"since": "...", "until": "..."}')
    if isinstance(given, Response):
        return given
    since, until = unix(given.since, "since"), unix(given.until, "until")
    shop = request.state.shop

    def work() -> dict[str, Any]:
        return node.letters.replay(
            since, until, shop, delivered=given.delivered, dry_run=given.dry_run
        )

    found = await anyio.to_thread.run_sync(work)
    node.worker.wake()
    return reply(200, found)


async def _destinations(node: Node, request: Request) -> Response:
    shop = request.state.shop
    items = [item for item in node.destinations() if shop in {None, item["shop"]}]
    return reply(200, {"items": items})
