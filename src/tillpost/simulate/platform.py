"""What the ad platform knows by itself: accounts, and who clicked or saw which ad."""

import csv
import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct

from tillpost.simulate.ads import Ad, campaign_name
from tillpost.simulate.devices import Cookies
from tillpost.simulate.dice import Dice
from tillpost.simulate.journeys import Visit
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.people import Person, account_keys, customer_id, hashed
from tillpost.simulate.sales import Sale
from tillpost.simulate.times import DAY, STEP, Span, moment, step_end
from tillpost.simulate.wire import Planned, Request, Secrets, iso, post_json

BATCH = 1_000


class Touch(Struct, frozen=True):
    """One person's contact with one Meta ad."""

    action: str
    who: Person
    at: float
    ad: Ad
    click_id: str | None = None


def accounts(
    dice: Dice, knobs: Knobs, crowd: Iterable[Person], fbps: dict[int, str]
) -> dict[str, dict[str, str]]:
    """Account id -> its hashed keys, with the cookie and customer id it has been seen with."""
    found = {}
    for who in crowd:
        if not who.account:
            continue
        keys = account_keys(who)
        if dice.chance(knobs.external_known, "external-known", who.index):
            keys["external_id"] = hashed(str(customer_id(who.email)))
        fbp = fbps.get(who.index)
        if fbp and dice.chance(knobs.fbp_known, "fbp-known", who.index):
            keys["fbp"] = fbp
        found[who.id] = keys
    return found


def first_fbps(visits: Iterable[Visit], jars: dict[str, Cookies]) -> dict[int, str]:
    """The first _fbp of each person in a browser that lets the platform's script run."""
    found: dict[int, str] = {}
    for visit in sorted(visits, key=lambda v: (v.at, v.id)):
        if visit.id in jars and not visit.browser.blocks_vendor:
            found.setdefault(visit.who.index, jars[visit.id].fbp)
    return found


def touches(
    dice: Dice, knobs: Knobs, span: Span, pool: tuple[Ad, ...], crowd: Iterable[Person],
    sales: Iterable[Sale], visits: Iterable[Visit],
) -> list[Touch]:  # fmt: skip
    """Every click, engagement and view of a Meta ad by an account, by time."""
    meta = [ad for ad in pool if ad.platform == "meta"]
    rows = [
        Touch("link_click", v.who, v.at - 2, v.link.ad, v.link.click_id)
        for v in visits
        if v.link.ad is not None and v.link.ad.platform == "meta"
    ]
    for sale in sales:
        if sale.buyer.account and dice.chance(knobs.anyway, "anyway", sale.index):
            at = sale.at - dice.between(600, 0.9 * DAY, "anyway-at", sale.index)
            if at > span.begin:
                rows.append(Touch("impression", sale.buyer, at, dice.pick(meta, "a", sale.index)))
    for who in crowd:
        if who.account and dice.chance(knobs.views, "views", who.index):
            action = dice.weighted(_LOOKS, "look", who.index)
            at = moment(dice, span, "view", who.index)
            rows.append(Touch(action, who, at, dice.pick(meta, "view-ad", who.index)))
    return sorted(rows, key=lambda row: (row.at, row.who.id))


_LOOKS = (("impression", 0.8), ("video_5s", 0.15), ("other_click", 0.05))


def people_requests(known: dict[str, dict[str, str]], at: float) -> Iterator[Planned]:
    """The accounts, a thousand a request."""
    rows = [{"id": person, "user_data": keys} for person, keys in known.items()]
    for n in range(0, len(rows), BATCH):
        make = partial(_post, "/receiver/people", {"people": rows[n : n + BATCH]})
        yield Planned(at, "platform", "people", make)


def touch_requests(
    rows: list[Touch], known: dict[str, dict[str, str]], span: Span
) -> Iterator[Planned]:
    """The touches, one request a step of the clock."""
    steps: dict[float, list[dict[str, Any]]] = {}
    for row in rows:
        steps.setdefault(step_end(row.at), []).append(_told(row, known, span))
    for end, told in sorted(steps.items()):
        for n in range(0, len(told), BATCH):
            make = partial(_post, "/receiver/touches", {"touches": told[n : n + BATCH]})
            yield Planned(end - STEP, "platform", "touches", make)


def spend_requests(text: str, at: float) -> Iterator[Planned]:
    """What the platform itself knows of its ads' costs, of the rows that the owner has too."""
    rows = [
        {field: row[field] for field in _SPENT}
        for row in csv.DictReader(io.StringIO(text))
        if row["platform"] == "meta"
    ]
    for n in range(0, len(rows), BATCH):
        make = partial(_post, "/receiver/spend", {"spend": rows[n : n + BATCH]})
        yield Planned(at, "platform", "spend", make)


_SPENT = ("date", "account_id", "campaign_id", "adset_id", "ad_id", "currency", "spend")


def _told(row: Touch, known: dict[str, dict[str, str]], span: Span) -> dict[str, Any]:
    ad = row.ad
    told = {
        "action": row.action,
        "time": iso(row.at),
        "ad_id": ad.id,
        "adset_id": ad.adset_id,
        "campaign_id": ad.campaign_id,
        "account_id": ad.account_id,
        "names": {
            "campaign": campaign_name(ad, late=row.at >= span.middle),
            "adset": ad.adset,
            "ad": ad.name,
        },
        "person": row.who.id,
        "user_data": known[row.who.id],
    }
    return told | {"click_id": row.click_id} if row.click_id else told


def _post(path: str, value: dict[str, Any], secrets: Secrets) -> Request:
    return post_json(path, secrets.receiver_token, value)
