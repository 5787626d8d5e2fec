"""The API: what the command line shows, as JSON or CSV; and the few writes it allows."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
import msgspec
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillpost.core import links
from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.report.breakdown import LEVELS
from tillpost.report.spend.text import decoded
from tillpost.serve import spending
from tillpost.serve.access import COOKIE, Scope, is_own
from tillpost.serve.answers import Form
from tillpost.serve.clock import SimulatedClock, unix
from tillpost.serve.http.exchange import problem
from tillpost.serve.node import Node
from tillpost.serve.reading import Asked
from tillpost.serve.rounds.pulling import shown
from tillpost.serve.sessions import Act, Viewer

T = TypeVar("T")

_MOST_ITEMS = 1000
_SPEND_LIMIT = 10 << 20
_DIGITS = 16


def routes(node: Node) -> list[Route]:
    """The routes under `/api/v1` and `/dev`."""
    return [
        Route("/api/v1/events", guarded(node, _events)),
        Route("/api/v1/bad-rows", guarded(node, _bad_rows)),
        Route("/api/v1/ledger", guarded(node, _ledger)),
        Route("/api/v1/findings", guarded(node, _findings)),
        Route("/api/v1/reports/{name}", guarded(node, _report)),
        Route("/api/v1/receiver/events", guarded(node, _receiver_events)),
        Route("/api/v1/spend/{shop}", guarded(node, _spend, "costs"), methods=["POST"]),
        Route("/api/v1/rates", guarded(node, _rates, "costs"), methods=["POST"]),
        Route("/api/v1/product-costs/{shop}", guarded(node, _products, "costs"), methods=["POST"]),
        Route("/api/v1/ad-accounts", guarded(node, _ad_accounts)),
        Route("/api/v1/link", guarded(node, _link)),
        Route("/dev/clock", guarded(node, _clock, "admin"), methods=["POST"]),
        Route("/dev/token", guarded(node, _token, "admin"), methods=["POST"]),
    ]


Handler = Callable[[Node, Request], Awaitable[Response]]


def reply(status: int, body: Any) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def refusal(status: int, reason: str, field: str, detail: str) -> Response:
    """An error that says what, where and how to fix it."""
    told = problem(status, reason, field, detail)
    return Response(told.body, told.status, dict(told.headers))


async def read_json(request: Request, shape: type[T], example: str) -> T | Response:
    """The body as this shape, nothing being an empty object; else the refusal to answer with."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=shape)
    except (msgspec.MsgspecError, UnicodeError) as error:
        return refusal(400, "not_json", "body", f"send {example}: {error}")


def guarded(
    node: Node, handler: Handler, scope: Scope = "reports"
) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind a server key with this scope, or a dashboard session."""

    async def guarded(request: Request) -> Response:
        shop = request.path_params.get("shop")
        viewer = _viewer(node, request, scope, shop)
        key = node.access.key(request.headers, scope, shop)
        if viewer is not None:
            request.state.shop = viewer.shop
        elif key is not None:
            request.state.shop = key.shop
        else:
            return refusal(
                401,
                "no_key",
                "Authorization",
                f"send `Authorization: Bearer KEY` with a server key of scope `{scope}`",
            )
        try:
            return await handler(node, request)
        except Misconfigured as error:
            return refusal(400, "bad_parameter", "query", str(error))

    return guarded


ACT_OF_SCOPE: dict[Scope, Act] = {
    "events": "send",
    "reports": "read",
    "costs": "import",
    "admin": "govern",
}
"""What a session must allow to stand in for a key's scope."""


def _viewer(node: Node, request: Request, scope: Scope, shop: str | None) -> Viewer | None:
    """The session that may do this (to this shop), from a page of ours; None if there is none."""
    viewer = node.access.sessions.viewer(request.cookies.get(COOKIE))
    if viewer is None or not viewer.may(ACT_OF_SCOPE[scope]):
        return None
    safe = request.method == "GET" or is_own(request.headers)
    return viewer if safe and (shop is None or viewer.shop in {None, shop}) else None


async def _events(node: Node, request: Request) -> Response:
    after, limit = page(request)
    query = request.query_params
    found = await anyio.to_thread.run_sync(
        node.reading.events, after, limit, query.get("event_id"), query.get("order_id")
    )
    return reply(200, own_items(found, request))


async def _bad_rows(node: Node, request: Request) -> Response:
    found = await anyio.to_thread.run_sync(node.reading.bad_rows, *page(request))
    return reply(200, own_items(found, request))


async def _ledger(node: Node, request: Request) -> Response:
    return reply(200, await anyio.to_thread.run_sync(node.reading.ledger, request.state.shop))


async def _findings(node: Node, request: Request) -> Response:
    own = node.datasets(request.state.shop)
    return reply(200, await anyio.to_thread.run_sync(node.reading.findings, own))


async def _receiver_events(node: Node, request: Request) -> Response:
    after, limit = page(request)
    event_id = request.query_params.get("event_id")
    found = await anyio.to_thread.run_sync(node.receiver.events, after, limit, event_id)
    own = node.datasets(request.state.shop)
    items = [item for item in found["items"] if own is None or item["dataset_id"] in own]
    return reply(200, {**found, "items": items})


