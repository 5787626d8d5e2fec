"""UTM health: what is wrong with the tags of links, how often, where, and how to mend it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tillpost.ports import Rows
from tillpost.report.query import Query
from tillpost.report.reconcile import utm

FINDINGS: dict[str, tuple[str, str]] = {
    "untagged_ad": (
        "Clicks on ads came without tags",
        "Put the platform's template into its URL parameters: tillpost link --platform NAME",
    ),
    "macro_unexpanded": (
        "The ad platform did not fill a placeholder in",
        "Correct the template: tillpost link --platform NAME prints it",
    ),
    "conflict": (
        "The tag names another platform than the click identifier",
        "Give each platform's ads their own template; do not copy links between platforms",
    ),
    "internal_utm": (
        "Links inside the shop carry campaign tags",
        "Remove the tags from links between pages of the shop; elsewhere they hide the source",
    ),
    "unassigned": (
        "No channel rule fits these tags",
        "Use a medium that rules know (cpc, paid_social, email ...), or add a shops.channels rule",
    ),
    "medium_missing": ("The medium is missing", "Add utm_medium to the link"),
    "case_variant": (
        "A campaign is spelled in several ways",
        "Choose one spelling in small letters: tillpost link builds it",
    ),
    "upper_case": (
        "Source or medium has capitals",
        "Write them in small letters: other tools count two spellings as two sources",
    ),
    "duplicate_utm": ("A tag stands twice with two values", "Remove one; the first counts"),
    "source_fallback": (
        "ref or source stood in for utm_source",
        "Use utm_source, which every tool reads",
    ),
    "fragment": ("Tags stand behind #", "Put them before it: browsers do not send what follows"),
    "second_question_mark": ("A second ? begins the tags", "Join them with &"),
    "escaped_ampersand": ("&amp; stands in the link", "Write & where the link is pasted"),
    "double_encoded": ("Values are encoded twice", "Encode them once: %20, not %2520"),
    "no_spend": (
        "A paid campaign brought orders and has no costs",
        "Import its spend, or tag it with the campaign's id (utm_id)",
    ),
}
"""Every finding, what it says and how to mend it; the first ones cost most."""

_ORDER = {code: place for place, code in enumerate(FINDINGS)}


class _Place(NamedTuple):
    finding: str
    source: str
    medium: str
    campaign: str


def health(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """A row for each fault of each source, medium and campaign, the costliest faults first.

    Keys are `finding, times, source, medium, campaign, landing_path, click, first_day,
    last_day, title, fix`. `times` counts touches (of `internal_utm`, page views).
    """
    told = [*_faults(tables, query), *_of_report(tables, query)]
    places: dict[_Place, list[dict[str, Any]]] = defaultdict(list)
    for place, fault in told:
        places[place].append(fault)
    rows = [_row(place, faults) for place, faults in places.items()]
    return sorted(rows, key=lambda row: (_ORDER[row["finding"]], -row["times"], row["source"]))


def _row(place: _Place, faults: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    title, fix = FINDINGS[place.finding]
    days = [fault["day"] for fault in faults if fault["day"]]
    return {
        "finding": place.finding,
        "times": sum(fault["times"] for fault in faults),
        "source": place.source,
        "medium": place.medium,
        "campaign": place.campaign,
        "landing_path": faults[0]["landing_path"],
        "click": faults[0]["click"],
        "first_day": min(days, default=None),
        "last_day": max(days, default=None),
        "title": title,
        "fix": fix,
    }


def _faults(tables: Mapping[str, Rows], query: Query) -> Iterable[tuple[_Place, dict[str, Any]]]:
    """The flags of landings, and tags inside the shop, of the period's days."""
    names, rows = tables.get("tag_faults", ([], []))
    span = query.period
    for row in (dict(zip(names, values, strict=True)) for values in rows):
        inside = span.first_day <= row["day"] <= span.last_day
        if not inside or query.shop not in {None, row["shop"]}:
            continue
        texts = (row["source"] or "", row["medium"] or "", row["campaign"] or "")
        fault = {
            "times": row["times"],
            "landing_path": row["landing_path"],
            "click": row["click_kind"],
            "day": row["day"],
        }
        for flag in row["flags"].split():
            if flag in FINDINGS:
                yield _Place(flag, *texts), fault


def _of_report(tables: Mapping[str, Rows], query: Query) -> Iterable[tuple[_Place, dict[str, Any]]]:
    """What the report `utm` finds about each combination of tags."""
    empty = dict.fromkeys(("landing_path", "click", "day"))
    for row in utm(tables, query):
        texts = (row["source"] or "", row["medium"] or "", row["campaign"] or "")
        for finding in row["findings"]:
            yield _Place(finding, *texts), {"times": row["touches"], **empty}
