"""What each side saw of the orders, and why the platform says otherwise."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.bridge import sightings
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.roas import count, ratio
from tillpost.report.steps import (
    ATTRIBUTION,
    EARNINGS,
    KNOWN,
    LISTED,
    PAGE,
    RECONCILED,
    SPENDING,
)

ONE_CREDIT = ("last_non_direct",)
"""A model that gives each order one credit, so that counting credits counts orders."""

REASONS: tuple[tuple[str, str], ...] = (
    ("AGREED", "own attribution and the platform both credit the platform's ads"),
    ("AGREED_NOT_THE_PLATFORMS", "neither credits the platform"),
    ("DUPLICATE", "the platform counts it more than once"),
    ("VIEW_ONLY", "the platform counts a view; no click brought the order"),
    ("OTHER_CHANNEL_LAST", "the platform counts a click; another channel came last"),
    ("NO_TOUCH", "the platform counts it; no visit was ever observed here"),
    ("VALUE_BASIS", "both credit the platform, whose value leaves out tax, shipping or both"),
    ("VALUE_DIFFERS", "both credit the platform, whose value is none that is known of the order"),
    (
        "PARTLY_REFUNDED",
        "both credit the platform, which takes nothing off for what was given back",
    ),
    (
        "TZ_SHIFT",
        "both credit the platform, which has it on another day: its days are UTC's",
    ),
    (
        "DAY_SHIFT",
        "both credit the platform, which has it on another day: it was told so",
    ),
    ("OUT_OF_WINDOW", "the platform's ad brought it more than 7 days before, outside its window"),
    ("NOT_CREDITED", "the platform's ad brought it within 7 days, and the platform counts no ad"),
    ("UNMATCHED_IDENTITY", "the platform knew nobody by the identifiers it was sent"),
    ("NOT_TOLD", "the platform took it, and has not told what it made of it: unknown"),
    ("WAITING", "not sent yet"),
    ("DELIVERY_FAILED", "the platform refused it, or it was too old for the platform"),
    ("CONSENT_DENIED", "not sent: the shopper said no"),
    ("CONSENT_UNKNOWN", "not sent: nobody asked the shopper, where a yes is needed"),
    ("NO_MATCH_KEYS", "not sent: nothing in it tells whose it is"),
    ("NATIVE", "not sent from here: the shop's own channel sends it"),
    ("REPORTS_ONLY", "not sent: a past order, which is in the reports alone"),
    ("SHADOW", "not sent: it would have been, but for shadow mode"),
    ("NOT_SENT", "not sent, by another rule; its delivery says which"),
    ("NO_DESTINATION", "not sent: no destination took its Purchase"),
    ("AWAITING_PAYMENT", "its money has not come, so the shop does not count it"),
    ("REFUNDED", "cancelled or wholly given back; platforms take nothing off"),
    ("ORDER_TYPE_EXCLUDED", "the shop's policy does not count this kind of order"),
)
"""Reason codes and what they say; each order has one, the first that holds."""


def coverage(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """A row a shop: orders seen by browser, server, both; explained; matched; as shares too.

    `overlap` is those seen by both, of all that the side saw which saw fewer.
    """
    with opened(tables) as engine:
        plain = structs.replace(query, basis="cash")
        found = engine.run(KNOWN, "coverage", plain, ONE_CREDIT)
    names = ("orders", "browser", "server", "browser_only", "server_only", "observed")
    return [
        {
            "shop": row["shop"],
            **{name: int(row[name]) for name in names},
            "both": int(row["both_sides"]),
            "attributed": int(row["attributed"]),
            "matched": int(row["matched"]),
            "browser_coverage": ratio(int(row["browser"]), row["orders"]),
            "server_coverage": ratio(int(row["server"]), row["orders"]),
            "overlap": ratio(int(row["both_sides"]), min(int(row["browser"]), int(row["server"]))),
            "pixel_loss": ratio(int(row["server_only"]), row["orders"]),
            "observed_share": ratio(int(row["observed"]), row["orders"]),
        }
        for row in found
    ]


def reconcile(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """A row an order of the period, also those not counted, with the code of `REASONS`.

    Beside it what each side saw of the order, as in `bridge_orders`.
    """
    plain = structs.replace(query, basis="cash")
    with opened(tables) as engine:
        found = engine.run((*ATTRIBUTION, PAGE, *RECONCILED), "sides", plain)
    return [
        {
            "order_id": row["order_id"],
            "name": row["name"],
            "at": iso(row["moment"]),
            "value": decimal_string(row["value_minor"], row["currency"]),
            "currency": row["currency"],
            "reason": row["reason_code"],
            "channel": row["channel"],
            "campaign_id": row["campaign_id"],
            **sightings(row),
            "eligible": bool(row["eligible"]),
            "shop": row["shop"],
        }
        for row in found
    ]


def reasons(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows of `reason, orders, says` in the order of `REASONS`: `reconcile` counted."""
    with opened(tables) as engine:
        plain = structs.replace(query, basis="cash")
        found = engine.run((*ATTRIBUTION, LISTED, *RECONCILED), "reasons", plain)
    counts = {row["reason_code"]: row["orders"] for row in found}
    return [
        {"reason": code, "orders": counts[code], "says": words}
        for code, words in REASONS
        if code in counts
    ]


def utm(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by source, medium and campaign: touches, orders, and what to mend about the tags.

    `findings` are of `case_variant` (the campaign is spelled in several ways), `unassigned`
    (no channel rule fits), `medium_missing`, and `no_spend` (a paid campaign without costs).
    """
    with opened(tables) as engine:
        found = engine.run((*EARNINGS, *SPENDING), "utm", query)
    spellings: dict[str, set[str]] = {}
    for row in found:
        name = row["campaign"] or ""
        spellings.setdefault(name.lower(), set()).add(name)
    return [
        {
            **{name: row[name] for name in ("source", "medium", "campaign", "channel", "touches")},
            "orders": count(row["shares"]),
            "findings": _findings(row, spellings),
        }
        for row in found
    ]


def _findings(row: Mapping[str, Any], spellings: Mapping[str, set[str]]) -> list[str]:
    campaign = row["campaign"] or ""
    checks = (
        ("case_variant", len(spellings[campaign.lower()]) > 1),
        ("unassigned", row["channel"] == "Unassigned"),
        ("medium_missing", row["medium"] == "(not set)"),
        ("no_spend", bool(campaign and row["paid"] and not row["has_spend"])),
    )
    return [name for name, holds in checks if holds]
