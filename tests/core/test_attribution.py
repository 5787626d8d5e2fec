import json
import tomllib
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import attribution
from tillpost.core.attribution import DAY, MODELS, WHOLE, Touch, attribute

NOW = 1_780_000_000
JOURNEYS = tomllib.loads(
    (File(__file__).parent.parent / "cases/attribution/journeys.toml").read_text("utf-8")
)["journey"]


def touch(row: dict[str, Any]) -> Touch:
    return Touch(
        at=NOW - round(row["days"] * DAY),
        label=row["label"],
        direct=row.get("direct", False),
        paid=row.get("paid", False),
    )


@pytest.mark.parametrize("case", JOURNEYS, ids=lambda case: json.dumps(case["name"]))
def test_worked_journeys(case: dict[str, Any]) -> None:
    touches = [touch(row) for row in case["touches"]]
    for model, expected in case["credit"].items():
        earned = attribute(model, touches, NOW, case["minor"])
        assert [credit.minor for credit in earned] == expected, model


def test_the_window_ends_at_the_exact_second() -> None:
    edge = [Touch(NOW - 7 * DAY, "in"), Touch(NOW - 7 * DAY - 1, "out"), Touch(NOW + 1, "after")]
    assert [c.touch.label for c in attribute("linear", edge, NOW, 100, 7 * DAY)] == ["in"]
    assert len(attribute("linear", edge, NOW, 100, None)) == 2
    assert attribute("last", edge, NOW - 30 * DAY, 100) == ()


touches_of = st.lists(
    st.builds(
        Touch,
        at=st.integers(NOW - 100 * DAY, NOW + DAY),
        label=st.sampled_from("abcd"),
        direct=st.booleans(),
        paid=st.booleans(),
    ),
    max_size=9,
)


@given(
    touches_of,
    st.integers(-(10**12), 10**12),
    st.sampled_from(list(attribution.WINDOWS.values())),
)
def test_credits_add_up_to_the_order(touches: list[Touch], minor: int, window: int | None) -> None:
    counted = attribution.eligible(touches, NOW, window)
    for model in MODELS:
        earned = attribute(model, touches, NOW, minor, window)
        assert [c.touch for c in earned] == list(counted)
        if model == "participation":
            assert sum(c.minor for c in earned) == minor * len({t.label for t in counted})
        elif counted:
            assert sum(c.minor for c in earned) == minor
            assert sum(c.share for c in earned) == WHOLE


@given(touches_of)
def test_last_non_direct_is_never_direct_while_another_is_there(touches: list[Touch]) -> None:
    earned = attribute("last_non_direct", touches, NOW, 100, None)
    winners = [c.touch for c in earned if c.minor]
    if any(not c.touch.direct for c in earned):
        assert not winners[0].direct
    elif earned:
        assert winners == [earned[-1].touch]
