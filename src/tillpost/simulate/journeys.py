"""Visits: how people come to the shop, before an order and without one.

Every visit has a time, a browser and a link. The cookies are worked out afterwards by
going through each browser's visits in the order of time.
"""

from math import ceil, log

from msgspec import Struct

from tillpost.simulate.ads import Ad
from tillpost.simulate.devices import (
    Cookies,
    Device,
    device,
    main_kind,
    next_cookies,
    scripts_run,
)
from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.links import PAGES, Link, direct, draw
from tillpost.simulate.people import Person, person
from tillpost.simulate.places import BOT_AGENTS
from tillpost.simulate.sales import Sale
from tillpost.simulate.times import DAY, MINUTE, Span, moment

LONGEST = 25


class Visit(Struct, frozen=True):
    """One visit of one person; `order` is the order placed in it, if any."""

    id: str
    who: Person
    browser: Device
    at: float
    link: Link
    pages: tuple[str, ...]
    order: int | None = None


class BotVisit(Struct, frozen=True):
    """One page view of a machine."""

    id: str
    at: float
    user_agent: str
    ip: str
    page: str


class Journeys:
    """Makes visits; keeps nothing but what it was given."""

    def __init__(self, dice: Dice, knobs: Knobs, pool: tuple[Ad, ...], span: Span) -> None:
        self.dice, self.knobs, self.pool, self.span = dice, knobs, pool, span
        self._sigma = log(max(knobs.lag_p95_days / max(knobs.lag_days, 0.01), 1.01)) / 1.645

    def before(self, sale: Sale) -> list[Visit]:
        """The visits that led to a web order, the order's own last."""
        dice, knobs = self.dice, self.knobs
        key = f"o{sale.index}"
        home = main_kind(dice, sale.buyer)
        landed = sale.at - dice.between(4, 25, "session", key) * MINUTE
        count = 0 if sale.code == "CREATOR10" else self._touches(key)
        links = [self._link(f"{key}.{n}", sale.buyer, landed) for n in range(count)]
        away = dice.chance(knobs.other_device, "other-device", key)
        in_app = dice.chance(knobs.in_app, "in-app", key)
        apart = not count or away or dice.chance(knobs.direct_return, "direct-return", key)
        apart = apart or bool(in_app and links[-1].ad and links[-1].ad.platform == "meta")
        visits = []
        for n, link in enumerate(links[:-1] if not apart else links):
            at = self._earlier(landed, f"{key}.{n}")
            meta = link.ad is not None and link.ad.platform == "meta"
            kind = "in_app" if in_app and meta else home
            visits.append(self._visit(f"{key}.{n}", sale.buyer, kind, at, link))
        visits.sort(key=lambda visit: visit.at)
        kind = ("desktop" if home == "phone" else "phone") if away else home
        last = direct(dice, f"{key}.own") if apart else links[-1]
        own = self._visit(f"{key}.own", sale.buyer, kind, landed, last, order=sale.index)
        return [*visits, own]

    def idle(self, number: int, crowd: range) -> Visit:
        """A visit without an order by somebody of the crowd."""
        key = f"v{number}"
        who = person(self.dice, self.knobs, self.dice.pick(crowd, "visitor-of", key))
        at = moment(self.dice, self.span, "idle", key)
        home = main_kind(self.dice, who)
        if self.dice.chance(0.30, "idle-direct", key):
            return self._visit(key, who, home, at, direct(self.dice, key))
        link = self._link(key, who, at)
        meta = link.ad is not None and link.ad.platform == "meta"
        in_app = meta and self.dice.chance(self.knobs.in_app, "in-app", key)
        return self._visit(key, who, "in_app" if in_app else home, at, link)

    def bot(self, number: int) -> BotVisit:
        """A page view of a machine."""
        key = f"b{number}"
        return BotVisit(
            key,
            moment(self.dice, self.span, "bot", key),
            self.dice.pick(BOT_AGENTS, "bot-agent", key),
            f"11.254.{self.dice.whole(0, 255, 'bot-ip', key)}.9",
            self.dice.pick(PAGES, "bot-page", key),
        )

    def _touches(self, key: str) -> int:
        """At least one; geometric with the mean of the knob."""
        if self.knobs.touches <= 1:
            return 1
        quiet = log(1 - 1 / self.knobs.touches)
        return min(LONGEST, max(1, ceil(log(self.dice.u("touches", key)) / quiet)))

    def _earlier(self, landed: float, key: str) -> float:
        """A time before the landing, pulled into the simulated days where it lies outside."""
        lag = self.dice.lognormal(self.knobs.lag_days, self._sigma, "lag", key) * DAY
        room = max(landed - 40 * MINUTE - self.span.begin, 1.0)
        if lag > room:
            lag = room * self.dice.u("lag-room", key)
        return round(landed - 40 * MINUTE - lag, 3)

    def _link(self, key: str, who: Person, at: float) -> Link:
        late = at >= self.span.middle
        return draw(self.dice, self.knobs, key, self.pool, account=who.account, late=late)

    def _visit(
        self, key: str, who: Person, kind: str, at: float, link: Link, order: int | None = None
    ) -> Visit:
        count = self.dice.weighted(((1, 0.5), (2, 0.3), (3, 0.2)), "pages", key)
        first = link.url.split("?")[0].removeprefix("https://demo-shop.myshopify.com")
        more = [self.dice.pick(PAGES, "next-page", key, n) for n in range(1, count)]
        browser = device(self.dice, self.knobs, who, kind)
        return Visit(key, who, browser, round(at, 3), link, (first, *more), order)


def jars(dice: Dice, knobs: Knobs, visits: list[Visit]) -> dict[str, Cookies]:
    """The cookies after the landing of each visit in which the script may store them."""
    found: dict[str, Cookies] = {}
    last: dict[str, Cookies] = {}
    for visit in sorted(visits, key=lambda v: (v.at, v.id)):
        if not scripts_run(visit.who, visit.browser):
            continue
        cookies = next_cookies(
            dice, knobs, visit.browser, last.get(visit.browser.id), visit.at, visit.id,
            visit.link.fbclid, decorated=visit.link.decorated,
        )  # fmt: skip
        found[visit.id] = last[visit.browser.id] = cookies
    return found
