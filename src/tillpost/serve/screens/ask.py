"""What a page was asked for: every filter stands in the address, so that a link shows the same."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct, structs

from tillpost.core.attribution import MODELS, WINDOWS
from tillpost.core.outcome import Misconfigured
from tillpost.serve.reading import Asked

PERIODS: tuple[int, ...] = (7, 30, 90, 0)
"""Days that a page can look back; 0 is all time."""
DEFAULT_DAYS = 30

MODEL_NAMES: dict[str, str] = {
    "last_non_direct": "Last visit, not direct",
    "last": "Last visit",
    "first": "First visit",
    "last_paid": "Last paid visit",
    "linear": "Every visit alike",
    "position": "40/20/40",
    "time_decay": "Later visits more",
    "participation": "All of it to each",
}
"""What the models are called for people, in the order they are offered."""

BUYERS: dict[str, str] = {"all": "Everybody", "new": "New", "returning": "Returning"}
BASES: dict[str, str] = {"cash": "Day of the order", "accrual": "Day of the visit"}

_CHOICES: dict[str, Iterable[str]] = {
    "model": MODELS,
    "window": WINDOWS,
    "basis": BASES,
    "buyers": BUYERS,
}
_LONGEST = 300


class Ask(Struct, frozen=True, kw_only=True):
    """A page's filters; `since` and `until` are ISO days, both included, empty for an open side.

    `more` holds what only this screen knows: its search, its place in a drill-down.
    """

    shop: str
    shops: tuple[str, ...] = ()
    """Every shop that may be looked at."""
    days: int = DEFAULT_DAYS
    since: str = ""
    until: str = ""
    model: str = "last_non_direct"
    window: str = "30"
    basis: str = "cash"
    buyers: str = "all"
    sort: str = ""
    columns: tuple[str, ...] = ()
    more: dict[str, str] = {}

    def params(self, **changed: Any) -> list[tuple[str, str]]:
        """The address's parameters, with these changed; what is as always is left out."""
        values = {**structs.asdict(self), **self.more, **changed}
        del values["more"], values["shops"]
        if values["since"] or values["until"]:
            values["days"] = None
        chosen = values.pop("columns") or ()
        pairs = [
            (name, str(value))
            for name, value in values.items()
            if value not in {None, ""} and value != _DEFAULTS.get(name)
        ]
        return pairs + [("columns", name) for name in chosen]

    def link(self, path: str, **changed: Any) -> str:
        """An address on this server that keeps the filters, except what is changed."""
        return f"{path}?{urlencode(self.params(**changed))}"

    def leave(self, path: str, **more: Any) -> str:
        """An address of another screen: it keeps the filters and nothing that is this one's."""
        kept = structs.replace(self, more={}, sort="", columns=())
        return kept.link(path, **more)

    def one(self, name: str) -> str:
        """A parameter of this screen alone; empty if it was not given."""
        return self.more.get(name, "")

    def span(self, today: date) -> tuple[date | None, date | None]:
        """First and last day of the period; None leaves that side open."""
        if self.since or self.until:
            return _day(self.since), _day(self.until)
        return (today - timedelta(days=self.days - 1) if self.days else None), None

    def before(self, today: date) -> tuple[date, date] | None:
        """The period of the same length just before this one; None where there is none."""
        first, last = self.span(today)
        if first is None:
            return None
        length = (last or today) - first
        return first - length - timedelta(days=1), first - timedelta(days=1)

    def asked(self, today: date) -> Asked:
        """The same as a report's parameters."""
        first, last = self.span(today)
        return Asked(
            since=first.isoformat() if first else None,
            until=last.isoformat() if last else None,
            shop=self.shop,
            model=self.model,
            window=self.window,
            basis=self.basis,
        )


_DEFAULTS: dict[str, Any] = {
    "days": DEFAULT_DAYS,
    "model": "last_non_direct",
    "window": "30",
    "basis": "cash",
    "buyers": "all",
}


def read(pairs: Sequence[tuple[str, str]], shops: Sequence[str], own: Iterable[str] = ()) -> Ask:
    """The filters of an address; `own` names the parameters of its screen.

    Raises `Misconfigured` for a value that is none: what it was, and what may stand there.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        given.setdefault(name, value[:_LONGEST])
    shop = given.get("shop") or next(iter(shops), "")
    if shop not in shops:
        raise Misconfigured(f"shop: there is no {shop[:50]!r} here; shops: {', '.join(shops)}")
    chosen = {name: _choice(name, given) for name in _CHOICES if given.get(name)}
    since, until = (_checked_day(name, given) for name in ("since", "until"))
    return Ask(
        shop=shop,
        shops=tuple(shops),
        days=_days(given),
        since=since,
        until=until,
        sort=given.get("sort", ""),
        columns=tuple(value[:_LONGEST] for name, value in pairs if name == "columns"),
        more={name: given[name] for name in own if given.get(name)},
        **chosen,
    )


def _choice(name: str, given: Mapping[str, str]) -> str:
    value = given[name].removesuffix("d") if name == "window" else given[name]
    if value not in _CHOICES[name]:
        raise Misconfigured(f"{name}: no {value[:40]!r}; use one of {', '.join(_CHOICES[name])}")
    return value


def _days(given: Mapping[str, str]) -> int:
    asked = given.get("days", "")
    return int(asked) if asked in {str(n) for n in PERIODS} else DEFAULT_DAYS


def _checked_day(name: str, given: Mapping[str, str]) -> str:
    text = given.get(name, "")
    if text:
        _day(text, name)
    return text


def _day(text: str, name: str = "since") -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Misconfigured(f"{name}: {text[:40]!r} is no day; write it as 2026-11-01") from None
