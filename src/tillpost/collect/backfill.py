"""Past orders: the steps of a pull, which whoever drives it carries out.

A source's pull is a generator that does no I/O: it yields what it wants done and is sent
the answer. So the same flow runs against a shop, against a stand-in, and in a test.
"""

from collections.abc import Generator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct


class Ask(Struct, frozen=True):
    """Post this query; the step is sent the answer's JSON."""

    query: str
    variables: Mapping[str, Any] = {}


class Wait(Struct, frozen=True):
    """Wait so many seconds; the step is sent an empty object."""

    seconds: float


class Keep(Struct, frozen=True):
    """Keep these orders, then remember where to go on from; the step is sent an empty object."""

    orders: list[Any]
    cursor: str


class Fetch(Struct, frozen=True):
    """Read this file of JSON lines and keep its orders; the step is sent an empty object."""

    url: str


Step: TypeAlias = Ask | Wait | Keep | Fetch
Pull: TypeAlias = Generator[Step, dict[str, Any], None]


class Span(Struct, frozen=True):
    """Which orders are pulled: made from `since` (on) until `until`, both ISO 8601 UTC."""

    since: str
    until: str
