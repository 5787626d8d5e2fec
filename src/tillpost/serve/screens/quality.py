"""Quality: match keys, coverage, overlap, freshness, and why the platform says otherwise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from tillpost.core import quality as estimate
from tillpost.core.browsers import family
from tillpost.report.reconcile import REASONS
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.serve.shown import key_name

SAMPLE = 400
"""Of so many of the latest orders their browsers are looked at."""
LATEST = 50
"""Of so many of the latest events of each name their match keys are looked at."""
REACH = 20_000
"""Events that are walked for them."""


class Quality(View, frozen=True, kw_only=True):
    """What was seen of the orders, and how well the platform can match it."""

    findings: tuple[dict[str, Any], ...]
    told: bool
    """Whether the platform tells what it received."""


def read(desk: Desk, ask: Ask) -> Quality:
    """The quality of this shop's events in the period."""
    period = desk.period(ask)
    told = desk.is_embedded(ask)
    datasets = sorted(desk.datasets(ask)) if told else []
    found = [desk.quality(dataset, period) for dataset in datasets]
    findings = desk.findings(ask)
    with desk.rows(ask) as rows:
        latest = rows.latest_orders(period.start, period.stop, SAMPLE, (period.stop, ""))
    agents = desk.agents(ask, [line.order_id for line in latest if line.kind == "web"])
    return view(
        web=[row for one in found for row in one["web"]],
        quarters=desk.quarters(ask),
        browsers=[(agents.get(x.order_id), x.browser) for x in latest if x.kind == "web"],
        reasons={row["reason"]: row["orders"] for row in desk.report("reasons", ask)},
        findings=findings,
        carried=desk.carried(ask, LATEST, REACH),
        ask=ask,
        zone=desk.zone(ask),
        told=told,
    )


def view(  # noqa: PLR0913  # one parameter a part of the page
    *,
    web: Sequence[Mapping[str, Any]],
    quarters: Sequence[tuple[int, int, int]],
    browsers: Sequence[tuple[str | None, bool]],
    reasons: Mapping[str, int],
    findings: Sequence[dict[str, Any]],
    carried: Mapping[str, Sequence[Mapping[str, Any]]],
    ask: Ask,
    zone: tzinfo,
    told: bool,
) -> Quality:
    """The screen of these rows; `quarters` are as `PageRows.orders_by_quarter` gives them."""
    return Quality(
        tables=(
            carried_table(carried),
            _event_table(web),
            _key_table(web),
            _day_table(quarters, zone),
            _browser_table(browsers),
            _reason_table(reasons, ask),
        ),
        findings=tuple(findings),
        told=told,
    )


