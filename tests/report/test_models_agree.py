"""The set-based query against its definition, `core.attribution`, over random journeys."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillpost.core.attribution import DAY, MODELS, WINDOWS, Touch, attribute
from tillpost.ports import Rows
from tillpost.report.engine import ATTRIBUTION, Engine
from tillpost.report.query import Query

NOW = 1_780_000_000

orders = st.lists(
    st.tuples(
        st.integers(-(10**9), 10**12),
        st.lists(
            st.tuples(
                st.integers(-DAY, 100 * DAY) | st.sampled_from([0, 7 * DAY, 30 * DAY]),
                st.sampled_from(["a", "b", "c"]),
                st.booleans(),
                st.booleans(),
            ),
            max_size=7,
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(orders, st.sampled_from(sorted(WINDOWS)))
def test_the_query_says_what_the_definition_says(
    shop: Any, journeys: list[Any], window: str
) -> None:
    touches: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    expected_touches: dict[str, list[tuple[int, Touch]]] = {}
    for number, (minor, steps) in enumerate(journeys):
        rows.append({"order_id": str(number), "value_minor": minor, "at": NOW})
        made = []
        for age, label, direct, paid in steps:
            identity = len(touches) + 1
            touches.append(
                {
                    "id": identity,
                    "visitor_id": f"v{number}",
                    "at": NOW - age,
                    "channel": label,
                    "direct": int(direct),
                    "paid": int(paid),
                }
            )
            made.append((identity, Touch(NOW - age, label, direct, paid)))
        expected_touches[str(number)] = made
    tables = {
        "orders": shop.orders(*rows),
        "order_keys": shop.order_keys(*((r["order_id"], "order", r["order_id"]) for r in rows)),
        "links": shop.links(*(("order", r["order_id"], f"v{r['order_id']}", NOW) for r in rows)),
        "touches": shop.table("touches", *touches, shop="demo", rules=1),
    }
    found = credits_of(tables, window)
    for model in MODELS:
        mine = {row[1:] for row in found if row[0] == model}
        assert mine == expected(rows, expected_touches, model, window), model


def credits_of(tables: dict[str, Rows], window: str) -> set[tuple[Any, ...]]:
    with Engine(tables) as engine:
        rows = engine.run(ATTRIBUTION, "credit_rows", Query(window=window), MODELS)
    return {
        (row["model"], row["order_id"], row["touch_id"], row["minor"], row["share"])
        for row in rows
        if row["touch_id"] is not None and row["share"]
    }


def expected(
    rows: list[dict[str, Any]],
    journeys: dict[str, list[tuple[int, Touch]]],
    model: Any,
    window: str,
) -> set[tuple[Any, ...]]:
    found = set()
    for row in rows:
        made = journeys[row["order_id"]]
        ordered = sorted(
            ((i, t) for i, t in made if t.at <= NOW),
            key=lambda pair: (pair[1].at, pair[0]),
        )
        seconds = WINDOWS[window]
        inside = [p for p in ordered if seconds is None or NOW - p[1].at <= seconds]
        credit = attribute(model, [t for _, t in ordered], NOW, row["value_minor"], seconds)
        for (identity, _), earned in zip(inside, credit, strict=True):
            if earned.share:
                found.add((row["order_id"], identity, earned.minor, earned.share))
    return found
