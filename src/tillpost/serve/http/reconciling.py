"""The API of the shop's own orders: how they compare with ours, and comparing them now."""

from typing import Any

import anyio.to_thread
from msgspec import Struct, to_builtins
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.collect.sources.shopify.compared import Reach
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Misconfigured, Retryable, TillpostError
from tillpost.serve.clock import unix
from tillpost.serve.http.api import guarded, own_items, read_json, refusal, reply
from tillpost.serve.node import Node
from tillpost.serve.rounds.reconciling import GRACE_SECONDS, Found, shown

WEEK_SECONDS = 7 * 86400.0
"""How far back is looked, unless told otherwise: a platform takes nothing older."""


class Wish(Struct, forbid_unknown_fields=True):
    """Which orders to compare, and whether to take in the missing ones.

    Orders made between `since` and `until` (ISO times with a zone), by default from a week ago
    to four hours ago; with `reports_only` no platform is told of those that are taken in.
    """

    since: str | None = None
    until: str | None = None
    fetch: bool = False
    reports_only: bool = False


def routes(node: Node) -> list[Route]:
    """`GET /api/v1/reconcile`, and `POST /api/v1/reconcile/{shop}` under the scope `admin`."""
    return [
        Route("/api/v1/reconcile", guarded(node, _listed)),
        Route("/api/v1/reconcile/{shop}", guarded(node, _compared, "admin"), methods=["POST"]),
    ]


async def compare(node: Node, shop: str, wish: Wish) -> dict[str, Any]:
    """What comparing a shop's orders now found, and what was taken in.

    `{"shop", "since", "until", "orders", "right", "accuracy", "fetched", "missing": [{"name",
    "order_id", "at", "value", "currency", "why"}]}`; `right` are here as the shop has them and
    delivered or left out by a rule, `accuracy` is their share. Raises as `Reconciler.compare`.
    """
    now = node.clock.now()
    reach = Reach(
        unix(wish.since, "since") if wish.since else now - WEEK_SECONDS,
        unix(wish.until, "until") if wish.until else now - GRACE_SECONDS,
    )
    if not 0 <= reach.since < reach.until:
        raise Misconfigured("since: it must be before `until`, which by default is 4 hours ago")
    found = await node.reconciler.compare(
        shop, reach, fetch=wish.fetch, reports_only=wish.reports_only
    )
    return {"shop": shop, "since": iso(reach.since), "until": iso(reach.until), **_shown(found)}


def _shown(found: Found) -> dict[str, Any]:
    return {
        "orders": found.orders,
        "right": found.right_orders,
        "accuracy": round(found.right_orders / found.orders, 4) if found.orders else None,
        "fetched": found.fetched,
        "missing": [
            {
                "name": row.name,
                "order_id": row.order_id,
                "at": iso(row.at),
                "value": decimal_string(row.value_minor, row.currency),
                "currency": row.currency,
                "why": row.why,
            }
            for row in found.differences
        ],
    }


async def _listed(node: Node, request: Request) -> Response:
    """How each shop's list was read last, and how many orders are still missing."""
    checks = await anyio.to_thread.run_sync(node.checks.all)
    missing = await anyio.to_thread.run_sync(node.checks.missing)
    items = [{**shown(check), "missing": missing.get(check.shop, 0)} for check in checks]
    return reply(200, own_items({"items": to_builtins(items)}, request))


async def _compared(node: Node, request: Request) -> Response:
    wish = await read_json(request, Wish, '{"since": "2026-11-01T00:00:00Z", "fetch": true}')
    if isinstance(wish, Response):
        return wish
    try:
        return reply(200, await compare(node, request.path_params["shop"], wish))
    except Misconfigured:
        raise
    except Retryable as error:
        return refusal(503, "no_answer", "", str(error))
    except TillpostError as error:
        return refusal(502, "odd_answer", "", str(error))
