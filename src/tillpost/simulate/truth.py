"""The truth: facts by person and order, against which the server's answers are judged.

Hashes are plain SHA-256 of canonical values. Nothing here asks the server, and nothing
here shares a rule with it.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, json

from tillpost.simulate.browser import direct_state, event_id, thanked
from tillpost.simulate.checkouts import REGISTERED_BEFORE, checkout_life
from tillpost.simulate.devices import Cookies, scripts_run
from tillpost.simulate.dice import Dice
from tillpost.simulate.journeys import Visit
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.links import DIRECT, Said, told_all
from tillpost.simulate.people import customer_id, hashed
from tillpost.simulate.sales import Sale
from tillpost.simulate.shopify import Checkout
from tillpost.simulate.times import DAY, MINUTE
from tillpost.simulate.webhooks import is_lost, reaches, tells_extra
from tillpost.simulate.wire import iso

LOOK_BACK = 30 * DAY


SESSION = 30 * MINUTE
"""A direct visit within so long of the browser's last page goes on with what it was doing."""


class Landing(Struct, frozen=True):
    """One landing that could be observed: Unix second, and what its link says to a reader."""

    at: int
    channel: str
    direct: bool
    paid: bool


class OrderTruth(Struct, frozen=True):
    """All that is true of one order."""

    order_id: str
    name: str
    person: str
    at: str
    kind: str
    reason: str | None
    """Why it is no Purchase; None where it is eligible."""
    event_id: str | None
    """The id a browser can know."""
    value: str
    """Shop currency, as placed."""
    edited: str | None
    """What it was worth after a line was added, if a report of that arrives."""
    browser: bool
    """A Purchase beacon was sent that can reach the server."""
    server: bool
    """At least one webhook was sent."""
    direct: str
    keys: list[tuple[str, str]]
    """Every (match key, SHA-256 or cookie or click id) the server could learn."""
    matchable: bool
    """Shares a usable key with the buyer's account."""
    true: Said
    """The channel of the last touch that was not direct."""
    expected: Said
    """The last that was not direct of those that could be observed."""
    attributable: bool
    refunded: str | None = None
    refund_at: str | None = None
    landings: list[Landing] = []
    """Landings of the browsers that could be tied to the order, oldest first, of all time."""
    carried: Landing | None = None
    """The landing page that the order itself tells; half an hour before it, for want of a time."""


class EventTruth(Struct, frozen=True):
    """An event that must come of what the shop or the browser told, once."""

    name: str
    person: str
    at: str
    sent: bool
    """Whether it may go to the platform; if not, no consent was given where it is asked for."""
    event_id: str | None = None
    """The id a browser can know; a registration's nobody can."""


class Truth(Struct, frozen=True):
    """The whole truth of one world."""

    seed: int
    start: str
    end: str
    currency: str
    orders: list[OrderTruth]
    accounts: dict[str, dict[str, str]]
    """Account id -> its hashed keys."""
    clicks: dict[str, str]
    """Click id -> the account that clicked."""
    campaigns: dict[str, list[str]]
    """Campaign id -> every name it had."""
    checkouts: list[EventTruth] = []
    """Each checkout that anybody told, whether an order came of it or not."""
    registrations: list[EventTruth] = []
    """Each customer who took an account; a guest is none."""


def write(truth: Truth, path: Path) -> None:
    """Keep the truth as JSON."""
    path.write_bytes(json.format(json.encode(truth), indent=1))


def read(path: Path) -> Truth:
    """The truth of a file written before."""
    return json.decode(path.read_bytes(), type=Truth)


class Usable:
    """Which key values lead to exactly one account."""

    def __init__(self, accounts: dict[str, dict[str, str]], clicks: dict[str, str]) -> None:
        holders: dict[tuple[str, str], set[str]] = defaultdict(set)
        for person, keys in accounts.items():
            for key in ("em", "ph", "external_id", "fbp"):
                if key in keys:
                    holders[key, keys[key]].add(person)
        for click, person in clicks.items():
            holders["fbc", click].add(person)
        self._holders = holders

    def leads_to(self, keys: Iterable[tuple[str, str]], person: str) -> bool:
        """Whether one of the keys is held by this account and by no other."""
        return any(self._holders.get(key) == {person} for key in keys)


def order_keys(checkout: Checkout) -> list[tuple[str, str]]:
    """What a careful server could learn of the buyer of this order."""
    sale, wrote = checkout.sale, checkout.sale.typed
    if sale.walk_in:
        return []
    account = wrote.email_fact if sale.guest else sale.buyer.email
    emails = dict.fromkeys((wrote.email_fact, account))
    rows = [("em", hashed(email)) for email in emails]
    rows += [("ph", hashed(wrote.phone_fact))] if wrote.phone_fact else []
    rows.append(("external_id", hashed(str(customer_id(account)))))
    if checkout.cookies is not None:
        rows.append(("fbp", checkout.cookies.fbp))
        if checkout.cookies.fbc:
            rows.append(("fbc", checkout.cookies.fbc.split(".", 3)[3]))
    return rows


