import itertools

import pytest
from msgspec import structs

from tillpost.core import channel, session
from tillpost.core.books import Touch, Visitor
from tillpost.core.event import BrowserSeen, Consent, Landing, Person
from tillpost.core.shop import Shop
from tillpost.testing import entries as make
from tillpost.testing.entries import FBC, FBP, NOW, SHOP

STORE = Shop(
    name=SHOP, domain="demo-shop.example", currency="USD", hosts=frozenset({"demo-shop.example"})
)
DIRECT = "https://demo-shop.example/"


def walk(*views: BrowserSeen) -> tuple[Visitor | None, list[Touch]]:
    """The visitor after these events, and the touches they were."""
    visitor: Visitor | None = None
    touches = []
    for view in views:
        visitor, touch = session.arrive(visitor, STORE, view)
        if touch is not None:
            touches.append(touch)
    return visitor, touches


def view(at: int, source: str | None, referrer: str | None = None) -> BrowserSeen:
    url = f"{DIRECT}?utm_source={source}&utm_medium=email" if source else DIRECT
    return make.page_view(event_time=at, event_source_url=url, referrer_url=referrer)


def test_a_landing_is_a_touch() -> None:
    seen = make.page_view()
    visitor, (touch,) = walk(seen)
    assert visitor is not None
    assert (touch.visitor_id, touch.at) == ("v1", seen.event_time)
    assert (touch.source, touch.medium, touch.channel) == ("news", "email", "Email")
    assert (touch.url, touch.referrer) == (seen.event_source_url, seen.referrer_url)
    assert touch.rules == channel.RULES_VERSION
    assert (visitor.last_seen, visitor.fbp, visitor.fbc) == (seen.event_time, FBP, FBC)


def test_nobody_lands_without_a_visitor_id() -> None:
    seen = make.page_view(visitor_id=None)
    assert session.arrive(None, STORE, seen) == (None, None)


def test_navigation_inside_the_shop_is_no_touch() -> None:
    _, touches = walk(view(NOW, "a"), view(NOW + 10, "b", referrer=DIRECT))
    assert [touch.source for touch in touches] == ["a"]


def test_a_bot_touches_nothing() -> None:
    visitor, touches = walk(make.page_view(bot=True))
    assert visitor is not None
    assert touches == []


@pytest.mark.parametrize(
    ("first", "second", "gap", "count"),
    [
        ("a", "a", 60, 1),  # a reload
        ("a", "b", 60, 2),  # another source
        ("a", "a", 1801, 2),  # the session has ended
        ("a", None, 60, 1),  # direct within the session
        ("a", None, 1801, 2),  # direct after it
        (None, None, 60, 1),
        (None, "a", 60, 2),
    ],
)
def test_when_a_landing_is_new(first: str | None, second: str | None, gap: int, count: int) -> None:
    _, touches = walk(view(NOW, first), view(NOW + gap, second))
    assert len(touches) == count


def test_a_direct_landing_is_marked() -> None:
    _, (touch,) = walk(view(NOW, None))
    assert touch.direct
    assert touch.channel == "Direct"


def test_the_latest_answer_counts_however_the_beacons_arrive() -> None:
    def seen(at: int, answer: bool | None, click: str | None) -> BrowserSeen:
        told = None if answer is None else Consent(marketing=answer, at=at)
        return make.page_view(event_time=at, consent=told, person=Person(fbc=click))

    views = [seen(NOW, True, "click1"), seen(NOW + 9, False, "click2"), seen(NOW + 5, None, None)]
    for order in itertools.permutations(views):
        visitor, _ = walk(*order)
        assert visitor is not None
        assert visitor.consent is not None
        assert (visitor.consent.marketing, visitor.fbc) == (False, "click2")
        assert visitor.last_seen == NOW + 9


@pytest.mark.parametrize(
    ("url", "referrer", "expected"),
    [
        (None, None, None),
        (DIRECT, None, None),  # direct tells nothing
        (DIRECT, f"{DIRECT}cart", None),  # from the shop itself
        (f"{DIRECT}?utm_source=news&utm_medium=email", None, "Email"),
        (DIRECT, "https://www.google.com/", "Organic Search"),
    ],
)
def test_the_landing_an_order_carries(
    url: str | None, referrer: str | None, expected: str | None
) -> None:
    order = make.order(carried=make.carried(None, url))
    order = make.order(carried=type(order.carried)(None, url, referrer))
    touch = session.carried(order, STORE)
    assert (touch.channel if touch else None) == expected
    if touch:
        assert touch.visitor_id == "order:1001"
        assert touch.at == NOW - session.IDLE


