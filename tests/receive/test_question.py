"""What is asked of Insights: defaults, time ranges, and what is refused by name."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.receive.question import EMPTY_FIELDS, PRESETS, Wrong, asked

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC).timestamp()  # a Tuesday


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-11-24", "2026-11-24"),
        ("yesterday", "2026-11-23", "2026-11-23"),
        ("last_7d", "2026-11-17", "2026-11-23"),
        ("last_30d", "2026-10-25", "2026-11-23"),
        ("this_week_mon_today", "2026-11-23", "2026-11-24"),
        ("this_week_sun_today", "2026-11-22", "2026-11-24"),
        ("last_week_mon_sun", "2026-11-16", "2026-11-22"),
        ("last_week_sun_sat", "2026-11-15", "2026-11-21"),
        ("this_month", "2026-11-01", "2026-11-24"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("this_quarter", "2026-10-01", "2026-11-24"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("this_year", "2026-01-01", "2026-11-24"),
        ("last_year", "2025-01-01", "2025-12-31"),
    ],
)
def test_date_presets(preset: str, first: str, last: str) -> None:
    question = asked({"date_preset": preset}, NOW)
    assert (str(question.since), str(question.until - timedelta(1))) == (first, last)


@given(st.sampled_from(sorted(PRESETS)), st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_a_preset_is_never_empty_and_never_in_the_future(preset: str, today: date) -> None:
    first, last = PRESETS[preset](today)
    assert first <= last <= today


def test_a_row_for_each_month() -> None:
    range_ = '{"since":"2026-01-15","until":"2026-03-10"}'
    question = asked({"time_range": range_, "time_increment": "monthly"}, NOW)
    assert question.period(date(2026, 1, 31)) == (date(2026, 1, 15), date(2026, 1, 31))
    assert question.period(date(2026, 2, 1)) == (date(2026, 2, 1), date(2026, 2, 28))
    assert question.period(date(2026, 3, 10)) == (date(2026, 3, 1), date(2026, 3, 10))
    assert question.period(date(2026, 3, 11)) is None


@given(st.integers(1, 90), st.integers(0, 200), st.integers(0, 200))
def test_every_day_is_in_one_row(step: int, length: int, day: int) -> None:
    since = date(2026, 1, 1)
    range_ = f'{{"since":"{since}","until":"{since + timedelta(length)}"}}'
    question = asked({"time_range": range_, "time_increment": str(step)}, NOW)
    found = question.period(since + timedelta(day))
    if day > length:
        assert found is None
    else:
        assert found is not None
        assert found[0] <= since + timedelta(day) <= found[1]
        assert (found[1] - found[0]).days < step


def test_fields_of_which_nothing_is_known_are_taken() -> None:
    assert asked({"fields": ",".join(EMPTY_FIELDS)}, NOW).fields
    with pytest.raises(Wrong, match="revenue is not valid for fields param"):
        asked({"fields": '["actions","revenue"]'}, NOW)


@pytest.mark.parametrize("name", ["breakdowns", "filtering", "time_ranges"])
def test_what_cannot_be_answered_is_refused_by_name(name: str) -> None:
    assert asked({name: "[]"}, NOW)
    with pytest.raises(Wrong, match=name):
        asked({name: '["age"]'}, NOW)