def carried_table(carried: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """What each event carries before it is sent, whoever it goes to: our estimate, and its keys.

    `carried` is `user_data` by event name; shares are of the events that carry the key.
    """
    rows = []
    for name, batch in sorted(carried.items(), key=lambda item: item[0] != "Purchase"):
        found = estimate.coverage(batch)
        rows.append(
            {
                "event_name": name,
                "events": found.events,
                "estimate": found.estimate,
                **{share.name: share.coverage for share in found.shares},
                "missed": next((GROUPS[s.name] for s in found.shares if s.name in SHOWN), None),
            }
        )
    return Table(
        name="carried",
        caption="Before sending: what the latest events carry",
        columns=(
            Column("event_name", "Event"),
            Column("events", "Events", "whole"),
            Column("estimate", "Estimate of 10", "number"),
            *(Column(name, title[0].upper() + title[1:], "share") for name, title in SHOWN.items()),
            Column("missed", "Would add most"),
        ),
        rows=rows,
        empty="No event yet. Open the shop with the script in its theme, or send an order.",
    )


GROUPS: dict[str, str] = {
    "em": "e-mail",
    "platform id": "platform's id",
    "ph": "phone",
    "fbc": "click id",
    "external_id": "customer id",
    "browser": "IP, agent",
    "fbp": "browser id",
    "name": "name",
    "db": "birthday",
    "place": "place",
}
"""What the groups of `quality.WEIGHTS` are called."""
SHOWN = {n: title for n, title in GROUPS.items() if n not in {"platform id", "db", "place"}}
"""Groups with a column; the others add little, or are hardly ever there."""


def _event_table(web: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        {
            "event_name": row["event_name"],
            "events": row["match_rate"]["events"],
            "estimate": row["event_match_quality"]["composite_score"],
            "matched": row["match_rate"]["match_rate"],
            "coverage": row["event_coverage"]["percentage"] / 100,
            "browser_ids": _with_id(row, "browser"),
            "server_ids": _with_id(row, "server"),
            "freshness": row["data_freshness"]["upload_frequency"].replace("_", " "),
        }
        for row in web
    ]
    return Table(
        name="by_event",
        caption="Events the platform received from the server",
        columns=(
            Column("event_name", "Event"),
            Column("events", "Events", "whole"),
            Column("estimate", "Estimate of 10", "number"),
            Column("matched", "Matched", "share"),
            Column("coverage", "Browser's also from server", "share"),
            Column("browser_ids", "Browser with id", "share"),
            Column("server_ids", "Server with id", "share"),
            Column("freshness", "Arrive in"),
        ),
        rows=rows,
        empty="The platform has received nothing in this period, or does not tell. "
        "Send an order; quality shows as soon as it is settled.",
    )


def _with_id(row: Mapping[str, Any], side: str) -> float:
    feedback = next(f for f in row["dedupe_key_feedback"] if f["dedupe_key"] == "event_id")
    share: float = feedback[f"{side}_events_with_dedupe_key"]["percentage"] / 100
    return share


def _key_table(web: Sequence[Mapping[str, Any]]) -> Table:
    """Match keys of the Purchases, and what having each always would add to the estimate."""
    row = next((r for r in web if r["event_name"] == "Purchase"), None)
    feedback = row["event_match_quality"]["match_key_feedback"] if row else []
    shares = {
        _KEYS.get(f["identifier"], f["identifier"]): f["coverage"]["percentage"] / 100
        for f in feedback
    }
    rows = [
        {"key": key_name(name), "coverage": share, "gain": _gain(name, shares)}
        for name, share in shares.items()
    ]
    return Table(
        name="keys",
        caption="Match keys of Purchases",
        columns=(
            Column("key", "Match key"),
            Column("coverage", "Of the events", "part"),
            Column("gain", "Would add", "number", about="points of the estimate, if always there"),
        ),
        rows=sorted(rows, key=lambda r: -(r["gain"] or 0)),
        empty="No Purchase was received from the server in this period.",
    )


_KEYS: dict[str, str] = {
    "email": "em",
    "phone": "ph",
    "click_id": "fbc",
    "browser_id": "fbp",
    "first_name": "fn",
    "last_name": "ln",
    "date_of_birth": "db",
    "gender": "ge",
    "city": "ct",
    "state": "st",
    "zip_code": "zp",
    "ip_address": "client_ip_address",
    "user_agent": "client_user_agent",
}
"""The platform's words for match keys, and their names in `user_data`."""


def _gain(name: str, shares: Mapping[str, float]) -> float | None:
    weight = next((w for w in estimate.WEIGHTS if w.keys == (name,)), None)
    if weight is None:
        return None
    now = {w.name: _least(w, shares) for w in estimate.WEIGHTS}
    return round(estimate.of_shares({**now, name: 1.0}) - estimate.of_shares(now), 1)


def _least(weight: estimate.Weight, shares: Mapping[str, float]) -> float:
    found = [shares.get(key, 0.0) for key in weight.keys]
    return min(found) if weight.every else max(found)


def _day_table(quarters: Sequence[tuple[int, int, int]], zone: tzinfo) -> Table:
    days: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for quarter, orders, seen in quarters:
        day = datetime.fromtimestamp(quarter * 900, zone).date().isoformat()
        days[day][0] += orders
        days[day][1] += seen
    rows = [
        {"day": day, "orders": orders, "browser": seen, "share": round(seen / orders, 4)}
        for day, (orders, seen) in sorted(days.items(), reverse=True)
    ]
    return Table(
        name="by_day",
        caption="Web orders by day: of them seen by the browser",
        columns=(
            Column("day", "Day", "day"),
            Column("orders", "Orders", "whole"),
            Column("browser", "Browser saw", "whole"),
            Column("share", "Share", "part"),
        ),
        rows=rows,
        empty="No web order in this period. Choose a longer one.",
    )


def _browser_table(browsers: Sequence[tuple[str | None, bool]]) -> Table:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for agent, seen in browsers:
        if agent:
            counts[family(agent)][0] += 1
            counts[family(agent)][1] += seen
    rows = [
        {"browser": name, "orders": n, "seen": seen, "share": round(seen / n, 4)}
        for name, (n, seen) in sorted(counts.items(), key=lambda item: -item[1][0])
    ]
    return Table(
        name="by_browser",
        caption="Latest web orders by browser: of them seen by the browser's own event",
        columns=(
            Column("browser", "Browser"),
            Column("orders", "Orders", "whole"),
            Column("seen", "Browser saw", "whole"),
            Column("share", "Share", "part"),
        ),
        rows=rows,
        empty="No web order of the last seven days told its browser. Older ones are forgotten.",
    )


def _reason_table(reasons: Mapping[str, int], ask: Ask) -> Table:
    whole = sum(reasons.values())
    rows = [
        {
            "reason": words[0].upper() + words[1:],
            "href": ask.leave("/orders", reason=code),
            "orders": reasons[code],
            "share": round(reasons[code] / whole, 4),
            "code": code,
        }
        for code, words in REASONS
        if reasons.get(code)
    ]
    return Table(
        name="reasons",
        caption="Why the platform's count differs from the shop's",
        columns=(
            Column("reason", "What the orders say"),
            Column("orders", "Orders", "whole"),
            Column("share", "Share", "part"),
            Column("code", "Code"),
        ),
        rows=rows,
        empty="No order in this period.",
    )


SCREEN = Screen(
    path="/quality",
    title="Quality",
    group="Signal",
    about="How much of every sale arrives, from which side, and how well it can be matched.",
    read=read,
    template="quality.html",
    filters=("period", "window"),
)
