"""Rule-based attribution of one order: which of its touches get how much of its money.

This is the definition. The reports say the same as one set-based query over all orders
(`report/sql/credits_*.sql`), and a property test holds the two together. Weights are
integers, so that every engine splits to the same cent.
"""

from collections.abc import Callable, Sequence
from math import floor
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from tillpost.core import money

DAY = 86_400

WINDOWS: dict[str, int | None] = {
    "1": DAY,
    "7": 7 * DAY,
    "14": 14 * DAY,
    "28": 28 * DAY,
    "30": 30 * DAY,
    "60": 60 * DAY,
    "90": 90 * DAY,
    "lifetime": None,
}
"""How far back a touch counts, by the window's name in days; None is for ever."""

HALF_LIFE = 7 * DAY
GRAIN = 2**32
"""Decay weights are whole numbers of this fraction of the latest touch's weight."""

WHOLE = 1_000_000
"""One order in millionths, as the share of an order is counted."""

Model: TypeAlias = Literal[
    "first",
    "last",
    "last_non_direct",
    "last_paid",
    "linear",
    "position",
    "time_decay",
    "participation",
]

MODELS: tuple[Model, ...] = get_args(Model)


class Touch(Struct, frozen=True):
    """One landing: when (Unix seconds), under what label it is reported, and its nature."""

    at: int
    label: str
    direct: bool = False
    paid: bool = False


class Credit(Struct, frozen=True):
    """A touch's part of the order: minor units of money, and millionths of the order."""

    touch: Touch
    minor: int
    share: int


def eligible(touches: Sequence[Touch], at: int, window: int | None) -> tuple[Touch, ...]:
    """The touches of the window, oldest first; of two at the same second the later given last.

    A touch counts if `0 <= at - touch.at <= window` in exact seconds.
    """
    inside = (t for t in touches if t.at <= at and (window is None or at - t.at <= window))
    return tuple(sorted(inside, key=lambda t: t.at))


def with_carried(
    touches: Sequence[Touch], carried: Touch | None, at: int, window: int | None
) -> tuple[Touch, ...]:
    """An order's own touches, and the landing page it carried itself where that one counts.

    It has no true time, so it counts only where no own touch in the window says what
    brought the order: none at all, or none that is not direct if it is not direct itself.
    """
    if carried is None:
        return tuple(touches)
    told = any(carried.direct or not t.direct for t in eligible(touches, at, window))
    return tuple(touches) if told else (*touches, carried)


def _only(chosen: int, touches: Sequence[Touch]) -> tuple[int, ...]:
    return tuple(int(i == chosen) for i in range(len(touches)))


def _latest(touches: Sequence[Touch], holds: Callable[[Touch], bool]) -> int | None:
    return next((i for i in reversed(range(len(touches))) if holds(touches[i])), None)


def _first(touches: Sequence[Touch]) -> tuple[int, ...]:
    return _only(0, touches)


def _last(touches: Sequence[Touch]) -> tuple[int, ...]:
    return _only(len(touches) - 1, touches)


def _last_non_direct(touches: Sequence[Touch]) -> tuple[int, ...]:
    chosen = _latest(touches, lambda t: not t.direct)
    return _last(touches) if chosen is None else _only(chosen, touches)


def _last_paid(touches: Sequence[Touch]) -> tuple[int, ...]:
    chosen = _latest(touches, lambda t: t.paid)
    return _last_non_direct(touches) if chosen is None else _only(chosen, touches)


def _linear(touches: Sequence[Touch]) -> tuple[int, ...]:
    return (1,) * len(touches)


def _position(touches: Sequence[Touch]) -> tuple[int, ...]:
    """40/20/40: with n touches the ends weigh 2(n-2) and each between them 1."""
    between = len(touches) - 2
    if between < 1:
        return _linear(touches)
    return (2 * between, *(1,) * between, 2 * between)


def _time_decay(touches: Sequence[Touch]) -> tuple[int, ...]:
    latest = touches[-1].at
    return tuple(floor(2.0 ** ((t.at - latest) / HALF_LIFE) * GRAIN + 0.5) for t in touches)


WEIGHTS: dict[str, Callable[[Sequence[Touch]], tuple[int, ...]]] = {
    "first": _first,
    "last": _last,
    "last_non_direct": _last_non_direct,
    "last_paid": _last_paid,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
}
"""The weights of a journey's touches, oldest first, for every model whose shares add up."""


def attribute(
    model: Model,
    touches: Sequence[Touch],
    at: int,
    minor: int,
    window: int | None = 30 * DAY,
) -> tuple[Credit, ...]:
    """What each touch of an order at `at` (Unix seconds) earns of its `minor` units.

    The credits come oldest first and add up to the order exactly; odd units go to the
    touches that rounding cost most, of equals to the latest. `participation` is the
    exception: the latest touch of each label gets all, so its sum says nothing. No
    touch in the window gives no credits. `last_paid` without a paid touch is
    `last_non_direct`, which without any but direct touches is `last`.
    """
    counted = eligible(touches, at, window)
    if not counted:
        return ()
    if model == "participation":
        latest = {touch.label: index for index, touch in enumerate(counted)}
        takes = [latest[touch.label] == index for index, touch in enumerate(counted)]
        return tuple(Credit(t, minor * k, WHOLE * k) for t, k in zip(counted, takes, strict=True))
    weights = WEIGHTS[model](counted)
    parts = zip(counted, money.split(minor, weights), money.split(WHOLE, weights), strict=True)
    return tuple(Credit(touch, units, share) for touch, units, share in parts)
