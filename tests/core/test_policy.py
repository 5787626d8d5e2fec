from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tillpost.core import policy
from tillpost.core.event import Event, OrderSeen
from tillpost.core.outcome import Reason, State
from tillpost.core.policy import READY, Standing
from tillpost.core.shop import CONSENT_WAIT, PAYMENT_WAIT
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW

SHOP = make.shop()
GIFT = structs.replace(make.order().items[0], gift_card=True)


def stand(order: OrderSeen, now: float = NOW, *, sighted: bool = False) -> Standing:
    return policy.standing(order, SHOP, first_received_at=NOW, sighted=sighted, now=now)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"test": True, "kind": "draft"}, Reason.TEST_ORDER),
        ({"kind": "draft"}, Reason.DRAFT),
        ({"kind": "renewal"}, Reason.RENEWAL),
        ({"kind": "exchange"}, Reason.EXCHANGE),
        ({"presentment": make.money("0.00")}, Reason.ZERO_VALUE),
        ({"presentment": make.money("-1.00")}, Reason.ZERO_VALUE),
        ({"items": (GIFT, GIFT)}, Reason.GIFT_CARD),
        ({"items": (GIFT, make.order().items[0])}, None),
        ({"items": ()}, None),
        ({"gateway_pending": True, "financial_status": "pending"}, Reason.AWAITING_PAYMENT),
        ({"gateway_pending": True, "financial_status": "paid"}, None),
        ({"financial_status": "pending"}, None),
        ({"cancelled_at": NOW}, None),
    ],
)
def test_what_is_a_purchase(changes: dict[str, Any], reason: Reason | None) -> None:
    verdict = policy.eligibility(make.order(**changes), SHOP)
    assert (verdict.eligible, verdict.reason) == (reason is None, reason)


@pytest.mark.parametrize("status", sorted(policy.PAID))
def test_every_paid_state_ends_the_wait_for_payment(status: str) -> None:
    order = make.order(financial_status=status)
    assert policy.eligibility(order, make.shop(purchase_on="paid")).eligible


def test_a_purchase_waits_for_its_beacon_only_where_a_browser_was() -> None:
    held = Standing(State.HELD, Reason.JOIN_WAIT, NOW + 2.0)
    assert stand(make.order(), NOW + 1.9) == held
    assert stand(make.order(), NOW + 2.0) == READY
    assert stand(make.order(), sighted=True) == READY
    assert stand(make.order(checkout_token=None)) == READY


def test_payment_is_waited_for_a_week() -> None:
    order = make.order(gateway_pending=True, financial_status="pending")
    until = NOW + PAYMENT_WAIT
    assert stand(order, until - 1) == Standing(State.HELD, Reason.AWAITING_PAYMENT, until)
    assert stand(order, until) == Standing(State.DROPPED, Reason.NEVER_PAID)
    cancelled = structs.replace(order, cancelled_at=NOW)
    assert stand(cancelled) == Standing(State.DROPPED, Reason.NEVER_PAID)


def test_what_is_no_purchase_or_cancelled_is_dropped() -> None:
    assert stand(make.order(test=True)) == Standing(State.DROPPED, Reason.TEST_ORDER)
    assert stand(make.order(cancelled_at=NOW)) == Standing(State.DROPPED, Reason.CANCELLED)


def test_a_consent_is_waited_for_half_an_hour() -> None:
    until = NOW + CONSENT_WAIT
    held = Standing(State.HELD, Reason.AWAITING_CONSENT, until)
    assert policy.awaiting_consent(NOW, until - 1) == held
    assert policy.awaiting_consent(NOW, until) == Standing(State.DROPPED, Reason.CONSENT_UNKNOWN)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"version": 1.0}, {"version": 2.0}),
        ({"version": 2.0, "financial_status": "pending"}, {"version": 2.0}),
        ({"version": 2.0}, {"version": 2.0, "cancelled_at": NOW}),
        ({"version": 1.0, "financial_status": "refunded"}, {"version": 2.0}),
        ({"financial_status": "strange"}, {"financial_status": "pending"}),
    ],
)
def test_the_later_report_of_an_orders_life(older: dict[str, Any], newer: dict[str, Any]) -> None:
    old, new = make.order(**older), make.order(**newer)
    assert policy.supersedes(new, old)
    assert not policy.supersedes(old, new)


orders = st.builds(
    make.order,
    version=st.sampled_from([1.0, 2.0]),
    financial_status=st.sampled_from(sorted(policy.STATUS_RANK)),
    cancelled_at=st.sampled_from([None, 1]),
    topic=st.sampled_from(["orders/create", "orders/updated"]),
)


@given(one=orders, two=orders, three=orders)
def test_reports_stand_in_one_order(one: OrderSeen, two: OrderSeen, three: OrderSeen) -> None:
    assert policy.supersedes(one, one)
    assert policy.supersedes(one, two) or policy.supersedes(two, one)
    if policy.supersedes(one, two) and policy.supersedes(two, three):
        assert policy.supersedes(one, three)


def test_every_kind_of_order_has_an_action_source() -> None:
    kinds = ("web", "pos", "draft", "renewal", "exchange", "api", "app", "phone")
    assert set(policy.ACTION_SOURCE) == set(kinds)
    assert all(row.why for row in policy.INELIGIBLE)


def test_a_past_order_for_the_reports_alone_is_told_to_no_platform() -> None:
    past = structs.replace(make.order(), reports_only=True)
    assert stand(past, NOW + 3600) == Standing(State.DROPPED, Reason.REPORTS_ONLY)


def test_what_the_shops_own_people_do_is_no_event() -> None:
    dropped = Standing(State.DROPPED, Reason.TEST_ORDER)
    event = Event("demo", "Lead", "l1", NOW, "website")
    assert policy.event_standing(event, "events", SHOP, bot=False, test=True) == dropped
    assert policy.event_standing(event, "events", SHOP, bot=False) == READY
