"""The world: people, orders, visits and ads put together into one list of requests."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from tillpost.simulate import ads, browser, checkouts, platform, truth, webhooks
from tillpost.simulate.devices import Cookies
from tillpost.simulate.dice import Dice
from tillpost.simulate.journeys import Journeys, Visit, jars
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.people import person
from tillpost.simulate.sales import Sale, left, sales
from tillpost.simulate.shopify import SHOP_CURRENCY, Checkout
from tillpost.simulate.times import DAY, HOUR, Span
from tillpost.simulate.truth import Truth
from tillpost.simulate.wire import Planned, Request, Secrets, iso, post_json

BEFORE = 2 * HOUR
"""Some visits of the first orders begin before the first second; the accounts are older still."""


class World(Struct, frozen=True):
    """One simulated world: what will be sent, by time, and what is true of it."""

    knobs: Knobs
    span: Span
    plan: tuple[Planned, ...]
    truth: Truth


class Cast(Struct, frozen=True):
    """Everything that exists before anything is sent."""

    sales: tuple[Sale, ...]
    visits: tuple[Visit, ...]
    jars: dict[str, Cookies]
    checkouts: tuple[Checkout, ...]
    left: tuple[Checkout, ...]
    """Checkouts that no order came of."""
    crowd: range
    """Numbers of all people: buyers, then those who only look."""


def build_world(
    knobs: Knobs, start: datetime, *, seconds: float | None = None, first: int = 0
) -> World:
    """The world that begins at `start`, an aware datetime; the same arguments, the same world.

    `seconds` replaces the knob `days`; `first` is the number of the first order and person.
    """
    dice = Dice(knobs.seed)
    begin = start.timestamp()
    span = Span(begin, begin + (knobs.days * DAY if seconds is None else seconds))
    pool = ads.ads(knobs)
    journeys = Journeys(dice, knobs, pool, span)
    cast = _cast(dice, knobs, span, journeys, first)
    crowd = [person(dice, knobs, index) for index in cast.crowd]
    known = platform.accounts(dice, knobs, crowd, platform.first_fbps(cast.visits, cast.jars))
    touches = platform.touches(dice, knobs, span, pool, crowd, cast.sales, cast.visits)
    plan = [
        *platform.people_requests(known, begin - BEFORE),
        *platform.touch_requests(touches, known, span),
        *_spend(dice, knobs, start, span),
        *_outage(knobs, span),
        *_shop(dice, knobs, cast),
        *_browsers(dice, knobs, cast),
        *_bots(knobs, journeys, cast),
    ]
    clicks = {t.click_id: t.who.id for t in touches if t.click_id and t.action == "link_click"}
    facts = _truth(dice, knobs, span, cast, known, clicks)
    return World(knobs, span, tuple(sorted(plan, key=lambda row: row.at)), facts)


def _cast(dice: Dice, knobs: Knobs, span: Span, journeys: Journeys, first: int) -> Cast:
    sold = sales(dice, knobs, span, first)
    buyers = 1 + max((sale.buyer.index for sale in sold), default=first)
    crowd = range(first, buyers + knobs.orders + 1)
    visits = [visit for sale in sold if sale.kind == "web" for visit in journeys.before(sale)]
    idle = int(knobs.visits * knobs.orders)
    visits += [journeys.idle(first + number, crowd) for number in range(idle)]
    found = jars(dice, knobs, visits)
    own = {visit.order: visit for visit in visits if visit.order is not None}
    made = []
    for sale in sold:
        visit = own.get(sale.index)
        cookies = found.get(visit.id) if visit else None
        made.append(browser.attributes(dice, knobs, sale, visit, cookies))
    gone = _left(dice, knobs, visits[len(visits) - idle :], found, first)
    return Cast(sold, tuple(visits), found, tuple(made), tuple(gone), crowd)


def _left(
    dice: Dice, knobs: Knobs, idle: list[Visit], jars: dict[str, Cookies], first: int
) -> Iterator[Checkout]:
    """Of the visits without an order, those that come as far as a checkout."""
    for number, visit in enumerate(idle, first):
        if dice.chance(knobs.abandoned, "abandoned", visit.id):
            sale = left(dice, knobs, number, visit.at, visit.who)
            yield browser.attributes(dice, knobs, sale, visit, jars.get(visit.id))


def _shop(dice: Dice, knobs: Knobs, cast: Cast) -> list[Planned]:
    rows = [row for made in cast.checkouts for row in webhooks.webhooks(dice, knobs, made)]
    for made in (*cast.checkouts, *cast.left):
        rows += checkouts.cart_webhooks(dice, knobs, made)
        rows += checkouts.checkout_webhooks(dice, knobs, made)
    for made in checkouts.new_customers(cast.checkouts):
        rows += checkouts.customer_webhooks(dice, knobs, made)
    return rows


def _browsers(dice: Dice, knobs: Knobs, cast: Cast) -> list[Planned]:
    carts = {made.visit.id: made.sale for made in (*cast.checkouts, *cast.left) if made.visit}
    told = (
        browser.visit_beacon(visit, cast.jars.get(visit.id), carts.get(visit.id))
        for visit in cast.visits
    )
    rows = [row for row in told if row is not None]
    for checkout in cast.checkouts:
        rows += browser.purchase_requests(dice, knobs, checkout)
    return rows


def _bots(knobs: Knobs, journeys: Journeys, cast: Cast) -> list[Planned]:
    views = sum(len(visit.pages) for visit in cast.visits)
    count = int(views * knobs.bots / (1 - knobs.bots)) if knobs.bots < 1 else views
    return [browser.bot_beacon(journeys.bot(cast.crowd.start + n)) for n in range(count)]


def _spend(dice: Dice, knobs: Knobs, start: datetime, span: Span) -> Iterator[Planned]:
    """The owner imports what ads cost; the platform knows of its own."""
    end = start + timedelta(seconds=span.end - span.begin)
    text = ads.spend_csv(dice, knobs, start, end)
    yield Planned(span.begin, "owner", "spend", partial(_spend_request, text))
    yield from platform.spend_requests(text, span.begin)


def _spend_request(text: str, secrets: Secrets) -> Request:
    headers = (("Content-Type", "text/csv"), ("Authorization", f"Bearer {secrets.server_key}"))
    return Request("POST", "/api/v1/spend/demo", headers, text.encode())


def _outage(knobs: Knobs, span: Span) -> list[Planned]:
    """The access token dies in the middle of the time, and comes back."""
    if not knobs.token_out_hours:
        return []
    again = span.middle + knobs.token_out_hours * HOUR
    rows = ((span.middle, False), (again, True))
    return [Planned(at, "platform", "token", partial(_token_request, valid)) for at, valid in rows]


def _token_request(valid: bool, secrets: Secrets) -> Request:  # noqa: FBT001  # bound above
    return post_json("/dev/token", secrets.server_key, {"valid": valid})


def _truth(  # the truth is made of all there is
    dice: Dice, knobs: Knobs, span: Span, cast: Cast, known: dict[str, dict[str, str]],
    clicks: dict[str, str],
) -> Truth:  # fmt: skip
    usable = truth.Usable(known, clicks)
    sightings = truth.Sightings(cast.visits, cast.jars)
    names: dict[str, list[str]] = {}
    for ad in ads.ads(knobs):
        names[ad.campaign_id] = [ad.campaign, *([ad.renamed] if ad.renamed else [])]
    return Truth(
        seed=knobs.seed,
        start=iso(span.begin),
        end=iso(span.end),
        currency=SHOP_CURRENCY,
        orders=[
            truth.order_truth(dice, knobs, checkout, sightings, usable)
            for checkout in cast.checkouts
        ],
        accounts=known,
        clicks=clicks,
        campaigns=names,
        checkouts=[
            fact
            for made in (*cast.checkouts, *cast.left)
            if (fact := truth.checkout_truth(dice, knobs, made)) is not None
        ],
        registrations=[
            fact
            for made in checkouts.new_customers(cast.checkouts)
            if (fact := truth.registration_truth(dice, knobs, made)) is not None
        ],
    )
