"""Dataset quality and statistics in Meta's field names (meta-capi 7).

Scores are our estimate (`core.quality`), since Meta publishes no weights; percentages and
counts are exact over the events received.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tillpost.core import quality
from tillpost.core.match_key import Code
from tillpost.core.received import Source, Tally
from tillpost.core.traits import Trait
from tillpost.receive import lift

IDENTIFIERS: tuple[tuple[str, str, int], ...] = (
    ("email", "em", 1 << Code.em),
    ("phone", "ph", 1 << Code.ph),
    ("external_id", "external_id", 1 << Code.external_id),
    ("click_id", "fbc", 1 << Code.fbc),
    ("browser_id", "fbp", 1 << Code.fbp),
    ("first_name", "fn", 1 << Code.fn),
    ("last_name", "ln", 1 << Code.ln),
    ("date_of_birth", "db", 1 << Code.db),
    ("gender", "ge", 1 << Code.ge),
    ("city", "ct", 1 << Code.ct),
    ("state", "st", 1 << Code.st),
    ("zip_code", "zp", 1 << Code.zp),
    ("country", "country", 1 << Code.country),
)
"""Name in Meta's feedback, name in `user_data`, bit in a tally's mask."""

GOAL = 75
"""Percent of browser events that Meta wants to see from the server too (D)."""

FRESHNESS = (
    ("real_time", "Events arrive in real time or nearly so.", 0.1),
    ("hourly", "Many events arrive more than an hour late: send them as they happen.", 1.01),
)
"""Upload frequency, what it means, and the share of late events below which it holds."""

Aggregation = Callable[[Tally], Iterable[str]]

FIELDS = (
    "event_name",
    "event_match_quality",
    "event_coverage",
    "dedupe_key_feedback",
    "data_freshness",
    "acr",
    "event_potential_aly_acr_increase",
    "match_rate",
)
"""Fields of a row of `web`; `match_rate` is ours. A field without a figure is left out."""

AGGREGATIONS: dict[str, Aggregation] = {
    "event": lambda t: (t.event_name,),
    "event_source": lambda t: ("SERVER" if t.source == "server" else "BROWSER",),
    "event_total_counts": lambda _: ("total",),
    "event_processing_results": lambda t: ("deduplicated" if t.duplicate else "processed",),
    "had_pii": lambda t: (("true" if _personal(t) else "false"),),
    "match_keys": lambda t: (name for _, name, bit in IDENTIFIERS if t.mask & bit),
    "match_result": lambda t: ("matched" if t.matched else "unmatched",),
}
"""What `GET /{dataset_id}/stats?aggregation=` can count by, beside the kinds of `SeenKind`."""


Counted = tuple[int, Source, str, int]
"""Hour, source, value, events."""


def dataset_quality(tallies: Sequence[Tally]) -> dict[str, Any]:
    """`GET /dataset_quality`: a row for each event name that came from the server."""
    names = sorted({tally.event_name for tally in tallies if tally.source == "server"})
    return {"web": [_quality_of(name, tallies) for name in names]}


def counted(tallies: Iterable[Tally], aggregation: str) -> list[Counted]:
    """Events by one of `AGGREGATIONS`."""
    by = AGGREGATIONS[aggregation]
    return [(t.hour, t.source, value, t.events) for t in tallies for value in by(t)]


def stats(rows: Iterable[Counted], aggregation: str, source: str | None = None) -> dict[str, Any]:
    """`GET /{dataset_id}/stats`: counts by hour of receipt, of one `event_source` or both."""
    wanted = {"WEB_ONLY": "browser", "SERVER_ONLY": "server"}.get(source or "")
    hours: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for hour, came_from, value, events in rows:
        if wanted in (None, came_from):
            hours[hour][value] += events
    return {
        "data": [
            {
                "start_time": datetime.fromtimestamp(hour, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
                "aggregation": aggregation,
                "data": [{"value": v, "count": n} for v, n in sorted(counts.items())],
            }
            for hour, counts in sorted(hours.items())
        ]
    }


def match_rate(tallies: Iterable[Tally], event_name: str | None = None) -> dict[str, Any]:
    """Server events resolved to a known account, with and without merged keys.

    `matched_alone` is by their own keys only, `matched` by their twins' too, and
    `matched_merged` also by keys learned from earlier events: what Meta merges is
    documented nowhere (domain-rules 6). Rates are shares of 1, None where there is no event.
    """
    own = [t for t in tallies if t.source == "server" and event_name in (None, t.event_name)]
    events = _sum(own)
    counts = {
        "matched": _sum(t for t in own if t.matched),
        "matched_alone": _sum(t for t in own if t.matched_alone),
        "matched_merged": _sum(t for t in own if t.matched_merged),
    }
    rates = {
        name.replace("matched", "match_rate"): round(count / events, 4) if events else None
        for name, count in counts.items()
    }
    return {"events": events, **counts, **rates}


def _quality_of(name: str, tallies: Sequence[Tally]) -> dict[str, Any]:
    server = [t for t in tallies if t.event_name == name and t.source == "server"]
    browser = [t for t in tallies if t.event_name == name and t.source == "browser"]
    match_quality = _match_quality(server)
    told: dict[str, Any] = {
        "event_name": name,
        "event_match_quality": match_quality,
        "event_coverage": _event_coverage(browser),
        "dedupe_key_feedback": _dedupe_keys(server, browser),
        "data_freshness": _freshness(server),
        "acr": lift.additional(server, browser),
        "event_potential_aly_acr_increase": _greatest(match_quality["match_key_feedback"]),
        "match_rate": match_rate(server),
    }
    return {field: told[field] for field in FIELDS if told[field] is not None}


def _match_quality(server: Sequence[Tally]) -> dict[str, Any]:
    carried = [(identifier, _has(bit)) for identifier, _, bit in IDENTIFIERS]
    carried += [("ip_address", _with(Trait.IP)), ("user_agent", _with(Trait.USER_AGENT))]
    return {
        "composite_score": quality.of_shares(_groups(server)),
        "match_key_feedback": [_key_feedback(name, server, has) for name, has in carried],
        "diagnostics": _diagnostics(server),
    }


def _greatest(feedback: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The gain of the key that would add most."""
    gains = [key["potential_aly_acr_increase"] for key in feedback if len(key) > 2]
    return max(gains, key=lambda gain: gain["percentage"], default=None)


