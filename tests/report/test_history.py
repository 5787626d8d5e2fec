"""What is learned after an order changes nothing of what that order was credited to."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.conftest import NOW, Shop

from tillpost.core.attribution import MODELS
from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Query

HOUR = 3_600
PEOPLE = ("ann", "ben")
PLACES = ("direct", "meta", "google", "email")

Event = tuple[int, str, str, str]
"""Hour, what (`touch`, `order`, `link`), whose, and where or by which device."""

events = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(("touch", "order", "link")),
        st.sampled_from(PEOPLE),
        st.sampled_from(PLACES),
    ),
    min_size=2,
    max_size=14,
    unique_by=lambda event: event[0],
).map(sorted)


def tables(told: list[Event]) -> dict[str, Rows]:
    """A shop in which each person has a phone and one shared tablet."""
    orders = [(f"{at}", at, who) for at, what, who, _ in told if what == "order"]
    touches = [
        (_device(who, where), NOW + at * HOUR, where)
        for at, what, who, where in told
        if what == "touch"
    ]
    links = [
        ("em", who, _device(who, where), NOW + at * HOUR)
        for at, what, who, where in told
        if what == "link"
    ]
    return {
        "orders": Shop.orders(*({"order_id": i, "at": NOW + at * HOUR} for i, at, _ in orders)),
        "order_keys": Shop.order_keys(*((i, "em", who) for i, _, who in orders)),
        "touches": Shop.touches(*touches),
        "links": Shop.links(*links),
    }


def _device(who: str, where: str) -> str:
    return "tablet" if where == "google" else f"{who}'s phone"


def credited(told: list[Event], model: str, until: int) -> list[dict[str, Any]]:
    rows = catalog.REPORTS["orders"](tables(told), Query(model=model))
    early = [row for row in rows if int(row["order_id"]) <= until]
    return [{k: v for k, v in row.items() if k != "returning"} for row in early]


@pytest.mark.parametrize("model", ["last_non_direct", "time_decay"])
@given(told=events, cut=st.integers(0, 400))
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
def test_a_later_order_visit_or_login_rewrites_no_earlier_order(
    model: str, told: list[Event], cut: int
) -> None:
    known = [event for event in told if event[0] <= cut]
    assert credited(known, model, cut) == credited(told, model, cut)


@given(told=events)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
def test_every_order_is_credited_once_under_every_model(told: list[Event]) -> None:
    made = tables(told)
    orders = sum(event[1] == "order" for event in told)
    for row_model in (model for model in MODELS if model != "participation"):
        rows = catalog.REPORTS["channels"](made, Query(model=row_model))
        assert round(sum(row["orders"] for row in rows), 4) == orders
        assert sum(round(float(row["revenue"]) * 100) for row in rows) == orders * 10_000


@given(told=events)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_never_seen_is_lost_and_never_guessed(told: list[Event]) -> None:
    blind = [event for event in told if event[1] == "order"]
    rows = catalog.REPORTS["orders"](tables(blind), Query())
    assert {row["channel"] for row in rows} <= {"Unknown"}
