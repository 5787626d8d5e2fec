"""Pulling past orders from Shopify's Admin GraphQL API: by pages, or as one bulk operation.

A page's cost is asked for in advance and the bucket refills with time, so a pull waits
exactly as long as the next page needs (reference `shopify`, 5.4). A bulk operation has no
such limit, and gives one JSON line an order and one a line item (5.3).
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tillpost.collect.backfill import Ask, Fetch, Keep, Pull, Span, Step, Wait
from tillpost.core.outcome import Misconfigured, Permanent

FIRST = 50
"""Orders a page; halved when the shop says that it costs too much."""
FIRST_SHORT = 100
"""The same, of orders in short."""

_BULK_SECONDS = 5.0
_RESTORE = 100.0
"""Points a second that the smallest plan's bucket refills with."""

_MONEY = "{shopMoney{amount currencyCode} presentmentMoney{amount currencyCode}}"
_ADDRESS = "{firstName lastName city provinceCode zip countryCodeV2 phone}"
_VISIT = (
    "{occurredAt landingPage referrerUrl source sourceType "
    "utmParameters{source medium campaign term content}}"
)
_LINE = (
    "{id sku quantity isGiftCard title product{legacyResourceId} variant{legacyResourceId} "
    f"originalUnitPriceSet{_MONEY} discountedUnitPriceAfterAllDiscountsSet{_MONEY}}}"
)
_SINCE_2026_07 = "cartToken checkoutToken "
_ORDER = (
    "id legacyResourceId name createdAt processedAt updatedAt test sourceName cancelledAt "
    "displayFinancialStatus app{id} clientIp %s email phone tags discountCodes "
    "currencyCode presentmentCurrencyCode "
    f"totalPriceSet{_MONEY} subtotalPriceSet{_MONEY} totalTaxSet{_MONEY} "
    f"totalShippingPriceSet{_MONEY} customAttributes{{key value}} "
    "customer{legacyResourceId email phone firstName lastName} "
    f"billingAddress{_ADDRESS} shippingAddress{_ADDRESS} "
    "customerJourneySummary{ready daysToConversion momentsCount{count} "
    f"firstVisit{_VISIT} lastVisit{_VISIT}}} "
    f"refunds{{legacyResourceId createdAt totalRefundedSet{_MONEY}}}"
)
_SHORT = (
    "legacyResourceId name createdAt processedAt updatedAt "
    "totalPriceSet{shopMoney{amount currencyCode}} "
    "totalRefundedSet{shopMoney{amount currencyCode}}"
)
_POLL = "query($id:ID!){node(id:$id){... on BulkOperation{id status errorCode objectCount url}}}"
_START = (
    "mutation($query:String!){bulkOperationRunQuery(query:$query,groupObjects:true)"
    "{bulkOperation{id status} userErrors{field message}}}"
)
_RUNS = frozenset({"CREATED", "RUNNING", "CANCELING"})


def order_fields(api_version: str) -> str:
    """What is asked of each order; the tokens that join browsers came with 2026-07."""
    return _ORDER % (_SINCE_2026_07 if api_version >= "2026-07" else "")


def pages(span: Span, api_version: str, cursor: str | None = None) -> Pull:
    """Orders by pages, oldest first, from `cursor` on.

    Raises `Misconfigured` for an answer that the owner must act on, `Permanent` for one that
    is not as documented.
    """
    nodes = f"{order_fields(api_version)} lineItems(first:100){{nodes{_LINE}}}"
    yield from _paged(nodes, _filter(span), "CREATED_AT", FIRST, cursor)


def changed(since: str) -> Pull:
    """What the shop says in short of every order made or changed since (ISO 8601 UTC).

    Each has its id, number, times, total and what was given back. Raises as `pages`.
    """
    yield from _paged(_SHORT, f"updated_at:>='{since}'", "UPDATED_AT", FIRST_SHORT, None)


def whole(ids: Sequence[str], api_version: str) -> Pull:
    """These orders in full, at most ten, as `pages` has them; raises as `pages`."""
    nodes = f"{order_fields(api_version)} lineItems(first:100){{nodes{_LINE}}}"
    query = f"query($ids:[ID!]!){{nodes(ids:$ids){{... on Order{{{nodes}}}}}}}"
    names = [f"gid://shopify/Order/{order_id}" for order_id in ids]
    nodes_told = yield from asked(Ask(query, {"ids": names}), "nodes", list)
    yield Keep([node for node in nodes_told if node], "")


