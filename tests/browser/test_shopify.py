"""Shopify's two places for a script: the custom pixel's sandbox, and the theme."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tillpost.collect.pixel import CheckoutPixel, PixelConfig, snippet

pytestmark = pytest.mark.browser

HOME = "https://www.shop.test"
URL = "https://tp.shop.test"
PLAIN = CheckoutPixel()

PAGES = Path(__file__).parent / "pages"
LOADER = (PAGES / "loader.html").read_text()

YES = {
    "marketingAllowed": True,
    "analyticsProcessingAllowed": True,
    "preferencesProcessingAllowed": True,
    "saleOfDataAllowed": True,
}
VARIANT = {
    "id": "41",
    "sku": "SKU-1",
    "price": {"amount": 12.5, "currencyCode": "EUR"},
    "product": {"id": "72", "title": "Cup"},
}
CHECKOUT = {
    "token": "c0ffee",
    "currencyCode": "EUR",
    "totalPrice": {"amount": 30.0, "currencyCode": "EUR"},
    "subtotalPrice": {"amount": 25.0, "currencyCode": "EUR"},
    "totalTax": {"amount": 4.79, "currencyCode": "EUR"},
    "lineItems": [
        {
            "quantity": 2,
            "variant": VARIANT,
            "finalLinePrice": {"amount": 20.0, "currencyCode": "EUR"},
        }
    ],
    "email": "jane@shop.example",
    "phone": "",
    "billingAddress": {"firstName": "Jane", "zip": "10115", "countryCode": "DE"},
    "order": {"id": "990", "customer": {"id": "5"}},
}
DATA: dict[str, Any] = {
    "page_viewed": {},
    "product_viewed": {"productVariant": VARIANT},
    "collection_viewed": {"collection": {"id": "1", "title": "Cups", "productVariants": [VARIANT]}},
    "search_submitted": {"searchResult": {"query": "cup", "productVariants": []}},
    "product_added_to_cart": {
        "cartLine": {
            "quantity": 2,
            "cost": {"totalAmount": {"amount": 25.0, "currencyCode": "EUR"}},
            "merchandise": VARIANT,
        }
    },
    "product_removed_from_cart": {"cartLine": None},
    "cart_viewed": {
        "cart": {"cost": {"totalAmount": {"amount": 0, "currencyCode": "EUR"}}, "lines": []}
    },
    "checkout_started": {"checkout": CHECKOUT},
    "checkout_shipping_info_submitted": {"checkout": CHECKOUT},
    "payment_info_submitted": {"checkout": CHECKOUT},
    "checkout_completed": {"checkout": CHECKOUT},
}
NAMES = {
    "page_viewed": "PageView",
    "product_viewed": "ViewContent",
    "collection_viewed": "ViewCategory",
    "search_submitted": "Search",
    "product_added_to_cart": "AddToCart",
    "product_removed_from_cart": "RemoveFromCart",
    "cart_viewed": "ViewCart",
    "checkout_started": "InitiateCheckout",
    "checkout_shipping_info_submitted": "AddShippingInfo",
    "payment_info_submitted": "AddPaymentInfo",
    "checkout_completed": "Purchase",
}


@pytest.fixture
def sandbox(site: Any, page: Any) -> Callable[..., None]:
    """Open a page with the pasted pixel, for a visitor of this privacy."""

    def start(checkout: CheckoutPixel = PLAIN, **privacy: bool) -> None:
        pixel = snippet("shopify", PixelConfig("demo", URL, checkout=checkout))
        given = json.dumps({**YES, **privacy})
        sandbox_page = (PAGES / "sandbox.html").read_text().replace("PRIVACY", given)
        site.pages["/"] = f"{sandbox_page}<script>{{{pixel}}}</script>"
        page.goto(HOME)

    return start


def happen(page: Any, *names: str, search: str = "") -> None:
    for name in names:
        page.evaluate("([n, d, s]) => happen(n, d, s)", [name, DATA[name], search])


def test_standard_events_become_metas(site: Any, page: Any, sandbox: Callable[..., None]) -> None:
    sandbox()
    happen(page, *DATA, search="?fbclid=Ab_c&email=x")
    site.wait(lambda: len(site.events()) == len(DATA))
    found = {event["event_name"]: event for event in site.events()}
    assert set(found) == set(NAMES.values())
    assert found["Purchase"]["event_id"] == "purchase.c0ffee"
    assert found["InitiateCheckout"]["event_id"] == "ic.c0ffee"
    assert found["AddPaymentInfo"]["event_id"].startswith("sh-payment_info_submitted-")
    assert found["Purchase"]["checkout_token"] == "c0ffee"
    assert found["Purchase"]["custom_data"] == {
        "order_id": "990",
        "value": 30,
        "currency": "EUR",
        "content_type": "product_group",
        "content_ids": ["72"],
        "contents": [{"id": "72", "quantity": 2, "item_price": 10}],
        "num_items": 2,
    }
    assert found["AddToCart"]["custom_data"]["value"] == 25
    assert found["InitiateCheckout"]["custom_data"]["value"] == 25
    assert found["Search"]["custom_data"] == {"search_string": "cup"}
    assert found["ViewCategory"]["custom_data"]["content_category"] == "Cups"
    assert found["ViewContent"]["event_time"] == 1782900000
    assert found["PageView"]["event_source_url"] == f"{HOME}/p?fbclid=Ab_c"
    assert found["PageView"]["consent"] | {"at": 0} == {
        "marketing": True,
        "analytics": True,
        "sale_of_data": True,
        "source": "shopify",
        "at": 0,
    }
    assert all(event["direct"] == "none" for event in found.values())
    assert not any("user_data" in event for event in found.values())
    assert "origin" in site.requests[0]
    assert site.requests[0]["content-type"].startswith("text/plain")


def test_parallel_first_events_share_one_set_of_cookies(
    site: Any, context: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox()
    happen(page, "page_viewed", "product_viewed", "cart_viewed", search="?fbclid=Ab_c")
    site.wait(lambda: len(site.events()) == 3)
    jar = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    assert re.fullmatch(r"fb\.1\.1782900000000\.Ab_c", jar["_fbc"])
    for event in site.events():
        sent = event["fbp"], event["fbc"], event["visitor_id"]
        assert sent == (jar["_fbp"], jar["_fbc"], jar["_tp_vid"])


@pytest.mark.parametrize("granted", [0, 150, 250, 350, 450])
def test_page_and_sandbox_never_make_the_cookies_twice(
    site: Any, context: Any, page: Any, granted: int
) -> None:
    """The page's script makes them `granted` ms after the sandbox, whose every call takes 100."""
    pixel = snippet("shopify", PixelConfig("demo", URL))
    slow = (PAGES / "sandbox.html").read_text().replace("make()), 5)", "make()), 100)")
    ours = snippet("page", PixelConfig("demo", URL)).replace('"url":', '"consent":"wait","url":')
    site.pages["/"] = (
        f"{ours}{slow.replace('PRIVACY', json.dumps(YES))}<script>{{{pixel}}}</script>"
    )
    page.goto(HOME)
    page.wait_for_function("!tillpost.q")
    page.evaluate(
        """([data, granted]) => {
          setTimeout(() => tillpost("consent", "grant"), granted);
          happen("product_viewed", data);
        }""",
        [DATA["product_viewed"], granted],
    )
    site.wait(lambda: len(site.events()) == 2)
    jar = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    told = {(event["visitor_id"], event["fbp"]) for event in site.events()}
    assert told == {(jar["_tp_vid"], jar["_fbp"])}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("variant", "41"), ("sku", "SKU-1"), ("shopify", "shopify_DE_72_41")],
)
def test_goods_are_named_as_in_the_catalogue(
    site: Any, page: Any, sandbox: Callable[..., None], kind: Any, expected: str
) -> None:
    sandbox(CheckoutPixel(content_id=kind))
    happen(page, "checkout_completed")
    site.wait(site.events)
    data = site.events()[0]["custom_data"]
    assert (data["content_ids"], data["content_type"]) == ([expected], "product")


