"""Orders, revenue and spend by channel, by campaign and by order: the merchant's own truth.

Rows are JSON values: money is a decimal string with its currency beside it, a ratio is a
number or null where there was no spend. Own figures read landings only; the platform's
claim stands beside them and never among them.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from tillpost.core.attribution import WHOLE
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.steps import EARNINGS, KNOWN, SPENDING

CLAIMING = frozenset({"meta", "facebook", "instagram"})
"""Platforms whose claim the receiver holds; of the others none is known, which is not zero."""


def ratio(part: int, whole: int) -> float | None:
    """Part by whole to four decimals; None for nothing to divide by."""
    return round(part / whole, 4) if whole else None


def shown(minor: int, currency: str | None) -> str | None:
    """Minor units as decimal text; None where a platform's claim came without a currency."""
    return None if currency is None else decimal_string(minor, currency)


def count(shares: int) -> int | float:
    """Millionths of orders as orders: whole where they are whole."""
    whole, rest = divmod(shares, WHOLE)
    return round(shares / WHOLE, 6) if rest else whole


def channels(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows of `channel, orders, revenue, spend, roas, currency`, the largest revenue first."""
    with opened(tables) as engine:
        rows = engine.run((*EARNINGS, *SPENDING), "channels", query)
    return [
        {
            "channel": row["channel"],
            "orders": count(row["shares"]),
            "revenue": decimal_string(row["minor"], row["currency"]),
            "spend": decimal_string(row["spend_minor"], row["currency"]),
            "roas": ratio(row["minor"], row["spend_minor"]),
            "currency": row["currency"],
        }
        for row in rows
    ]


def campaigns(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by campaign: own orders and revenue, spend, and the platform's conversions and value.

    `true_roas` is own revenue by spend, `platform_roas` the platform's value by spend; what a
    platform claims of which nothing is known is None. The row without a campaign holds the
    orders that no campaign brought.
    """
    with opened(tables) as engine:
        rows = engine.run((*EARNINGS, *SPENDING), "campaigns", query)
    return [_campaign(row) for row in rows]


def _campaign(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    told = row["claimed_micro"] is not None or row["platform"] in CLAIMING
    claimed = row["claimed_minor"] or 0
    return {
        "campaign_id": row["campaign_id"],
        "campaign": row["campaign"],
        "platform": row["platform"],
        "orders": count(row["shares"]),
        "revenue": shown(row["minor"], currency),
        "currency": currency,
        "spend": shown(row["spend_minor"], currency),
        "true_roas": ratio(row["minor"], row["spend_minor"]),
        "platform_conversions": count(row["claimed_micro"] or 0) if told else None,
        "platform_value": shown(claimed, currency) if told else None,
        "platform_roas": ratio(claimed, row["spend_minor"]) if told else None,
        "impressions": row["impressions"],
        "clicks": row["clicks"],
    }


def orders(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """One row an eligible order: value, what brought it, who saw it, what was given back.

    `value` is what the shop took, `refunded` what it gave back or, of a cancelled order,
    all of it, both in the reports' currency; `told_value` is as the shop told it, with its own
    `told_currency`. `channel` is Unknown where no visit was ever observed.
    """
    with opened(tables) as engine:
        rows = engine.run(KNOWN, "orders", structs.replace(query, basis="cash"))
    return [_order(row) for row in rows]


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    money = {name: decimal_string(row[f"{name}_minor"], currency) for name in ("value", "refunded")}
    plain = ("channel", "source", "medium", "campaign", "campaign_id", "adset_id", "ad_id")
    return {
        "order_id": row["order_id"],
        "name": row["name"],
        "at": iso(row["moment"]),
        "value": money["value"],
        "currency": currency,
        **{name: row[name] for name in plain},
        "browser": bool(row["browser"]),
        "server": bool(row["server"]),
        "matched": bool(row["matched"]),
        "refunded": money["refunded"],
        "told_value": decimal_string(row["told_minor"], row["told_currency"]),
        "told_currency": row["told_currency"],
        "cancelled": bool(row["cancelled"]),
        "kind": row["kind"],
        "returning": None if row["is_returning"] is None else bool(row["is_returning"]),
        "campaign_key": row["campaign_key"],
        "shop": row["shop"],
    }
