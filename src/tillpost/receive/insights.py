"""`GET /act_{id}/insights`: what each ad earned, in the shape of Meta's Insights API.

One conversion is one row's action under one canonical action type: there is no second row
(`omni_purchase`, `offsite_conversion.fb_pixel_purchase`) of the same sale to be added twice.
Numbers are strings, as Meta's are; days are UTC. What the receiver does not know (spend,
reach) is left out, as Meta leaves out what is empty (meta-capi 8).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tillpost.core import money, windows
from tillpost.core.received import Action, Ad, Candidate
from tillpost.core.windows import DAY, Setting

LEVELS: dict[str, tuple[str, ...]] = {
    "account": ("account_id",),
    "campaign": ("account_id", "campaign_id", "campaign_name"),
    "adset": ("account_id", "campaign_id", "campaign_name", "adset_id", "adset_name"),
    "ad": (
        "account_id",
        "campaign_id",
        "campaign_name",
        "adset_id",
        "adset_name",
        "ad_id",
        "ad_name",
    ),
}
"""What tells one row from another at each level."""

WINDOWS: dict[str, Setting] = {
    "1d_click": windows.SETTINGS["1d_click"],
    "7d_click": windows.SETTINGS["7d_click"],
    "28d_click": windows.SETTINGS["28d_click"],
    "1d_ev": windows.SETTINGS["1d_engage"],
    "1d_view": windows.SETTINGS["1d_view"],
}
"""Attribution windows that can be asked for, each counted for itself."""

PRESETS: dict[str, tuple[int, int]] = {
    "today": (0, 0),
    "yesterday": (1, 1),
    "last_3d": (3, 1),
    "last_7d": (7, 1),
    "last_14d": (14, 1),
    "last_28d": (28, 1),
    "last_30d": (30, 1),
    "last_90d": (90, 1),
    "maximum": (37 * 31, 0),
}
"""Date presets as (first, last) days ago."""

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
_DEFAULT_FIELDS = ("impressions", "clicks", "actions", "action_values")
_REPORT_TIMES = ("conversion", "impression", "mixed")
_MOST_ROWS = 500


class Wrong(ValueError):
    """A parameter that cannot be taken; the message says which and what to send."""


class Asked(Struct, frozen=True):
    """A question to Insights, with every default filled in; `until` is the day after the last."""

    level: str
    fields: tuple[str, ...]
    since: date
    until: date
    increment: int
    windows: tuple[str, ...]
    setting: Setting
    by_touch: bool
    limit: int
    after: int


class _Cell(NamedTuple):
    """Where a count goes: the row's identity, its first day, and the action type."""

    row: tuple[str | None, ...]
    begins: date
    action: str


def asked(query: Mapping[str, str], now: float) -> Asked:
    """The question that the query's parameters put; raises `Wrong` for what they cannot be."""
    level = query.get("level", "account")
    if level not in LEVELS:
        raise Wrong(f"level must be one of {', '.join(LEVELS)}")
    since, until = _range(query, datetime.fromtimestamp(now, UTC).date())
    report = query.get("action_report_time", "conversion")
    if report not in _REPORT_TIMES:
        raise Wrong(f"action_report_time must be one of {', '.join(_REPORT_TIMES)}")
    setting = query.get("attribution_setting", windows.DEFAULT.name)
    if setting not in windows.SETTINGS:
        raise Wrong(f"attribution_setting must be one of {', '.join(windows.SETTINGS)}")
    return Asked(
        level=level,
        fields=_words(query.get("fields", "")) or _DEFAULT_FIELDS,
        since=since,
        until=until,
        increment=_increment(query.get("time_increment", "all_days"), since, until),
        windows=_windows(query.get("action_attribution_windows", "")),
        setting=windows.SETTINGS[setting],
        by_touch=report == "impression",
        limit=_number(query.get("limit", "25"), "limit", 1, _MOST_ROWS),
        after=_number(query.get("after", "0"), "after", 0, 10**9),
    )


