"""The steps of a pull, and what the Admin API's orders say in our words."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.shopify_admin import COST, graphql_order

from tillpost.collect.backfill import Ask, Fetch, Keep, Pull, Span, Step, Wait
from tillpost.collect.sources import shopify
from tillpost.collect.sources.shopify import history, pull
from tillpost.core.event import OrderSeen, Parsed, RefundSeen
from tillpost.core.outcome import Misconfigured, Permanent, Rejection
from tillpost.core.wire import Request

SETTINGS = shopify.Settings((b"new",), "demo-shop.myshopify.com", "USD", "US")
SPAN = Span("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
AT = "2026-01-05T10:00:00Z"


def _steps(flow: Pull, *answers: dict[str, Any]) -> list[Step]:
    steps = [next(flow)]
    for answer in answers:
        try:
            steps.append(flow.send(answer))
        except StopIteration:
            break
    return steps


def _page(*orders: Any, more: bool = False, cursor: str = "c1", left: float = 1e3) -> Any:
    bucket = {"currentlyAvailable": left, "restoreRate": 50.0}
    cost = {"requestedQueryCost": COST, "throttleStatus": bucket}
    info = {"hasNextPage": more, "endCursor": cursor}
    return {
        "data": {"orders": {"pageInfo": info, "nodes": list(orders)}},
        "extensions": {"cost": cost},
    }


def _error(code: str, message: str = "no") -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def test_pages_go_on_from_where_they_were_and_wait_for_the_bucket() -> None:
    flow = pull.pages(SPAN, "2026-07", "c0")
    asked, kept, wait, again = _steps(flow, _page("a", more=True, left=10.0), {}, {})
    assert isinstance(asked, Ask)
    assert asked.variables["after"] == "c0"
    assert asked.variables["q"] == f"created_at:>='{SPAN.since}' created_at:<'{SPAN.until}'"
    assert kept == Keep(["a"], "c1")
    assert wait == Wait((COST - 10.0) / 50.0)
    assert isinstance(again, Ask)
    assert again.variables["after"] == "c1"
    assert flow.send(_page("b")) == Keep(["b"], "c1")
    with pytest.raises(StopIteration):
        flow.send({})


def test_a_throttled_page_is_asked_again_and_a_dear_one_is_halved() -> None:
    dear, throttled = _error("MAX_COST_EXCEEDED"), _error("THROTTLED")
    first, smaller, wait, same = _steps(pull.pages(SPAN, "2026-07"), dear, throttled, {})
    assert isinstance(first, Ask)
    assert isinstance(smaller, Ask)
    assert isinstance(same, Ask)
    assert isinstance(wait, Wait)
    assert (first.variables["first"], smaller.variables["first"]) == (50, 25)
    assert same.variables == smaller.variables


def test_a_refused_query_names_the_scopes_and_an_odd_answer_is_no_answer() -> None:
    flow = pull.pages(SPAN, "2026-07")
    next(flow)
    with pytest.raises(Misconfigured, match="read_all_orders"):
        flow.send(_error("ACCESS_DENIED", "Access denied for orders field"))
    flow = pull.pages(SPAN, "2026-07")
    next(flow)
    with pytest.raises(Permanent, match="orders"):
        flow.send({"data": None})


def test_the_tokens_that_join_browsers_are_asked_for_only_where_they_exist() -> None:
    assert "checkoutToken" in pull.order_fields("2026-07")
    assert "checkoutToken" not in pull.order_fields("2026-04")


def _state(status: str, **more: Any) -> dict[str, Any]:
    return {"data": {"node": {"status": status, "url": None, "errorCode": None, **more}}}


def test_a_bulk_operation_is_noted_polled_and_fetched() -> None:
    started = {"bulkOperation": {"id": "b1", "status": "CREATED"}, "userErrors": []}
    ready = _state("COMPLETED", url="https://files/x")
    steps = _steps(
        pull.bulk(SPAN, "2026-07"),
        {"data": {"bulkOperationRunQuery": started}},
        {},
        _state("RUNNING"),
        {},
        ready,
        {},
    )
    kinds = [type(step) for step in steps]
    assert kinds == [Ask, Keep, Ask, Wait, Ask, Fetch]
    assert steps[1] == Keep([], "b1")
    resumed, fetch = _steps(pull.bulk(SPAN, "2026-07", "b1"), ready)
    assert isinstance(resumed, Ask)
    assert resumed.variables == {"id": "b1"}
    assert fetch == Fetch("https://files/x")


def test_a_bulk_operation_that_fails_or_is_refused_says_what_to_do() -> None:
    flow = pull.bulk(SPAN, "2026-07", "b1")
    next(flow)
    with pytest.raises(Permanent, match=r"ACCESS_DENIED.*--restart"):
        flow.send(_state("FAILED", errorCode="ACCESS_DENIED"))
    refused = {"bulkOperation": None, "userErrors": [{"message": "one is running already"}]}
    flow = pull.bulk(SPAN, "2026-07")
    next(flow)
    with pytest.raises(Misconfigured, match="one is running already"):
        flow.send({"data": {"bulkOperationRunQuery": refused}})


def test_an_empty_bulk_operation_has_no_file() -> None:
    assert len(_steps(pull.bulk(SPAN, "2026-07", "b1"), _state("COMPLETED"))) == 1


def test_lines_of_a_file_become_orders_with_their_items() -> None:
    lines = [b'{"id":"o1"}\n', b'{"id":"l1","__parentId":"o1"}\n', b"\n", b'{"id":"o2"}\n']
    first, second = pull.grouped(lines)
    assert first == {"id": "o1", "lineItems": {"nodes": [{"id": "l1"}]}}
    assert second == {"id": "o2", "lineItems": {"nodes": []}}


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id":"l","__parentId":"o9"}'])
def test_a_line_that_cannot_be_is_named(line: bytes) -> None:
    with pytest.raises(Permanent, match="line 2"):
        list(pull.grouped([b'{"id":"o1"}', line]))


def _parsed(*orders: Any, **more: Any) -> list[Parsed] | Rejection:
    body = json.dumps({"orders": list(orders), **more}).encode()
    return history.parse(Request("POST", "", {}, body), SETTINGS)


def _facts(*orders: Any, **more: Any) -> list[Parsed]:
    found = _parsed(*orders, **more)
    assert isinstance(found, list), found
    return found


def test_an_order_of_the_admin_api_means_what_its_webhook_means() -> None:
    (parsed,) = _facts(graphql_order(1001, AT), reports_only=True)
    seen = parsed.fact
    assert isinstance(seen, OrderSeen)
    assert (seen.order_id, seen.kind, seen.financial_status) == ("1001", "web", "paid")
    assert (seen.value.amount, seen.subtotal.amount) == (Decimal("59.00"), Decimal("54.00"))
    (item,) = seen.items
    assert (item.product_id, item.variant_id, item.price) == ("9001", "90011", Decimal("27.00"))
    assert parsed.raw["em"] == ("ada1001@mail.example",)
    assert parsed.raw["external_id"] == ("10010",)
    assert (seen.device.client_ip_address, seen.device.client_user_agent) == ("8.8.4.4", None)
    assert seen.discount_codes == ("TEN",)
    assert seen.reports_only


def test_the_shop_s_own_view_is_kept_beside_and_its_last_visit_is_the_landing() -> None:
    (parsed,) = _facts(graphql_order(1001, AT))
    seen = parsed.fact
    assert isinstance(seen, OrderSeen)
    assert seen.journey is not None
    assert seen.journey.first is not None
    assert seen.journey.last is not None
    assert (seen.journey.days, seen.journey.visits) == (2, 3)
    assert (seen.journey.first.source, seen.journey.last.utm_campaign) == ("Google", "Spring")
    assert seen.carried.landing_url is not None
    assert "utm_campaign=Spring" in seen.carried.landing_url
    assert "mail.example" not in repr(seen)


def test_refunds_count_where_money_moved() -> None:
    money = {"shopMoney": {"amount": "10.00", "currencyCode": "USD"}}
    nothing = {"shopMoney": {"amount": "0.0", "currencyCode": "USD"}}
    refunds = [
        {"legacyResourceId": "7", "createdAt": AT, "totalRefundedSet": money},
        {"legacyResourceId": "8", "createdAt": AT, "totalRefundedSet": nothing},
    ]
    _, refund = _facts(graphql_order(1001, AT, refunds=refunds))
    assert isinstance(refund.fact, RefundSeen)
    assert (refund.fact.refund_id, refund.fact.money.amount) == ("7", Decimal("10.00"))


def test_an_order_without_a_customer_or_a_journey_is_an_order() -> None:
    bare = {"customer": None, "customerJourneySummary": None, "billingAddress": None, "app": None}
    (parsed,) = _facts(graphql_order(1001, AT, email=None, **bare))
    assert isinstance(parsed.fact, OrderSeen)
    assert (parsed.fact.journey, dict(parsed.raw)) == (None, {})


@pytest.mark.parametrize(
    "changes", [{"totalPriceSet": None}, {"createdAt": "x"}, {"currencyCode": 7}]
)
def test_one_bad_order_sinks_its_batch_and_is_kept_when_it_comes_alone(
    changes: dict[str, Any],
) -> None:
    good, bad = graphql_order(1001, AT), graphql_order(1002, AT, **changes)
    both, alone = _parsed(good, bad), _parsed(bad)
    assert isinstance(both, Rejection)
    assert isinstance(alone, Rejection)
    assert (both.keep, alone.keep) == (False, True)
