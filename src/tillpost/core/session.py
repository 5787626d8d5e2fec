"""What brought a visitor: landings become touches, and navigation inside the shop does not.

A touch is recorded when a landing has another source or another click than the
visitor's last one, or when the visitor comes back after half an hour; a direct
landing only in the latter case (attribution reference, 2.6).
"""

from typing import Any, TypeVar

from msgspec import structs

from tillpost.core import channel
from tillpost.core.books import Slip, Touch, Visitor
from tillpost.core.channel import Classified
from tillpost.core.event import BrowserSeen, OrderSeen
from tillpost.core.moment import day_of
from tillpost.core.shop import Shop
from tillpost.core.sources import path_of

T = TypeVar("T")

_NOT_TOLD: dict[str, Any] = dict.fromkeys(
    (
        *("term", "content", "campaign_id", "adset_id", "ad_id", "click_kind", "click_id"),
        *("referrer_host", "landing_path"),
    )
)
"""What a discount code says nothing of."""

IDLE = 1800
"""Seconds without an event after which a session has ended (GA4's default)."""

ORDER_VISITOR = "order:"
"""Prefix of the visitor that stands for the landing page an order carried itself."""

COUPON_VISITOR = "coupon:"
"""Prefix of the visitor that stands for a discount code that counts beside all else."""


def arrive(
    visitor: Visitor | None, shop: Shop, seen: BrowserSeen
) -> tuple[Visitor | None, Touch | None]:
    """The visitor after this event, and the touch it was, if it was one."""
    if seen.visitor_id is None:
        return None, None
    before = visitor or Visitor(shop.name, seen.visitor_id, last_seen=0)
    landing = _landing(seen.event_source_url, seen.referrer_url, shop)
    idle = abs(seen.event_time - before.last_seen) > IDLE
    newer = seen.event_time >= before.last_seen
    touch = None
    if landing is not None and not seen.bot and _is_new(landing, before.last_touch, idle=idle):
        touch = _touch(landing, shop, seen.visitor_id, seen.event_time, seen)
    after = structs.replace(
        before,
        last_seen=max(before.last_seen, seen.event_time),
        last_touch=_signature(landing) if touch and landing else before.last_touch,
        fbp=_latest(before.fbp, seen.person.fbp, newer=newer),
        fbc=_latest(before.fbc, seen.person.fbc, newer=newer),
        consent=_latest(before.consent, seen.consent, newer=newer),
    )
    return after, touch


def remembered(visitor: Visitor | None, shop: Shop, seen: BrowserSeen) -> list[Touch]:
    """What a browser tells of its earlier landings, for a visitor that nobody knows yet.

    A browser may drop the cookie with the visitor's id and keep its storage: Safari gives
    a cookie one day after a landing with a click id, and storage seven.
    """
    if visitor is not None or seen.visitor_id is None or seen.bot:
        return []
    found = [(_landing(one.url, one.referrer_url, shop), one) for one in seen.landings]
    return [
        _touch(
            landing,
            shop,
            seen.visitor_id,
            one.at,
            structs.replace(seen, event_source_url=one.url, referrer_url=one.referrer_url),
        )
        for landing, one in found
        if landing is not None and not landing.direct
    ]


def _latest(known: T | None, told: T | None, *, newer: bool) -> T | None:
    """Of two answers the later in the visitor's life, however the beacons arrived."""
    first, last = (known, told) if newer else (told, known)
    return first if last is None else last


def told_by_order(order: OrderSeen, shop: Shop) -> list[Touch]:
    """What the order itself tells of what brought it: a landing page, a discount code."""
    landing = carried(order, shop)
    found = channel.coupon_of(order.discount_codes, shop.coupons)
    if found is None or (found.when == "lost" and landing is not None):
        return [] if landing is None else [landing]
    prefix = ORDER_VISITOR if found.when == "lost" else COUPON_VISITOR
    redeemed = Touch(
        **_NOT_TOLD,
        shop=shop.name,
        visitor_id=prefix + order.order_id,
        at=order.created_at,
        source=found.source.lower(),
        medium=found.medium.lower(),
        campaign=found.campaign,
        channel=found.channel,
        direct=False,
        paid=False,
        rules=channel.version(shop.channels),
    )
    return [redeemed] if landing is None else [landing, redeemed]


def carried(order: OrderSeen, shop: Shop) -> Touch | None:
    """The landing page that the order itself carried, as a touch of its own; None if direct.

    The shop tells the first page of the order's session and not its time: half an
    hour before the order is assumed, so that touches seen in the session come later.
    """
    url, referrer = order.carried.landing_url, order.carried.referrer_url
    if not url:
        return None
    landing = _landing(url, referrer, shop)
    if landing is None or landing.direct:
        return None
    seen = BrowserSeen("PageView", "", 0, event_source_url=url, referrer_url=referrer)
    return _touch(landing, shop, ORDER_VISITOR + order.order_id, order.created_at - IDLE, seen)


def slip(seen: BrowserSeen, shop: Shop) -> Slip | None:
    """The campaign tags of a link inside the shop, which bring nobody; None if there are none."""
    tags = channel.internal_tags(seen.event_source_url, seen.referrer_url, shop.hosts)
    if tags.source is None or seen.bot:
        return None
    return Slip(
        shop=shop.name,
        day=day_of(seen.event_time),
        source=tags.source,
        medium=tags.medium or "",
        campaign=tags.campaign or "",
        landing_path=path_of(seen.event_source_url),
    )


def again(touch: Touch, shop: Shop) -> Touch | None:
    """The touch under today's rules; None if its landing counts no more.

    What has no address stays itself: a coupon, and a landing of somebody who was forgotten.
    """
    if touch.url is None and touch.referrer is None:
        return structs.replace(touch, rules=channel.version(shop.channels))
    landing = _landing(touch.url, touch.referrer, shop)
    if landing is None:
        return None
    seen = BrowserSeen("PageView", "", 0, event_source_url=touch.url, referrer_url=touch.referrer)
    return _touch(landing, shop, touch.visitor_id, touch.at, seen)


def _landing(url: str | None, referrer: str | None, shop: Shop) -> Classified | None:
    return channel.classify(url, referrer, shop.hosts, shop.channels)


def _touch(landing: Classified, shop: Shop, visitor_id: str, at: int, seen: BrowserSeen) -> Touch:
    """A classified landing as the row that is kept; its address has passed the allow-list."""
    return Touch(
        shop=shop.name,
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
        rules=landing.rules,
        url=seen.event_source_url,
        referrer=seen.referrer_url,
        flags=" ".join(landing.flags),
    )


def _is_new(landing: Classified, last: str | None, *, idle: bool) -> bool:
    return idle or (not landing.direct and _signature(landing) != last)


def _signature(landing: Classified) -> str:
    parts = (landing.source, landing.medium, landing.campaign, landing.click_id)
    return "|".join(part or "" for part in parts)
