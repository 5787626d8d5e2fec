"""The set-based query against its definition, `core.attribution`, over random journeys."""

from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillpost.core.attribution import (
    DAY,
    MODELS,
    WINDOWS,
    Touch,
    attribute,
    eligible,
    with_carried,
)
from tillpost.ports import Rows
from tillpost.report.engine import Engine
from tillpost.report.query import Query
from tillpost.report.steps import ATTRIBUTION

NOW = 1_780_000_000

Credit = tuple[str, str, str, int, int, int]
"""Model, window, order, touch, minor units, share."""


class Step(NamedTuple):
    age: int
    label: str
    direct: bool
    paid: bool


class Order(NamedTuple):
    minor: int
    steps: list[Step]
    carried: Step | None


steps = st.builds(
    Step,
    st.integers(-DAY, 100 * DAY) | st.sampled_from([0, DAY, 7 * DAY, 7 * DAY + 1, 30 * DAY]),
    st.sampled_from("abc"),
    st.booleans(),
    st.booleans(),
)
orders = st.lists(
    st.builds(Order, st.integers(-(10**9), 10**12), st.lists(steps, max_size=7), st.none() | steps),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(orders, st.lists(st.sampled_from(sorted(WINDOWS)), min_size=1, unique=True))
def test_the_query_says_what_the_definition_says(
    shop: Any, made: list[Order], windows: list[str]
) -> None:
    touches: list[tuple[str, Step]] = []
    for number, order in enumerate(made):
        touches += [(f"v{number}", step) for step in order.steps]
        touches += [(f"order:{number}", order.carried)] if order.carried else []
    found = credits_of(tables_of(shop, made, touches), tuple(windows))
    for window in windows:
        assert {row for row in found if row[1] == window} == expected(made, touches, window)


def tables_of(shop: Any, made: list[Order], touches: list[tuple[str, Step]]) -> dict[str, Rows]:
    names = [str(number) for number in range(len(made))]
    landed = [
        {
            "id": number,
            "visitor_id": visitor,
            "at": NOW - step.age,
            "channel": step.label,
            "direct": int(step.direct),
            "paid": int(step.paid),
        }
        for number, (visitor, step) in enumerate(touches)
    ]
    return {
        "orders": shop.orders(
            *(
                {"order_id": n, "value_minor": o.minor, "at": NOW}
                for n, o in zip(names, made, strict=True)
            )
        ),
        "order_keys": shop.order_keys(*((name, "order", name) for name in names)),
        "links": shop.links(*(("order", name, f"v{name}", NOW) for name in names)),
        "touches": shop.table("touches", *landed, shop="demo", rules=1),
    }


def credits_of(tables: dict[str, Rows], windows: tuple[str, ...]) -> set[Credit]:
    with Engine(tables) as engine:
        rows = engine.run(ATTRIBUTION, "credit_rows", Query(), MODELS, windows)
    return {
        (r["model"], r["window_name"], r["order_id"], r["touch_id"], r["minor"], r["share"])
        for r in rows
        if r["touch_id"] is not None and r["share"]
    }


def expected(made: list[Order], touches: list[tuple[str, Step]], window: str) -> set[Credit]:
    seconds = WINDOWS[window]
    found: set[Credit] = set()
    for number, order in enumerate(made):
        own = [
            (i, Touch(NOW - s.age, s.label, s.direct, s.paid))
            for i, (visitor, s) in enumerate(touches)
            if visitor == f"v{number}"
        ]
        carried = next(
            (
                (i, Touch(NOW - s.age, s.label, s.direct, s.paid))
                for i, (visitor, s) in enumerate(touches)
                if visitor == f"order:{number}" and s.age >= 0
            ),
            None,
        )
        journey = with_carried([t for _, t in own], carried and carried[1], NOW, seconds)
        known = [*own, carried] if carried and len(journey) > len(own) else own
        ordered = sorted((pair for pair in known if pair[1].at <= NOW), key=lambda p: p[1].at)
        inside = eligible([t for _, t in ordered], NOW, seconds)
        names = [i for i, t in ordered if NOW - t.at <= (seconds or 2**40)]
        assert len(names) == len(inside)
        for model in MODELS:
            credit = attribute(model, inside, NOW, order.minor, seconds)
            found |= {
                (model, window, str(number), i, c.minor, c.share)
                for i, c in zip(names, credit, strict=True)
                if c.share
            }
    return found
