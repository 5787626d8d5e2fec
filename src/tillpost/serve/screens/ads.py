"""Ads as the platform tells of them, by window, beside what the shop's own orders say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from tillpost.core.money import decimal_string, to_minor
from tillpost.report.roas import count, ratio
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.elsewhere import column, gathered
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

COLUMNS: tuple[Column, ...] = (
    Column("ad", "Ad"),
    Column("campaign", "Campaign", shown=False),
    Column("adset", "Ad set", shown=False),
    Column("spend", "Spend", "money"),
    Column("conversions", "Claimed", "number", about="conversions that the platform credits"),
    Column("7d_click", "7-day click", "whole"),
    Column("1d_engage", "1-day engage", "whole"),
    Column("1d_view", "1-day view", "whole"),
)
BESIDE: tuple[Column, ...] = (
    Column("1d_click", "1-day click", "whole", shown=False),
    Column("28d_click", "28-day click", "whole", shown=False),
    Column("own_orders", "Own orders", "number", about="by the model above"),
    Column("roas", "Claimed ROAS", "times", about="the platform's value by spend"),
    Column("true_roas", "True ROAS", "times", about="own revenue by spend"),
    Column("value", "Claimed value", "money", shown=False),
    Column("own_revenue", "Own revenue", "money", shown=False),
    Column("impressions", "Impressions", "whole", shown=False),
    Column("clicks", "Clicks", "whole", shown=False),
    Column("ad_id", "Ad id", shown=False),
)
"""What comes behind the claims in other currencies."""
IDS = ("account_id", "campaign_id", "campaign", "adset_id", "adset", "ad_id", "ad")


def read(desk: Desk, ask: Ask) -> View:
    """The ads of this shop and period."""
    shop = desk.shop(ask)
    return view(desk.report("ads", ask), desk.report("breakdown", ask), ask, shop.currency)


def view(
    ads: Sequence[Mapping[str, Any]],
    grain: Sequence[Mapping[str, Any]],
    ask: Ask,
    shop_currency: str,
) -> View:
    """Ads, each with its own orders by its id."""
    own = _own(grain)
    rows = [_row(row, own, ask, shop_currency) for row in ads]
    found = gathered(rows, shop_currency, "conversions", itemgetter(*IDS))
    table = Table(
        name="ads",
        caption="The platform's claim by ad and window, beside the shop's own orders",
        columns=(*COLUMNS, column(found), *BESIDE),
        rows=found,
        empty="No ad has a claim or a spend in this period. Import the platform's export under "
        "Spend; claims come with it, or from the embedded receiver.",
    )
    return View(tables=(table.as_asked(ask),))


def _own(grain: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[int, int]]:
    """(ad id, currency) -> millionths of own orders, and their minor units."""
    made: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in grain:
        if row["part"] == "own" and row["ad_id"]:
            shares, minor = made[row["ad_id"], row["currency"]]
            made[row["ad_id"], row["currency"]] = (shares + row["shares"], minor + row["minor"])
    return made


def _row(
    row: Mapping[str, Any],
    own: Mapping[tuple[str, str], tuple[int, int]],
    ask: Ask,
    shop_currency: str,
) -> dict[str, Any]:
    currency = row["currency"] or ""
    shares, minor = own.get((row["ad_id"] or "", currency), (0, 0))
    foreign = None if currency in {"", shop_currency} else f"in {currency}, no rate known"
    spend = to_minor(row["spend"], currency) if row["spend"] and currency else 0
    return {
        **row,
        "ad": row["ad"] or row["ad_id"] or row["adset"] or row["campaign"] or "not told",
        "note": ", ".join(filter(None, (row["campaign"] if row["ad"] else None, foreign))),
        "currency": currency,
        "spend_minor": spend,
        "own_orders": count(shares),
        "own_revenue": decimal_string(minor, currency) if currency else None,
        "true_roas": ratio(minor, spend),
        "href": ask.leave("/orders", ad=row["ad_id"]) if row["ad_id"] else None,
    }


SCREEN = Screen(
    path="/ads",
    title="Ads",
    group="Money",
    about="What the platform claims for each ad, by attribution window, and what the shop's own "
    "orders say. A conversion has one window, so the windows add up to the claim.",
    read=read,
    filters=("period", "model", "window"),
)
