"""Everything that the server's API takes and answers, one row for each method of a path."""

from typing import Any, NamedTuple

from tillpost.serve import shapes
from tillpost.serve.shapes import Problem

_JSON = "application/json"
_CSV = "text/csv"
_WINDOW = (
    ("from", "First day or time, ISO 8601."),
    ("to", "Last day or time, ISO 8601."),
)
_PAGE = (
    ("after", "Cursor: `next` of the page before."),
    ("limit", "Most items of the page, 1 to 1000."),
)


_LISTED = (
    ("after", "Only what has a number over it."),
    ("last", "Only the last so many."),
    ("limit", "Most items of the page."),
)
_LISTS = frozenset({"events", "requests", "deduplication", "test-events"})


class Body(NamedTuple):
    """What is sent or answered: its shape, or text, and its media type."""

    shape: Any
    media: str = _JSON


class Operation(NamedTuple):
    """One method of one path.

    `key` names the secret that opens it: a server key with a scope, the receiver's token,
    a dataset's token, a shop's signature, or none.
    """

    method: str
    path: str
    tag: str
    says: str
    answers: dict[int, Body | None]
    asks: Body | None = None
    query: tuple[tuple[str, str], ...] = ()
    key: str = "reports"


_TEXT = Body(str, "text/plain")
_NO = Body(Problem)
_GUARDED: dict[int, Body | None] = {400: _NO, 401: _NO, 404: _NO}
_TAKEN: dict[int, Body | None] = {400: _NO, 404: _NO, 408: _NO, 413: _NO, 415: _NO, 503: _NO}
_GRAPH: dict[int, Body | None] = {
    200: Body(shapes.GraphAnswer),
    **dict.fromkeys((400, 401, 403, 413, 415, 503), Body(shapes.GraphProblem)),
}


def _webhook(kind: str, header: str) -> Operation:
    return Operation(
        "POST",
        f"/webhooks/{kind}/{{shop}}",
        "collect",
        f"A webhook of {kind.capitalize()}, signed in `{header}`. 200 when it is on disk; so is a "
        "signed body that cannot be read, which is kept as a bad row.",
        {200: _TEXT, 401: _NO, **_TAKEN},
        Body(dict[str, Any]),
        key="signature",
    )


def _get(path: str, says: str, shape: Any, query: tuple[tuple[str, str], ...] = ()) -> Operation:
    return Operation("GET", path, "api", says, {200: Body(shape), **_GUARDED}, query=query)


def _change(path: str, says: str) -> Operation:
    answers = {200: Body(dict[str, Any]), 408: _NO, 413: _NO, **_GUARDED}
    return Operation("POST", path, "api", says, answers, Body(dict[str, Any]), key="admin")


_TOOLS = (
    ("GET", "/receiver/faults", "What goes wrong with the next calls."),
    ("POST", "/receiver/faults", "Plan what goes wrong with the next calls."),
    ("DELETE", "/receiver/faults", "Plan nothing any more."),
    ("GET", "/receiver/events", "Settled events as they come, the oldest first."),
    ("GET", "/receiver/deduplication", "Each sale with all its sightings, or one order's."),
    ("GET", "/receiver/requests", "Calls that were kept, the oldest first."),
    ("GET", "/receiver/requests/{number}", "One of them: request, answer, findings."),
    ("POST", "/receiver/requests/{number}/replay", "Send it again, as it was or edited."),
    ("GET", "/receiver/keep", "Which calls are kept."),
    ("POST", "/receiver/keep", "Say which calls are kept from now on."),
    ("GET", "/receiver/test-events", "Events of one test_event_code."),
    ("GET", "/receiver/summary", "Match rate, accounts, refusals."),
    ("POST", "/receiver/reset", "Forget everything."),
)
"""Tools for whoever develops a sender."""


def _tool(method: str, path: str, says: str) -> Operation:
    told = Body(dict[str, Any])
    answers: dict[int, Body | None] = dict.fromkeys((200, 400, 401, 404), told)
    if "replay" in path:
        answers |= dict.fromkeys((413, 500, 503), told)
    asks = Body(dict[str, Any]) if method == "POST" else None
    query = _LISTED if path.removeprefix("/receiver/") in _LISTS else ()
    return Operation(method, path, "receiver", says, answers, asks, query, "receiver")


def _open(path: str, says: str, answer: Body) -> Operation:
    return Operation("GET", path, "operations", says, {200: answer}, key="")