def asked(step: Ask, name: str, kind: type = dict) -> Generator[Step, dict[str, Any], Any]:
    """The named part of the answer, once the shop no longer says that it is asked too much.

    Raises as `pages`.
    """
    while "THROTTLED" in _codes(answer := (yield step)):
        yield Wait(max(seconds_to_wait(answer), 1.0))
    return _data(answer, name, kind)


def _paged(nodes: str, which: str, order: str, first: int, cursor: str | None) -> Pull:
    query = (
        "query($q:String!,$first:Int!,$after:String){orders(first:$first,after:$after,query:$q,"
        f"sortKey:{order}){{pageInfo{{hasNextPage endCursor}} nodes{{{nodes}}}}}}}"
    )
    more = True
    while more:
        answer = yield Ask(query, {"q": which, "first": first, "after": cursor})
        codes = _codes(answer)
        if "MAX_COST_EXCEEDED" in codes and first > 1:
            first //= 2
            continue
        if "THROTTLED" in codes:
            yield Wait(max(seconds_to_wait(answer), 1.0))
            continue
        page = _data(answer, "orders")
        more, cursor = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        yield Keep(page["nodes"], cursor or "")
        if more and (pause := seconds_to_wait(answer)):
            yield Wait(pause)


def bulk(span: Span, api_version: str, operation: str | None = None) -> Pull:
    """All orders as one file, made by a bulk operation; `operation` is one that runs already.

    Raises as `pages`.
    """
    if operation is None:
        inner = (
            f"{{orders(query:{msgspec.json.encode(_filter(span)).decode()}){{edges{{node{{"
            f"{order_fields(api_version)} lineItems{{edges{{node{_LINE}}}}}}}}}}}}}"
        )
        answer = yield Ask(_START, {"query": inner})
        started = _data(answer, "bulkOperationRunQuery")
        if started["userErrors"]:
            raise Misconfigured(f"the shop refused it: {started['userErrors'][0]['message']}")
        operation = str(started["bulkOperation"]["id"])
        yield Keep([], operation)
    while True:
        state = _data((yield Ask(_POLL, {"id": operation})), "node")
        if state["status"] not in _RUNS:
            break
        yield Wait(_BULK_SECONDS)
    if state["status"] != "COMPLETED":
        why = state.get("errorCode") or state["status"]
        raise Permanent(f"the shop gave the operation up ({why}): run it again with --restart")
    if state["url"]:
        yield Fetch(state["url"])


def grouped(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Orders of a bulk operation's file, each with its line items, as a page has them.

    Raises `Permanent` for a line that is not JSON or belongs to no order before it.
    """
    order: dict[str, Any] | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise Permanent(f"line {number} of the file is no object: {error}") from None
        parent = row.pop("__parentId", None)
        if parent is None:
            if order is not None:
                yield order
            order = {**row, "lineItems": {"nodes": []}}
        elif order is not None and order["id"] == parent:
            order["lineItems"]["nodes"].append(row)
        else:
            raise Permanent(f"line {number} of the file belongs to no order before it")
    if order is not None:
        yield order


def seconds_to_wait(answer: dict[str, Any]) -> float:
    """How long until a query of the same cost can be paid for; 0 if it can be now."""
    cost = (answer.get("extensions") or {}).get("cost") or {}
    bucket = cost.get("throttleStatus") or {}
    needed = float(cost.get("requestedQueryCost") or 0)
    missing = needed - float(bucket.get("currentlyAvailable", needed))
    return max(missing, 0.0) / float(bucket.get("restoreRate") or _RESTORE)


def _filter(span: Span) -> str:
    return f"created_at:>='{span.since}' created_at:<'{span.until}'"


def _codes(answer: dict[str, Any]) -> set[str]:
    errors = answer.get("errors") or ()
    return {str((e.get("extensions") or {}).get("code")) for e in errors if isinstance(e, dict)}


def _data(answer: dict[str, Any], name: str, kind: type = dict) -> Any:
    """The named part of an answer; raises for errors, which name the field and the fix."""
    errors = answer.get("errors")
    if errors:
        text = errors if isinstance(errors, str) else errors[0].get("message", "no message")
        raise Misconfigured(
            f"the Admin API refused the query: {text}; check the app's scopes (read_orders, "
            "read_all_orders, read_customers) and shops.shopify.api_version"
        )
    found = (answer.get("data") or {}).get(name)
    if not isinstance(found, kind):
        raise Permanent(f"the Admin API answered without `{name}`")
    return found
