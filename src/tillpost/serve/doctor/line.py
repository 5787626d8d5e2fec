"""What a check says."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.serve.doctor.bench import Bench

Level: TypeAlias = Literal["ok", "warn", "fail"]


class Line(Struct, frozen=True):
    """One thing that was looked at: how it is, what was seen, and how to mend it."""

    check: str
    level: Level
    what: str
    fix: str = ""


class Check(NamedTuple):
    """A check by name; it is left out while one that it needs fails."""

    name: str
    look: Callable[[Bench], Awaitable[list[Line]]]
    needs: tuple[str, ...] = ()


def ok(check: str, what: str) -> Line:
    """All is well."""
    return Line(check, "ok", what)


def warn(check: str, what: str, fix: str) -> Line:
    """It works, and may not for long, or not as well as it could."""
    return Line(check, "warn", what, fix)


def fail(check: str, what: str, fix: str) -> Line:
    """It does not work."""
    return Line(check, "fail", what, fix)
