"""Where `tillpost backfill` hands past orders to the running server."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.collect.accept import accept
from tillpost.core import wire
from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.serve.http.api import guarded, refusal, reply
from tillpost.serve.node import Node

_MOST_BYTES = 10 << 20


def routes(node: Node) -> list[Route]:
    """`POST /api/v1/backfill/{shop}`, under the scope `admin`."""
    return [Route("/api/v1/backfill/{shop}", guarded(node, _orders, "admin"), methods=["POST"])]


async def _orders(node: Node, request: Request) -> Response:
    body = await request.body()
    if len(body) > _MOST_BYTES:
        return refusal(413, "too_large", "body", "send at most 10 MiB at once")
    try:
        return reply(200, await take_in(node, request.path_params["shop"], body))
    except Retryable as error:
        return refusal(503, "disk", "", str(error))


async def take_in(node: Node, shop: str, body: bytes) -> dict[str, Any]:
    """`{"kept": facts}` once a batch is on disk.

    `{"kept": 0, "bad": why}` if a field is not as documented: the batch is a bad row then.
    """
    intake = node.intake("backfill", shop)
    if intake is None:
        raise Misconfigured(f"shop {shop[:50]!r} has no table shops.shopify: add it")
    request = wire.Request("POST", "", {}, body)
    taken = await accept(intake, request, node.store, node.sealer, node.clock.now())
    node.worker.wake()
    if taken.rejection is not None:
        return {"kept": 0, "bad": taken.rejection.detail}
    return {"kept": taken.facts}
