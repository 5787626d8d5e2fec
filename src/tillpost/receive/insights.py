"""`GET /act_{id}/insights`: what each ad earned, in the shape of Meta's Insights API.

One conversion is one row's action under one canonical action type: there is no second row
(`omni_purchase`, `offsite_conversion.fb_pixel_purchase`) of the same sale to be added twice.
Numbers are strings, as Meta's are; days are UTC. What the receiver was not told (spend) is
left out, as Meta leaves out what is empty (meta-capi 8).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.core import money, windows
from tillpost.core.received import Action, Ad, Candidate
from tillpost.core.windows import DAY
from tillpost.receive import costs
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

REACH_FIELDS = frozenset({"reach", "frequency", "cpp"})
"""Fields for which accounts are counted, each once."""

Identity: TypeAlias = tuple[str | None, ...]
"""What tells a row from others of its time: the values of its level's fields."""

Reach: TypeAlias = Callable[
    [Mapping[int, int], Sequence[tuple[int, int]]], list[tuple[int, int, int]]
]
"""See `ports.ReceiverStore.reach`."""


class _Cell(NamedTuple):
    """Where a count goes: the row's identity and days, and the action type."""

    row: Identity
    days: Days
    action: str


class Facts(Struct, frozen=True):
    """What the store holds of the ads and the time that are asked about."""

    candidates: Sequence[Candidate] = ()
    touches: Sequence[tuple[int, Action, int, int]] = ()
    spend: Sequence[tuple[int, int, str, int]] = ()
    reach: Mapping[tuple[Identity, Days], int] = {}


def answered(question: Asked, ads: Mapping[int, Ad], facts: Facts) -> dict[str, Any]:
    """The page of rows that answers it: `{"data": [...], "paging": {"cursors": {...}}}`.

    `paging` has a `next` of None if there is more: the caller knows the address.
    """
    rows = _Rows(question, ads, facts.reach)
    for ad, action, day, count in facts.touches:
        rows.count_touches(ad, action, day, count)
    for ad, day, currency, amount in facts.spend:
        rows.count_spend(ad, day, currency, amount)
    for candidate in facts.candidates:
        rows.count_event(candidate)
    data, more = rows.page()
    if not data:
        return {"data": []}
    cursors = {"before": str(question.after), "after": str(question.after + len(data))}
    return {"data": data, "paging": {"cursors": cursors} | ({"next": None} if more else {})}


def reached(
    question: Asked, ads: Mapping[int, Ad], count: Reach
) -> dict[tuple[Identity, Days], int]:
    """How many accounts each row reached, counted by the store; nothing unless it is asked for."""
    if not REACH_FIELDS & set(question.fields):
        return {}
    numbers: dict[Identity, int] = {}
    rows = {
        ad: numbers.setdefault(_identity(path, question.level), len(numbers))
        for ad, path in ads.items()
    }
    identities = list(numbers)
    times = [_midnight(day) for day in (*question.begins, question.until)]
    found = count(rows, list(pairwise(times)))
    days = dict(zip(times, question.periods(), strict=False))
    return {(identities[row], days[begin]): people for row, begin, people in found}


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

    def __init__(
        self, question: Asked, ads: Mapping[int, Ad], reach: Mapping[tuple[Identity, Days], int]
    ) -> None:
        self._asked = question
        self._ads = ads
        self._reach = reach
        self._spent: defaultdict[tuple[Identity, Days], dict[str, int]] = defaultdict(dict)
        self._counts: defaultdict[_Cell, dict[str, int]] = defaultdict(dict)
        self._values: defaultdict[tuple[_Cell, str], dict[str, int]] = defaultdict(dict)
        self._touches: defaultdict[tuple[Identity, Days], dict[str, int]] = defaultdict(dict)

    def count_touches(self, ad: int, action: Action, day: int, count: int) -> None:
        days = self._asked.period(_day(day * DAY))
        if days is None or ad not in self._ads:
            return
        held = self._touches[self._row_of(ad), days]
        for field, actions in COUNTED.items():
            if action in actions:
                held[field] = held.get(field, 0) + count

    def count_spend(self, ad: int, day: int, currency: str, amount: int) -> None:
        days = self._asked.period(_day(day * DAY))
        if days is None or ad not in self._ads:
            return
        held = self._spent[self._row_of(ad), days]
        held[currency] = held.get(currency, 0) + amount

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
                row = self._row_of(credit.touch.ad)
                self._add(_Cell(row, days, action_type(event.event_name)), column, event)

    def _add(self, cell: _Cell, column: str, event: Candidate) -> None:
        counts = self._counts[cell]
        counts[column] = counts.get(column, 0) + 1
        if event.value is not None and event.currency is not None:
            values = self._values[cell, event.currency]
            values[column] = values.get(column, 0) + event.value

    def page(self) -> tuple[list[dict[str, Any]], bool]:
        """The rows that are asked for, and whether there are more."""
        rows = (
            {(cell.row, cell.days) for cell in self._counts} | set(self._touches) | set(self._spent)
        )
        ordered = sorted(rows, key=lambda row: (row[1], [part or "" for part in row[0]]))
        ends = self._asked.after + self._asked.limit
        return [self._row(*row) for row in ordered[self._asked.after : ends]], ends < len(ordered)

    def _row(self, identity: Identity, days: Days) -> dict[str, Any]:
        """The fields that were asked for, as far as there is anything to tell."""
        counts = dict.fromkeys(COUNTED, 0) | self._touches.get((identity, days), {})
        if (people := self._reach.get((identity, days))) is not None:
            counts["reach"] = people
        spent = self._spent.get((identity, days), {})
        actions = self._actions(identity, days)
        values = self._action_values(identity, days)
        told: dict[str, Any] = {
            **dict(zip(LEVELS[self._asked.level], identity, strict=True)),
            **{field: str(count) for field, count in counts.items()},
            **_rates(counts),
            **costs.costs(spent, counts),
            "actions": actions,
            "action_values": values,
            "cost_per_action_type": costs.cost_per_action(spent, actions),
            "purchase_roas": costs.purchase_roas(spent, values),
            "attribution_setting": self._asked.setting.name,
        }
        row = {name: told[name] for name in self._asked.fields if told.get(name)}
        return {**row, "date_start": days[0].isoformat(), "date_stop": days[1].isoformat()}

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

    def _row_of(self, ad: int) -> Identity:
        return _identity(self._ads[ad], self._asked.level)


def _identity(ad: Ad, level: str) -> Identity:
    parts = {
        "account_id": ad.account_id.removeprefix("act_"),
        "account_name": ad.names.get("account"),
        "campaign_id": ad.campaign_id,
        "campaign_name": ad.names.get("campaign"),
        "adset_id": ad.adset_id,
        "adset_name": ad.names.get("adset"),
        "ad_id": ad.ad_id,
        "ad_name": ad.names.get("ad"),
    }
    return tuple(parts[name] for name in LEVELS[level])


def _rates(counts: Mapping[str, int]) -> dict[str, str]:
    seen, people = counts["impressions"], counts.get("reach")
    rates = {name: f"{100 * counts[of] / seen:.6f}" for name, of in RATES.items() if seen}
    return rates | ({"frequency": f"{seen / people:.6f}"} if people else {})


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


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
