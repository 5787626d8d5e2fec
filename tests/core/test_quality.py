from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core.quality import WEIGHTS, coverage, estimate

KEYS = sorted({key for row in WEIGHTS for key in row.keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((), 0.0),
        (("ge",), 0.0),
        (("em",), 5.5),
        (("em", "ph"), 7.5),
        (("client_ip_address",), 0.0),
        (("client_ip_address", "client_user_agent"), 3.0),
        (("fn",), 0.0),
        (("fn", "ln"), 1.5),
        (("ct",), 1.0),
        (("ct", "st", "zp", "country"), 1.0),
        (("madid", "lead_id"), 5.0),
    ],
)
def test_estimate_by_the_table(keys: tuple[str, ...], expected: float) -> None:
    assert estimate(keys) == expected


@given(st.sets(st.sampled_from(KEYS)), st.sampled_from(KEYS))
def test_one_more_key_never_lowers_it(keys: set[str], more: str) -> None:
    assert 0 <= estimate(keys) <= estimate(keys | {more}) <= 10


@given(st.sets(st.sampled_from(KEYS)))
def test_one_event_is_its_own_batch(keys: set[str]) -> None:
    got = coverage([dict.fromkeys(keys, "x")])
    assert got.estimate == estimate(keys)
    assert {share.coverage for share in got.shares} <= {0.0, 1.0}


def test_coverage_counts_values_and_names_the_greatest_gain() -> None:
    batch: list[dict[str, Any]] = [
        {"em": ["a"], "ph": None},
        {"em": [], "ph": ["b"]},
        {"em": ["c"]},
        {"em": ["d"]},
    ]
    got = coverage(batch)
    shares = {share.name: share for share in got.shares}
    assert got.events == 4
    assert shares["em"].coverage == 0.75
    assert shares["ph"].coverage == 0.25
    assert shares["ph"].gain > shares["em"].gain > 0
    assert [s.gain for s in got.shares] == sorted((s.gain for s in got.shares), reverse=True)


def test_an_empty_batch_is_nothing() -> None:
    got = coverage([])
    assert (got.events, got.estimate) == (0, 0.0)
    assert all(share.coverage == 0 for share in got.shares)
