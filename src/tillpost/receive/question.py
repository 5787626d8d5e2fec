"""The question that is put to `GET /{object}/insights`, with every default filled in.

Parameters and their values are Meta's (meta-capi 8). What the receiver cannot answer is
refused by name, never silently left out of account.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct

from tillpost.core import windows
from tillpost.core.windows import Setting

LEVELS: dict[str, tuple[str, ...]] = {
    "account": ("account_id", "account_name"),
    "campaign": ("account_id", "account_name", "campaign_id", "campaign_name"),
    "adset": (
        *("account_id", "account_name", "campaign_id", "campaign_name"),
        *("adset_id", "adset_name"),
    ),
    "ad": (
        "account_id",
        "account_name",
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

Days = tuple[date, date]
"""The first and the last day of a time range."""


def _ago(first: int, last: int) -> Callable[[date], Days]:
    return lambda today: (today - timedelta(first), today - timedelta(last))


def _month(today: date) -> Days:
    return today.replace(day=1), today


def _quarter(today: date) -> Days:
    return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today


def _year(today: date) -> Days:
    return today.replace(month=1, day=1), today


def _week(first_weekday: int) -> Callable[[date], Days]:
    """The week so far; Monday is 0."""
    return lambda today: (today - timedelta((today.weekday() - first_weekday) % 7), today)


def _before(this: Callable[[date], Days]) -> Callable[[date], Days]:
    """The whole period before the one that is under way."""

    def whole(today: date) -> Days:
        last = this(today)[0] - timedelta(1)
        return this(last)[0], last

    return whole


PRESETS: dict[str, Callable[[date], Days]] = {
    "today": _ago(0, 0),
    "yesterday": _ago(1, 1),
    "last_3d": _ago(3, 1),
    "last_7d": _ago(7, 1),
    "last_14d": _ago(14, 1),
    "last_28d": _ago(28, 1),
    "last_30d": _ago(30, 1),
    "last_90d": _ago(90, 1),
    "this_week_mon_today": _week(0),
    "this_week_sun_today": _week(6),
    "last_week_mon_sun": _before(_week(0)),
    "last_week_sun_sat": _before(_week(6)),
    "this_month": _month,
    "last_month": _before(_month),
    "this_quarter": _quarter,
    "last_quarter": _before(_quarter),
    "this_year": _year,
    "last_year": _before(_year),
    "maximum": _ago(37 * 31, 0),
}
"""Date presets, by the day that it is."""

FIELDS = frozenset(
    (
        *LEVELS["ad"],
        *("impressions", "clicks", "inline_link_clicks", "ctr", "inline_link_click_ctr"),
        *("spend", "account_currency", "reach", "frequency", "cpc", "cpm", "cpp"),
        *("cost_per_inline_link_click", "cost_per_action_type", "purchase_roas"),
        *("actions", "action_values", "attribution_setting", "date_start", "date_stop"),
    )
)
"""Fields that are answered."""

EMPTY_FIELDS = frozenset(
    (
        *("objective", "optimization_goal", "cost_per_conversion", "cost_per_result", "results"),
        *("website_purchase_roas", "mobile_app_purchase_roas", "conversions"),
        *("conversion_values", "unique_actions", "unique_clicks", "outbound_clicks"),
    )
)
"""Fields of which the receiver knows nothing: left out, as Meta leaves out what is empty."""

_UNANSWERED = ("breakdowns", "filtering", "time_ranges")
_DEFAULT_FIELDS = ("impressions", "clicks", "actions", "action_values")
_REPORT_TIMES = ("conversion", "impression", "mixed")
_MOST_ROWS = 500


class Wrong(ValueError):
    """A parameter that cannot be taken; the message says which and what to send."""


class Asked(Struct, frozen=True):
    """A question to Insights, with every default filled in.

    `begins` holds the first day of each row's time, in order; `until` is the day after the last.
    """

    level: str
    fields: tuple[str, ...]
    begins: tuple[date, ...]
    until: date
    windows: tuple[str, ...]
    setting: Setting
    by_touch: bool
    limit: int
    after: int

    @property
    def since(self) -> date:
        """The first day."""
        return self.begins[0]

    def periods(self) -> list[Days]:
        """The first and the last day of each row's time, in order."""
        return [
            (first, following - timedelta(1))
            for first, following in pairwise((*self.begins, self.until))
        ]

    def period(self, day: date) -> Days | None:
        """The first and the last day of the row that the day falls into, None if into none."""
        if not self.since <= day < self.until:
            return None
        at = bisect_right(self.begins, day)
        following = self.begins[at] if at < len(self.begins) else self.until
        return self.begins[at - 1], following - timedelta(1)


def asked(query: Mapping[str, str], now: float, own_level: str = "account") -> Asked:
    """The question that the query's parameters put; raises `Wrong` for what they cannot be.

    `own_level` is that of the object that is asked about: the default.
    """
    for name in _UNANSWERED:
        if _words(query.get(name, "")):
            raise Wrong(f"{name} cannot be answered here: leave it out")
    level = query.get("level", own_level)
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
        fields=_fields(query.get("fields", ""), level),
        begins=_begins(query.get("time_increment", "all_days"), since, until),
        until=until,
        windows=_windows(query.get("action_attribution_windows", "")),
        setting=windows.SETTINGS[setting],
        by_touch=report == "impression",
        limit=_number(query.get("limit", "25"), "limit", 1, _MOST_ROWS),
        after=_number(query.get("after", "0"), "after", 0, 10**9),
    )


def _fields(given: str, level: str) -> tuple[str, ...]:
    words = _words(given)
    for word in words:
        if word not in FIELDS | EMPTY_FIELDS:
            raise Wrong(f"{word[:60]} is not valid for fields param")
    return words or (*LEVELS[level], *_DEFAULT_FIELDS)


def _range(query: Mapping[str, str], today: date) -> Days:
    """The first day, and the day after the last."""
    given = query.get("time_range")
    if given is None:
        preset = PRESETS.get(query.get("date_preset", "last_30d"))
        if preset is None:
            raise Wrong(f"date_preset must be one of {', '.join(PRESETS)}")
        since, last = preset(today)
        return since, last + timedelta(1)
    try:
        told = msgspec.json.decode(given, type=dict[str, str])
        since, last = date.fromisoformat(told["since"]), date.fromisoformat(told["until"])
    except (ValueError, KeyError):
        raise Wrong('time_range must be {"since":"YYYY-MM-DD","until":"YYYY-MM-DD"}') from None
    if last < since:
        raise Wrong("time_range: until lies before since")
    return since, last + timedelta(1)


def _begins(given: str, since: date, until: date) -> tuple[date, ...]:
    days = (until - since).days
    if given == "all_days":
        return (since,)
    if given == "monthly":
        every = (since + timedelta(n) for n in range(1, days))
        return (since, *(day for day in every if day.day == 1))
    step = _number(given, "time_increment", 1, 90)
    return tuple(since + timedelta(n) for n in range(0, days, step))


def _windows(given: str) -> tuple[str, ...]:
    names = [
        name
        for word in _words(given)
        for name in (("7d_click", "1d_view") if word == "default" else (word,))
    ]
    if any(name not in WINDOWS for name in names):
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
