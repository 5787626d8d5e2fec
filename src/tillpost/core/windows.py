"""The receiver's attribution: one conversion to one touch of the account, within windows.

Meta's default since March 2026: 7-day link click, then 1-day engage-through (other
clicks, 5-second video views), then 1-day view; click beats engage beats view, and the
most recent of its kind wins (meta-capi 8, attribution 2.8). A touch counts if
`0 <= conversion - touch <= window` in exact seconds.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from tillpost.core.received import Action, Credit, Touch, Window

DAY = 86_400

WIDEST: dict[Action, int] = {
    "link_click": 28 * DAY,
    "other_click": 28 * DAY,
    "video_5s": DAY,
    "impression": DAY,
}
"""Touches older than this count under no setting, so that they need not be looked at."""

ENGAGE_COLUMN = "1d_ev"
"""The name that the Insights API has for the 1-day engage window."""


SettingName: TypeAlias = Literal[
    "7d_click_1d_engage_1d_view",
    "1d_click",
    "7d_click",
    "28d_click",
    "1d_engage",
    "1d_view",
    "1d_click_1d_view",
    "28d_click_1d_engage_1d_view",
    "all_clicks",
]
"""The attribution settings that there are; see `SETTINGS`."""


class Tier(Struct, frozen=True):
    """Touches of these actions count for `seconds`; the first tier with a touch wins."""

    actions: tuple[Action, ...]
    seconds: int
    window: Window


class Setting(Struct, frozen=True):
    """An attribution setting: tiers in order of precedence."""

    name: SettingName
    tiers: tuple[Tier, ...]


_ENGAGE = Tier(("other_click", "video_5s"), DAY, "1d_engage")
_VIEW = Tier(("impression",), DAY, "1d_view")


def _clicks(days: int, window: Window, actions: tuple[Action, ...] = ("link_click",)) -> Tier:
    return Tier(actions, days * DAY, window)


DEFAULT = Setting("7d_click_1d_engage_1d_view", (_clicks(7, "7d_click"), _ENGAGE, _VIEW))

SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        DEFAULT,
        Setting("1d_click", (_clicks(1, "1d_click"),)),
        Setting("7d_click", (_clicks(7, "7d_click"),)),
        Setting("28d_click", (_clicks(28, "28d_click"),)),
        Setting("1d_engage", (_ENGAGE,)),
        Setting("1d_view", (_VIEW,)),
        Setting("1d_click_1d_view", (_clicks(1, "1d_click"), _VIEW)),
        Setting("28d_click_1d_engage_1d_view", (_clicks(28, "28d_click"), _ENGAGE, _VIEW)),
        Setting(
            "all_clicks",
            (
                _clicks(7, "7d_click", ("link_click", "other_click")),
                Tier(("video_5s",), DAY, "1d_engage"),
                _VIEW,
            ),
        ),
    )
}
"""By name. `all_clicks` is the definition before 2026: any click is a click."""


def credit(
    touches: Iterable[Touch], converted_at: int, setting: Setting = DEFAULT
) -> Credit | None:
    """The touch that takes the conversion, or None if none lies in a window.

    Of touches of one second the one with the higher ad number wins, so that the
    answer does not depend on the order they are given in.
    """
    known = [touch for touch in touches if touch.at <= converted_at]
    for tier in setting.tiers:
        inside = [
            touch
            for touch in known
            if touch.action in tier.actions and converted_at - touch.at <= tier.seconds
        ]
        if inside:
            return Credit(max(inside, key=lambda touch: (touch.at, touch.ad)), tier.window)
    return None


def contenders(touches: Iterable[Touch], converted_at: int) -> tuple[Touch, ...]:
    """The most recent touch of each action within its widest window: enough for any setting."""
    best: dict[Action, Touch] = {}
    for touch in touches:
        if not 0 <= converted_at - touch.at <= WIDEST[touch.action]:
            continue
        held = best.get(touch.action)
        if held is None or (held.at, held.ad) < (touch.at, touch.ad):
            best[touch.action] = touch
    return tuple(sorted(best.values()))
