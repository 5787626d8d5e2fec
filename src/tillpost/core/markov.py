"""Markov attribution: what share of conversions would be lost without a channel.

Journeys are a chain whose states are the last `order` touches (fewer at the start of a
path; the same state twice running is one), and which ends in a conversion or in nothing.
Deleting a channel sends every journey that meets it to nothing; the conversions lost by
that, relative to all, are its removal effect (attribution reference, 3.2).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain as chain_of
from operator import mul
from typing import TypeAlias

from msgspec import Struct

from tillpost.core.paths import Path

State: TypeAlias = str | tuple[str, ...]
"""What a chain remembers: a channel, or for longer memories the last few; `()` at the start."""

WON, LOST = True, False
"""The two ends of a journey."""

_Moves: TypeAlias = dict[State, dict[State | bool, float]]

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
    return _removal(_moves(known, order), sum(path.conversions for path in known), order)


def by_order(paths: Iterable[Path], highest: int) -> Iterator[Removal]:
    """`removal_effects` of chains of order 1 to `highest`, for which paths are walked once.

    A longer memory tells what a shorter one would have kept.
    """
    known = tuple(paths)
    moves, total = _moves(known, highest), sum(path.conversions for path in known)
    for order in range(1, highest):
        yield _removal(_shortened(moves, order), total, order)
    yield _removal(moves, total, highest)


def _removal(moves: _Moves, total: float, order: int) -> Removal:
    chain = _chain(moves)
    names = sorted(frozenset().union(*chain.channels))
    base, found = _by_meeting(chain) if order == 1 else _by_deleting(chain, names)
    effects = {name: found.get(name, 0.0) for name in names}
    whole = sum(effects.values())
    shares = {name: total * e / whole if whole else 0.0 for name, e in effects.items()}
    return Removal(base, effects, shares)


def _by_meeting(chain: _Chain) -> tuple[float, dict[str, float]]:
    """The chance of a conversion, and effects, where each channel is one state: one inversion.

    Deleting a state loses what converts after meeting it: the chance of meeting it, which is
    the visits to it from the start by those from itself, times its chance of a conversion.
    """
    visits = _visits(chain)
    full = [sum(map(mul, row, chain.converts)) for row in visits]
    if not full[START]:
        return 0.0, {}
    return full[START], {
        name: visits[START][i] / visits[i][i] * full[i] / full[START]
        for i, channels in enumerate(chain.channels)
        for name in channels
    }


def _by_deleting(chain: _Chain, names: Iterable[str]) -> tuple[float, dict[str, float]]:
    """The same of any chain, which is solved once more without each channel."""
    full = _solve(chain, frozenset(), [0.0] * len(chain.channels))
    base = full[START]
    if not base:
        return 0.0, {}
    return base, {
        name: 1.0 - _solve(chain, _states_with(chain, name), full)[START] / base for name in names
    }


def _visits(chain: _Chain) -> list[list[float]]:
    """How often journeys from each state (row) come to each state: the inverse of 1 - chances."""
    size = range(len(chain.channels))
    rows = [[float(i == j) for j in size] + [float(i == j) for j in size] for i in size]
    for row, follows, chances in zip(rows, chain.follows, chain.chances, strict=True):
        for there, chance in zip(follows, chances, strict=True):
            row[there] -= chance
    for i in size:
        pivot = rows[i][i]
        rows[i] = chosen = [cell / pivot for cell in rows[i]]
        for j in size:
            factor = rows[j][i]
            if j != i and factor:
                rows[j] = [a - factor * b for a, b in zip(rows[j], chosen, strict=True)]
    return [row[len(size) :] for row in rows]


def per_journey(paths: Iterable[Path], effects: dict[str, float]) -> dict[str, float]:
    """Conversions by channel when each path's are shared by its own touches' removal effects.

    Unlike the chain's own shares these add up path by path, so they can stand beside
    orders. A path whose channels all have no effect shares equally.
    """
    earned: dict[str, float] = defaultdict(float)
    for path in paths:
        for step, part in zip(path.steps, touch_parts(path.steps, effects), strict=True):
            earned[step] += path.conversions * part
    return dict(earned)


def touch_parts(steps: Sequence[str], effects: Mapping[str, float]) -> tuple[float, ...]:
    """What part of an order each touch of its path earned: its channel's removal effect, by all.

    The parts add up to 1; where no channel has any effect, all touches are alike.
    """
    weights = [effects.get(step, 0.0) for step in steps]
    if not any(weights):
        weights = [1.0] * len(steps)
    whole = sum(weights)
    return tuple(weight / whole for weight in weights)


def _states(steps: tuple[str, ...], order: int) -> Iterable[State]:
    """After each step, what the chain remembers: the last `order` steps."""
    if order == 1:
        return steps
    starts = (steps[:end] for end in range(1, order))
    return chain_of(starts, zip(*(steps[i:] for i in range(order)), strict=False))


def _moves(paths: Iterable[Path], order: int) -> _Moves:
    """How many journeys went from each state to each other, to `WON` and to `LOST`."""
    moves: _Moves = defaultdict(lambda: defaultdict(float))
    moves[()] = defaultdict(float)
    for path in paths:
        here: State = ()
        row, weight = moves[here], path.conversions + path.null
        for there in _states(path.steps, order):
            if there != here:
                row[there] += weight
                here, row = there, moves[there]
        row[WON] += path.conversions
        row[LOST] += path.null
    return moves


def _shortened(moves: _Moves, order: int) -> _Moves:
    """The moves of a chain with a shorter memory; what it cannot tell apart is no move."""
    made: _Moves = defaultdict(lambda: defaultdict(float))
    for state, row in moves.items():
        here = made[state[-order:]]
        for there, weight in row.items():
            kept = there if isinstance(there, bool) else there[-order:]
            if kept != state[-order:]:
                here[kept] += weight
    return made


def _chain(moves: _Moves) -> _Chain:
    """The chain of these moves: from each state, chances that add up to one."""
    numbers: dict[State | bool, int] = {state: number for number, state in enumerate(moves)}
    rows = list(moves.values())
    totals = [sum(row.values()) or 1.0 for row in rows]
    converts = [row.pop(WON, 0.0) / total for row, total in zip(rows, totals, strict=True)]
    for row in rows:
        row.pop(LOST, None)
    return _Chain(
        channels=[frozenset((at,) if isinstance(at, str) else at) for at in moves],
        follows=[list(map(numbers.__getitem__, row)) for row in rows],
        chances=[[w / t for w in row.values()] for row, t in zip(rows, totals, strict=True)],
        converts=converts,
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
