"""What an owner should be told while away: each rule looks at one sign of a shop.

Accuracy is of orders: those whose Purchase was delivered, or left out on purpose, over all
that came. A rule says nothing while there are too few orders to tell trouble from chance.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.core.moment import iso

_DAY = 86_400.0
FEW_ORDERS = 10
"""Of fewer orders a share says nothing."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each sign becomes an alert."""

    silence_hours: float = 24.0
    """So long without a word of a shop that sold before."""
    accuracy: float = 0.9
    """Least share of the last two hours' orders that were delivered or left out on purpose."""
    overlap_drop: float = 0.3
    """How far the share of orders that the browser saw may fall below what it was."""
    lag_minutes: float = 30.0
    """How long an event may be overdue."""
    expires_hours: float = 24.0
    """So long before an event can no longer be sent."""
    dead_letters: int = 1
    """So many events refused for good."""
    missing_orders: int = 1
    """So many orders that the shop has and that are not here, where its list may be asked for."""
    free_mib: int = 1024
    """Least space on the disk."""
    token_days: int = 14
    """So many days before it ends a token is told of first."""
    token_days_left: int = 3
    """So many days before it ends it is told of again."""


class Vitals(Struct, frozen=True, kw_only=True):
    """The signs of one shop; times in Unix seconds, shares of 0 to 1."""

    now: float
    heard_at: float | None = None
    """When the shop's server last reported; None if it never did."""
    orders: int = 0
    """Orders of the last two hours whose Purchase has had time to go out."""
    accounted: int = 0
    """Of these, delivered somewhere or left out on purpose."""
    seen_now: tuple[int, int] = (0, 0)
    """Of the latest web orders: how many the browser saw, and of how many."""
    seen_before: tuple[int, int] = (0, 0)
    """The same of those before them."""
    overdue_since: float | None = None
    expiring: int = 0
    """Events that were held up until they can be sent for no longer than the limit says."""
    dead: int = 0
    missing: int = 0
    """Orders that the shop has and that are not here, or not as it has them."""
    paused: Mapping[str, str] = {}
    """Destination -> why it takes nothing."""
    token_ends: Mapping[str, float] = {}
    """Destination -> when its token ends, where the platform tells it."""
    free_mib: float = float("inf")


class Rule(NamedTuple):
    """A sign: `look` says in words what is wrong, or None; `fix` what to do."""

    code: str
    look: Callable[[Vitals, Limits], str | None]
    fix: str


Found: TypeAlias = dict[str, str]


def alerts(vitals: Vitals, limits: Limits) -> Found:
    """Code -> what is wrong, of every rule that is broken."""
    told = {rule.code: rule.look(vitals, limits) for rule in RULES}
    return {code: words for code, words in told.items() if words is not None}


def _silence(vitals: Vitals, limits: Limits) -> str | None:
    if vitals.heard_at is None:
        return None
    hours = (vitals.now - vitals.heard_at) / 3600
    return f"no word of the shop for {hours:.0f} hours" if hours > limits.silence_hours else None


def _accuracy(vitals: Vitals, limits: Limits) -> str | None:
    if vitals.orders < FEW_ORDERS or vitals.accounted >= limits.accuracy * vitals.orders:
        return None
    return f"{vitals.accounted} of the last {vitals.orders} orders went out"


def _overlap(vitals: Vitals, limits: Limits) -> str | None:
    (seen, orders), (seen_before, before) = vitals.seen_now, vitals.seen_before
    if min(orders, before) < FEW_ORDERS:
        return None
    share, usual = seen / orders, seen_before / before
    if usual - share <= limits.overlap_drop:
        return None
    return f"the browser saw {share:.0%} of the latest orders, and {usual:.0%} of those before"


def _lag(vitals: Vitals, limits: Limits) -> str | None:
    if vitals.overdue_since is None:
        return None
    minutes = (vitals.now - vitals.overdue_since) / 60
    return f"events are {minutes:.0f} minutes late" if minutes > limits.lag_minutes else None


def _expiring(vitals: Vitals, limits: Limits) -> str | None:
    if not vitals.expiring:
        return None
    return f"{vitals.expiring} events expire within {limits.expires_hours:.0f} hours"


def _dead(vitals: Vitals, limits: Limits) -> str | None:
    if not vitals.dead or vitals.dead < limits.dead_letters:
        return None
    return f"{vitals.dead} events were refused for good"


def _missing(vitals: Vitals, limits: Limits) -> str | None:
    if not vitals.missing or vitals.missing < limits.missing_orders:
        return None
    return f"{vitals.missing} orders of the shop never came, or are other than it has them"


def _token(vitals: Vitals, _limits: Limits) -> str | None:
    out = sorted(name for name, why in vitals.paused.items() if why in {"token", "access"})
    return f"{', '.join(out)} refuses the access token" if out else None


def _ending(vitals: Vitals, limits: Limits) -> str | None:
    return _ends_within(vitals, limits.token_days)


def _ending_soon(vitals: Vitals, limits: Limits) -> str | None:
    return _ends_within(vitals, limits.token_days_left)


def _ends_within(vitals: Vitals, days: int) -> str | None:
    soon = {n: at for n, at in vitals.token_ends.items() if at - vitals.now <= days * _DAY}
    told = [f"the token of {name} ends on {iso(soon[name])[:10]}" for name in sorted(soon)]
    return ", ".join(told) or None


def _disk(vitals: Vitals, limits: Limits) -> str | None:
    low = vitals.free_mib < limits.free_mib
    return f"{vitals.free_mib:.0f} MiB are free on the disk" if low else None


RULES: tuple[Rule, ...] = (
    Rule(
        "silence",
        _silence,
        "See the failed deliveries in the shop's webhook settings; tillpost doctor goes on.",
    ),
    Rule("accuracy", _accuracy, "tillpost report orders shows which are missing, and why."),
    Rule("overlap", _overlap, "See whether the script is still in the shop's theme."),
    Rule("lag", _lag, "Check that this machine reaches the platform; they go as soon as it does."),
    Rule(
        "expiring",
        _expiring,
        "tillpost doctor says what holds them up; after that they can never be sent.",
    ),
    Rule("dead_letters", _dead, "tillpost dead-letters list, then retry."),
    Rule(
        "missing_orders",
        _missing,
        "tillpost reconcile --fetch takes them in; see whether the shop's webhooks still work.",
    ),
    Rule("token", _token, "Put a new access token into the settings and restart; events wait."),
    Rule("token_ends", _ending, "Make a new token, or one of a system user, which does not end."),
    Rule(
        "token_ends_soon",
        _ending_soon,
        "Put a new access token into the settings and restart, before events have to wait.",
    ),
    Rule("disk", _disk, "Free space: without it orders are refused."),
)
"""Everything that an owner is told of."""

OF_TOKENS = frozenset({"token_ends", "token_ends_soon"})
"""What only a platform can tell."""

FIXES: dict[str, str] = {rule.code: rule.fix for rule in RULES}
"""Code -> what to do."""
