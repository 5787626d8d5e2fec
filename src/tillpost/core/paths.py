"""Journeys counted by path: how often it ended in a conversion, and how often in nothing.

The path-based models work on these counts. Channels are their labels; credits are
conversions, as real numbers, and sum to the conversions of the paths, up to rounding.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress
from math import comb

from msgspec import Struct

from tillpost.core.attribution import WEIGHTS, Touch

RULES = ("first", "last", "last_non_direct", "linear", "position")
"""The rule-based models that need neither times nor costs."""

DIRECT_LABELS = frozenset({"direct", "(direct)", "(direct) / (none)"})
"""Labels of direct visits, lower case, for `last_non_direct`."""


class Path(Struct, frozen=True, gc=False):
    """A sequence of channels, oldest first, with what it led to."""

    steps: tuple[str, ...]
    conversions: float
    value: float = 0.0
    null: float = 0.0


def counted(journeys: Sequence[str], converted: Iterable[object]) -> list[Path]:
    """The distinct paths of journeys told one by one, `a > b > c`, and whether each converted."""
    won = Counter(compress(journeys, converted)).get
    return [
        Path(tuple(path.split(" > ")), sold := won(path, 0), 0.0, times - sold)
        for path, times in Counter(journeys).items()
    ]


def by_rule(model: str, paths: Iterable[Path]) -> dict[str, float]:
    """Conversions by channel under one of `RULES`; a channel that earned none has 0."""
    earned: dict[str, float] = defaultdict(float)
    weigh = WEIGHTS[model]
    for path in paths:
        weights = weigh([_touch(step) for step in path.steps])
        whole = sum(weights)
        for step, weight in zip(path.steps, weights, strict=True):
            earned[step] += path.conversions * weight / whole
    return dict(earned)


def _touch(label: str) -> Touch:
    return Touch(at=0, label=label, direct=label.lower() in DIRECT_LABELS)


def shapley_total(paths: Iterable[Path]) -> dict[str, float]:
    """Shapley values when a set of channels is worth all conversions of journeys inside it.

    For that game the value has a closed form, which this is: each path's conversions in
    equal parts to its distinct channels. It is a linear model, under its honest name.
    """
    earned: dict[str, float] = defaultdict(float)
    for path in paths:
        distinct = set(path.steps)
        for step in distinct:
            earned[step] += path.conversions / len(distinct)
    return dict(earned)


def shapley_rate(paths: Sequence[Path]) -> dict[str, float]:
    """Shapley values when a set is worth the conversion rate of journeys with exactly that set.

    The values are in the unit of a rate, sum to the rate of all channels together, and
    may be negative: a set that was never seen is worth nothing.
    """
    converted: dict[frozenset[str], float] = defaultdict(float)
    total: dict[frozenset[str], float] = defaultdict(float)
    for path in paths:
        channels = frozenset(path.steps)
        converted[channels] += path.conversions
        total[channels] += path.conversions + path.null
    return shapley({s: converted[s] / seen for s, seen in total.items() if seen})


def shapley(worth: dict[frozenset[str], float]) -> dict[str, float]:
    """The Shapley value of every player of a game; a set that is not given is worth 0.

    Exact for any number of players: each given set S of n players adds
    `worth / (|S| C(n,|S|))` to its members and takes `worth / ((n-|S|) C(n,|S|))` from
    the others, which is the textbook sum in another order.
    """
    players = sorted(frozenset().union(*worth))
    values = dict.fromkeys(players, 0.0)
    for members, amount in worth.items():
        inside, outside = len(members), len(players) - len(members)
        ways = comb(len(players), inside)
        for player in players:
            if player in members:
                values[player] += amount / (inside * ways)
            elif inside:
                values[player] -= amount / (outside * ways)
    return values
