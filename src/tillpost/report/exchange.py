"""Which currency rates a report needs, and their exact factors; SQL multiplies by them.

Amounts are turned into the currency of their shop's reports at the rate of their own day:
an order at its UTC day's, spend at its account's day's. An amount that no rate tells stays
as it is, in rows of its own currency, and the report `rates` names it.
"""

from collections.abc import Iterable
from decimal import Decimal

from tillpost.core.exchange import Rate, Rates
from tillpost.core.money import is_currency


def factors(
    rates: Iterable[tuple[str, str, str, str]], needed: Iterable[tuple[str, str, str, int]]
) -> list[tuple[str, str, str, int, int]]:
    """Each needed (currency, into, day, number of the day) whose rate is known, with its factor.

    `rates` are rows of (day, currency, quote, rate).
    """
    book = Rates(Rate(day, one, other, Decimal(rate)) for day, one, other, rate in rates)
    found: list[tuple[str, str, str, int, int]] = []
    for currency, into, day, number in needed:
        known = is_currency(currency) and is_currency(into)
        factor = book.factor(day, currency, into) if known else None
        if factor is not None:
            found.append((currency, into, day, number, factor))
    return found
