"""Channels > campaigns > ad sets > ads: what each earned and cost, and the platform's claim."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from msgspec import Struct, structs

from tillpost.core.money import decimal_string
from tillpost.core.shop import Shop
from tillpost.report.breakdown import KEYS, LEVELS, Level, Place, fold, level_below
from tillpost.report.query import Buyers
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.elsewhere import ELSEWHERE, column, gathered
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

TITLES: dict[Level, tuple[str, str]] = {
    "channel": ("Channel", "Channels"),
    "campaign": ("Campaign", "Campaigns"),
    "adset": ("Ad set", "Ad sets"),
    "ad": ("Ad", "Ads"),
}
SAME_SECONDS = 2.0
"""Rows and totals that were read within so many seconds should agree."""
NOT_SET: dict[Level, str] = {
    "channel": "Unknown",
    "campaign": "No campaign",
    "adset": "No ad set told",
    "ad": "No ad told",
}
"""What a place without a name is called."""

COLUMNS: tuple[Column, ...] = (
    Column("orders", "Orders", "number"),
    Column("new_orders", "New buyers", "number", shown=False),
    Column("revenue", "Revenue", "money", about="after refunds"),
    Column("share", "Share", "part", about="of the revenue here"),
    Column("new_revenue", "New revenue", "money", shown=False, about="of first-time buyers"),
    Column("spend", "Spend", "money"),
    Column("roas", "True ROAS", "times", about="own revenue by spend"),
    Column("nc_roas", "New-buyer ROAS", "times", shown=False, about="first-time revenue by spend"),
    Column("cpa", "Cost per order", "money", shown=False),
    Column("aov", "Order value", "money", shown=False),
    Column("visits", "Visits", "whole", shown=False),
    Column("cvr", "Orders per visit", "share", shown=False),
    Column("impressions", "Impressions", "whole", shown=False),
    Column("clicks", "Clicks", "whole", shown=False),
    Column("ctr", "Click rate", "share", shown=False, about="clicks by impressions"),
    Column("cpc", "Cost per click", "money", shown=False),
    Column("cpm", "Cost per 1,000", "money", shown=False, about="per 1,000 impressions"),
    Column("platform_orders", "Claimed orders", "whole", about="the platform's own count"),
)
RATED: tuple[Column, ...] = (
    Column("platform_roas", "Claimed ROAS", "times", about="the platform's value by spend"),
    Column("delta", "Claim less own", "number", shown=False),
)
"""What comes behind the claims in other currencies."""


class Crumb(Struct, frozen=True):
    """One step of the way down; `href` is None where the page stands."""

    title: str
    href: str | None


class Check(Struct, frozen=True):
    """The table's sum beside the shop's own total, both in the shop's currency.

    `equal` is None where the two need not agree: inside a place, for some buyers only, by
    the day of the visit, or where a model gives an order to several at once.
    """

    orders: int
    revenue: str
    equal: bool | None


class Channels(View, frozen=True, kw_only=True):
    """One level of the tree, the way to it, and the check against the shop's total."""

    level: Level
    crumbs: tuple[Crumb, ...]
    check: Check
    currency: str
    orders_href: str


def read(desk: Desk, ask: Ask) -> Channels:
    """The level that the address names, for this shop and period."""
    grain, totals = desk.report("breakdown", ask), desk.totals(ask)
    return view(grain, totals, ask, desk.shop(ask), is_new=desk.age < SAME_SECONDS)


def view(
    grain: Sequence[Mapping[str, Any]],
    totals: Sequence[tuple[str, int, int, int]],
    ask: Ask,
    shop: Shop,
    *,
    is_new: bool = True,
) -> Channels:
    """The rows below the place that `ask` names, and their sum.

    Rows that are not as new as the totals may differ from them, and nothing is wrong.
    """
    place = _place(ask)
    level = _level(ask, place)
    buyers: Buyers = ask.buyers  # type: ignore[assignment]
    folded = fold(grain, level, place, buyers, currency=shop.currency)
    found = gathered(folded, shop.currency, "platform_orders", itemgetter("key"))
    foot = _foot(found, shop.currency)
    check = _check(foot, totals, ask, place, shop.currency)
    if not (is_new or check.equal):
        check = structs.replace(check, equal=None)
    rows = [_row(row, level, place, ask, foot["minor"], shop.currency) for row in found]
    heading = Column("name", TITLES[level][0])
    table = Table(
        name=level,
        caption=f"{TITLES[level][1]}: orders, revenue, spend and ROAS",
        columns=(heading, *COLUMNS, column(found), *RATED),
        rows=rows,
        foot={**foot, "name": "All"},
        empty="No order, visit or spend in this period. Choose a longer one, or import spend.",
    )
    return Channels(
        tables=(table.as_asked(ask),),
        level=level,
        crumbs=_crumbs(ask, place, grain),
        check=check,
        currency=shop.currency,
        orders_href=ask.leave("/orders", buyers=ask.buyers, **place.within),
    )


