"""What brought a visitor: landings become touches, and navigation inside the shop does not.

A touch is recorded when a landing has another source or another click than the
visitor's last one, or when the visitor comes back after half an hour; a direct
landing only in the latter case (attribution reference, 2.6).
"""

from typing import TypeVar

from msgspec import structs

from tillpost.core import channel
from tillpost.core.books import Touch, Visitor
from tillpost.core.channel import Classified
from tillpost.core.event import BrowserSeen, OrderSeen

T = TypeVar("T")

IDLE = 1800
"""Seconds without an event after which a session has ended (GA4's default)."""

ORDER_VISITOR = "order:"
"""Prefix of the visitor that stands for the landing page an order carried itself."""


def arrive(
    visitor: Visitor | None, shop: str, seen: BrowserSeen, own_hosts: frozenset[str]
) -> tuple[Visitor | None, Touch | None]:
    """The visitor after this event, and the touch it was, if it was one."""
    if seen.visitor_id is None:
        return None, None
    before = visitor or Visitor(shop, seen.visitor_id, last_seen=0)
    landing = channel.classify(seen.event_source_url, seen.referrer_url, own_hosts)
    idle = abs(seen.event_time - before.last_seen) > IDLE
    newer = seen.event_time >= before.last_seen
    touch = None
    if landing is not None and not seen.bot and _is_new(landing, before.last_touch, idle=idle):
        touch = touch_of(landing, shop, seen.visitor_id, seen.event_time, seen)
    after = structs.replace(
        before,
        last_seen=max(before.last_seen, seen.event_time),
        last_touch=_signature(landing) if touch and landing else before.last_touch,
        fbp=_latest(before.fbp, seen.person.fbp, newer=newer),
        fbc=_latest(before.fbc, seen.person.fbc, newer=newer),
        consent=_latest(before.consent, seen.consent, newer=newer),
    )
    return after, touch


def _latest(known: T | None, told: T | None, *, newer: bool) -> T | None:
    """Of two answers the later in the visitor's life, however the beacons arrived."""
    first, last = (known, told) if newer else (told, known)
    return first if last is None else last


def carried(order: OrderSeen, shop: str, own_hosts: frozenset[str]) -> Touch | None:
    """The landing page that the order itself carried, as a touch of its own; None if direct.

    The shop tells the first page of the order's session and not its time: half an
    hour before the order is assumed, so that touches seen in the session come later.
    """
    url, referrer = order.carried.landing_url, order.carried.referrer_url
    if not url:
        return None
    landing = channel.classify(url, referrer, own_hosts)
    if landing is None or landing.direct:
        return None
    seen = BrowserSeen("PageView", "", 0, event_source_url=url, referrer_url=referrer)
    visitor_id = ORDER_VISITOR + order.order_id
    return touch_of(landing, shop, visitor_id, order.created_at - IDLE, seen)


def touch_of(landing: Classified, shop: str, visitor_id: str, at: int, seen: BrowserSeen) -> Touch:
    """A classified landing as the row that is kept; its address has passed the allow-list."""
    return Touch(
        shop=shop,
        visitor_id=visitor_id,
        at=at,
        source=landing.source,
        medium=landing.medium,
        campaign=landing.campaign,
        term=landing.term,
        content=landing.content,
        campaign_id=landing.campaign_id,
        adset_id=landing.adset_id,
        ad_id=landing.ad_id,
        channel=landing.channel,
        direct=landing.direct,
        paid=landing.paid,
        click_kind=landing.click_kind,
        click_id=landing.click_id,
        referrer_host=landing.referrer_host,
        landing_path=landing.landing_path,
        rules=channel.RULES_VERSION,
        url=seen.event_source_url,
        referrer=seen.referrer_url,
    )


def _is_new(landing: Classified, last: str | None, *, idle: bool) -> bool:
    return idle or (not landing.direct and _signature(landing) != last)


def _signature(landing: Classified) -> str:
    parts = (landing.source, landing.medium, landing.campaign, landing.click_id)
    return "|".join(part or "" for part in parts)
