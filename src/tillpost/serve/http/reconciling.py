"""The API of the shop's own orders: how they compare with ours, and comparing them now."""

import anyio.to_thread
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured, Retryable, TillpostError
from tillpost.serve.http.api import guarded, own_items, read_json, refusal, reply
from tillpost.serve.node import Node
from tillpost.serve.rounds.reconciling import Wish, shown


def routes(node: Node) -> list[Route]:
    """`GET /api/v1/reconcile`, and `POST /api/v1/reconcile/{shop}` under the scope `admin`."""
    return [
        Route("/api/v1/reconcile", guarded(node, _listed)),
        Route("/api/v1/reconcile/{shop}", guarded(node, _compared, "admin"), methods=["POST"]),
    ]


async def _listed(node: Node, request: Request) -> Response:
    """How each shop's lists were read last: orders that are missing, webhooks that are gone."""
    checks = await anyio.to_thread.run_sync(node.checks.all)
    missing = await anyio.to_thread.run_sync(node.checks.missing)
    items = [
        {
            **shown(check),
            "missing": missing.get(check.shop, 0),
            "webhooks": await anyio.to_thread.run_sync(_webhooks, node, check.shop),
        }
        for check in checks
    ]
    return reply(200, own_items({"items": to_builtins(items)}, request))


def _webhooks(node: Node, shop: str) -> list[dict[str, str | None]]:
    """The shop's webhooks that lead here, and since when one is gone or was made again."""
    return [
        {
            "topic": one.topic,
            "gone_at": None if one.gone_at is None else iso(one.gone_at),
            "made_at": None if one.made_at is None else iso(one.made_at),
            "trouble": one.trouble,
        }
        for one in node.webhooks(shop)
    ]


async def _compared(node: Node, request: Request) -> Response:
    wish = await read_json(request, Wish, '{"since": "2026-11-01T00:00:00Z", "fetch": true}')
    if isinstance(wish, Response):
        return wish
    try:
        return reply(200, await node.reconciler.answer(request.path_params["shop"], wish))
    except Misconfigured:
        raise
    except Retryable as error:
        return refusal(503, "no_answer", "", str(error))
    except TillpostError as error:
        return refusal(502, "odd_answer", "", str(error))