def _place(ask: Ask) -> Place:
    """The levels that the address names; `-` stands for a name that is not set."""
    named = {level: ask.one(level) for level in LEVELS if ask.one(level)}
    return Place({level: "" if value == "-" else value for level, value in named.items()})


def _level(ask: Ask, place: Place) -> Level:
    asked = ask.one("by")
    for level in LEVELS:
        if level == asked and level not in place.within:
            return level
    deepest = [level for level in LEVELS if level in place.within]
    return (level_below(deepest[-1]) or "ad") if deepest else "channel"


def _row(
    row: Mapping[str, Any], level: Level, place: Place, ask: Ask, whole: int, currency: str
) -> dict[str, Any]:
    within = {**place.within, level: row["key"]}
    told = {name: value or "-" for name, value in within.items()}
    below = level_below(level)
    path = "/channels" if below else "/orders"
    share = round(row["minor"] / whole, 4) if whole and row["currency"] == currency else None
    return {
        **row,
        "name": row["name"] or NOT_SET[level],
        "share": share,
        "note": None if row["currency"] == currency else f"in {row['currency']}, no rate known",
        "href": ask.leave(path, **told),
    }


def _foot(rows: Sequence[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    """The sum of the rows in the shop's currency."""
    own = [row for row in rows if row["currency"] == currency]
    counts = (
        "orders", "new_orders", "visits", "impressions", "clicks", "platform_orders", ELSEWHERE,
    )  # fmt: skip
    minor = sum(row["minor"] for row in own)
    spend = sum(row["spend_minor"] for row in own)
    money = {
        name: str(sum((Decimal(row[name] or 0) for row in own), Decimal(0)))
        for name in ("new_revenue", "platform_value")
    }
    return {
        **{name: _whole(sum(row[name] or 0 for row in own)) for name in counts},
        **money,
        "currency": currency,
        "minor": minor,
        "revenue": decimal_string(minor, currency),
        "spend": decimal_string(spend, currency),
        "roas": round(minor / spend, 4) if spend else None,
        "share": 1.0 if minor else None,
    }


def _whole(number: float) -> int | float:
    """Sums of millionths are whole again where the parts are all of it."""
    near = round(number)
    return near if abs(number - near) < 0.001 else round(number, 6)


def _crumbs(ask: Ask, place: Place, grain: Sequence[Mapping[str, Any]]) -> tuple[Crumb, ...]:
    """The way from all channels to here; ids are called by the name that goes with them."""
    if not place.within:
        return ()
    made = [Crumb("All channels", ask.leave("/channels"))]
    walked: dict[str, str] = {}
    levels = [level for level in LEVELS if level in place.within]
    for level in levels:
        value = place.within[level]
        walked[level] = value or "-"
        title = name_of(level, value, grain) or NOT_SET[level]
        here = level == levels[-1]
        made.append(Crumb(title, None if here else ask.leave("/channels", **walked)))
    return tuple(made)


def name_of(level: Level, value: str, grain: Sequence[Mapping[str, Any]]) -> str:
    """What a place is called: the name that goes with its id, or the id itself."""
    if level == "channel":
        return value
    named = (row[level] for row in grain if row[KEYS[level]] == value and row[level])
    return next(named, value)


def _check(
    foot: Mapping[str, Any],
    totals: Sequence[tuple[str, int, int, int]],
    ask: Ask,
    place: Place,
    currency: str,
) -> Check:
    own = next((row for row in totals if row[0] == currency), (currency, 0, 0, 0))
    _, orders, taken, given_back = own
    whole = (
        not place.within
        and ask.buyers == "all"
        and ask.basis == "cash"
        and ask.model != "participation"
    )
    equal = (foot["orders"], foot["minor"]) == (orders, taken - given_back) if whole else None
    return Check(orders, decimal_string(taken - given_back, currency), equal)


SCREEN = Screen(
    path="/channels",
    title="Channels",
    group="Money",
    about="What brought the orders, what it cost, and what the platform claims beside it.",
    read=read,
    template="channels.html",
    filters=("period", "model", "window", "basis", "buyers"),
    own=("channel", "campaign", "adset", "ad", "by"),
)
