from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tillpost.core.exchange import SCALE, Rate, Rates, convert


def rates(*rows: tuple[str, str, str, str]) -> Rates:
    return Rates(Rate(day, one, other, Decimal(rate)) for day, one, other, rate in rows)


FRIDAY = rates(
    ("2026-11-20", "EUR", "USD", "1.25"),
    ("2026-11-20", "EUR", "JPY", "160"),
    ("2026-11-23", "EUR", "USD", "1.50"),
)


def test_a_day_without_a_rate_takes_the_latest_before_it() -> None:
    assert FRIDAY.at("2026-11-22", "EUR", "USD") == Fraction("1.25")
    assert FRIDAY.at("2026-11-23", "EUR", "USD") == Fraction("1.5")


def test_no_rate_is_never_guessed() -> None:
    assert FRIDAY.at("2026-11-19", "EUR", "USD") is None
    assert FRIDAY.at("2026-12-01", "EUR", "USD") is None
    assert FRIDAY.at("2026-11-20", "GBP", "USD") is None
    assert FRIDAY.factor("2026-11-20", "GBP", "USD") is None


def test_the_inverse_and_the_way_through_a_third_currency() -> None:
    assert FRIDAY.at("2026-11-20", "USD", "EUR") == Fraction("0.8")
    assert FRIDAY.at("2026-11-20", "USD", "JPY") == 128
    assert FRIDAY.at("2026-11-30", "USD", "JPY") is None


def test_minor_units_of_other_sizes() -> None:
    factor = FRIDAY.factor("2026-11-20", "USD", "JPY")
    assert factor is not None
    assert convert(1_999, factor) == 2_559  # 19.99 USD at 128 is 2,558.72 yen


def test_a_told_rate_stands_before_the_inverse_of_another() -> None:
    both = rates(("2026-11-20", "EUR", "USD", "1.25"), ("2026-11-20", "USD", "EUR", "0.79"))
    assert both.at("2026-11-20", "USD", "EUR") == Fraction("0.79")


@given(st.integers(0, 10**12), st.integers(1, 10**15))
def test_conversion_rounds_half_up_and_is_exact(minor: int, factor: int) -> None:
    exact = Fraction(minor * factor, SCALE)
    assert abs(convert(minor, factor) - exact) <= Fraction(1, 2)
    assert convert(minor, SCALE) == minor


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**14))
def test_more_money_is_never_less_in_another_currency(one: int, other: int, factor: int) -> None:
    assert (one <= other) <= (convert(one, factor) <= convert(other, factor))


def test_a_currency_is_one_of_itself_on_any_day() -> None:
    assert rates().at("2026-11-02", "EUR", "EUR") == 1