OPERATIONS = (
    _webhook("shopify", "X-Shopify-Hmac-Sha256"),
    _webhook("woocommerce", "X-WC-Webhook-Signature"),
    _webhook("stripe", "Stripe-Signature"),
    Operation(
        "POST",
        "/events/{shop}",
        "collect",
        "Events of a back end: up to 1,000 as `data`, as a list, or one alone. 200 when all are "
        "on disk; one that cannot be read refuses all, saying which and why.",
        {200: Body(shapes.Accepted), 401: _NO, **_TAKEN},
        Body(shapes.ServerEvents),
        key="events",
    ),
    Operation(
        "POST",
        "/px/{shop}",
        "collect",
        "A browser's beacon. Only pages of the shop count; money that a browser tells is never "
        "believed.",
        {204: None, 403: _NO, 429: _NO, **_TAKEN},
        Body(shapes.Beacon),
        key="",
    ),
    Operation(
        "GET",
        "/px.js",
        "collect",
        "The browser script.",
        {200: Body(str, "text/javascript"), 404: _NO},
        None,
        (("shop", "Whose; default: the first."),),
        "",
    ),
    Operation(
        "POST",
        "/{version}/{dataset_id}/events",
        "receiver",
        "The Conversions API: takes all events of a call or none, as Meta does. Also urlencoded "
        "and multipart.",
        _GRAPH,
        Body(shapes.GraphEvents),
        (("access_token", "The dataset's token; better in the body or as a Bearer header."),),
        "dataset",
    ),
    Operation(
        "POST",
        "/receiver/people",
        "receiver",
        "Register accounts that the platform knows.",
        {200: Body(dict[str, Any]), 400: Body(dict[str, Any]), 401: Body(dict[str, Any]), 413: _NO},
        Body(shapes.People),
        key="receiver",
    ),
    Operation(
        "POST",
        "/receiver/touches",
        "receiver",
        "Register what people did with ads; a touch registers its person too.",
        {200: Body(dict[str, Any]), 400: Body(dict[str, Any]), 401: Body(dict[str, Any]), 413: _NO},
        Body(shapes.Touches),
        key="receiver",
    ),
    Operation(
        "POST",
        "/receiver/spend",
        "receiver",
        "Tell what ads cost, by day and ad; told again, it replaces.",
        {200: Body(dict[str, Any]), 400: Body(dict[str, Any]), 401: Body(dict[str, Any]), 413: _NO},
        Body(shapes.AdSpend),
        key="receiver",
    ),
    _get(
        "/api/v1/events",
        "Every event with its outcomes, in order of receipt.",
        shapes.Events,
        (*_PAGE, ("event_id", "Only events with this id."), ("order_id", "Only of this order.")),
    ),
    _get("/api/v1/bad-rows", "Signed bodies that could not be read.", shapes.BadRows, _PAGE),
    _get("/api/v1/ledger", "What was accepted, and where all of it stands.", shapes.Ledger),
    _get("/api/v1/findings", "Faults of the set-up, each with its fix.", shapes.Findings),
    Operation(
        "GET",
        "/api/v1/reports/{name}",
        "api",
        "A report: ads, channels, campaigns, orders, journeys, models, cohorts, coverage, "
        "reconcile and others. Over millions of orders it may be as it was last made: `Age` then "
        "says by how many seconds it is older than the stores.",
        {200: Body(shapes.Rows), **_GUARDED},
        None,
        (
            *_WINDOW,
            ("shop", "Whose."),
            ("model", "Attribution model, e.g. `last`."),
            ("window", "Attribution window, e.g. `30d`."),
            ("refunds", "How refunds count."),
            ("basis", "Which money counts."),
            ("currency", "What money is turned into, at the rate of its day."),
            ("buyers", "`new` or `returning`: whose orders count, in reports of credits."),
            ("limit", "So many rows at most."),
            ("skip", "Only the rows after so many."),
            ("format", "`csv` for a table of text."),
        ),
    ),
    _get(
        "/api/v1/receiver/events",
        "What the receiver made of each event: its double, its match, its conversion.",
        shapes.Page,
        (*_PAGE, ("event_id", "Only events with this id.")),
    ),
    _get("/api/v1/ad-accounts", "When each ad account was read last.", shapes.Items),
    _get("/api/v1/reconcile", "How each shop's own orders compare with ours.", shapes.Items),
    _get(
        "/api/v1/link",
        "An address with its campaign tags; without `url`, every platform's template.",
        dict[str, Any],
        (("url", "The address."),),
    ),
    Operation(
        "POST",
        "/api/v1/spend/{shop}",
        "api",
        "Ad spend as CSV: every row is kept or none, and each bad one is named.",
        {200: Body(dict[str, Any]), 401: _NO, 400: Body(dict[str, Any]), 404: _NO, 413: _NO},
        Body(str, _CSV),
        (("dry_run", "Only tell what would be kept."), ("platform", "Where it was spent.")),
        "costs",
    ),
    Operation(
        "POST",
        "/api/v1/product-costs/{shop}",
        "api",
        "What products cost as CSV: every row is kept or none, and each bad one is named.",
        {200: Body(dict[str, Any]), 401: _NO, 400: Body(dict[str, Any]), 404: _NO, 413: _NO},
        Body(str, _CSV),
        (),
        "costs",
    ),
    Operation(
        "POST",
        "/api/v1/rates",
        "api",
        "Currency rates as CSV, for all shops.",
        {200: Body(dict[str, Any]), 401: _NO, 400: Body(dict[str, Any]), 413: _NO},
        Body(str, _CSV),
        (),
        "costs",
    ),
    _open("/healthz", "The process answers.", Body(shapes.Alive)),
    _open("/readyz", "The store answers.", Body(dict[str, Any])),
    _open("/metrics", "Counts for Prometheus; no label names a person.", _TEXT),
    _open("/openapi.json", "This document.", Body(dict[str, Any])),
    Operation(
        "GET",
        "/api/v1/privacy/requests",
        "privacy",
        "What people asked of their data, and what was done.",
        {200: Body(shapes.Page), **_GUARDED},
        None,
        _PAGE,
        "admin",
    ),
    Operation(
        "GET",
        "/api/v1/privacy/requests/{number}",
        "privacy",
        "One such request.",
        {200: Body(dict[str, Any]), 404: _NO, **_GUARDED},
        key="admin",
    ),
    Operation(
        "POST",
        "/api/v1/privacy/{shop}",
        "privacy",
        "Ask for a person's data to be told or erased; carried out within seconds.",
        {200: Body(dict[str, Any]), 202: Body(dict[str, Any]), 404: _NO, 413: _NO, **_GUARDED},
        Body(dict[str, Any]),
        key="admin",
    ),
    Operation(
        "POST",
        "/api/v1/backfill/{shop}",
        "api",
        "Past orders, as `tillpost backfill` reads them.",
        {200: Body(dict[str, Any]), 413: _NO, 503: _NO, **_GUARDED},
        Body(dict[str, Any]),
        key="admin",
    ),
    _get(
        "/api/v1/compare/{shop}",
        "What a shop's other tool sent to the receiver, beside what is built here.",
        dict[str, Any],
        _WINDOW,
    ),
    Operation(
        "POST",
        "/api/v1/compare/{shop}",
        "api",
        "Another tool's payloads, as JSON or JSON lines, beside what is built here.",
        {200: Body(dict[str, Any]), 413: _NO, **_GUARDED},
        _TEXT,
    ),
    Operation(
        "POST",
        "/api/v1/reconcile/{shop}",
        "api",
        "Compare the shop's own orders with ours now, and take in the missing ones if asked to.",
        {200: Body(dict[str, Any]), 502: _NO, 503: _NO, **_GUARDED},
        Body(dict[str, Any]),
        key="admin",
    ),
    Operation(
        "POST",
        "/dev/clock",
        "development",
        "Move the simulated clock; only under `serve --clock simulated`.",
        {200: Body(shapes.Instant), 409: _NO, **_GUARDED},
        Body(shapes.Instant),
        key="admin",
    ),
    Operation(
        "POST",
        "/dev/token",
        "development",
        "Revoke the receiver's access tokens, or take them again; only under a simulated clock.",
        {200: Body(shapes.Validity), 409: _NO, **_GUARDED},
        Body(shapes.Validity),
        key="admin",
    ),
    _get(
        "/api/v1/dead-letters",
        "What did not go through, with the platform's words.",
        shapes.Page,
        _PAGE,
    ),
    _get(
        "/api/v1/dead-letters/{number}", "One of them: payload, attempts, the fix.", dict[str, Any]
    ),
    _get("/api/v1/events/{number}", "One event: payload and every move.", dict[str, Any]),
    _get("/api/v1/destinations", "Each destination and how it stands.", shapes.Items),
    _change(
        "/api/v1/bad-rows/retry",
        "Take in what could not be read when it came, by today's code: `ids`, or all.",
    ),
    _change(
        "/api/v1/dead-letters/retry",
        "Send letters again, with the same event_id and event_time: `ids`, or all of a `reason`.",
    ),
    _change(
        "/api/v1/replay",
        "Send a time's events again under today's rules; a dry run unless `dry_run` is false.",
    ),
    *(_tool(*row) for row in _TOOLS),
)
