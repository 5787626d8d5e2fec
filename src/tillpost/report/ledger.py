"""The ledger: what was accepted for each destination, and where all of it stands.

`accepted` is counted apart, in the transaction that accepts; the rest is counted from the
outbox. If the two ever differ, something was lost or doubled, and the ledger says so.
"""

from collections.abc import Iterable
from typing import Any

from tillpost.core.outcome import State

_PENDING = frozenset({State.HELD, State.PENDING, State.LEASED, State.IN_DOUBT, State.PAUSED})


def ledger(tallies: Iterable[tuple[str, str, str, str | None, int]]) -> dict[str, Any]:
    """`{"destinations": [...], "balanced": bool}` of the store's tallies (design 3.4)."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for shop, destination, state, reason, events in tallies:
        line = lines.setdefault((shop, destination), _line(shop, destination))
        _add(line, state, reason, events)
    for line in lines.values():
        line["balanced"] = line["accepted"] == _sum(line)
    return {
        "destinations": [lines[key] for key in sorted(lines)],
        "balanced": all(line["balanced"] for line in lines.values()),
    }


def _line(shop: str, destination: str) -> dict[str, Any]:
    counts = dict.fromkeys(("accepted", "delivered", "dead", "expired"), 0)
    return {"shop": shop, "destination": destination, **counts, "dropped": {}, "pending": 0}


def _add(line: dict[str, Any], state: str, reason: str | None, events: int) -> None:
    if state in _PENDING:
        line["pending"] += events
    elif state == State.DROPPED:
        why = reason or "unknown"
        line["dropped"][why] = line["dropped"].get(why, 0) + events
    else:
        line[state] += events


def _sum(line: dict[str, Any]) -> int:
    ended: int = line["delivered"] + line["dead"] + line["expired"]
    waiting: int = line["pending"] + sum(line["dropped"].values())
    return ended + waiting
