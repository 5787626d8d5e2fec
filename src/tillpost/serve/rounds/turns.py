"""Whose turn it is by the clock, for rounds that do one shop or account after the other."""

from collections.abc import Iterable
from typing import Generic, TypeVar

K = TypeVar("K")


class Turns(Generic[K]):
    """Each of these names is due at once, and again from the time that it is put off to."""

    def __init__(self, names: Iterable[K]) -> None:
        self._due = dict.fromkeys(names, 0.0)

    def __bool__(self) -> bool:
        """Whether anybody ever has a turn."""
        return bool(self._due)

    def due(self, now: float) -> list[K]:
        """The first that is due at `now` (Unix seconds); none if nobody is."""
        return [name for name, at in self._due.items() if at <= now][:1]

    def put_off(self, name: K, until: float) -> None:
        """The name is due again at that time, in Unix seconds."""
        self._due[name] = until
