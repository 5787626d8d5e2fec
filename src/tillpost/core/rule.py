"""What a platform rule is: one row of a table, and the view of an event that it is asked about.

A row's `check` says where an event breaks it: nothing where it does not, else one `Hit` for
each place. Checks are total: whatever JSON gave, they answer and never raise. No message
holds a value of the event, and a key of the sender's is shown only where it looks like a name.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from math import isfinite
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeGuard

from msgspec import Struct

Level: TypeAlias = Literal["error", "warning"]

Object: TypeAlias = Mapping[str, Any]

EMPTY: Final[dict[str, Any]] = {}

REPORTED_KEYS: Final = 20
"""Most unknown keys of one object that are told; a thousand more would say nothing new."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,39}[0-9]{0,3}")
_NUMBER: Final = re.compile(
    r"\s*[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?\s*"
)
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?")

_MAX_INTEGER: Final = 2**63

EMPTY_SHA256: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of the empty string: what some libraries send for a blank field."""


class View(Struct, frozen=True, gc=False):
    """One event as the rules read it: its objects, each empty where absent or of another type."""

    event: Object
    user: Object
    custom: Object
    time: int | None
    now: float


class Hit(NamedTuple):
    """One place that breaks a rule: its path inside the event, and a word on the remedy."""

    path: str
    hint: str = ""


Check: TypeAlias = Callable[[View], tuple[Hit, ...]]

NONE: Final[tuple[Hit, ...]] = ()


class Row(Struct, frozen=True, kw_only=True):
    """What a rule is called, what Meta says of it, what we say, and why we believe it.

    `name` is ours, and stands in findings. `subcode` is Meta's, where one was seen; `title` and
    `user_message` are what Meta shows. `evidence` is D documented, O observed at the live
    endpoint, S in Meta's SDKs, I inferred; `source` says where.
    """

    name: str
    path: str
    message: str
    fix: str
    evidence: str
    source: str
    level: Level = "warning"
    subcode: int | None = None
    title: str | None = None
    user_message: str | None = None


class Rule(Row, frozen=True, kw_only=True):
    """A row about one event, with the check that finds where the event breaks it."""

    check: Check


Checks: TypeAlias = tuple[tuple[Check, Rule], ...]


def checks(rules: Iterable[Rule]) -> Checks:
    """The rules as `first_broken` asks them."""
    return tuple((row.check, row) for row in rules)


def first_broken(rules: Checks, seen: View) -> tuple[Rule, str] | None:
    """The first of the rules that the event breaks, and the path where; None if it breaks none."""
    for check, rule in rules:
        found = check(seen)
        if found:
            return rule, found[0].path
    return None


def view(event: Object, now: float) -> View:
    """The view of one event at `now` (Unix seconds)."""
    user = event.get("user_data")
    custom = event.get("custom_data")
    return View(
        event,
        user if isinstance(user, dict) else EMPTY,
        custom if isinstance(custom, dict) else EMPTY,
        integer(event.get("event_time")),
        now,
    )


def integer(value: object) -> int | None:
    """The value as an integer, from a number without a fraction or from its digits; else None."""
    if type(value) is int:
        return value if -_MAX_INTEGER < value < _MAX_INTEGER else None
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_INTEGER:
        return int(value)
    return None


def text(value: object) -> str:
    """A text, number or boolean as text; an empty one for anything else."""
    if isinstance(value, int) and not -_MAX_INTEGER < value < _MAX_INTEGER:
        return ""
    return str(value) if isinstance(value, (str, int, float)) else ""


def is_number(value: object) -> bool:
    """Whether it is a finite number, or the text of one; true and false are none."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    if isinstance(value, bool) or value is None:
        return False
    try:
        return isfinite(value)  # type: ignore[arg-type]  # what is no number raises, below
    except (TypeError, ValueError, OverflowError):
        return False


def absent(value: object) -> bool:
    """Whether the field counts as not sent: null, blank text, an empty list or object."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, dict, tuple)) and not value)


def is_sha256(value: object) -> TypeGuard[str]:
    """Whether it is 64 hexadecimal digits, with or without a parameter builder's suffix."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def shown(key: str) -> str:
    """The key where it looks like a field's name, else `?`: a key may be somebody's address."""
    return key if _NAME.fullmatch(key) else "?"


def unknown(where: Object, known: Collection[str], at: str) -> Iterator[tuple[str, str]]:
    """The first keys that are sent but not known: the key in lower case, its path under `at`."""
    strange = (
        (key.strip().lower(), f"{at}{shown(key)}")
        for key, value in where.items()
        if key not in known and value is not None
    )
    return islice(strange, REPORTED_KEYS)


def nearest(key: str, known: Collection[str]) -> str:
    """The known name closest to the key, or an empty text where none is close."""
    found = get_close_matches(key[:60], known, n=1, cutoff=0.75)
    return found[0] if found else ""


def hits(broken: bool, path: str) -> tuple[Hit, ...]:  # noqa: FBT001
    """One hit at the path if the rule is broken there."""
    return (Hit(path),) if broken else NONE
