"""Markov attribution: what share of conversions would be lost without a channel.

Journeys are a chain whose states are the last `order` touches (fewer at the start of a
path; the same state twice running is one), and which ends in a conversion or in nothing.
Deleting a channel sends every journey that meets it to nothing; the conversions lost by
that, relative to all, are its removal effect (attribution reference, 3.2).
"""

from collections import defaultdict
from collections.abc import Iterable
from operator import mul

from msgspec import Struct

from tillpost.core.paths import Path

START = 0
TOLERANCE = 1e-15
"""Sweeps end when no probability moves by more: the linear system is solved to the last digits."""

MAX_SWEEPS = 100_000
"""Far above what any chain of journeys needs; keeps a malformed one from running on."""


class Removal(Struct, frozen=True):
    """The probability of a conversion, and by channel its removal effect and conversions."""

    p_conversion: float
    removal_effect: dict[str, float]
    conversions: dict[str, float]


class _Chain(Struct, frozen=True):
    """States by number, START first: next states, chances of each, chance of a conversion."""

    channels: list[frozenset[str]]
    follows: list[list[int]]
    chances: list[list[float]]
    converts: list[float]


def removal_effects(paths: Iterable[Path], order: int = 1) -> Removal:
    """Exact removal effects of every channel in the paths, for a chain of this order (>= 1).

    Conversions are the paths' total, shared in proportion to removal effects. Paths that
    led to nothing must be among them, or effects shrink to path membership. With no
    conversions at all every figure is 0.
    """
    known = tuple(paths)
    chain = _chain(known, order)
    full = _solve(chain, frozenset(), [0.0] * len(chain.channels))
    base = full[START]
    names = sorted(frozenset().union(*chain.channels))
    effects = dict.fromkeys(names, 0.0)
    if base > 0:
        effects = {
            name: 1.0 - _solve(chain, _states_with(chain, name), full)[START] / base
            for name in names
        }
    whole = sum(effects.values())
    total = sum(path.conversions for path in known)
    return Removal(
        base, effects, {name: total * e / whole if whole else 0.0 for name, e in effects.items()}
    )


def per_journey(paths: Iterable[Path], effects: dict[str, float]) -> dict[str, float]:
    """Conversions by channel when each path's are shared by its own touches' removal effects.

    Unlike the chain's own shares these add up path by path, so they can stand beside
    orders. A path whose channels all have no effect shares equally.
    """
    earned: dict[str, float] = defaultdict(float)
    for path in paths:
        weights = [effects.get(step, 0.0) for step in path.steps]
        if not any(weights):
            weights = [1.0] * len(path.steps)
        whole = sum(weights)
        for step, weight in zip(path.steps, weights, strict=True):
            earned[step] += path.conversions * weight / whole
    return dict(earned)


def _states(path: Path, order: int) -> Iterable[tuple[str, ...]]:
    previous = None
    for end in range(1, len(path.steps) + 1):
        state = path.steps[max(0, end - order) : end]
        if state != previous:
            yield state
        previous = state


def _chain(paths: Iterable[Path], order: int) -> _Chain:
    numbers: dict[tuple[str, ...], int] = {(): START}
    moves: list[dict[int, float]] = [defaultdict(float)]
    ends: list[list[float]] = [[0.0, 0.0]]
    for path in paths:
        here, weight = START, path.conversions + path.null
        for state in _states(path, order):
            there = numbers.setdefault(state, len(numbers))
            if there == len(moves):
                moves.append(defaultdict(float))
                ends.append([0.0, 0.0])
            moves[here][there] += weight
            here = there
        ends[here][0] += path.conversions
        ends[here][1] += path.null
    totals = [sum(m.values()) + sum(end) or 1.0 for m, end in zip(moves, ends, strict=True)]
    return _Chain(
        channels=[frozenset(state) for state in numbers],
        follows=[list(m) for m in moves],
        chances=[[w / t for w in m.values()] for m, t in zip(moves, totals, strict=True)],
        converts=[end[0] / t for end, t in zip(ends, totals, strict=True)],
    )


def _states_with(chain: _Chain, name: str) -> frozenset[int]:
    return frozenset(i for i, channels in enumerate(chain.channels) if name in channels)


def _solve(chain: _Chain, removed: frozenset[int], guess: list[float]) -> list[float]:
    """The chance of a conversion from every state, by Gauss-Seidel sweeps, there and back."""
    chance = [0.0 if i in removed else p for i, p in enumerate(guess)]
    look = chance.__getitem__
    rows = [
        (i, chain.converts[i], chain.chances[i], chain.follows[i])
        for i in reversed(range(len(chance)))
        if i not in removed
    ]
    for _ in range(MAX_SWEEPS):
        moved = 0.0
        for i, converts, chances, follows in rows:
            after = converts + sum(map(mul, chances, map(look, follows)))
            moved = max(moved, abs(after - chance[i]))
            chance[i] = after
        if moved <= TOLERANCE:
            break
        rows.reverse()
    return chance