def _key_feedback(
    identifier: str, server: Sequence[Tally], has: Callable[[Tally], bool]
) -> dict[str, Any]:
    told = {"identifier": identifier, "coverage": {"percentage": _percent(_share(server, has))}}
    gain = lift.potential(server, has)
    return told if gain is None else {**told, "potential_aly_acr_increase": gain}


def _groups(server: Sequence[Tally]) -> dict[str, float]:
    """The share of events with each group of keys that the estimate weighs."""
    bits = {name: bit for _, name, bit in IDENTIFIERS}
    bits |= {name: 1 << Code[name] for name in ("madid", "lead_id", "fb_login_id", "ctwa_clid")}
    both = Trait.IP | Trait.USER_AGENT
    groups = {"browser": _share(server, lambda t: t.traits & both == both)}
    for row in quality.WEIGHTS:
        if row.name != "browser":
            known = [bits[key] for key in row.keys]
            groups[row.name] = _share(server, _carrying(known, every=row.every))
    return groups


def _carrying(known: Sequence[int], *, every: bool) -> Callable[[Tally], bool]:
    if every:
        return lambda tally: all(tally.mask & bit for bit in known)
    return lambda tally: any(tally.mask & bit for bit in known)


def _with(trait: Trait) -> Callable[[Tally], bool]:
    return lambda tally: bool(tally.traits & trait)


