from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tillpost.core import money


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("19.99", "USD", 1999),
        (Decimal("0.1"), "USD", 10),
        ("1234", "JPY", 1234),
        ("1.5", "JPY", 2),
        ("1.234", "KWD", 1234),
        ("0.005", "EUR", 1),
        ("-5.00", "EUR", -500),
    ],
)
def test_to_minor(amount: Decimal | str, currency: str, expected: int) -> None:
    assert money.to_minor(amount, currency) == expected


@pytest.mark.parametrize("amount", ["", "12,50", "NaN", "Infinity", "1e400", "twelve", "9" * 30])
def test_what_is_not_money_is_told(amount: str) -> None:
    with pytest.raises(money.MoneyError, match=r"write it as 1234\.50"):
        money.to_minor(amount, "USD")


_ODD = ["NaN", "sNaN", "Infinity", "1E+99999999", "1E-99999999", "9" * 40, "0." + "1" * 40]
_EDGES = [Decimal(money.MAX_MINOR).scaleb(-2) + step for step in map(Decimal, ("0", "0.01", "-1"))]


@given(
    st.decimals() | st.sampled_from([*map(Decimal, _ODD), *_EDGES]),
    st.sampled_from(["USD", "JPY", "KWD", "???"]),
)
@example(_EDGES[0], "USD")
@example(_EDGES[1], "USD")
@example(Decimal("-1E+99999999"), "USD")
def test_an_amount_passes_where_it_can_be_converted(amount: Decimal, currency: str) -> None:
    assert _told(money.check_amount, amount, currency) == _told(money.to_minor, amount, currency)


def _told(ask: Callable[[Decimal, str], object], amount: Decimal, currency: str) -> str | None:
    try:
        ask(amount, currency)
    except money.MoneyError as error:
        return str(error)
    return None


@pytest.mark.parametrize("code", ["", "usd", "XAU", "DOLLAR"])
def test_unknown_currency(code: str) -> None:
    assert not money.is_currency(code)
    with pytest.raises(money.MoneyError, match="ISO 4217"):
        money.to_minor("1", code)


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [(1999, "USD", "19.99"), (-5, "USD", "-0.05"), (0, "JPY", "0"), (1, "KWD", "0.001")],
)
def test_decimal_string(units: int, currency: str, text: str) -> None:
    assert money.decimal_string(units, currency) == text


@given(st.integers(-(2**60), 2**60), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_text_and_units_are_one(units: int, currency: str) -> None:
    assert money.to_minor(money.decimal_string(units, currency), currency) == units


def test_a_part_of_one_money_is_the_same_part_of_the_other() -> None:
    fifty, value = Decimal("50.00"), Decimal("59.00")
    assert money.proportional(Decimal("25.00"), fifty, value, "USD") == Decimal("29.50")
    assert money.proportional(fifty, fifty, value, "USD") == value
    assert money.proportional(Decimal("0.01"), fifty, value, "JPY") == 0


def test_the_odd_cent_goes_to_the_latest() -> None:
    assert money.split(100, [1, 1, 1]) == (33, 33, 34)
    assert money.split(-100, [1, 1, 1]) == (-33, -33, -34)
    assert money.split(7, [2, 1, 2]) == (3, 1, 3)


@given(
    st.integers(-(2**53), 2**53),
    st.lists(st.integers(0, 2**40), min_size=1, max_size=12).filter(any),
)
def test_split_adds_up_and_stays_within_one_unit(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    assert all(abs(p * whole - total * w) < whole for p, w in zip(parts, weights, strict=True))
