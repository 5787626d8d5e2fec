"""What an Insights row cost, and what each click, view and action of it cost.

An ad account has one currency; a row that falls under two of them has no sum, and tells none.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tillpost.core import money

COSTS: dict[str, tuple[str, int]] = {
    "cpc": ("clicks", 1),
    "cost_per_inline_link_click": ("inline_link_clicks", 1),
    "cpm": ("impressions", 1_000),
    "cpp": ("reach", 1_000),
}
"""Fields that tell what so many of another cost."""

_PLACES = Decimal("0.000001")

Spent = Mapping[str, int]
"""Minor units by currency."""


def costs(spent: Spent, counts: Mapping[str, int]) -> dict[str, str]:
    """`spend`, `account_currency`, and the costs of what was counted."""
    sum_of = _sum(spent)
    if sum_of is None:
        return {}
    currency, amount = sum_of
    told = {
        field: _each(amount, counts[of], number)
        for field, (of, number) in COSTS.items()
        if counts.get(of)
    }
    return {"spend": str(amount), "account_currency": currency, **told}


def cost_per_action(spent: Spent, actions: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """`cost_per_action_type`, of the actions told."""
    sum_of = _sum(spent)
    if sum_of is None:
        return []
    return [
        {"action_type": action["action_type"], "value": _each(sum_of[1], int(action["value"]))}
        for action in actions
        if int(action["value"])
    ]


def purchase_roas(spent: Spent, values: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """`purchase_roas`: what purchases in the account's currency were worth for what it spent."""
    sum_of = _sum(spent)
    if sum_of is None or not sum_of[1]:
        return []
    currency, amount = sum_of
    return [
        {"action_type": "purchase", "value": str((Decimal(v["value"]) / amount).quantize(_PLACES))}
        for v in values
        if v["action_type"] == "purchase" and v["currency"] == currency
    ]


def _sum(spent: Spent) -> tuple[str, Decimal] | None:
    if len(spent) != 1:
        return None
    currency, units = next(iter(spent.items()))
    return currency, Decimal(money.decimal_string(units, currency))


def _each(amount: Decimal, count: int, number: int = 1) -> str:
    return str((amount * number / count).quantize(_PLACES))
