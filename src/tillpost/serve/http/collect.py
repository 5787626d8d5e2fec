"""Where the shop and the browser reach us: signed webhooks, server events, beacons."""

from collections.abc import Mapping

from tillpost.collect.accept import Taken, accept
from tillpost.core.outcome import Rejection, Retryable
from tillpost.core.wire import CLIENT_IP, RECEIVED_AT, Request, Response
from tillpost.serve.http.exchange import json_answer, problem
from tillpost.serve.node import Node

_GIVEN = Response(200, {"content-type": "text/plain"}, b"ok")


async def webhook(node: Node, kind: str, shop: str, request: Request) -> Response:
    """A signed webhook: 200 only when it is on disk; 401 for a signature that is not ours."""
    taken = await _take(node, shop, kind, request)
    if isinstance(taken, Response):
        return taken
    return _GIVEN if taken.rejection is None else _rejected(taken.rejection)


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


async def beacon(node: Node, shop: str, request: Request, client_ip: str | None) -> Response:
    """A browser's beacon; any page may send one, only the shop's own count."""
    cors = cors_headers(request.headers)
    headers = {**request.headers, CLIENT_IP: client_ip or ""}
    taken = await _take(node, shop, "pixel", request._replace(headers=headers))
    if isinstance(taken, Response):
        return _with(taken, cors)
    if taken.rejection is not None:
        return _with(_rejected(taken.rejection), cors)
    return Response(204, cors)


def preflight(headers: Mapping[str, str]) -> Response:
    """What a browser asks before it sends JSON across origins."""
    allowed = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
    }
    return Response(204, {**cors_headers(headers), **allowed})


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Let the page that sent it read the answer; there is nothing secret in it."""
    return {"access-control-allow-origin": headers.get("origin", "*"), "vary": "origin"}


async def _take(node: Node, shop: str, kind: str, request: Request) -> Taken | Response:
    """What came of a request, or the answer to one that reached no shop or no disk."""
    intake = node.intake(kind, shop)
    if intake is None:
        return _nobody(node, kind, shop)
    now = node.clock.now()
    stamped = request._replace(headers={**request.headers, RECEIVED_AT: repr(now)})
    try:
        taken = await accept(intake, stamped, node.store, node.sealer, now)
    except Retryable as error:
        return problem(503, "disk", "", str(error))
    node.worker.wake()
    return taken


def _rejected(rejection: Rejection) -> Response:
    return problem(rejection.status, rejection.reason, rejection.field, rejection.detail)


def _nobody(node: Node, kind: str, shop: str) -> Response:
    if shop in node.shops:
        detail = f"shop {shop} takes no {kind[:30]!r} webhooks: add its table to the settings"
        return problem(404, "unknown_source", "path", detail)
    known = ", ".join(sorted(node.shops))
    detail = f"there is no shop {shop[:50]!r} here; shops: {known}"
    return problem(404, "unknown_shop", "path", detail)


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    return response._replace(headers={**response.headers, **headers})
