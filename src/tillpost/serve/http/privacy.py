"""The API of people's own data: what was asked, what was done, what is stored of whom."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.serve.http.api import guarded, own_items, page, read_json, refusal, reply
from tillpost.serve.node import Node
from tillpost.serve.rounds.privacy import asked_of


def routes(node: Node) -> list[Route]:
    """The routes under `/api/v1/privacy`; all of them need the scope `admin`."""
    return [
        Route("/api/v1/privacy/requests", guarded(node, _requests, "admin")),
        Route("/api/v1/privacy/requests/{number:int}", guarded(node, _request, "admin")),
        Route("/api/v1/privacy/{shop}", guarded(node, _ask, "admin"), methods=["POST"]),
    ]


async def _requests(node: Node, request: Request) -> Response:
    found = await anyio.to_thread.run_sync(node.privacy.requests, *page(request))
    return reply(200, own_items(found, request))


async def _request(node: Node, request: Request) -> Response:
    number = request.path_params["number"]
    found = await anyio.to_thread.run_sync(node.privacy.request, number)
    if found is None or request.state.shop not in {None, found["shop"]}:
        return refusal(404, "no_request", "path", f"there is no request {number}")
    return reply(200, found)


async def _ask(node: Node, request: Request) -> Response:
    """Take a request; it is carried out within seconds. `dry_run` only tells what there is."""
    shop = request.path_params["shop"]
    if shop not in node.shops:
        return refusal(404, "unknown_shop", "path", f"there is no shop {shop[:50]!r} here")
    example = '{"request": "erase", "email": "..."}'
    given = await read_json(request, dict[str, object], example)
    if isinstance(given, Response):
        return given
    asked = asked_of(given, node.shops[shop].country)
    if given.get("dry_run"):
        counts = await anyio.to_thread.run_sync(node.privacy.preview, shop, asked)
        return reply(200, {"would_erase": counts})
    now = node.clock.now()
    number = await anyio.to_thread.run_sync(
        lambda: node.privacy.ask(shop, asked, now, source="api")
    )
    node.worker.wake()
    return reply(202, {"id": number})
