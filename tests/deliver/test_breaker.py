"""A breaker's rules, apart from any network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core.outcome import Outcome, State
from tillpost.deliver.breaker import FAILURES, LONGEST_SECONDS, Breaker
from tillpost.deliver.contract import BISECT, UNKNOWN

NOW = 1_763_892_000.0
DOWN = Outcome(State.PENDING, "transient", "503")
LOST = Outcome(State.IN_DOUBT, "no_answer")
TAKEN = Outcome(State.DELIVERED)
LIMIT = Outcome(State.PENDING, "rate_limited", "4: slow down", 60.0, pauses=True)
TOKEN = Outcome(State.PAUSED, "token", "190: no", pauses=True)


def after(*outcomes: Outcome, start: Breaker | None = None) -> Breaker:
    made = start or Breaker()
    for outcome in outcomes:
        made = made.after([outcome], NOW, 0.5)
    return made


def test_a_few_failures_leave_it_closed_and_one_success_forgives_them() -> None:
    assert after(*[DOWN] * (FAILURES - 1)).state(NOW) == "closed"
    assert after(*[DOWN] * (FAILURES - 1), TAKEN, DOWN).state(NOW) == "closed"
    assert after(*[LOST] * FAILURES).state(NOW) == "open"


def test_a_limit_opens_it_at_once_for_as_long_as_was_told() -> None:
    made = after(LIMIT)
    assert (made.until, made.reason, made.detail) == (NOW + 60.0, "rate_limited", "4: slow down")
    assert made.state(NOW + 59.9) == "open"
    assert made.state(NOW + 60.0) == "half_open"
    assert after(TOKEN).until == NOW + 300.0


@pytest.mark.parametrize(
    "alive", [TAKEN, Outcome(State.DEAD, "refused"), Outcome(State.PENDING, BISECT)]
)
def test_whoever_answers_about_events_is_well(alive: Outcome) -> None:
    assert after(*[DOWN] * 5, alive) == Breaker()


def test_a_limit_that_tells_no_time_doubles_to_a_quarter_of_an_hour() -> None:
    limit = Outcome(State.PENDING, "rate_limited", "4: slow down", 60.0, pauses=True, grows=True)
    waits = [after(*[limit] * times).seconds for times in range(1, 7)]
    assert waits == [60.0, 120.0, 240.0, 480.0, 900.0, 900.0]
    assert after(*[limit] * 3, TAKEN, limit).seconds == 60.0
    assert after(*[LIMIT] * 3).seconds == 60.0


def test_a_failed_question_opens_it_again_and_the_trouble_began_when_it_began() -> None:
    made = Breaker()
    for turn in range(12):
        made = made.after([DOWN], NOW + turn * 100.0, 0.99)
    assert made.since == NOW
    assert made.seconds <= LONGEST_SECONDS


def test_what_nobody_understands_is_no_reason_to_stop_but_no_proof_of_health() -> None:
    strange = Outcome(State.PENDING, UNKNOWN, "9999: ?")
    assert after(strange, strange, strange, strange) == Breaker()
    assert after(LIMIT, strange).state(NOW) == "open"


def test_a_platform_that_asks_for_a_rest_gets_it() -> None:
    made = after(Outcome(State.DELIVERED, retry_after=5.0))
    assert (made.state(NOW), made.reason, made.until) == ("open", "usage", NOW + 5.0)


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    assert after(TOKEN).state(NOW - 3600.0) == "half_open"


@given(
    st.lists(st.sampled_from([DOWN, LOST, TAKEN, LIMIT, TOKEN]), max_size=40),
    st.floats(0, 1, exclude_max=True),
)
def test_it_is_always_asked_again(history: list[Outcome], luck: float) -> None:
    made = Breaker()
    for outcome in history:
        made = made.after([outcome], NOW, luck)
    assert made.state(NOW + 300.0) in {"closed", "half_open"}
    assert (made.opened_at is None) == (made.state(NOW) == "closed")
