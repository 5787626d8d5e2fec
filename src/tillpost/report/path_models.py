"""The models that learn from all paths at once, over the shop's own: Markov and Shapley.

They need the paths that led to nothing as well, so they read every visitor, not only buyers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core import markov, money, paths
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
    """A path that led to orders of one currency: how many, and their minor units.

    `inside` says of each step whether it counts in the period.
    """

    steps: tuple[str, ...]
    currency: str
    orders: int
    minor: int
    inside: tuple[bool, ...]


def path_models(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by channel and currency: orders and revenue under each path model, most by Markov first.

    `markov_1` to `markov_3` with `_revenue` and `_removal_effect`; `shapley` (the closed form:
    linear over distinct channels) with `_revenue`; `shapley_rate`, the Shapley value of
    conversion rates, which may be negative and is no number of orders: all of them add up to the
    rate of paths with every channel, mostly 0. Orders without a touch in the window have no
    path. By touch date a channel earns the same of the journeys with a touch in the period, and
    of that counts what falls on touches in it.
    """
    with opened(tables) as engine:
        lost = _lost(engine, query)
        sold = _sold(engine, query)
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


def _sold(engine: Engine, query: Query) -> list[Sold]:
    """The paths that led to orders: of the period, or with a touch in it."""
    dated = query.basis == "accrual"
    found = engine.run(JOURNEYS, "dated_paths" if dated else "paths", query)
    return [
        Sold(
            steps := _steps(row["path"]),
            row["currency"],
            row["orders"],
            row["minor"],
            tuple(mark == "1" for mark in row["inside"]) if dated else (True,) * len(steps),
        )
        for row in found
    ]


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
    counts = {name: _dated(sold, of, lambda way: way.orders) for name, of in effects.items()}
    worths = {name: _dated(sold, of, lambda way: way.minor) for name, of in effects.items()}
    distinct = _distinct(sold)
    for channel in rates:
        row: dict[str, Any] = {"channel": channel, "currency": currency}
        for name, of in effects.items():
            share = counts[name].get(channel, 1.0)
            own = _portion(earned[name][channel], worths[name].get(channel, share))
            row[name] = round(_part(orders, of, channel) * share, 4)
            row[f"{name}_revenue"] = money.decimal_string(own, currency)
            row[f"{name}_removal_effect"] = round(of[channel], 6)
        counted, worth = distinct.get(channel, (0.0, 0))
        row["shapley"] = round(counted, 4)
        row["shapley_revenue"] = money.decimal_string(worth, currency)
        row["shapley_rate"] = round(rates[channel], 6)
        yield row


def _part(orders: int, effects: Mapping[str, float], channel: str) -> float:
    """A channel's orders, in proportion to removal effects; where there are orders, some are."""
    return orders * effects[channel] / sum(effects.values())


def _split(minor: int, effects: Mapping[str, float]) -> dict[str, int]:
    """Money by channel, to the cent; effects below nothing are rounding errors."""
    weights = [max(0, round(effect * GRAIN)) for effect in effects.values()]
    return dict(zip(effects, money.split(minor, weights), strict=True))


def _dated(
    sold: Sequence[Sold], effects: Mapping[str, float], worth: Callable[[Sold], int]
) -> dict[str, float]:
    """By channel, the part of its credit that falls on touches which count in the period.

    An order's worth lies on its touches by their removal effects. What is missing counts whole.
    """
    if all(all(way.inside) for way in sold):
        return {}
    inside: dict[str, float] = defaultdict(float)
    whole: dict[str, float] = defaultdict(float)
    for way in sold:
        parts = markov.touch_parts(way.steps, effects)
        for step, part, counts in zip(way.steps, parts, way.inside, strict=True):
            whole[step] += worth(way) * part
            inside[step] += worth(way) * part * counts
    return {step: inside[step] / found for step, found in whole.items() if found > 0}


def _portion(minor: int, part: float) -> int:
    """So much of an amount, to the cent; the rest is the other part."""
    weight = min(GRAIN, max(0, round(part * GRAIN)))
    return money.split(minor, (weight, GRAIN - weight))[0]


def _distinct(sold: Sequence[Sold]) -> dict[str, tuple[float, int]]:
    """Orders and money by channel when each path's are split among its distinct channels.

    A channel's share lies on its touches in equal parts; those that count in the period count.
    """
    counted: dict[str, float] = defaultdict(float)
    earned: dict[str, int] = defaultdict(int)
    for way in sold:
        channels = sorted(set(way.steps))
        parts = money.split(way.minor, (1,) * len(channels))
        for channel, part in zip(channels, parts, strict=True):
            marks = [m for step, m in zip(way.steps, way.inside, strict=True) if step == channel]
            counted[channel] += way.orders / len(channels) * sum(marks) / len(marks)
            earned[channel] += money.split(part, (sum(marks), len(marks) - sum(marks)))[0]
    return {channel: (counted[channel], earned[channel]) for channel in earned}
