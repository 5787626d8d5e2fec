"""Seeded draws: every choice has its own stream, so that one knob moves one thing.

A draw depends on the seed, the name of its stream and the entity it is about, and on
nothing that was drawn before it. Raising a rate only adds to those that were chosen
under the lower one.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import exp
from statistics import NormalDist
from typing import NamedTuple, TypeVar

T = TypeVar("T")
_NORMAL = NormalDist()


class Dice(NamedTuple):
    """All randomness of one simulated world."""

    seed: int

    def u(self, stream: str, *entity: object) -> float:
        """A number in (0, 1), always the same for one seed, stream and entity."""
        return (int.from_bytes(self._digest(8, stream, entity), "big") + 0.5) / 2.0**64

    def chance(self, rate: float, stream: str, *entity: object) -> bool:
        """True for a share `rate` of all entities of the stream."""
        return self.u(stream, *entity) < rate

    def pick(self, options: Sequence[T], stream: str, *entity: object) -> T:
        """One of the options, each as likely as the others."""
        return options[int(self.u(stream, *entity) * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]], stream: str, *entity: object) -> T:
        """One of the (option, weight) rows, in proportion to the weights."""
        left = self.u(stream, *entity) * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]

    def between(self, low: float, high: float, stream: str, *entity: object) -> float:
        """A number spread evenly over [low, high)."""
        return low + (high - low) * self.u(stream, *entity)

    def whole(self, low: int, high: int, stream: str, *entity: object) -> int:
        """A whole number in [low, high]."""
        return low + int(self.u(stream, *entity) * (high - low + 1))

    def lognormal(self, median: float, sigma: float, stream: str, *entity: object) -> float:
        """A log-normal number with this median; `sigma` is that of its logarithm."""
        return median * exp(sigma * _NORMAL.inv_cdf(self.u(stream, *entity)))

    def hexes(self, digits: int, stream: str, *entity: object) -> str:
        """That many hexadecimal digits (an even number, 128 at most)."""
        return self._digest(digits // 2, stream, entity).hex()

    def uuid(self, stream: str, *entity: object) -> str:
        """Text in the shape of a version 4 UUID."""
        h = self.hexes(32, stream, *entity)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def _digest(self, size: int, stream: str, entity: tuple[object, ...]) -> bytes:
        text = ":".join((str(self.seed), stream, *map(str, entity)))
        return blake2b(text.encode(), digest_size=size).digest()
