"""Money as integer minor units: cents, yen, fils; exponents are ISO 4217's.

Amounts come in as decimals, are added, split and compared as integers, and go out
as decimal strings. No float ever holds money.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

MAX_MINOR = 2**62
"""No amount is larger: sums of millions of orders still fit a signed 64-bit column."""

_LARGEST = Decimal(MAX_MINOR)
_WHOLE = Decimal(1)


class MoneyError(ValueError):
    """An amount or a currency that cannot be money; the message says what and how to fix it."""


@lru_cache(maxsize=1)
def _exponents() -> dict[str, int]:
    from iso4217 import Currency  # its table costs 50 ms to read, and not every run needs it

    return {c.code: c.exponent for c in Currency if c.exponent is not None}


def _told(what: str, given: str) -> str:
    """The value beside its name if it has the shape of one; else it may be anybody's e-mail."""
    plain = given.isascii() and given.replace(".", "").isalnum() and len(given) <= 12
    return f"{what} {given!r}" if plain else f"the {what}"


def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD.

    Raises `MoneyError` for what is not a current ISO 4217 code in upper case.
    """
    try:
        return _exponents()[currency]
    except KeyError:
        raise MoneyError(
            f"{_told('currency', currency)} is not in ISO 4217: use a code such as USD, EUR or JPY"
        ) from None


def is_currency(code: str) -> bool:
    """Whether money can be held in it: a current ISO 4217 code, upper case, with minor units."""
    return code in _exponents()


def to_minor(amount: Decimal | str, currency: str) -> int:
    """The amount in minor units, rounded half up: `"19.99", "USD"` gives 1999.

    Text is plain decimal notation. Raises `MoneyError` for what is not a finite number,
    is too large, or has an unknown currency.
    """
    try:
        number = Decimal(amount).scaleb(exponent(currency))
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > _LARGEST:
        raise _no_money(amount)
    return int(number.quantize(_WHOLE, ROUND_HALF_UP))


def check_amount(amount: Decimal, currency: str) -> None:
    """Raises `MoneyError` where `to_minor` would."""
    most = _most(currency)
    if not amount.is_finite() or amount.copy_abs() > most:
        raise _no_money(amount)


@lru_cache(maxsize=256)
def _most(currency: str) -> Decimal:
    return _LARGEST.scaleb(-exponent(currency))


def _no_money(amount: Decimal | str) -> MoneyError:
    return MoneyError(f"{_told('amount', str(amount))} is not money: write it as 1234.50")


def decimal_string(units: int, currency: str) -> str:
    """Minor units as plain decimal text with all the currency's decimals: 1999 gives `19.99`."""
    places = exponent(currency)
    return f"{Decimal(units).scaleb(-places):.{places}f}"


def proportional(amount: Decimal, of: Decimal, to: Decimal, currency: str) -> Decimal:
    """What is to `to` as `amount` is to `of`, in whole minor units of `to`'s currency.

    So 25.00 of 50.00 EUR that cost 59.00 USD are 29.50 USD. `of` is not zero.
    """
    return Decimal(decimal_string(to_minor(amount * to / of, currency), currency))


def split(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """The total in as many parts as there are weights, in proportion, and adding up exactly.

    Largest remainder: every part is rounded down, and what is left goes one unit each to
    the parts that lost most, of equal ones to the last. So a later touch wins the odd cent.
    Weights are not negative and not all zero; a negative total is split as its opposite.
    """
    if total < 0:
        return tuple(-part for part in split(-total, weights))
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    lost = sorted(range(len(weights)), key=lambda i: (total * weights[i] % whole, i), reverse=True)
    for index in lost[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)
