"""Currency rates by day, and exact conversion of money at them; a missing rate is never guessed.

A rate says how much of one currency another buys on a day. A day without a rate of its
own (banks publish none at weekends) takes the latest of the seven days before it. Rates
are exact fractions: no float ever touches money.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from tillpost.core.money import exponent

MOST_DAYS = 7
"""A rate that is older says nothing of the day: longer gaps are no holidays."""

SCALE = 10**12
"""Factors between minor units are whole numbers of this fraction, so that SQL stays exact."""

MAX_FACTOR = 2**62


class Rate(Struct, frozen=True):
    """On `day` (ISO) one unit of `currency` bought `rate` units of `into`."""

    day: str
    currency: str
    into: str
    rate: Decimal


class Rates:
    """Rates that can be looked up in either direction, and through a currency they share."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._days: dict[tuple[str, str], dict[int, Fraction]] = defaultdict(dict)
        for row in rates:
            day = date.fromisoformat(row.day).toordinal()
            self._days[row.currency, row.into][day] = Fraction(row.rate)
        for (currency, into), days in list(self._days.items()):
            inverse = self._days[into, currency]
            for day, rate in days.items():
                inverse.setdefault(day, 1 / rate)
        self._sorted = {pair: sorted(days) for pair, days in self._days.items()}

    def at(self, day: str, currency: str, into: str) -> Fraction | None:
        """What one unit of `currency` bought on the day; None if no rate tells.

        A rate between the two comes first; then the product of two through a third
        currency, which is the euro in the European Central Bank's file.
        """
        if currency == into:
            return Fraction(1)
        number = date.fromisoformat(day).toordinal()
        direct = self._near(number, currency, into)
        return self._through(number, currency, into) if direct is None else direct

    def factor(self, day: str, currency: str, into: str) -> int | None:
        """Minor units of `into` for one of `currency`, times `SCALE`; None if no rate tells."""
        rate = self.at(day, currency, into)
        if rate is None:
            return None
        minor = rate * Fraction(10) ** (exponent(into) - exponent(currency))
        factor = round(minor * SCALE)
        return factor if 0 < factor < MAX_FACTOR else None

    def _near(self, day: int, currency: str, into: str) -> Fraction | None:
        days = self._sorted.get((currency, into), [])
        place = bisect_right(days, day) - 1
        if place < 0 or day - days[place] > MOST_DAYS:
            return None
        return self._days[currency, into][days[place]]

    def _through(self, day: int, currency: str, into: str) -> Fraction | None:
        for first, middle in sorted(self._sorted):
            if first != currency:
                continue
            start = self._near(day, currency, middle)
            end = self._near(day, middle, into)
            if start is not None and end is not None:
                return start * end
        return None


def convert(minor: int, factor: int) -> int:
    """Minor units at a factor of `Rates.factor`, rounded half up; exact."""
    return (2 * minor * factor + SCALE) // (2 * SCALE)