def _diagnostics(server: Sequence[Tally]) -> list[dict[str, Any]]:
    """What lowers the quality, in words, with how many events it affects."""
    total = _sum(server)
    found = []
    for name, description, solution, affects in _DIAGNOSES:
        affected = _sum(t for t in server if affects(t))
        if affected:
            found.append(
                {
                    "name": name,
                    "description": description,
                    "solution": solution,
                    "percentage": _percent(affected / total),
                    "affected_event_count": affected,
                    "total_event_count": total,
                }
            )
    return found


_DIAGNOSES: tuple[tuple[str, str, str, Callable[[Tally], bool]], ...] = (
    (
        "Server sending values that are not hashed as documented",
        "A hashed key held something else than a SHA-256, or the SHA-256 of nothing.",
        "Normalise the value, hash it with SHA-256, and leave empty values out.",
        lambda t: t.unusable,
    ),
    (
        "Server events without an event_id",
        "Without an id an event cannot be deduplicated with the browser's.",
        "Send the same event_id from the browser and the server.",
        lambda t: not t.with_id,
    ),
    (
        "Server events without the browser's address and user agent",
        "Website events match better with client_ip_address and client_user_agent.",
        "Send the shopper's own address and user agent, as a pair.",
        lambda t: not t.traits & Trait.IP or not t.traits & Trait.USER_AGENT,
    ),
    (
        "Events arriving late",
        "Events were received more than an hour after they happened.",
        "Send events as they happen.",
        lambda t: t.late,
    ),
)


def _event_coverage(browser: Sequence[Tally]) -> dict[str, Any]:
    """The share of browser events that came from the server too, joined by a shared key."""
    return {
        "percentage": _percent(_share(browser, lambda t: t.joined_by is not None)),
        "goal_percentage": GOAL,
        "description": "Browser events that were received from the server too, by a shared key.",
    }


def _dedupe_keys(server: Sequence[Tally], browser: Sequence[Tally]) -> list[dict[str, Any]]:
    keys: tuple[tuple[str, Callable[[Tally], bool]], ...] = (
        ("event_id", lambda t: t.with_id),
        ("external_id", _has(1 << Code.external_id)),
        ("fbp", _has(1 << Code.fbp)),
    )
    return [
        {
            "dedupe_key": name,
            "browser_events_with_dedupe_key": _told(
                _share(browser, has), f"Browser events that carry {name}."
            ),
            "server_events_with_dedupe_key": _told(
                _share(server, has), f"Server events that carry {name}."
            ),
            "overall_browser_coverage_from_dedupe_key": _told(
                _share(browser, partial(_joined_by, name)),
                f"Browser events joined to a server's by {name}, and by no key before it.",
            ),
        }
        for name, has in keys
    ]


def _joined_by(name: str, tally: Tally) -> bool:
    return tally.joined_by == name


def _told(share: float, description: str) -> dict[str, Any]:
    return {"percentage": _percent(share), "description": description}


def _freshness(server: Sequence[Tally]) -> dict[str, str]:
    late = _share(server, lambda t: t.late)
    for frequency, description, below in FRESHNESS:
        if late < below:
            return {"upload_frequency": frequency, "description": description}
    raise AssertionError("the last row of FRESHNESS takes every share")


def _personal(tally: Tally) -> bool:
    return any(tally.mask & bit for _, _, bit in IDENTIFIERS)


def _has(bit: int) -> Callable[[Tally], bool]:
    return lambda tally: bool(tally.mask & bit)


def _share(tallies: Sequence[Tally], holds: Callable[[Tally], bool]) -> float:
    total = _sum(tallies)
    return _sum(tally for tally in tallies if holds(tally)) / total if total else 0.0


def _sum(tallies: Iterable[Tally]) -> int:
    return sum(tally.events for tally in tallies)


def _percent(share: float) -> float:
    return round(100 * share, 1)
