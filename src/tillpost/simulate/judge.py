"""Compares the server's answers with the truth: the summary of `demo --exit --json`.

Counts of what reached the server come from the server; what should have come is under
`expected`, so that both can be seen side by side.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tillpost.simulate.answers import Answers
from tillpost.simulate.links import DIRECT
from tillpost.simulate.truth import OrderTruth, Truth

NOWHERE = frozenset({None, "", DIRECT, "Unknown"})
"""Channels that say that nothing is known."""
SHOWN = 10
"""How many orders that came out wrong are named."""


def judge(truth: Truth, answers: Answers) -> dict[str, Any]:
    """The summary, ready for JSON; every share is of the orders that are eligible."""
    eligible = [order for order in truth.orders if order.reason is None]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in answers.reports["orders"]:
        rows[row["order_id"]].append(row)
    seen = _seen(eligible, rows, answers)
    counted = [order for order in eligible if len(rows[order.order_id]) == 1]
    return {
        "orders": len(eligible),
        "ineligible": dict(Counter(o.reason for o in truth.orders if o.reason is not None)),
        **seen,
        "counted": len(counted),
        **_happened(truth, answers),
        "edited": sum(_is_edited(order, rows[order.order_id][0]) for order in counted),
        "refunded": sum(_is_refunded(order, rows[order.order_id][0]) for order in counted),
        "doubled": _doubled(truth, answers),
        "people_known": len(truth.accounts),
        **_matches(eligible, answers),
        **_attribution(truth, counted, rows),
        "revenue_by_channel": _revenue(truth, answers),
        "roas_by_campaign": _roas(answers),
        "findings": answers.findings,
        "ledger": answers.ledger,
        "expected": {
            **_expected(eligible),
            **_must_happen(truth),
            "edited": sum(order.edited is not None for order in counted),
            "refunded": sum(order.refunded is not None for order in counted),
        },
    }


def _seen(
    eligible: list[OrderTruth], rows: dict[str, list[dict[str, Any]]], answers: Answers
) -> dict[str, int]:
    """Which of the two sides reached the server, by the server's own rows."""
    beacons = {
        event["event_id"]
        for event in answers.events
        if event["event_name"] == "Purchase" and not event["order_id"]
    }
    found: Counter[str] = Counter(browser_only=0, server_only=0, both=0, neither=0)
    for order in eligible:
        row = next(iter(rows[order.order_id]), None)
        if row is not None and row["server"]:
            found["both" if row["browser"] else "server_only"] += 1
        else:
            found["browser_only" if order.event_id in beacons else "neither"] += 1
    return dict(found)


def _expected(eligible: Iterable[OrderTruth]) -> dict[str, int]:
    names = {(True, True): "both", (True, False): "browser_only",
             (False, True): "server_only", (False, False): "neither"}  # fmt: skip
    found = Counter(names[order.browser, order.server] for order in eligible)
    return {name: found[name] for name in names.values()}


def _must_happen(truth: Truth) -> dict[str, dict[str, int]]:
    """Of checkouts and registrations: how many are sent, and how many kept back."""
    return {
        name: dict(sorted(Counter("sent" if fact.sent else "kept" for fact in facts).items()))
        for name, facts in (
            ("checkouts", truth.checkouts),
            ("registrations", truth.registrations),
        )
    }


def _happened(truth: Truth, answers: Answers) -> dict[str, dict[str, int]]:
    """The same by the server's own events; a checkout counts if it came once, under its id."""
    known = {fact.event_id for fact in truth.checkouts}
    found = {"checkouts": Counter[str](), "registrations": Counter[str]()}
    for event in answers.events:
        if event["event_name"] == "CompleteRegistration":
            found["registrations"][_end(event)] += 1
        elif event["event_name"] == "InitiateCheckout":
            found["checkouts"][_end(event) if event["event_id"] in known else "unknown"] += 1
    return {name: dict(sorted(counts.items())) for name, counts in found.items()}


