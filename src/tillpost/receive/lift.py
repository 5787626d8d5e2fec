"""What the server's events add, and what more keys would: counted, not modelled.

Meta tells both as percentages (`acr`, `potential_aly_acr_increase`) and publishes no formula.
Here a conversion is reported if its event counts and is resolved to a known account.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tillpost.core.received import Tally


def additional(server: Sequence[Tally], browser: Sequence[Tally]) -> dict[str, Any] | None:
    """`acr`: reported conversions beyond those of the pixel alone; None where the pixel has none.

    The pixel's are its events that match by their own keys, its own repeats left out.
    """
    pixel = _sum(t for t in browser if t.matched_alone and not _repeated(t))
    both = _sum(t for t in (*server, *browser) if t.matched and not t.duplicate)
    if not pixel:
        return None
    return _told(
        both / pixel - 1,
        "Conversions beyond those of the pixel alone, last 7 days.",
    )


def potential(server: Sequence[Tally], has: Callable[[Tally], bool]) -> dict[str, Any] | None:
    """`potential_aly_acr_increase` of a key, by how its events fare today.

    How many more would match if those without the key matched as often as those with it.
    None where too little is known to compare, or where the key would not help.
    """
    having, lacking = ([t for t in server if has(t) == there] for there in (True, False))
    matched = _matched(server)
    if not having or not lacking or not matched:
        return None
    gain = _matched(having) / _sum(having) - _matched(lacking) / _sum(lacking)
    if gain <= 0:
        return None
    return _told(
        gain * _sum(lacking) / matched,
        "More conversions, if events without it matched as often as those with it.",
    )


def _repeated(tally: Tally) -> bool:
    return tally.duplicate and tally.joined_by is None


def _matched(tallies: Iterable[Tally]) -> int:
    return _sum(tally for tally in tallies if tally.matched)


def _sum(tallies: Iterable[Tally]) -> int:
    return sum(tally.events for tally in tallies)


def _told(share: float, description: str) -> dict[str, Any]:
    return {"percentage": round(100 * share, 1), "description": description}