async def _report(node: Node, request: Request) -> Response:
    query = request.query_params
    asked = Asked(
        since=query.get("from"),
        until=query.get("to"),
        shop=_asked_shop(request),
        model=query.get("model"),
        window=query.get("window"),
        refunds=query.get("refunds"),
        basis=query.get("basis"),
        currency=query.get("currency"),
        within={level: query[level] for level in LEVELS if query.get(level) is not None},
        where={name[6:]: value for name, value in query.items() if name.startswith("where.")},
        buyers=query.get("buyers"),
        limit=_number(query.get("limit"), "limit"),
        skip=_number(query.get("skip"), "skip") or 0,
    )
    form: Form = "csv" if query.get("format") == "csv" else "json"
    name = request.path_params["name"]
    answer = await anyio.to_thread.run_sync(node.answers.give, name, asked, form)
    media = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    headers = {"age": str(round(answer.age))} if answer.age >= 1 else None
    return Response(answer.body, media_type=media, headers=headers)


def _number(text: str | None, name: str) -> int | None:
    """A count of rows; raises `Misconfigured` for what is none."""
    if not text:
        return None
    if not (text.isdecimal() and len(text) < _DIGITS):
        raise Misconfigured(f"{name}: {text[:20]!r} is no count of rows; write e.g. {name}=1000")
    return int(text)


async def _spend(node: Node, request: Request) -> Response:
    """Spend as CSV: every row or none is kept, and each bad one is named."""
    shop = request.path_params["shop"]
    if shop not in node.shops:
        return refusal(404, "unknown_shop", "path", f"there is no shop {shop[:50]!r} here")
    text = await _csv(request)
    if isinstance(text, Response):
        return text
    layout = spending.layout_of(request.query_params)
    known = structs.replace(layout, currency=layout.currency or node.shops[shop].currency)
    if request.query_params.get("dry_run"):
        return reply(200, await anyio.to_thread.run_sync(spending.preview, text, known))
    found = await anyio.to_thread.run_sync(spending.keep_spend, node.store, text, known, shop)
    return reply(400 if found["errors"] else 200, found)


async def _products(node: Node, request: Request) -> Response:
    """What products cost as CSV: every row or none is kept."""
    shop = request.path_params["shop"]
    if shop not in node.shops:
        return refusal(404, "unknown_shop", "path", f"there is no shop {shop[:50]!r} here")
    text = await _csv(request)
    if isinstance(text, Response):
        return text
    keep = partial(spending.keep_products, node.store, text, node.shops[shop].currency, shop)
    found = await anyio.to_thread.run_sync(keep)
    return reply(400 if found["errors"] else 200, found)


async def _rates(node: Node, request: Request) -> Response:
    """Currency rates as CSV, for all shops: every one or none is kept."""
    text = await _csv(request)
    if isinstance(text, Response):
        return text
    found = await anyio.to_thread.run_sync(spending.keep_rates, node.store, text)
    return reply(400 if found["errors"] else 200, found)


async def _link(_node: Node, request: Request) -> Response:
    """An address with its campaign tags; without one, every platform's template."""
    given = dict(request.query_params)
    url = given.pop("url", None)
    if url is None:
        return reply(200, {"templates": links.TEMPLATES})
    return reply(200, {"url": links.build(url, given)})


async def _ad_accounts(node: Node, request: Request) -> Response:
    """How each ad account was read last, and when it is due again."""
    found = await anyio.to_thread.run_sync(node.pulls.all)
    return reply(200, own_items({"items": [shown(pull) for pull in found]}, request))


async def _csv(request: Request) -> str | Response:
    body = await request.body()
    if len(body) > _SPEND_LIMIT:
        return refusal(413, "too_large", "body", "send at most 10 MiB at once")
    try:
        return decoded(body)
    except Misconfigured as error:
        return refusal(400, "not_text", "body", str(error))


async def _clock(node: Node, request: Request) -> Response:
    if not isinstance(node.clock, SimulatedClock):
        return refusal(409, "real_clock", "", "start the server with `serve --clock simulated`")
    given = await read_json(request, dict[str, Any], '{"now": "2026-11-01T09:00:00Z"}')
    if isinstance(given, Response):
        return given
    node.clock.set(unix(str(given.get("now", ""))))
    node.worker.wake()
    if given.get("wait"):
        await node.worker.drain()
    return reply(200, {"now": iso(node.clock.now())})


async def _token(node: Node, request: Request) -> Response:
    """Revoke the receiver's access tokens, or take them again; under a simulated clock only."""
    if not isinstance(node.clock, SimulatedClock):
        return refusal(409, "real_clock", "", "start the server with `serve --clock simulated`")
    given = await read_json(request, dict[str, bool], '{"valid": false}')
    if isinstance(given, Response):
        return given
    valid = given.get("valid", True)
    node.receiver.set_tokens_valid(valid)
    return reply(200, {"valid": valid})


def own_items(found: dict[str, Any], request: Request) -> dict[str, Any]:
    """Of a page, what belongs to the shop whose key asks; a session sees every shop."""
    shop = request.state.shop
    items = [item for item in found["items"] if shop in {None, item["shop"]}]
    return {**found, "items": items}


def _asked_shop(request: Request) -> str | None:
    """The shop of a report: the key's own, whatever else was asked for."""
    own: str | None = request.state.shop
    asked = request.query_params.get("shop")
    if own is not None and asked not in {None, own}:
        raise Misconfigured(f"shop: this key is of {own}; use a key of {asked}")
    return own or asked


def page(request: Request) -> tuple[int, int]:
    """The query's `after` and `limit`, within bounds; raises `Misconfigured` for no numbers."""
    try:
        after = int(request.query_params.get("after") or 0)
        limit = int(request.query_params.get("limit") or 100)
    except ValueError:
        raise Misconfigured("after and limit are whole numbers") from None
    return min(max(after, 0), 2**63 - 1), min(max(limit, 1), _MOST_ITEMS)