def _end(event: dict[str, Any]) -> str:
    (outcome,) = event["outcomes"]
    if outcome["state"] == "delivered":
        return "sent"
    kept = str(outcome["reason"]).startswith(("consent_", "awaiting_consent"))
    return "kept" if kept else str(outcome["reason"] or outcome["state"])


def _is_edited(order: OrderTruth, row: dict[str, Any]) -> bool:
    """Whether the reports have the order's value with the line that was added."""
    return order.edited is not None and order.edited == row["told_value"]


def _is_refunded(order: OrderTruth, row: dict[str, Any]) -> bool:
    """Whether the reports have what was given back, in the shop's money to the cent."""
    return order.refunded is not None and order.refunded == row["refunded"]


def _doubled(truth: Truth, answers: Answers) -> int:
    """Purchases the platform counts beyond one an order."""
    orders = {order.event_id: order.order_id for order in truth.orders if order.event_id}
    kept = Counter(
        event.get("order_id") or orders.get(event["event_id"])
        for event in answers.received
        if event["event_name"] == "Purchase" and event["duplicate_of"] is None
    )
    return sum(count - 1 for order, count in kept.items() if order is not None)


def _matches(eligible: list[OrderTruth], answers: Answers) -> dict[str, Any]:
    """How many delivered Purchases the platform resolved, rightly and wrongly."""
    delivered = {
        event["order_id"]
        for event in answers.events
        if event["event_name"] == "Purchase" and event["order_id"]
        and any(outcome["state"] == "delivered" for outcome in event["outcomes"])
    }  # fmt: skip
    people: dict[str, set[str | None]] = defaultdict(set)
    for event in answers.received:
        if event["event_name"] == "Purchase" and event["source"] == "server" and event["matched"]:
            people[event.get("order_id") or ""].add(event.get("person"))
    sent = [order for order in eligible if order.order_id in delivered]
    right = sum(people[order.order_id] == {order.person} for order in sent)
    wrong = sum(bool(people[order.order_id] - {order.person}) for order in sent)
    return {
        "delivered": len(sent),
        "matchable": sum(order.matchable for order in sent),
        "matched": right,
        "matched_wrong": wrong,
        "match_rate": round(right / len(sent), 4) if sent else 0.0,
    }


def _attribution(
    truth: Truth, counted: list[OrderTruth], rows: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    attributable = [order for order in counted if order.attributable]
    named = [o for o in attributable if rows[o.order_id][0]["channel"] not in NOWHERE]
    wrong = [o for o in attributable if not _right(truth, o, rows[o.order_id][0])]
    return {
        "attributable": len(attributable),
        "attributed": len(named),
        "attributed_right": len(attributable) - len(wrong),
        "attributed_wrong": [
            {"order_id": o.order_id, "expected": o.expected.channel,
             "found": rows[o.order_id][0]["channel"]}
            for o in wrong[:SHOWN]
        ],
    }  # fmt: skip


def _right(truth: Truth, order: OrderTruth, row: dict[str, Any]) -> bool:
    """Channel, and source, medium and campaign where the link named them."""
    said = order.expected
    if row["channel"] != said.channel:
        return False
    for told, found in ((said.source, row["source"]), (said.medium, row["medium"])):
        if told is not None and told != (found or "").lower():
            return False
    if said.campaign is None:
        return True
    names = truth.campaigns.get(said.campaign_id or "", []) or [said.campaign]
    return (row["campaign"] or "").lower() in {name.lower() for name in names}


def _revenue(truth: Truth, answers: Answers) -> dict[str, str]:
    return {
        row["channel"]: row["revenue"]
        for row in answers.reports["channels"]
        if row.get("currency", truth.currency) == truth.currency
    }


def _roas(answers: Answers) -> list[dict[str, Any]]:
    keys = ("campaign", "currency", "spend", "platform_roas", "true_roas")
    return [
        {key: row.get(key) for key in keys}
        for row in answers.reports["campaigns"]
        if row["campaign"] and float(row["spend"] or 0) > 0
    ]
