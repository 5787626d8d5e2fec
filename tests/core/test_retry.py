import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import retry
from tillpost.core.outcome import Outcome, Reason, State
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW

DAY = 86400
TWIN = Outcome(State.DROPPED, Reason.LATE_TWIN, sent=False)
OLD = Outcome(State.EXPIRED, Reason.TOO_OLD, sent=False)


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_jittered_under_a_cap(attempts: int, luck: float) -> None:
    assert 0 <= retry.delay(attempts, luck) <= retry.CAP_SECONDS
    assert retry.delay(attempts, luck) <= retry.delay(attempts + 1, luck)


def test_delays_double_to_the_cap() -> None:
    tops = [retry.delay(n, 1.0) for n in range(11)]
    assert tops[:9] == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]
    assert tops[9:] == [900.0, 900.0]


@pytest.mark.parametrize(("source", "days"), [("website", 7), ("other", 7), ("physical_store", 62)])
def test_an_event_may_be_as_old_as_the_platform_takes(source: str, days: int) -> None:
    event = make.event(action_source=source)
    assert retry.META.age(source) == days * DAY
    assert retry.too_late(event, NOW + days * DAY - 1) is None
    assert retry.too_late(event, NOW + days * DAY) == OLD


@pytest.mark.parametrize(
    ("direct", "hours", "end"),
    [
        ("sent", 47.0, None),
        ("sent", 47.01, TWIN),
        ("blocked", 60.0, None),
        ("none", 60.0, None),
        ("unknown", 60.0, None),
    ],
)
def test_a_twin_is_late_after_47_hours(direct: str, hours: float, end: Outcome | None) -> None:
    event = make.event(direct=direct, direct_at=float(NOW))
    assert retry.too_late(event, NOW + hours * 3600) == end


def test_a_late_twin_is_told_before_its_age_and_needs_a_time() -> None:
    event = make.event(direct="sent", direct_at=float(NOW))
    assert retry.too_late(event, NOW + 8 * DAY) == TWIN
    assert retry.too_late(make.event(direct="sent"), NOW + 6 * DAY) is None
