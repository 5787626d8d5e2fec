"""What machines ask a server: does it live, can it work, what does it count."""

import gzip
from collections.abc import Awaitable, Callable
from functools import lru_cache

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.collect.pixel import PixelConfig, script
from tillpost.serve import openapi, pixel
from tillpost.serve.http.api import refusal, reply
from tillpost.serve.node import Node


def routes(node: Node) -> list[Route]:
    """What machines ask for, and the browser script at each of its paths."""
    scripts = pixel.paths(node.settings)
    return [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz(node)),
        Route("/metrics", _metrics(node)),
        Route("/openapi.json", _openapi),
        *(Route(f"{path}.js", _script(node, shop)) for path, shop in scripts.items()),
    ]


async def _openapi(_request: Request) -> Response:
    return reply(200, openapi.document())


async def _healthz(_request: Request) -> Response:
    return reply(200, {"ok": True})


def _readyz(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        found = await anyio.to_thread.run_sync(node.troubles)
        if found:
            return refusal(503, "not_ready", "", "; ".join(found))
        due = await anyio.to_thread.run_sync(node.store.next_hold)
        return reply(200, {"ok": True, "next_hold": due})

    return ready


def _metrics(node: Node) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(_request: Request) -> Response:
        text = await anyio.to_thread.run_sync(_exposition, node)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return metrics


def _exposition(node: Node) -> bytes:
    """The ledger in Prometheus text; nothing in it can name a person."""
    from prometheus_client import generate_latest

    from tillpost.serve.measured import registry

    return bytes(generate_latest(registry(node)))


def _script(node: Node, usual: str) -> Callable[[Request], Awaitable[Response]]:
    shops = {shop.name: shop for shop in node.settings.shops}

    async def answer(request: Request) -> Response:
        name = request.query_params.get("shop") or usual
        if name not in shops:
            known = ", ".join(sorted(shops))
            return refusal(404, "unknown_shop", "shop", f"no shop {name[:50]!r}; shops: {known}")
        # The script may come from the shop's own host as well; beacons go where it came from.
        config = pixel.config_of(node.settings, shops[name])
        headers = {"cache-control": "public, max-age=3600", "vary": "accept-encoding"}
        packed = "gzip" in request.headers.get("accept-encoding", "")
        text = _packed(config) if packed else script(config)
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(text, media_type="text/javascript; charset=utf-8", headers=headers)

    return answer


@lru_cache(maxsize=256)
def _packed(config: PixelConfig) -> bytes:
    """The script gzipped: every page of a shop asks for it, and no proxy may stand before us."""
    return gzip.compress(script(config), 9, mtime=0)
