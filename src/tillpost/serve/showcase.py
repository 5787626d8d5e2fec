"""The demo's own page: the simulation's truth beside what Tillpost says, pixels on and blocked.

`tillpost demo` leaves the judged summary of its history in `DIR/demo.json`, and that of
the same shop and seed with every pixel blocked in `DIR/demo-blocked.json` (design 3.4).
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

TRUTH_FILE = "demo.json"
BLOCKED_FILE = "demo-blocked.json"


class Judged(Struct, frozen=True):
    """A judged summary; what it does not hold is None."""

    orders: int
    browser_only: int
    server_only: int
    both: int
    neither: int
    counted: int
    doubled: int
    matchable: int
    matched: int
    matched_wrong: int
    attributable: int
    attributed_right: int
    match_rate: float | None = None
    people_known: int | None = None
    delivered: int | None = None
    attributed: int | None = None
    ineligible: dict[str, int] = {}
    revenue_by_channel: dict[str, str] = {}
    roas_by_campaign: list[dict[str, Any]] = []
    ledger: dict[str, Any] = {}
    expected: dict[str, Any] = {}

    @property
    def browser(self) -> int:
        """Orders that the browser reported."""
        return self.browser_only + self.both

    @property
    def server(self) -> int:
        """Orders that the shop's server reported."""
        return self.server_only + self.both

    @property
    def revenue(self) -> Decimal:
        """Revenue of all channels."""
        return sum((Decimal(value) for value in self.revenue_by_channel.values()), Decimal(0))


class Line(Struct, frozen=True):
    """One figure: what is true, what Tillpost says, and whether they must be equal and are."""

    what: str
    truth: int | None
    said: int
    right: bool | None
    note: str = ""


class Pair(Struct, frozen=True):
    """One figure with pixels as they are and with every pixel blocked."""

    what: str
    open: str
    blocked: str | None
    change: str | None
    stands: bool
    """Whether it must not move."""


class Channel(Struct, frozen=True):
    """Revenue of one channel, and with every pixel blocked."""

    channel: str
    revenue: str
    blocked: str | None


class Showcase(Struct, frozen=True):
    """All that the demo's part of the page shows."""

    currency: str
    truth: list[Line]
    pairs: list[Pair]
    channels: list[Channel]
    campaigns: list[dict[str, Any]]
    judged: Judged
    blocked: Judged | None
    asked: bool
    """Whether every pixel was asked to be blocked."""
    ineligible: dict[str, int] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether the run with every pixel blocked is still under way."""
        return self.asked and self.blocked is None


def read(directory: Path, currency: str, *, blocked: bool) -> Showcase | None:
    """The demo of this data directory, or None if it is no demo's."""
    judged = _judged(directory / TRUTH_FILE)
    if judged is None:
        return None
    other = _judged(directory / BLOCKED_FILE)
    return Showcase(
        currency=currency,
        truth=_truth(judged),
        pairs=_pairs(judged, other),
        channels=_channels(judged, other),
        campaigns=[_campaign(row, currency) for row in judged.roas_by_campaign],
        judged=judged,
        blocked=other,
        asked=blocked,
        ineligible=judged.ineligible,
    )


def _judged(path: Path) -> Judged | None:
    """The summary in a file; None as long as it is missing or half written."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Judged)
    except (OSError, msgspec.DecodeError):
        return None


def _truth(found: Judged) -> list[Line]:
    expected = found.expected
    told = expected["both"] + expected["server_only"] if expected else found.orders
    rows = (
        ("Orders the shop reported", told, found.counted, "counted once each"),
        ("Seen by both sides", expected.get("both"), found.both, ""),
        ("Seen by the server only", expected.get("server_only"), found.server_only, ""),
        ("Seen by the browser only", expected.get("browser_only"), found.browser_only, ""),
        ("Seen by neither", expected.get("neither"), found.neither, ""),
        ("Counted more than once", 0, found.doubled, ""),
        ("Buyers the platform can know", found.matchable, found.matched, "matched to the person"),
        ("Matched to somebody else", 0, found.matched_wrong, ""),
        (
            "Sales whose last click can be seen",
            found.attributable,
            found.attributed_right,
            "credited to that click",
        ),
    )
    return [
        Line(what, truth, said, None if truth is None else truth == said, note)
        for what, truth, said, note in rows
    ]


def _pairs(found: Judged, other: Judged | None) -> list[Pair]:
    def pair(what: str, name: str, *, stands: bool) -> Pair:
        here = getattr(found, name)
        if other is None:
            return Pair(what, str(here), None, None, stands)
        there = getattr(other, name)
        return Pair(what, str(here), str(there), str(there - here), stands)

    return [
        pair("Orders the browser reported", "browser", stands=False),
        pair("Orders the shop's server reported", "server", stands=True),
        pair("Orders counted", "counted", stands=True),
        pair("Counted more than once", "doubled", stands=True),
        pair("Revenue", "revenue", stands=True),
        pair("Buyers matched", "matched", stands=False),
        pair("Sales credited to their click", "attributed_right", stands=False),
    ]


def _channels(found: Judged, other: Judged | None) -> list[Channel]:
    there = other.revenue_by_channel if other else {}
    names = [*found.revenue_by_channel, *(n for n in there if n not in found.revenue_by_channel)]
    return [
        Channel(
            name,
            found.revenue_by_channel.get(name, "0.00"),
            there.get(name, "0.00") if other else None,
        )
        for name in names
    ]


def _campaign(row: dict[str, Any], currency: str) -> dict[str, Any]:
    """Own revenue is in the shop's currency: beside spend in another there is no ratio."""
    return {**row, "true_roas": row.get("true_roas") if row.get("currency") == currency else None}
