"""What a report is asked for: period, shop, model, window, and how refunds count."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from tillpost.core.attribution import MODELS, WINDOWS
from tillpost.core.money import is_currency
from tillpost.core.outcome import Misconfigured

Refunds: TypeAlias = Literal["restate", "refund_day", "gross"]
"""Whether a refund changes its order's day, counts on its own, or not at all."""

Buyers: TypeAlias = Literal["all", "new", "returning"]
"""Whose orders count; a buyer whom nobody can name is neither new nor returning."""

Basis: TypeAlias = Literal["cash", "accrual"]
"""Whether an order counts on its own day, or on the days of its touches."""

FOREVER = 2**40
"""A Unix second after every order."""


class Period(Struct, frozen=True):
    """Unix seconds `start <= t < stop`, and the days (ISO text) whose spend belongs to them."""

    start: int = 0
    stop: int = FOREVER
    first_day: str = "0000-00-00"
    last_day: str = "9999-99-99"


class Query(Struct, frozen=True):
    """A report's parameters; `shop` None is all shops."""

    period: Period = Period()
    shop: str | None = None
    model: str = "last_non_direct"
    window: str = "30"
    refunds: Refunds = "restate"
    basis: Basis = "cash"
    currency: str | None = None
    """What money is turned into where a rate is known; None is each shop's own currency."""
    buyers: Buyers = "all"
    limit: int | None = None
    """So many rows at most, in the order of the report."""
    skip: int = 0
    """Only the rows after so many."""

    def checked(self) -> "Query":
        """The query itself; raises `Misconfigured` for an unknown model, window or mode."""
        numbered((self.window,))
        if self.model not in MODELS:
            raise Misconfigured(f"unknown model {self.model!r}: use one of {', '.join(MODELS)}")
        if self.refunds not in get_args(Refunds):
            raise Misconfigured(
                f"unknown refund mode {self.refunds!r}: restate, refund_day or gross"
            )
        if self.buyers not in get_args(Buyers):
            raise Misconfigured(f"buyers: {self.buyers[:20]!r}; use all, new or returning")
        if self.basis not in ("cash", "accrual"):
            raise Misconfigured(f"unknown basis {self.basis!r}: cash or accrual")
        if (self.basis, self.refunds) == ("accrual", "refund_day"):
            raise Misconfigured("by touch date (accrual) refunds can only be restated")
        if self.currency is not None and not is_currency(self.currency):
            raise Misconfigured(f"unknown currency {self.currency[:20]!r}: use a code such as EUR")
        return self


def numbered(windows: Sequence[str]) -> list[tuple[int, str, int]]:
    """Number from 1, name and seconds of these windows, the shortest first.

    A window is named by its days, as `30` or `30d`, or `lifetime`, which is longer than any
    journey; raises `Misconfigured` for one that is not known.
    """
    found: list[tuple[int, str]] = []
    for given in windows:
        name = given.removesuffix("d")
        if name not in WINDOWS:
            known = ", ".join(WINDOWS)
            raise Misconfigured(f"unknown window {given!r}: use one of {known} (days)")
        found.append((WINDOWS[name] or FOREVER, name))
    return [(number, name, seconds) for number, (seconds, name) in enumerate(sorted(found), 1)]


def period(
    since: date | datetime | None, until: date | datetime | None, zone: tzinfo = UTC
) -> Period:
    """The period of two days (both included) of the shop's zone, or of two aware moments.

    Of two moments the second is not included. None leaves that side open.
    """
    start = _moment(since, zone)
    stop = _moment(until + timedelta(days=1) if _is_day(until) and until else until, zone)
    return Period(
        start=0 if start is None else int(start.timestamp()),
        stop=FOREVER if stop is None else int(stop.timestamp()),
        first_day="0000-00-00" if start is None else start.date().isoformat(),
        last_day=(
            "9999-99-99" if stop is None else (stop - timedelta(microseconds=1)).date().isoformat()
        ),
    )


def _is_day(moment: date | datetime | None) -> bool:
    return isinstance(moment, date) and not isinstance(moment, datetime)


def _moment(moment: date | datetime | None, zone: tzinfo) -> datetime | None:
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return moment.astimezone(zone)
    return datetime.combine(moment, time.min, tzinfo=zone)