def answered(
    question: Asked,
    candidates: Iterable[Candidate],
    ads: Mapping[int, Ad],
    touches: Iterable[tuple[int, Action, int, int]],
) -> dict[str, Any]:
    """The page of rows that answers it: `{"data": [...], "paging": {...}}`."""
    rows = _Rows(question, ads)
    for ad, action, day, count in touches:
        rows.count_touches(ad, action, day, count)
    for candidate in candidates:
        rows.count_event(candidate)
    data = rows.page()
    cursors = {"before": str(question.after), "after": str(question.after + len(data))}
    return {"data": data, "paging": {"cursors": cursors} if data else {}}


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
        self._touches: defaultdict[tuple[tuple[str | None, ...], date], dict[str, int]]
        self._touches = defaultdict(dict)

    def count_touches(self, ad: int, action: Action, day: int, count: int) -> None:
        begins = self._begins(_day(day * DAY))
        if begins is None or ad not in self._ads:
            return
        held = self._touches[self._identity(ad), begins]
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
            begins = self._begins(_day(credit.touch.at if self._asked.by_touch else event.at))
            if begins is not None:
                identity = self._identity(credit.touch.ad)
                self._add(_Cell(identity, begins, action_type(event.event_name)), column, event)

    def _add(self, cell: _Cell, column: str, event: Candidate) -> None:
        counts = self._counts[cell]
        counts[column] = counts.get(column, 0) + 1
        if event.value is not None and event.currency is not None:
            values = self._values[cell, event.currency]
            values[column] = values.get(column, 0) + event.value

    def page(self) -> list[dict[str, Any]]:
        rows = {(cell.row, cell.begins) for cell in self._counts} | set(self._touches)
        ordered = sorted(rows, key=lambda row: (row[1], [part or "" for part in row[0]]))
        asked = self._asked
        return [self._row(*row) for row in ordered[asked.after : asked.after + asked.limit]]

    def _row(self, identity: tuple[str | None, ...], begins: date) -> dict[str, Any]:
        row: dict[str, Any] = {
            name: value
            for name, value in zip(LEVELS[self._asked.level], identity, strict=True)
            if value
        }
        for field in COUNTED:
            if field in self._asked.fields:
                row[field] = str(self._touches.get((identity, begins), {}).get(field, 0))
        if actions := self._actions(identity, begins):
            row |= {"actions": actions} if "actions" in self._asked.fields else {}
        if values := self._action_values(identity, begins):
            row |= {"action_values": values} if "action_values" in self._asked.fields else {}
        ends = min(begins + timedelta(self._asked.increment), self._asked.until) - timedelta(1)
        return {**row, "date_start": begins.isoformat(), "date_stop": ends.isoformat()}

    def _actions(self, identity: tuple[str | None, ...], begins: date) -> list[dict[str, str]]:
        return [
            {"action_type": cell.action, **_texts(counts, str)}
            for cell, counts in sorted(self._counts.items(), key=lambda item: item[0].action)
            if (cell.row, cell.begins) == (identity, begins)
        ]

    def _action_values(
        self, identity: tuple[str | None, ...], begins: date
    ) -> list[dict[str, str]]:
        return [
            {
                "action_type": cell.action,
                **_texts(values, lambda units, code=currency: money.decimal_string(units, code)),
                "currency": currency,
            }
            for (cell, currency), values in sorted(
                self._values.items(), key=lambda item: (item[0][0].action, item[0][1])
            )
            if (cell.row, cell.begins) == (identity, begins)
        ]

    def _begins(self, day: date) -> date | None:
        """The first day of the row that the day falls into; None outside of the time range."""
        asked = self._asked
        if not asked.since <= day < asked.until:
            return None
        return asked.since + timedelta(
            (day - asked.since).days // asked.increment * asked.increment
        )

    def _identity(self, number: int) -> tuple[str | None, ...]:
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


def _texts(counts: Mapping[str, int], text: Any) -> dict[str, str]:
    """The counts as Meta writes them: `value` always, windows as they were asked for."""
    return {"value": text(counts.get("value", 0))} | {
        name: text(count) for name, count in sorted(counts.items()) if name != "value"
    }


def _range(query: Mapping[str, str], today: date) -> tuple[date, date]:
    given = query.get("time_range")
    if given is None:
        preset = query.get("date_preset", "last_30d")
        if preset not in PRESETS:
            raise Wrong(f"date_preset must be one of {', '.join(PRESETS)}")
        first, last = PRESETS[preset]
        return today - timedelta(first), today - timedelta(last) + timedelta(1)
    try:
        told = msgspec.json.decode(given, type=dict[str, str])
        since, until = date.fromisoformat(told["since"]), date.fromisoformat(told["until"])
    except (ValueError, KeyError):
        raise Wrong('time_range must be {"since":"YYYY-MM-DD","until":"YYYY-MM-DD"}') from None
    if until < since:
        raise Wrong("time_range: until lies before since")
    return since, until + timedelta(1)


def _increment(given: str, since: date, until: date) -> int:
    if given == "all_days":
        return (until - since).days
    return _number(given, "time_increment", 1, 90)


def _windows(given: str) -> tuple[str, ...]:
    asked = _words(given)
    names = [
        name
        for word in asked
        for name in (("7d_click", "1d_view") if word == "default" else (word,))
    ]
    unknown = [name for name in names if name not in WINDOWS]
    if unknown:
        raise Wrong(f"action_attribution_windows must be of default, {', '.join(WINDOWS)}")
    return tuple(dict.fromkeys(names))


def _words(given: str) -> tuple[str, ...]:
    """A list as Meta takes it: JSON, or words between commas."""
    try:
        several: Sequence[Any] = msgspec.json.decode(given, type=list[str])
    except ValueError:
        several = given.split(",")
    return tuple(word.strip() for word in several if word.strip())


def _number(given: str, name: str, least: int, most: int) -> int:
    if not given.isascii() or not given.isdigit() or not least <= int(given[:12]) <= most:
        raise Wrong(f"{name} must be a number from {least} to {most}")
    return int(given)


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
