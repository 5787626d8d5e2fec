"""`GET /act_{id}/insights`: what each ad earned, in the shape of Meta's Insights API.

One conversion is one row's action under one canonical action type: there is no second row
(`omni_purchase`, `offsite_conversion.fb_pixel_purchase`) of the same sale to be added twice.
Numbers are strings, as Meta's are; days are UTC. What the receiver does not know (spend,
reach) is left out, as Meta leaves out what is empty (meta-capi 8).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from tillpost.core import money, windows
from tillpost.core.received import Action, Ad, Candidate
from tillpost.core.windows import DAY
from tillpost.receive.question import LEVELS, WINDOWS, Asked, Days

ACTION_TYPES: dict[str, str] = {
    "ViewContent": "view_content",
    "PageView": "page_view",
    "Purchase": "purchase",
    "Lead": "lead",
}
"""Canonical action types; other standard events follow the same rule of spelling."""

COUNTED: dict[str, tuple[Action, ...]] = {
    "impressions": ("impression", "video_5s", "link_click", "other_click"),
    "clicks": ("link_click", "other_click"),
    "inline_link_clicks": ("link_click",),
}
"""Fields that count touches; each other touch comes with an impression of its own."""

_STANDARD = re.compile(r"(?:[A-Z][a-z]+)+")


RATES: dict[str, str] = {"ctr": "clicks", "inline_link_click_ctr": "inline_link_clicks"}
"""Fields that tell another of each hundred impressions."""

Identity: TypeAlias = tuple[str | None, ...]
"""What tells a row from others of its time: the values of its level's fields."""


class _Cell(NamedTuple):
    """Where a count goes: the row's identity and days, and the action type."""

    row: Identity
    days: Days
    action: str


def answered(
    question: Asked,
    candidates: Iterable[Candidate],
    ads: Mapping[int, Ad],
    touches: Iterable[tuple[int, Action, int, int]],
) -> dict[str, Any]:
    """The page of rows that answers it: `{"data": [...], "paging": {"cursors": {...}}}`.

    `paging` has a `next` of None if there is more: the caller knows the address.
    """
    rows = _Rows(question, ads)
    for ad, action, day, count in touches:
        rows.count_touches(ad, action, day, count)
    for candidate in candidates:
        rows.count_event(candidate)
    data, more = rows.page()
    if not data:
        return {"data": []}
    cursors = {"before": str(question.after), "after": str(question.after + len(data))}
    return {"data": data, "paging": {"cursors": cursors} | ({"next": None} if more else {})}


def action_type(event_name: str) -> str:
    """The canonical action type of an event: `add_to_cart`, or `custom.` and its name."""
    known = ACTION_TYPES.get(event_name)
    if known is not None:
        return known
    if _STANDARD.fullmatch(event_name):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", event_name).lower()
    return f"offsite_conversion.custom.{event_name}"


