"""The models that learn from all paths at once, over the shop's own: Markov and Shapley.

They need the paths that led to nothing as well, so they read every visitor, not only buyers.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core import markov, money, paths
from tillpost.core.outcome import Misconfigured
from tillpost.core.paths import Path
from tillpost.ports import Rows
from tillpost.report.engine import Engine, opened
from tillpost.report.models import MAX_ORDER
from tillpost.report.query import Query
from tillpost.report.steps import JOURNEYS, SALES

GRAIN = 2**32
"""Removal effects are split by as whole numbers of this fraction."""

BUYERS = (*SALES, "order_visitors", "buyers")
"""The steps that find who has bought, of all time."""


class Sold(Struct, frozen=True):
    """A path that led to orders of one currency: how many, and their minor units."""

    steps: tuple[str, ...]
    currency: str
    orders: int
    minor: int


def path_models(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by channel and currency: orders and revenue under each path model, most by Markov first.

    `markov_1` to `markov_3` with `_revenue` and `_removal_effect`; `shapley` (the closed form:
    linear over distinct channels) with `_revenue`; `shapley_rate`, the Shapley value of
    conversion rates, which may be negative and is no number of orders: all of them add up to the
    rate of paths with every channel, mostly 0. Orders without a touch in the window have no
    path. Raises `Misconfigured` by touch date: a path has no single one.
    """
    if query.basis == "accrual":
        raise Misconfigured("path_models counts orders on their own day: leave basis at cash")
    with opened(tables) as engine:
        lost = _lost(engine, query)
        sold = [
            Sold(_steps(row["path"]), row["currency"], row["orders"], row["minor"])
            for row in engine.run(JOURNEYS, "paths", query)
        ]
    every = [Path(way.steps, way.orders) for way in sold] + lost
    effects = {
        f"markov_{order}": removal.removal_effect
        for order, removal in enumerate(markov.by_order(every, MAX_ORDER), 1)
    }
    rates = paths.shapley_rate(every)
    rows = [
        row
        for currency in sorted({way.currency for way in sold})
        for row in _rows(effects, rates, [way for way in sold if way.currency == currency])
    ]
    return sorted(rows, key=lambda row: (-row["markov_1"], row["channel"]))


def _lost(engine: Engine, query: Query) -> list[Path]:
    """The paths that led to nothing; whoever bought at any time is known by then."""
    engine.ask(Query(shop=query.shop), "lost_paths", ())
    for step in BUYERS:
        engine.make(step, ())
    found = engine.run((), "lost_paths", query)
    return [Path(_steps(row["path"]), 0, null=row["visitors"]) for row in found]


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(" > "))


def _rows(
    effects: Mapping[str, Mapping[str, float]], rates: Mapping[str, float], sold: Sequence[Sold]
) -> Iterator[dict[str, Any]]:
    """The rows of one currency: its orders and its money, shared by what the channels are worth."""
    currency, orders = sold[0].currency, sum(way.orders for way in sold)
    minor = sum(way.minor for way in sold)
    earned = {name: _split(minor, of) for name, of in effects.items()}
    distinct = paths.shapley_total(Path(way.steps, way.orders) for way in sold)
    worth = _distinct(sold)
    for channel in rates:
        row: dict[str, Any] = {"channel": channel, "currency": currency}
        for name, of in effects.items():
            row[name] = _part(orders, of, channel)
            row[f"{name}_revenue"] = money.decimal_string(earned[name][channel], currency)
            row[f"{name}_removal_effect"] = round(of[channel], 6)
        row["shapley"] = round(distinct.get(channel, 0.0), 4)
        row["shapley_revenue"] = money.decimal_string(worth[channel], currency)
        row["shapley_rate"] = round(rates[channel], 6)
        yield row


def _part(orders: int, effects: Mapping[str, float], channel: str) -> float:
    """A channel's orders, in proportion to removal effects; where there are orders, some are."""
    return round(orders * effects[channel] / sum(effects.values()), 4)


def _split(minor: int, effects: Mapping[str, float]) -> dict[str, int]:
    """Money by channel, to the cent; effects below nothing are rounding errors."""
    weights = [max(0, round(effect * GRAIN)) for effect in effects.values()]
    return dict(zip(effects, money.split(minor, weights), strict=True))


def _distinct(sold: Sequence[Sold]) -> dict[str, int]:
    """Money by channel when each path's is split among its distinct channels, to the cent."""
    earned: dict[str, int] = defaultdict(int)
    for way in sold:
        channels = sorted(set(way.steps))
        parts = money.split(way.minor, (1,) * len(channels))
        for channel, part in zip(channels, parts, strict=True):
            earned[channel] += part
    return earned