@pytest.mark.parametrize(("base", "worth"), [("subtotal", 25), ("less_tax", 25.21)])
def test_a_sale_is_worth_what_the_shops_policy_says(
    site: Any, page: Any, sandbox: Callable[..., None], base: Any, worth: float
) -> None:
    sandbox(CheckoutPixel(value=base))
    happen(page, "checkout_completed")
    site.wait(site.events)
    assert site.events()[0]["custom_data"]["value"] == worth


def test_refused_visitors_leave_only_the_sales_answer_until_they_grant(
    site: Any, context: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(marketingAllowed=False, analyticsProcessingAllowed=False)
    happen(page, "page_viewed", "checkout_completed")
    site.wait(site.events)
    page.wait_for_timeout(300)
    assert [event["event_name"] for event in site.events()] == ["Purchase"]
    refused = site.events()[0]
    assert (refused["consent"]["marketing"], refused["recorded"]) == (False, True)
    assert not {"fbp", "fbc", "visitor_id", "custom_data"} & set(refused)
    assert context.cookies() == []
    page.evaluate("(p) => answer({customerPrivacy: p})", YES)
    site.wait(lambda: len(site.beacons) == 3)
    later = [event for beacon in site.beacons[1:] for event in beacon["events"]]
    assert {event["event_id"] for event in later} >= {"purchase.c0ffee"}
    assert {event["consent"]["marketing"] for event in later} == {True}
    assert {event["event_time"] for event in later} == {1782900000}


def test_statistics_alone_carry_no_advertising_ids(
    site: Any, context: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(CheckoutPixel(identity=True), marketingAllowed=False)
    happen(page, "checkout_completed")
    site.wait(site.events)
    event = site.events()[0]
    assert event["consent"]["marketing"] is False
    assert event["visitor_id"] == "client-1"
    assert not {"fbp", "fbc", "user_data"} & set(event)
    assert context.cookies() == []


def test_what_the_buyer_typed_goes_only_where_the_shop_says_so(
    site: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(CheckoutPixel(identity=True, events="checkout"))
    happen(page, "page_viewed", "payment_info_submitted")
    site.wait(site.events)
    assert len(site.events()) == 1
    assert site.events()[0]["user_data"] == {
        "em": "jane@shop.example",
        "fn": "Jane",
        "zp": "10115",
        "country": "DE",
        "external_id": "5",
    }


def test_the_vendors_library_in_the_sandbox_has_the_same_ids(
    site: Any, context: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(CheckoutPixel(fbevents="1234567890123456"))
    happen(page, "checkout_completed")
    site.wait(lambda: site.events() and site.hits)
    assert [hit["eid"] for hit in site.hits] == ["purchase.c0ffee"]
    assert site.events()[0]["direct"] == "sent"
    assert float(site.hits[0]["cd[value]"]) == site.events()[0]["custom_data"]["value"]
    context.route("https://connect.facebook.net/**", lambda route: route.abort())
    sandbox(CheckoutPixel(fbevents="1234567890123456"))
    happen(page, "checkout_started")
    page.wait_for_function("window._fbq && !window.fbq")
    site.wait(lambda: site.events("InitiateCheckout"))
    assert site.events("InitiateCheckout")[0]["direct"] == "blocked"


@pytest.mark.parametrize(
    "change",
    [
        {"transactions": [{"paymentMethod": {"type": "manualPayment"}}]},
        {"transactions": [{"paymentMethod": None}, {"paymentMethod": {"type": "deferred"}}]},
        {"totalPrice": {"amount": 0, "currencyCode": "EUR"}},
    ],
)
def test_a_sale_that_is_not_paid_is_told_by_no_browser(
    site: Any, page: Any, sandbox: Callable[..., None], change: dict[str, Any]
) -> None:
    sandbox(CheckoutPixel(fbevents="1234567890123456"))
    happen(page, "page_viewed")
    data = {"checkout": {**CHECKOUT, **change}}
    page.evaluate("d => happen('checkout_completed', d)", data)
    site.wait(lambda: site.events("Purchase") and site.hits)
    assert [hit["ev"] for hit in site.hits] == ["PageView"]
    assert site.events("Purchase")[0]["direct"] == "none"


def test_where_the_shops_own_channel_tells_too_shopifys_ids_are_kept(
    site: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(CheckoutPixel(native="pixel"))
    happen(page, "checkout_started", "checkout_completed")
    site.wait(lambda: len(site.beacons) == 2)
    told = [(event["event_id"], event["checkout_token"]) for event in site.events()]
    own = [("sh-checkout_started-1", "c0ffee"), ("sh-checkout_completed-2", "c0ffee")]
    assert sorted(told) == sorted(own)


def test_what_failed_goes_with_the_next_event(
    site: Any, page: Any, sandbox: Callable[..., None]
) -> None:
    sandbox(CheckoutPixel(identity=True))
    site.status = 503
    happen(page, "checkout_started")
    page.wait_for_function("(localStorage._tp_q || '').includes('ic.c0ffee')")
    assert "jane" not in page.evaluate("JSON.stringify(localStorage)")
    site.status = 204
    happen(page, "page_viewed")
    site.wait(lambda: site.events("InitiateCheckout"))
    assert page.evaluate("localStorage._tp_q") is None


def theme(site: Any, marketing: str, more: str = "", sale: str = "yes") -> None:
    answers = json.dumps({"marketing": marketing, "sale": sale})
    privacy = (PAGES / "theme.html").read_text().replace("ANSWERS", answers)
    site.pages["/"] = snippet("theme", PixelConfig("demo", URL)) + more + privacy


def test_the_cart_carries_the_ids_only_with_consent(site: Any, context: Any, page: Any) -> None:
    theme(site, "")
    page.goto(f"{HOME}/?utm_source=meta&fbclid=Ab_c&email=x")
    page.wait_for_timeout(900)
    assert (site.carts, site.events(), context.cookies()) == ([], [], [])

    page.evaluate('decide("yes")')
    site.wait(lambda: site.carts)
    jar = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    assert site.carts[0] == {
        "_tillpost_visitor": jar["_tp_vid"],
        "_fbp": jar["_fbp"],
        "_fbc": jar["_fbc"],
        "_tillpost_landing": f"{HOME}/?utm_source=meta&fbclid=Ab_c",
        "_tillpost_consent": '{"marketing":true,"analytics":true,"sale_of_data":true}',
    }
    page.evaluate('decide("yes")')
    page.wait_for_timeout(300)
    assert len(site.carts) == 1

    page.evaluate('decide("no")')
    site.wait(lambda: len(site.carts) == 2)
    assert site.carts[1] == {
        "_tillpost_visitor": "",
        "_fbp": "",
        "_fbc": "",
        "_tillpost_landing": "",
        "_tillpost_consent": '{"marketing":false,"analytics":false,"sale_of_data":true}',
    }
    assert [c["name"] for c in context.cookies() if c["name"] != "_tp_d"] == []


def test_the_themes_own_fbq_is_mirrored_and_views_are_left_to_the_custom_pixel(
    site: Any, page: Any
) -> None:
    theme(site, "yes", LOADER + '<script>fbq("track", "AddToCart", {value: 1});</script>', "no")
    page.goto(HOME)
    site.wait(site.events)
    page.wait_for_timeout(600)
    assert [event["event_name"] for event in site.events()] == ["AddToCart"]
    assert site.events()[0]["event_id"] == site.hits[0]["eid"]
    assert site.events()[0]["consent"]["sale_of_data"] is False
