import itertools

import pytest

from tillpost.core import channel, session
from tillpost.core.books import Touch, Visitor
from tillpost.core.event import BrowserSeen, Consent, Person
from tillpost.testing import entries as make
from tillpost.testing.entries import FBC, FBP, NOW, SHOP

HOSTS = frozenset({"demo-shop.example"})
DIRECT = "https://demo-shop.example/"


def walk(*views: BrowserSeen) -> tuple[Visitor | None, list[Touch]]:
    """The visitor after these events, and the touches they were."""
    visitor: Visitor | None = None
    touches = []
    for view in views:
        visitor, touch = session.arrive(visitor, SHOP, view, HOSTS)
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
    assert session.arrive(None, SHOP, seen, HOSTS) == (None, None)


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
    touch = session.carried(order, SHOP, HOSTS)
    assert (touch.channel if touch else None) == expected
    if touch:
        assert touch.visitor_id == "order:1001"
        assert touch.at == NOW - session.IDLE
