"""Where the shop reaches us: signed webhooks and server events."""

import structlog

from tillpost.collect.accept import Taken, accept
from tillpost.core.outcome import Rejection, Retryable
from tillpost.core.wire import RECEIVED_AT, Request, Response
from tillpost.serve.http.exchange import json_answer, problem
from tillpost.serve.memory import PROBE
from tillpost.serve.node import Node

_log = structlog.get_logger("tillpost.serve")

_GIVEN = Response(200, {"content-type": "text/plain"}, b"ok")


async def webhook(node: Node, kind: str, shop: str, request: Request) -> Response:
    """A signed webhook: 200 only when it is on disk; 401 for a signature that is not ours."""
    return await answered(node, shop, kind, request) or _GIVEN


async def server_events(node: Node, shop: str, request: Request) -> Response:
    """Events of a back end, under its server key."""
    if node.access.key(request.headers, "events", shop) is None:
        return problem(
            401,
            "no_key",
            "Authorization",
            "send `Authorization: Bearer KEY` with a key of this shop (shops.server_keys)",
        )
    taken = await _take(node, shop, "events", request)
    if isinstance(taken, Response):
        return taken
    if taken.rejection is not None:
        return _rejected(taken.rejection)
    return json_answer(200, {"accepted": taken.facts})


async def answered(node: Node, shop: str, kind: str, request: Request) -> Response | None:
    """Take a request in; the answer if it was refused, None when it is on disk."""
    taken = await _take(node, shop, kind, request)
    if isinstance(taken, Response):
        return taken
    return None if taken.rejection is None else _rejected(taken.rejection)


async def _take(node: Node, shop: str, kind: str, request: Request) -> Taken | Response:
    """What came of a request, or the answer to one that reached no shop or no disk."""
    intake = node.intake(kind, shop)
    if intake is None:
        return _nobody(node, kind, shop)
    now = node.clock.now()
    headers = {**request.headers, RECEIVED_AT: repr(now)}
    stamped = Request(request.method, request.url, headers, request.body)
    try:
        taken = await accept(intake, stamped, node.store, node.sealer, now)
    except Retryable as error:
        return problem(503, "disk", "", str(error))
    if taken.rejection is not None and taken.rejection.status == 401:
        _note_refused(node, shop, kind, stamped, taken.rejection)
    node.worker.came_in()
    return taken


def _note_refused(node: Node, shop: str, kind: str, request: Request, rejection: Rejection) -> None:
    """Remember a wrong signature: a shop whose every order is refused must not be silent."""
    if PROBE not in request.headers and node.memory.refuse(shop, kind, node.clock.now()):
        _log.warning("delivery_refused", shop=shop, source=kind, reason=rejection.reason)


def _rejected(rejection: Rejection) -> Response:
    return problem(rejection.status, rejection.reason, rejection.field, rejection.detail)


def _nobody(node: Node, kind: str, shop: str) -> Response:
    if shop in node.shops:
        detail = f"shop {shop} takes no {kind[:30]!r} webhooks: add its table to the settings"
        return problem(404, "unknown_source", "path", detail)
    known = ", ".join(sorted(node.shops))
    detail = f"there is no shop {shop[:50]!r} here; shops: {known}"
    return problem(404, "unknown_shop", "path", detail)