class Sightings:
    """What could be observed of each buyer's way, gathered in the order of time."""

    def __init__(self, visits: Iterable[Visit], jars: dict[str, Cookies]) -> None:
        self._landings: dict[str, list[Visit]] = defaultdict(list)
        self._lived: dict[int, list[Visit]] = defaultdict(list)
        self._begun: set[str] = set()
        self._linked: dict[tuple[str, str], set[str]] = defaultdict(set)
        for visit in sorted(visits, key=lambda v: (v.at, v.id)):
            self._lived[visit.who.index].append(visit)
            if visit.id in jars:
                before = self._landings[jars[visit.id].visitor]
                if not before or _begins(visit, before[-1]):
                    self._begun.add(visit.id)
                before.append(visit)

    def observed(self, checkout: Checkout, *, reached: bool) -> list[Visit]:
        """Visits that could be observed for this order, the latest last; remembers its links."""
        sale = checkout.sale
        account = sale.typed.email_fact if sale.guest else sale.buyer.email
        ties = [] if sale.walk_in else [
            ("email", sale.typed.email.strip().lower()),
            ("customer", str(customer_id(account))),
        ]  # fmt: skip
        own = {checkout.cookies.visitor} if checkout.cookies else set()
        visitors = own.union(*(self._linked[tie] for tie in ties))
        if reached:
            for tie in ties:
                self._linked[tie] |= own
        found = [v for visitor in visitors for v in self._landings[visitor] if v.at <= sale.at]
        return sorted(found, key=lambda visit: (visit.at, visit.id))

    def landings(self, visits: Iterable[Visit]) -> list[Landing]:
        """Those of the visits that began something, and did not go on with the one before."""
        return [_landing(visit, visit.at) for visit in visits if visit.id in self._begun]

    def lived(self, sale: Sale) -> list[Visit]:
        """Every visit of the buyer in the time before the order, seen or not."""
        return [visit for visit in self._lived[sale.buyer.index] if _recent(visit, sale)]


def order_truth(
    dice: Dice, knobs: Knobs, checkout: Checkout, sightings: Sightings, usable: Usable
) -> OrderTruth:
    """What is true of one order; call it in the order of time."""
    sale = checkout.sale
    reached = reaches(dice, knobs, sale)
    observed = sightings.observed(checkout, reached=reached)
    told = [checkout.visit] if checkout.visit is not None and not checkout.express else []
    seen = _last([visit for visit in (*observed, *told) if _recent(visit, sale)])
    real = _last(sightings.lived(sale))
    true = real.link.true if real else Said(DIRECT)
    if sale.code == "CREATOR10":
        true = Said("Coupon", campaign=sale.code)
    keys = order_keys(checkout)
    blocked = checkout.visit is None or checkout.visit.browser.blocks_own
    return OrderTruth(
        order_id=str(sale.id),
        name=sale.name,
        person=sale.buyer.id,
        at=iso(sale.at),
        kind=sale.kind,
        reason=sale.reason,
        event_id=event_id(sale) if sale.checkout_token else None,
        value=str(sale.total()),
        edited=str(sale.total(upsold=True)) if reached and tells_extra(dice, knobs, sale) else None,
        browser=not blocked and thanked(dice, knobs, sale),
        server=reached,
        direct=direct_state(checkout) if thanked(dice, knobs, sale) else "none",
        keys=keys,
        matchable=usable.leads_to(keys, sale.buyer.id),
        true=true,
        expected=seen.link.told if seen else Said(DIRECT),
        attributable=_known(seen, real) and true.channel != "Coupon",
        refunded=str(sale.refund()) if sale.refund_at else None,
        refund_at=iso(sale.refund_at) if sale.refund_at else None,
        landings=sightings.landings(observed),
        carried=next((_landing(v, sale.at + 1 - SESSION) for v in told if not _is_direct(v)), None),
    )


def checkout_truth(dice: Dice, knobs: Knobs, checkout: Checkout) -> EventTruth | None:
    """What must come of a checkout: one InitiateCheckout, whoever told it; None if nobody did."""
    sale, visit = checkout.sale, checkout.visit
    if visit is None:
        return None
    seen = checkout.cookies is not None and scripts_run(visit.who, visit.browser)
    key = (sale.index, "checkout")
    rows = enumerate(checkout_life(checkout))
    told = knobs.unsent != "checkouts" and any(not is_lost(dice, knobs, *key, n) for n, _ in rows)
    if not (seen or told):
        return None
    return EventTruth(
        name="InitiateCheckout",
        person=sale.buyer.id,
        at=iso(visit.at),
        sent=seen or sale.buyer.consent == "not_asked",
        event_id=f"ic.{sale.checkout_token}",
    )


def registration_truth(dice: Dice, knobs: Knobs, checkout: Checkout) -> EventTruth | None:
    """What must come of a new customer; None of a guest, or if nobody told it."""
    sale = checkout.sale
    lost = is_lost(dice, knobs, sale.index, "customer", 0)
    if sale.guest or lost or knobs.unsent == "customers":
        return None
    asked = sale.buyer.consent != "not_asked"
    at = iso(sale.at - REGISTERED_BEFORE)
    return EventTruth("CompleteRegistration", sale.buyer.id, at, sent=not asked)


def _landing(visit: Visit, at: float) -> Landing:
    channel = visit.link.told.channel
    return Landing(int(at), channel, channel == DIRECT, channel.startswith("Paid"))


def _is_direct(visit: Visit) -> bool:
    return visit.link.told.channel == DIRECT


def _begins(visit: Visit, before: Visit) -> bool:
    """Whether a landing is told apart from the browser's visit before it: by link or click."""
    clicked = visit.link.decorated or before.link.decorated
    if not _is_direct(visit) and (clicked or visit.link.told != before.link.told):
        return True
    return visit.at - before.at > SESSION


def _known(seen: Visit | None, real: Visit | None) -> bool:
    return real is not None and seen is not None and seen.id == real.id and told_all(real.link)


def _recent(visit: Visit, sale: Sale) -> bool:
    return sale.at - LOOK_BACK <= visit.at <= sale.at


def _last(visits: list[Visit]) -> Visit | None:
    touched = [visit for visit in visits if visit.link.true.channel != DIRECT]
    return max(touched, key=lambda visit: (visit.at, visit.id), default=None)
