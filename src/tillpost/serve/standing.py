"""How the period stands: how much of it arrived, who was new, and what was before it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tillpost.core.money import decimal_string

ON_PURPOSE = ("left_out", "dropped")
"""Orders that are no Purchase, or whose Purchase a policy keeps back."""
MISSING = ("dead", "expired", "unsent")
"""Orders whose Purchase should be with the platform and never will be by itself."""


class Accuracy(Struct, frozen=True):
    """The period's orders by what became of their Purchase.

    `share` is delivered and left out on purpose, by all that are settled; None for none.
    """

    orders: int
    delivered: int
    on_purpose: int
    waiting: int
    missing: int
    share: float | None


class Newcomers(Struct, frozen=True):
    """Orders of buyers who had none before, in the shop's currency; the ratio is by all spend."""

    orders: int
    revenue: str
    roas: float | None


class Before(Struct, frozen=True):
    """The period of the same length just before, and how much it changed since (1 is twice)."""

    orders: int
    revenue: str
    spend: str
    orders_change: float | None
    revenue_change: float | None
    spend_change: float | None


def accuracy(states: Mapping[str, int]) -> Accuracy:
    """Of a count of orders by the best state that their Purchase has anywhere."""
    delivered = states.get("delivered", 0)
    on_purpose = sum(states.get(name, 0) for name in ON_PURPOSE)
    missing = sum(states.get(name, 0) for name in MISSING)
    whole = sum(states.values())
    settled = delivered + on_purpose + missing
    share = round((delivered + on_purpose) / settled, 4) if settled else None
    return Accuracy(whole, delivered, on_purpose, whole - settled, missing, share)


def newcomers(rows: Iterable[Mapping[str, Any]], spend: Decimal, currency: str) -> Newcomers:
    """Of the report `takings`, what new buyers brought in this currency."""
    found = [r for r in rows if r["returning"] is False and r["currency"] == currency]
    revenue = sum((Decimal(r["revenue"]) for r in found), Decimal(0))
    shown = str(revenue) if found else decimal_string(0, currency)
    orders = sum(r["orders"] for r in found)
    return Newcomers(orders, shown, round(float(revenue / spend), 4) if spend else None)


def before(
    totals: Sequence[tuple[str, int, int, int]],
    spend_minor: int,
    now: tuple[float, Decimal, Decimal],
    currency: str,
) -> Before:
    """The earlier period from the shop's own totals; `now` is orders, revenue, spend since."""
    own = next((row for row in totals if row[0] == currency), (currency, 0, 0, 0))
    _, orders, taken, back = own
    revenue = Decimal(decimal_string(taken - back, currency))
    spend = Decimal(decimal_string(spend_minor, currency))
    return Before(
        orders=orders,
        revenue=str(revenue),
        spend=str(spend),
        orders_change=_change(Decimal(str(now[0])), Decimal(orders)),
        revenue_change=_change(now[1], revenue),
        spend_change=_change(now[2], spend),
    )


def _change(now: Decimal, earlier: Decimal) -> float | None:
    return round(float((now - earlier) / earlier), 4) if earlier > 0 else None
