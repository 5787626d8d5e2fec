"""Where browsers reach us: the pixel's beacons, at the usual path and at the shop's own."""

from collections.abc import Mapping

from tillpost.collect.sources import pixel
from tillpost.core import cookies
from tillpost.core.wire import CLIENT_IP, Request, Response
from tillpost.serve.http import collect
from tillpost.serve.http.exchange import problem
from tillpost.serve.node import Node


async def beacon(node: Node, shop: str, request: Request, client_ip: str | None) -> Response:
    """A browser's beacon; any page may send one, only the shop's own count.

    204 when it is on disk, with the pixel's cookies renewed where this server may set them.
    """
    cors = cors_headers(node, shop, request.headers)
    now = node.clock.now()
    if not node.throttle.allows(shop, client_ip, now):
        text = "too many beacons from this address or shop: send the events together, later"
        return _with(problem(429, "too_many", "", text), {**cors, "retry-after": "10"})
    headers = {**request.headers, CLIENT_IP: client_ip or ""}
    answer = await collect.answered(node, shop, pixel.name, request._replace(headers=headers))
    if answer is not None:
        return _with(answer, cors)
    return Response(204, cors, cookies=cookies.renewed(request.headers, now))


def preflight(node: Node, shop: str, headers: Mapping[str, str]) -> Response:
    """What a browser asks before it sends JSON across origins."""
    allowed = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
    }
    return Response(204, {**cors_headers(node, shop, headers), **allowed})


def cors_headers(node: Node, shop: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Let the shop's own pages read the answer and take its cookies; a sandbox reads only.

    Another page gets no permission: its browser tells it nothing.
    """
    vary = {"vary": "origin"}
    origin = headers.get("origin")
    intake = node.intake(pixel.name, shop)
    if origin == "null":
        return {"access-control-allow-origin": "*", **vary}
    if origin is None or intake is None or origin not in intake.settings.origins:
        return vary
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        **vary,
    }


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    return response._replace(headers={**response.headers, **headers})
