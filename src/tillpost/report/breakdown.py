"""Every level of channel > campaign > ad set > ad, as sums of one finest grain.

`breakdown` gives the grain as rows; `fold` sums it to a level inside a place of the one
above. So every level adds up to the same total, whatever was filtered on the way.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tillpost.core.attribution import WHOLE
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Buyers, Query
from tillpost.report.roas import CLAIMING, count, ratio
from tillpost.report.steps import EARNINGS, SPENDING

Level: TypeAlias = Literal["channel", "campaign", "adset", "ad"]

LEVELS: tuple[Level, ...] = ("channel", "campaign", "adset", "ad")
"""From the whole to the finest."""

KEYS: dict[Level, str] = {
    "channel": "channel",
    "campaign": "campaign_key",
    "adset": "adset_id",
    "ad": "ad_id",
}
"""The field of a row that names its place at each level; empty is `not set`."""


def breakdown(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """The grain: rows of one `part` each (`own`, `spend`, `claim`, `visits`), money in minor units.

    `own` rows hold `shares` (millionths of orders) and `minor` by `returning` (None: not
    told); `spend` rows `minor`, `impressions`, `clicks`; `claim` rows the platform's
    conversions (in millionths too) and their value; `visits` rows count landings in `shares`.
    """
    with opened(tables) as engine:
        rows = engine.run((*EARNINGS, *SPENDING), "breakdown", query)
    return [_grain(row) for row in rows]


def _grain(row: dict[str, Any]) -> dict[str, Any]:
    texts = {field: row[field] or "" for field in KEYS.values()}
    told = row.pop("is_returning")
    return {**row, **texts, "returning": None if told is None else bool(told)}


class Place(Struct, frozen=True):
    """Where in the tree: a value for each level down to here, e.g. `{"channel": "Email"}`."""

    within: dict[str, str] = {}

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of the grain lies in this place."""
        return all(row[KEYS[level]] == value for level, value in self.within.items())  # type: ignore[index]


class _Sum:
    """What a group of the grain adds up to."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.shares: Counter[str] = Counter()
        self.minor: Counter[str] = Counter()
        self.impressions = 0
        self.clicks = 0
        self.platform: str | None = None
        self.claims = False
        self.names: dict[str, str] = {}

    def add(self, row: Mapping[str, Any], part: str) -> None:
        self.shares[part] += row["shares"]
        self.minor[part] += row["minor"]
        self.impressions += row["impressions"]
        self.clicks += row["clicks"]
        self.platform = self.platform or row["platform"]
        self.claims = self.claims or part == "claim" or row["platform"] in CLAIMING
        for name in ("campaign", "adset", "ad"):
            if row[name]:
                self.names.setdefault(name, row[name])


def fold(
    grain: Iterable[Mapping[str, Any]],
    level: Level,
    place: Place,
    buyers: Buyers = "all",
    *,
    currency: str,
) -> list[dict[str, Any]]:
    """Rows of one level inside a place: own orders and revenue, spend, the platform's claim.

    `currency` is where visits count, which have none. What platforms claim of which nothing is
    known is None. With `buyers` only orders of new or
    of returning buyers count; spend, claims and visits are whole, so that `roas` is then
    what the whole spend brought of such buyers. The largest revenue comes first.
    """
    sums: dict[tuple[str, str], _Sum] = {}
    field = KEYS[level]
    for row in grain:
        if not place.holds(row):
            continue
        key = (row[field], row["currency"] or currency)
        made = sums.setdefault(key, _Sum(key[1]))
        _take(made, row, buyers)
    return sorted(
        (_row(level, key[0], made) for key, made in sums.items()),
        key=lambda row: (-row["minor"], -row["spend_minor"], row["key"], row["currency"]),
    )


def _take(made: _Sum, row: Mapping[str, Any], buyers: Buyers) -> None:
    if row["part"] != "own":
        made.add(row, row["part"])
        return
    if row["returning"] is False:
        made.shares["new"] += row["shares"]
        made.minor["new"] += row["minor"]
    if buyers == "all" or row["returning"] is (buyers == "returning"):
        made.add(row, "own")


def _row(level: Level, key: str, made: _Sum) -> dict[str, Any]:
    minor, spend, claimed = (made.minor[part] for part in ("own", "spend", "claim"))
    orders = made.shares["own"]
    money = {"revenue": minor, "new_revenue": made.minor["new"], "spend": spend}
    platform_orders, platform_value = (
        (count(made.shares["claim"]), decimal_string(claimed, made.currency))
        if made.claims
        else (None, None)
    )
    return {
        "key": key,
        "name": key if level == "channel" else made.names.get(level) or key,
        "platform": made.platform,
        "currency": made.currency,
        "orders": count(orders),
        "new_orders": count(made.shares["new"]),
        **{name: decimal_string(value, made.currency) for name, value in money.items()},
        "platform_value": platform_value,
        "minor": minor,
        "spend_minor": spend,
        "visits": made.shares["visits"],
        "impressions": made.impressions,
        "clicks": made.clicks,
        "platform_orders": platform_orders,
        **_ratios(made, orders, minor, spend, claimed),
    }


def _ratios(
    made: _Sum, orders: int, minor: int, spend: int, claimed: int
) -> dict[str, float | str | None]:
    """What follows from the sums; None where there is nothing to divide by."""
    claims = made.shares["claim"]
    delta = (claims - orders) / WHOLE
    return {
        "roas": ratio(minor, spend),
        "nc_roas": ratio(made.minor["new"], spend),
        "platform_roas": ratio(claimed, spend) if claims else None,
        "delta": round(delta, 2) if claims else None,
        "cpa": _each(spend, orders / WHOLE, made.currency),
        "cac": _each(spend, made.shares["new"] / WHOLE, made.currency),
        "aov": _each(minor, orders / WHOLE, made.currency),
        "cpc": _each(spend, made.clicks, made.currency),
        "cpm": _each(spend, made.impressions / 1000, made.currency),
        "ctr": ratio(made.clicks, made.impressions),
        "cvr": round(orders / WHOLE / made.shares["visits"], 4) if made.shares["visits"] else None,
    }


def _each(minor: int, number: float, currency: str) -> str | None:
    return decimal_string(round(minor / number), currency) if minor and number else None


def level_below(level: Level) -> Level | None:
    """The next finer level; None below ads, where the orders are."""
    later: Sequence[Level] = LEVELS[LEVELS.index(level) + 1 :]
    return later[0] if later else None
