"""The API of another tool's payloads beside ours."""

from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.serve.clock import unix
from tillpost.serve.http.api import guarded, refusal, reply
from tillpost.serve.node import Node
from tillpost.serve.other_tool import comparer

_MOST_BYTES = 10 << 20
_WEEK_SECONDS = 7 * 86400


def routes(node: Node) -> list[Route]:
    """`GET` and `POST /api/v1/compare/{shop}`: of the receiver, and of a file of payloads."""
    return [
        Route("/api/v1/compare/{shop}", guarded(node, _of_dataset), methods=["GET"]),
        Route("/api/v1/compare/{shop}", guarded(node, _of_file), methods=["POST"]),
    ]


async def _of_dataset(node: Node, request: Request) -> Response:
    query, now = request.query_params, node.clock.now()
    since = unix(query["from"], "from") if query.get("from") else now - _WEEK_SECONDS
    until = unix(query["to"], "to") if query.get("to") else now
    span = int(since), int(until)
    return await _told(node, request, lambda shop: comparer(node).of_dataset(shop, span))


async def _of_file(node: Node, request: Request) -> Response:
    body = await request.body()
    if len(body) > _MOST_BYTES:
        return refusal(413, "too_large", "body", "send at most 10 MiB at once")
    return await _told(node, request, lambda shop: comparer(node).of_file(shop, body))


async def _told(node: Node, request: Request, compare: Any) -> Response:
    shop = request.path_params["shop"]
    if shop not in node.shops:
        return refusal(404, "unknown_shop", "path", f"there is no shop {shop[:50]!r} here")
    return reply(200, await anyio.to_thread.run_sync(partial(compare, shop)))
