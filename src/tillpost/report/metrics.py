"""The figures by which a shop is steered: blended, for a period as a whole.

Definitions stand in docs/concepts/attribution.md. Money is a decimal string, a ratio a
number; None is said where there is nothing to divide by, or no cost is known.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from msgspec import structs

from tillpost.core.money import decimal_string, to_minor
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.roas import ratio
from tillpost.report.steps import CAMPAIGN_KEYS, SALES, SPENDING

Sums: TypeAlias = Mapping[str, Any]


def metrics(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """A row a shop and currency: what came in, from whom, at what cost, and what remains.

    `contribution` is net revenue less goods, fees, shipping and spend; None where nothing
    says what the goods of some order cost (`orders_without_costs` counts them). `overlap_factor`
    is what all platforms claim together by gross: above 1, sales are claimed more than once.
    Orders count on their own day, on either basis. A currency of which nothing was told but
    platforms' claims has a row, too.
    """
    plain = structs.replace(query, basis="cash")
    with opened(tables) as engine:
        found = engine.run((*SALES, *CAMPAIGN_KEYS, *SPENDING), "metrics", plain)
    return [_row(sums) for sums in found]


def _row(sums: Sums) -> dict[str, Any]:
    orders, spend = sums["orders"], sums["spend_minor"]
    gross, net, new = sums["gross_minor"], sums["minor"], sums["new_orders"]
    money = {
        "gross": gross,
        "revenue": net,
        "refunded": gross - net,
        "new_revenue": sums["new_minor"],
        "spend": spend,
    }
    currency, claimed = sums["currency"], sums["claimed_minor"]
    return {
        "shop": sums["shop"],
        "currency": currency,
        "orders": orders,
        "new_orders": new,
        "returning_orders": sums["returning_orders"],
        "unknown_buyers": orders - new - sums["returning_orders"],
        **{name: decimal_string(minor, currency) for name, minor in money.items()},
        "aov": each(gross, orders, currency),
        "mer": ratio(net, spend),
        "gross_mer": ratio(gross, spend),
        "nc_roas": ratio(sums["new_minor"], spend),
        "cpa": each(spend, orders, currency),
        "cac": each(spend, new, currency),
        "acos": ratio(spend, gross),
        "platform_value": None if claimed is None else decimal_string(claimed, currency),
        "overlap_factor": None if claimed is None else ratio(claimed, gross),
        "visits": sums["visits"],
        "conversion_rate": ratio(orders, sums["visits"]),
        **_contribution(sums),
    }


def each(minor: int, number: int, currency: str) -> str | None:
    """The money of one of so many; None of nobody."""
    return decimal_string(_whole(Decimal(minor) / number), currency) if number else None


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _contribution(sums: Sums) -> dict[str, Any]:
    """Costs, and what remains after them; a percentage counts where no product's cost is known."""
    currency = sums["currency"]
    goods = sums["goods_minor"]
    uncosted = sums["uncosted"]
    if sums["goods_percent"] is not None:
        goods += _percent(sums["goods_percent"], sums["uncosted_minor"])
        uncosted = 0
    fees = _percent(sums["fees_percent"] or "0", sums["gross_minor"]) + _fixed(sums, "fees_fixed")
    shipping = _fixed(sums, "shipping_fixed")
    net = sums["minor"]
    margin = net - goods - fees - shipping
    known = not uncosted
    remains = margin - sums["spend_minor"]
    return {
        "goods": decimal_string(goods, currency),
        "fees": decimal_string(fees, currency),
        "shipping": decimal_string(shipping, currency),
        "contribution": decimal_string(remains, currency) if known else None,
        "contribution_share": ratio(remains, net) if known else None,
        "break_even_roas": ratio(net, margin) if known and margin > 0 else None,
        "orders_without_costs": uncosted,
    }


def _percent(percent: str, minor: int) -> int:
    return _whole(Decimal(percent) * minor / 100)


def _fixed(sums: Sums, name: str) -> int:
    """A cost of every order, which is told in the shop's own currency."""
    told = sums[name]
    if not told or sums["currency"] != sums["own_currency"]:
        return 0
    cost: int = to_minor(told, sums["currency"]) * sums["orders"]
    return cost
