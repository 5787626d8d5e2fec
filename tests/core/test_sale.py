from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import sale
from tillpost.core.books import Visitor
from tillpost.core.event import Device, Event, Item, Person
from tillpost.testing import entries as make
from tillpost.testing.entries import FBC, FBP, NOW

DAY = 86400
SHOP = make.shop()
ITEM = Item("11", "22", "SKU-1", "Mug", 2, Decimal("20.00"))


def purchase(changes: dict[str, Any] | None = None, **given_args: Any) -> Event:
    order = make.order(**(changes or {}))
    args: dict[str, Any] = {"first_received_at": float(NOW), "now": float(NOW)}
    return sale.purchase(order, given_args.pop("shop", SHOP), **(args | given_args))


def test_an_order_alone() -> None:
    event = purchase()
    assert event.event_name == "Purchase"
    assert event.event_time == NOW
    assert event.action_source == "website"
    assert event.event_source_url == "https://demo-shop.example/"
    assert event.referrer_url is None
    assert (event.direct, event.direct_at) == ("unknown", None)
    assert event.custom_data == {
        "value": Decimal("42.00"),
        "currency": "USD",
        "order_id": "1001",
        "content_type": "product_group",
        "content_ids": ["11"],
        "contents": [{"id": "11", "quantity": 2, "item_price": Decimal("20.00")}],
        "num_items": 2,
    }


def test_a_beacon_adds_page_cookies_device_and_whether_its_twin_went() -> None:
    device = Device("198.51.100.1", "Other/2")
    beacon = make.beacon(device=device, referrer_url="https://pay.example/", direct="blocked")
    event = purchase(sighting=beacon, sighted_at=NOW + 1.0)
    assert event.event_source_url == "https://demo-shop.example/thank-you"
    assert event.referrer_url == "https://pay.example/"
    assert event.device == device
    assert (event.person.fbc, event.person.fbp) == (FBC, FBP)
    assert (event.direct, event.direct_at) == ("blocked", NOW + 1.0)


@pytest.mark.parametrize("half", [Device("198.51.100.1", None), Device(None, "Other/2"), Device()])
def test_address_and_browser_are_a_pair_from_one_place(half: Device) -> None:
    event = purchase(sighting=make.beacon(device=half))
    assert event.device == Device(make.IP, make.USER_AGENT)


def test_cookies_of_the_beacon_then_the_order_then_the_visitor() -> None:
    fbc = [f"fb.1.{(NOW - 60) * 1000}.click{n}" for n in range(3)]
    visitor = Visitor("demo", "v1", NOW, None, "fbp-visitor", fbc[2])
    own = {"person": Person(keys=make.KEYS, fbc=fbc[1], fbp="fbp-order")}
    beacon = make.beacon(person=Person(fbc=fbc[0]))
    seen = purchase(own, sighting=beacon, visitor=visitor)
    assert (seen.person.fbc, seen.person.fbp) == (fbc[0], "fbp-order")
    assert purchase(own, visitor=visitor).person.fbc == fbc[1]
    assert purchase(visitor=visitor).person.fbp == "fbp-visitor"
    assert purchase(visitor=visitor).person.fbc == fbc[2]


def test_a_click_after_the_sale_did_not_bring_it() -> None:
    late = make.beacon(person=Person(fbc=f"fb.1.{(NOW + 60) * 1000}.later"))
    assert purchase(sighting=late).person.fbc is None


def test_only_a_website_has_a_page() -> None:
    event = purchase({"kind": "pos"}, sighting=make.beacon())
    assert (event.action_source, event.event_source_url) == ("physical_store", None)
    assert purchase({"source_url": "https://demo-shop.example/o/1"}).event_source_url == (
        "https://demo-shop.example/o/1"
    )
    empty = make.beacon(event_source_url=None)
    assert purchase(sighting=empty).event_source_url == "https://demo-shop.example/"


@pytest.mark.parametrize(
    ("kind", "processed", "first", "now", "expected"),
    [
        ("web", 0, 0, 7, 0),  # fresh
        ("web", 0, 0, 8, 8),  # paid late: its last change
        ("web", 0, 8, 9, 0),  # too old when it first came: no sale of today
        ("pos", 0, 0, 60, 0),  # shops may report for 62 days
        ("pos", 0, 0, 63, 63),
    ],
)
def test_when_the_sale_was_made(
    kind: str, processed: int, first: int, now: int, expected: int
) -> None:
    order = make.order(kind=kind, processed_at=NOW + processed, version=NOW + now * float(DAY))
    at = sale.event_time(order, NOW + first * DAY, NOW + now * DAY)
    assert at == NOW + expected * DAY


@given(st.integers(-90, 90), st.integers(-90, 90), st.integers(0, 90))
def test_a_sale_is_never_made_in_the_future(version: int, first: int, now: int) -> None:
    order = make.order(version=NOW + version * float(DAY))
    at = sale.event_time(order, NOW + first * DAY, NOW + now * DAY)
    assert NOW + min(first, 0) * DAY <= at <= NOW + now * DAY


def test_a_sale_was_made_before_we_heard_of_it() -> None:
    order = make.order(processed_at=NOW + 3600)
    assert sale.event_time(order, NOW + 0.5, NOW + 2) == NOW


@pytest.mark.parametrize(
    ("content_id", "item", "expected"),
    [
        ("product", ITEM, "11"),
        ("product", Item(sku="S"), "S"),
        ("variant", ITEM, "22"),
        ("variant", Item(product_id="1", sku="S"), "S"),
        ("sku", ITEM, "SKU-1"),
        ("sku", Item(product_id="1"), None),
        ("shopify", ITEM, "shopify_US_11_22"),
        ("shopify", Item(product_id="1", sku="S"), "S"),
        ("shopify", Item(variant_id="1"), None),
    ],
)
def test_items_are_named_as_the_catalogue_has_them(
    content_id: str, item: Item, expected: str | None
) -> None:
    assert sale.item_id(item, make.shop(content_id=content_id)) == expected


def test_a_shop_without_a_country_sells_in_the_united_states_catalogue() -> None:
    shop = make.shop(content_id="shopify", country=None)
    assert sale.item_id(ITEM, shop) == "shopify_US_11_22"


def test_items_without_a_name_are_left_out() -> None:
    data = sale.custom_data(make.order(items=(Item(), ITEM)), make.shop(content_id="variant"))
    assert data["content_ids"] == ["22"]
    assert data["content_type"] == "product"
    assert "contents" not in sale.custom_data(make.order(items=(Item(),)), SHOP)


def test_money_is_the_buyers() -> None:
    order = make.order(presentment=make.money("6300", "JPY"))
    data = sale.custom_data(order, SHOP)
    assert (data["value"], data["currency"]) == (Decimal(6300), "JPY")


def test_a_subtotal_is_sent_only_in_the_same_money() -> None:
    shop = make.shop(value_base="subtotal")
    assert sale.custom_data(make.order(), shop)["value"] == Decimal("40.00")
    foreign = make.order(presentment=make.money("39.00", "EUR"))
    assert sale.custom_data(foreign, shop)["value"] == Decimal("39.00")