ANNA = channel.Coupon("ANNA*", source="Anna", campaign="Spring")
LOST = channel.Coupon("welcome10", source="flyer", channel="Offline", when="lost")


def redeemed(*codes: str, url: str | None = None) -> list[Touch]:
    order = make.order(discount_codes=codes, carried=make.carried(None, url))
    return session.told_by_order(order, structs.replace(STORE, coupons=(ANNA, LOST)))


def test_a_discount_code_may_be_a_touch() -> None:
    (touch,) = redeemed("SUMMER", " anna-10 ")
    assert (touch.visitor_id, touch.at) == ("coupon:1001", make.order().created_at)
    assert (touch.source, touch.medium, touch.campaign) == ("anna", "coupon", "Spring")
    assert (touch.channel, touch.direct, touch.paid) == ("Affiliates", False, False)
    assert redeemed("SUMMER") == []


def test_a_code_for_what_is_lost_stands_behind_a_landing() -> None:
    (lost,) = redeemed("WELCOME10")
    assert (lost.visitor_id, lost.channel) == ("order:1001", "Offline")
    (landing,) = redeemed("WELCOME10", url=f"{DIRECT}?utm_source=news&utm_medium=email")
    assert landing.channel == "Email"
    assert len(redeemed("ANNA", url=f"{DIRECT}?utm_source=news&utm_medium=email")) == 2


def test_the_merchants_own_channels_come_first() -> None:
    own = channel.OwnRule("Partners", (channel.Condition("source", "exact", "News"),))
    shop = structs.replace(STORE, channels=(own,))
    _, touch = session.arrive(None, shop, make.page_view())
    assert touch is not None
    assert touch.channel == "Partners"
    assert touch.rules == channel.version((own,)) != channel.RULES_VERSION


def test_a_touch_under_other_rules_keeps_what_happened() -> None:
    own = channel.OwnRule("Partners", (channel.Condition("source", "exact", "news"),))
    _, touch = session.arrive(None, STORE, make.page_view())
    assert touch is not None
    again = session.again(touch, structs.replace(STORE, channels=(own,)))
    assert again is not None
    assert (again.channel, again.at, again.url) == ("Partners", touch.at, touch.url)
    assert session.again(again, STORE) == touch


def test_a_landing_that_counts_no_more_is_told_apart() -> None:
    _, touch = session.arrive(None, STORE, make.page_view(referrer_url="https://pay.example/"))
    assert touch is not None
    hosts = frozenset({*STORE.hosts, "pay.example"})
    assert session.again(touch, structs.replace(STORE, hosts=hosts)) is None


def test_a_coupon_stays_a_touch_under_other_rules() -> None:
    (touch,) = redeemed("ANNA")
    own = channel.OwnRule("X", (channel.Condition("source", "is_set"),))
    again = session.again(touch, structs.replace(STORE, channels=(own,)))
    assert again == structs.replace(touch, rules=channel.version((own,)))


def test_tags_inside_the_shop_are_a_slip_and_no_touch() -> None:
    tagged = make.page_view(
        event_source_url=f"{DIRECT}sale?utm_source=Banner&utm_campaign=home", referrer_url=DIRECT
    )
    slip = session.slip(tagged, STORE)
    assert slip is not None
    assert (slip.source, slip.medium, slip.campaign) == ("Banner", "", "home")
    assert slip.landing_path == "/sale"
    for other in (make.page_view(), view(NOW, None, DIRECT), structs.replace(tagged, bot=True)):
        assert session.slip(other, STORE) is None


def test_a_visitor_nobody_knows_brings_the_landings_of_its_browser() -> None:
    paid = Landing(NOW - 90_000, f"{DIRECT}?utm_source=facebook&utm_medium=paid_social")
    bare = Landing(NOW - 80_000, DIRECT)
    seen = make.page_view(event_source_url=DIRECT, referrer_url=None, landings=(paid, bare))
    (touch,) = session.remembered(None, STORE, seen)
    assert (touch.at, touch.channel, touch.url) == (NOW - 90_000, "Paid Social", paid.url)
    visitor, _ = session.arrive(None, STORE, seen)
    assert session.remembered(visitor, STORE, seen) == []
    assert session.remembered(None, STORE, make.page_view(landings=(paid,), bot=True)) == []