class _Rows:
    """Counts on their way into rows."""

    def __init__(self, question: Asked, ads: Mapping[int, Ad]) -> None:
        self._asked = question
        self._ads = ads
        self._counts: defaultdict[_Cell, dict[str, int]] = defaultdict(dict)
        self._values: defaultdict[tuple[_Cell, str], dict[str, int]] = defaultdict(dict)
        self._touches: defaultdict[tuple[Identity, Days], dict[str, int]] = defaultdict(dict)

    def count_touches(self, ad: int, action: Action, day: int, count: int) -> None:
        days = self._asked.period(_day(day * DAY))
        if days is None or ad not in self._ads:
            return
        held = self._touches[self._identity(ad), days]
        for field, actions in COUNTED.items():
            if action in actions:
                held[field] = held.get(field, 0) + count

    def count_event(self, event: Candidate) -> None:
        named = [("value", self._asked.setting)]
        named += [(name, WINDOWS[name]) for name in self._asked.windows]
        for column, setting in named:
            credit = windows.credit(event.touches, event.at, setting)
            if credit is None or credit.touch.ad not in self._ads:
                continue
            at = credit.touch.at if self._asked.by_touch else event.at
            days = self._asked.period(_day(at))
            if days is not None:
                identity = self._identity(credit.touch.ad)
                self._add(_Cell(identity, days, action_type(event.event_name)), column, event)

    def _add(self, cell: _Cell, column: str, event: Candidate) -> None:
        counts = self._counts[cell]
        counts[column] = counts.get(column, 0) + 1
        if event.value is not None and event.currency is not None:
            values = self._values[cell, event.currency]
            values[column] = values.get(column, 0) + event.value

    def page(self) -> tuple[list[dict[str, Any]], bool]:
        """The rows that are asked for, and whether there are more."""
        rows = {(cell.row, cell.days) for cell in self._counts} | set(self._touches)
        ordered = sorted(rows, key=lambda row: (row[1], [part or "" for part in row[0]]))
        ends = self._asked.after + self._asked.limit
        return [self._row(*row) for row in ordered[self._asked.after : ends]], ends < len(ordered)

    def _row(self, identity: Identity, days: Days) -> dict[str, Any]:
        """The fields that were asked for, as far as there is anything to tell."""
        told: dict[str, Any] = {
            **dict(zip(LEVELS[self._asked.level], identity, strict=True)),
            **self._counted(identity, days),
            "actions": self._actions(identity, days),
            "action_values": self._action_values(identity, days),
            "attribution_setting": self._asked.setting.name,
        }
        row = {name: told[name] for name in self._asked.fields if told.get(name)}
        return {**row, "date_start": days[0].isoformat(), "date_stop": days[1].isoformat()}

    def _counted(self, identity: Identity, days: Days) -> dict[str, str]:
        counts = self._touches.get((identity, days), {})
        seen = counts.get("impressions", 0)
        rates = {
            name: f"{100 * counts.get(of, 0) / seen:.6f}" for name, of in RATES.items() if seen
        }
        return {field: str(counts.get(field, 0)) for field in COUNTED} | rates

    def _actions(self, identity: Identity, days: Days) -> list[dict[str, str]]:
        return [
            {"action_type": cell.action, **_texts(counts, str)}
            for cell, counts in sorted(self._counts.items(), key=lambda item: item[0].action)
            if (cell.row, cell.days) == (identity, days)
        ]

    def _action_values(self, identity: Identity, days: Days) -> list[dict[str, str]]:
        return [
            {
                "action_type": cell.action,
                **_texts(values, partial(_decimal, currency)),
                "currency": currency,
            }
            for (cell, currency), values in sorted(
                self._values.items(), key=lambda item: (item[0][0].action, item[0][1])
            )
            if (cell.row, cell.days) == (identity, days)
        ]

    def _identity(self, number: int) -> Identity:
        ad = self._ads[number]
        parts = {
            "account_id": ad.account_id.removeprefix("act_"),
            "campaign_id": ad.campaign_id,
            "campaign_name": ad.names.get("campaign"),
            "adset_id": ad.adset_id,
            "adset_name": ad.names.get("adset"),
            "ad_id": ad.ad_id,
            "ad_name": ad.names.get("ad"),
        }
        return tuple(parts[name] for name in LEVELS[self._asked.level])


def of_object(ads: Mapping[int, Ad], object_id: str) -> dict[int, Ad]:
    """The ads under an account (`act_...`), campaign, ad set, or the one ad of that id."""
    account = object_id.removeprefix("act_")
    if account != object_id:
        return {n: ad for n, ad in ads.items() if ad.account_id.removeprefix("act_") == account}
    return {n: ad for n, ad in ads.items() if object_id in (ad.campaign_id, ad.adset_id, ad.ad_id)}


def level_of(ads: Mapping[int, Ad], object_id: str) -> str:
    """What the id names: an account, campaign, ad set or ad."""
    if object_id.startswith("act_"):
        return "account"
    first = next(iter(ads.values()))
    if object_id == first.campaign_id:
        return "campaign"
    return "adset" if object_id == first.adset_id else "ad"


def _texts(counts: Mapping[str, int], text: Callable[[int], str]) -> dict[str, str]:
    """The counts as Meta writes them: `value` always, windows as they were asked for."""
    return {"value": text(counts.get("value", 0))} | {
        name: text(count) for name, count in sorted(counts.items()) if name != "value"
    }


def _decimal(currency: str, units: int) -> str:
    return money.decimal_string(units, currency)


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
