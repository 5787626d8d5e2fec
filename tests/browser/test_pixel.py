"""The browser script in a real browser: the right events arrive, once, with the vendor's ids."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tillpost.collect.pixel import PixelConfig, snippet

pytestmark = pytest.mark.browser

HOME = "https://www.shop.test"
PIXEL = "1234567890123456"
LOADER = Path(__file__).with_name("pages").joinpath("loader.html").read_text()
CONFIG = PixelConfig("demo", "https://tp.shop.test")
OURS = snippet("page", CONFIG)
VIEW = '<script>fbq("track", "PageView");</script>'
FBC = re.compile(r"fb\.1\.\d{13}\.IwAR0aB-c_D")
FBP = re.compile(r"fb\.1\.\d{13}\.\d{1,10}")


def cookies(context: Any) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


def block_vendor(context: Any) -> None:
    for host in ("connect.facebook.net", "www.facebook.com"):
        context.route(f"https://{host}/**", lambda route: route.abort("connectionrefused"))


def kept(page: Any) -> Any:
    return page.evaluate("JSON.parse(localStorage._tp || '{}')")


def checkout(site: Any) -> None:
    """A shop that has fbq and knows nothing of ids: product, checkout with its token, thanks."""
    site.pages["/"] = OURS + LOADER + VIEW
    site.pages["/checkout"] = (
        OURS
        + '<script>tillpost("checkout", "tok1")</script>'
        + LOADER
        + VIEW
        + '<script>fbq("track", "InitiateCheckout", {value: 20, currency: "EUR"});</script>'
    )
    site.pages["/thanks"] = (
        OURS
        + '<script>tillpost("checkout", "tok1")</script>'
        + LOADER
        + VIEW
        + '<script>fbq("track", "Purchase", {value: 23.5, currency: "EUR"});</script>'
    )


def test_a_plain_checkout_has_the_same_ids_on_both_sides(
    site: Any, context: Any, page: Any
) -> None:
    checkout(site)
    tags = "utm_source=meta&utm_campaign=A%20B&fbclid=IwAR0aB-c_D&email=a%40b.example"
    page.goto(f"{HOME}/?{tags}", referer="https://news.test/story?q=secret")
    site.wait(lambda: site.events("PageView"))
    page.goto(f"{HOME}/checkout")
    site.wait(lambda: site.events("InitiateCheckout"))
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: site.events("Purchase") and len(site.vendor("Purchase")) == 1)
    page.wait_for_timeout(1800)

    assert len(site.events()) == 5
    assert ids(site.events("InitiateCheckout")) == ["ic.tok1"]
    assert ids(site.events("Purchase")) == ["purchase.tok1"]
    for name in ("PageView", "InitiateCheckout", "Purchase"):
        assert sorted(ids(site.events(name))) == sorted(hit["eid"] for hit in site.vendor(name))
    purchase = site.events("Purchase")[0]
    assert purchase["direct"] == "sent"
    assert purchase["checkout_token"] == "tok1"
    assert purchase["custom_data"] == {"value": 23.5, "currency": "EUR"}
    assert abs(purchase["event_time"] - time.time()) < 60
    landing = site.events()[0]
    expected = "?utm_source=meta&utm_campaign=A%20B&fbclid=IwAR0aB-c_D"
    assert landing["event_source_url"] == f"{HOME}/{expected}"
    assert landing["referrer_url"] == "https://news.test/story"

    jar = cookies(context)
    assert FBP.fullmatch(jar["_fbp"])
    assert FBC.fullmatch(jar["_fbc"])
    for event in site.events():
        assert (event["fbp"], event["fbc"]) == (jar["_fbp"], jar["_fbc"])
        assert event["visitor_id"] == jar["_tp_vid"]
    assert {cookie["domain"] for cookie in context.cookies()} == {".shop.test"}
    assert site.requests[0]["path"] == "/px/demo"
    assert site.requests[0]["content-type"].startswith("text/plain")
    touches = {(b["first"]["url"], b["last"]["url"]) for b in site.beacons}
    assert touches == {(f"{HOME}/{expected}", f"{HOME}/{expected}")}


def test_an_ad_blocker_takes_the_vendors_hit_and_not_ours(
    site: Any, context: Any, page: Any
) -> None:
    block_vendor(context)
    checkout(site)
    page.goto(f"{HOME}/checkout")
    site.wait(lambda: site.events("InitiateCheckout"))
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: site.events("Purchase"))
    assert site.hits == []
    assert ids(site.events("InitiateCheckout")) == ["ic.tok1"]
    assert ids(site.events("Purchase")) == ["purchase.tok1"]
    assert {event["direct"] for event in site.events()} == {"blocked"}


def test_cleared_cookies_make_a_new_visitor_and_keep_the_sales_id(
    site: Any, context: Any, page: Any
) -> None:
    checkout(site)
    page.goto(f"{HOME}/checkout")
    site.wait(lambda: site.events("InitiateCheckout"))
    before = cookies(context)
    context.clear_cookies()
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: site.events("Purchase"))
    purchase = site.events("Purchase")[0]
    assert purchase["event_id"] == "purchase.tok1"
    assert purchase["visitor_id"] not in {None, before["_tp_vid"]}
    assert FBP.fullmatch(purchase["fbp"])
    assert purchase["fbp"] == cookies(context)["_fbp"] != before["_fbp"]


def test_cookies_that_are_there_are_kept_byte_for_byte(site: Any, context: Any, page: Any) -> None:
    there = {"_fbp": "fb.1.1596403881668.1116446470.AQYCAQMC", "_fbc": "fb.2.1554763741205.Old_x-1"}
    context.add_cookies(
        [{"name": k, "value": v, "domain": ".shop.test", "path": "/"} for k, v in there.items()]
    )
    site.pages["/"] = OURS
    page.goto(HOME)
    site.wait(site.events)
    assert {k: site.events()[0][k[1:]] for k in there} == there
    page.goto(f"{HOME}/?fbclid=Old_x-1")
    site.wait(lambda: len(site.events()) == 2)
    assert cookies(context)["_fbc"] == there["_fbc"]
    page.goto(f"{HOME}/?fbclid=New_y-2")
    site.wait(lambda: len(site.events()) == 3)
    assert re.fullmatch(r"fb\.1\.\d{13}\.New_y-2", cookies(context)["_fbc"])
    assert cookies(context)["_fbp"] == there["_fbp"]


def test_nothing_before_consent_then_everything_with_its_own_time(
    site: Any, context: Any, page: Any
) -> None:
    site.pages["/thanks"] = (
        OURS
        + '<script>tillpost("init", {consent: "wait"})</script>'
        + LOADER.replace('fbq("init"', 'fbq("consent", "revoke"); fbq("init"')
        + '<script>tillpost("checkout", "tok2"); fbq("track", "PageView");'
        + 'fbq("track", "Purchase", {value: 5, currency: "EUR"});</script>'
    )
    page.goto(f"{HOME}/thanks?utm_source=x&fbclid=click1")
    called = time.time()
    page.wait_for_timeout(2200)
    assert site.events() == []
    assert site.hits == []
    assert set(cookies(context)) - {"_tp_d"} == set()
    assert page.evaluate("localStorage.length") == 0

    page.evaluate('fbq("consent", "grant")')
    site.wait(lambda: len(site.events()) == 2 and len(site.hits) == 2)
    page.wait_for_timeout(500)
    assert ids(site.events("Purchase")) == ["purchase.tok2"]
    assert ids(site.events("PageView")) == [hit["eid"] for hit in site.vendor("PageView")]
    for event in site.events():
        assert event["event_time"] <= called + 1
        assert event["consent"]["marketing"] is True
        assert event["consent"]["at"] >= called + 1
        assert event["fbc"].endswith(".click1")
        assert int(event["fbc"].split(".")[2]) // 1000 <= event["event_time"]


def test_a_refused_sale_tells_its_order_and_nothing_of_the_shopper(
    site: Any, context: Any, page: Any
) -> None:
    site.pages["/"] = OURS
    page.goto(HOME)
    site.wait(site.events)
    assert "_tp_vid" in cookies(context)
    page.evaluate(
        """tillpost("checkout", "tok3"); tillpost("consent", "revoke");
           tillpost("identify", {em: "a@shop.example"});
           tillpost("track", "Purchase", {value: 1, currency: "EUR"})"""
    )
    page.wait_for_timeout(600)
    assert set(cookies(context)) - {"_tp_d"} == set()
    assert page.evaluate("localStorage.length") == 0
    assert len(site.events()) == 1
    page.close()
    site.wait(lambda: site.events("Purchase"))
    assert len(site.events()) == 2
    event = site.events("Purchase")[0]
    assert (event["event_id"], event["checkout_token"]) == ("purchase.tok3", "tok3")
    assert event["consent"]["marketing"] is False
    assert event["recorded"] is True
    assert not {"fbp", "fbc", "visitor_id", "user_data"} & set(event)


def test_a_tab_closed_on_purchase_has_reported_it(site: Any, page: Any) -> None:
    checkout(site)
    page.goto(f"{HOME}/thanks")
    page.close()
    site.wait(lambda: site.events("Purchase"))
    time.sleep(0.5)
    assert ids(site.events("Purchase")) == ["purchase.tok1"]
    assert len(site.events("PageView")) == 1


def test_addresses_that_change_without_a_load_are_views(site: Any, page: Any) -> None:
    site.pages["/"] = OURS
    page.goto(f"{HOME}/?utm_source=a")
    page.evaluate('history.replaceState({}, "", "/")')  # the page strips its tags: no view
    site.wait(site.events)
    page.evaluate('history.pushState({}, "", "/product?utm_source=b")')
    site.wait(lambda: len(site.events()) == 2)
    page.evaluate("history.back()")
    site.wait(lambda: len(site.events()) == 3)
    page.wait_for_timeout(500)
    views = site.events("PageView")
    assert [view["event_source_url"] for view in views] == [
        f"{HOME}/?utm_source=a",
        f"{HOME}/product?utm_source=b",
        f"{HOME}/",
    ]
    assert views[1]["referrer_url"] == f"{HOME}/?utm_source=a"
    assert len(set(ids(views))) == 3
    assert {view["direct"] for view in views} == {"none"}


def test_a_view_that_the_vendors_library_reports_by_itself_is_recorded_only(
    site: Any, context: Any, page: Any
) -> None:
    site.pages["/"] = OURS + LOADER + VIEW
    page.goto(HOME)
    site.wait(site.events)
    page.evaluate('history.pushState({}, "", "/product")')
    site.wait(lambda: len(site.events()) == 2)
    assert [event.get("recorded", False) for event in site.events()] == [False, True]
    assert len(site.vendor("PageView")) == 2

    block_vendor(context)
    other = context.new_page()
    other.goto(HOME)
    site.wait(lambda: len(site.events()) == 3)
    other.evaluate('history.pushState({}, "", "/product")')
    site.wait(lambda: len(site.events()) == 4)
    assert site.events()[3]["recorded"] is False


def test_ids_of_the_page_win_and_missing_ones_are_added(site: Any, page: Any) -> None:
    site.pages["/"] = (
        OURS
        + LOADER
        + """<script>
        fbq("track", "Purchase", {value: 1, currency: "EUR"}, {eventID: "theirs-1"});
        fbq("track", "Lead");
        fbq("trackCustom", "Quiz", {score: 3});
        fbq("trackSingle", "1234567890123456", "AddToCart", {value: 2});
        fbq("trackSingleCustom", "1234567890123456", "Spin", {}, {eventID: "theirs-2"});
        fbq("trackSingle", "999", "Search", {search_string: "x"});
        tillpost("track", "Purchase", {value: 1, currency: "EUR"}, {eventID: "theirs-1"});
        </script>"""
    )
    page.goto(HOME)
    site.wait(lambda: len(site.events()) == 6 and len(site.hits) == 6)
    page.wait_for_timeout(600)
    ours = {(event["event_name"], event["event_id"]) for event in site.events()}
    theirs = {(hit["ev"], hit["eid"]) for hit in site.hits if hit["id"] == PIXEL}
    assert len(site.events()) == 6
    assert theirs == {pair for pair in ours if pair[0] != "PageView"}
    assert ("Purchase", "theirs-1") in ours
    assert ("Spin", "theirs-2") in ours
    assert site.events("Search") == []
    assert site.events("Quiz")[0]["custom_data"] == {"score": 3}


def test_a_call_that_went_past_us_is_recorded_and_never_mirrored(site: Any, page: Any) -> None:
    site.pages["/"] = OURS + LOADER + VIEW
    page.goto(HOME)
    site.wait(site.events)
    page.evaluate("""
      rawVendor("track", "Purchase", {value: 1}, {eventID: "unseen-1"});
      rawVendor("track", "SubscribedButtonClick", {});
    """)
    site.wait(lambda: site.events("Purchase"))
    page.wait_for_timeout(400)
    event = site.events("Purchase")[0]
    assert (event["event_id"], event["recorded"], event["direct"]) == ("unseen-1", True, "sent")
    assert len(site.events()) == 2


def test_a_script_that_comes_after_the_vendors_loader_still_gives_ids(site: Any, page: Any) -> None:
    site.pages["/"] = LOADER + VIEW + OURS
    page.goto(HOME)
    site.wait(lambda: site.events() and site.hits)
    page.wait_for_timeout(800)
    assert ids(site.events()) == [hit["eid"] for hit in site.hits]


def test_a_late_vendor_takes_the_id_of_the_view_already_told(site: Any, page: Any) -> None:
    site.pages["/"] = OURS
    page.goto(HOME)
    site.wait(site.events)
    page.evaluate(
        """(text) => {
          const box = document.createElement("div");
          box.innerHTML = text;
          for (const old of box.querySelectorAll("script")) {
            const script = document.createElement("script");
            script.text = old.text;
            document.head.append(script);
          }
        }""",
        LOADER + VIEW,
    )
    site.wait(lambda: site.hits)
    page.wait_for_timeout(600)
    assert ids(site.events()) == [hit["eid"] for hit in site.hits]


def test_what_failed_offline_goes_with_the_next_page_and_without_identity(
    site: Any, context: Any, page: Any
) -> None:
    site.pages["/"] = site.pages["/next"] = OURS
    page.goto(HOME)
    site.wait(site.events)
    context.set_offline(True)
    page.evaluate("""
      tillpost("identify", {em: "jane@shop.example", ph: "+1 650 555 1212"});
      tillpost("track", "Lead", {value: 3, currency: "EUR"}, {eventID: "lead-1"});
    """)
    page.wait_for_function("(localStorage._tp || '').includes('lead-1')")
    text = page.evaluate("JSON.stringify(localStorage)")
    assert "jane" not in text
    assert "650" not in text
    context.set_offline(False)
    page.goto(f"{HOME}/next")
    site.wait(lambda: site.events("Lead") and len(site.events("PageView")) == 2)
    page.goto(HOME)
    site.wait(lambda: len(site.events("PageView")) == 3)
    assert ids(site.events("Lead")) == ["lead-1"]
    assert "q" not in kept(page)


def test_a_server_out_of_order_is_asked_again_and_storage_stays_bounded(
    site: Any, page: Any
) -> None:
    site.pages["/"] = OURS
    site.status = 503
    page.goto(HOME)
    page.wait_for_function("(localStorage._tp || '').includes('PageView')")
    page.evaluate("""
      // With the view one beacon: of two, the last to fail would push the other out.
      for (let i = 0; i < 19; i++) tillpost("track", "Bulk", {text: "x".repeat(2000), i});
    """)
    page.wait_for_function("""(localStorage._tp || '').includes('"i":18')""")
    size = page.evaluate("new Blob([localStorage._tp]).size")
    assert 8_000 < size < 65_536
    site.status = 204
    page.goto(HOME)
    site.wait(lambda: any(e["custom_data"].get("i") == 18 for e in site.events("Bulk")))
    site.status = 403
    page.evaluate('tillpost("track", "Refused")')
    page.wait_for_timeout(300)
    assert not kept(page).get("q")


def test_identity_is_sent_only_when_the_page_gives_it(site: Any, page: Any) -> None:
    site.pages["/"] = (
        OURS
        + LOADER.replace(
            '"1234567890123456");', '"1234567890123456", {em: "vendor@shop.example"});'
        )
        + '<body><form><input type="email" name="email" value="form@shop.example"></form>'
    )
    page.goto(HOME)
    site.wait(site.events)
    page.evaluate('document.forms[0].requestSubmit && fbq("track", "Lead")')
    site.wait(lambda: site.events("Lead"))
    assert "@" not in json.dumps(site.beacons)
    page.evaluate("""
      tillpost("identify", {em: "Given@Shop.example"});
      tillpost("track", "CompleteRegistration");
    """)
    site.wait(lambda: site.events("CompleteRegistration"))
    given = site.events("CompleteRegistration")[0]["user_data"]
    assert given == {"em": "Given@Shop.example"}


def test_an_opt_out_of_sale_travels_with_each_event(site: Any, context: Any, page: Any) -> None:
    site.pages["/"] = OURS
    context.set_extra_http_headers({"Sec-GPC": "1"})
    page.goto(HOME)
    site.wait(site.events)
    assert site.requests[0]["sec-gpc"] == "1"
    other = context.new_page()
    site.pages["/ldu"] = OURS + LOADER.replace(
        'fbq("init"', 'fbq("dataProcessingOptions", ["LDU"], 0, 0); fbq("init"'
    )
    other.goto(f"{HOME}/ldu")
    site.wait(lambda: len(site.events()) == 2)
    assert site.events()[1]["consent"]["sale_of_data"] is False


def test_a_consent_platforms_strings_travel_with_the_answer(site: Any, page: Any) -> None:
    site.pages["/"] = OURS + (
        '<script>tillpost("consent", {marketing: true, tcf: "CPx", gpp: "DBAA"})</script>'
    )
    page.goto(HOME)
    site.wait(site.events)
    given = site.events()[0]["consent"]
    assert abs(given.pop("at") - time.time()) < 60
    assert given == {"marketing": True, "tcf": "CPx", "gpp": "DBAA"}


@pytest.mark.parametrize("order", [OURS + LOADER, LOADER + OURS])
def test_a_thank_you_page_visited_again_reports_no_second_sale(
    site: Any, page: Any, order: str
) -> None:
    called = '<script>tillpost("checkout", "tok9"); fbq("track", "Purchase", {value: 1});</script>'
    site.pages["/thanks"] = order + called
    site.pages["/other"] = order + called.replace("tok9", "tok10")
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: site.events("Purchase") and site.vendor("Purchase"))
    page.goto(f"{HOME}/thanks")
    page.wait_for_timeout(1800)
    assert ids(site.events("Purchase")) == ["purchase.tok9"]
    assert [hit["eid"] for hit in site.vendor("Purchase")] == ["purchase.tok9"]
    page.evaluate('fbq("track", "Purchase", {value: 1}, {eventID: "another"})')
    site.wait(lambda: len(site.vendor("Purchase")) == 2)
    page.evaluate('fbq("trackSingle", "1234567890123456", "Purchase", {}, {eventID: "another"})')
    site.wait(lambda: len(site.vendor("Purchase")) == 3)
    page.goto(f"{HOME}/other")
    site.wait(lambda: len(site.vendor("Purchase")) == 4 and len(site.events("Purchase")) == 3)
    told = ("purchase.tok9", "/thanks", "another", "/thanks", "purchase.tok10", "/other")
    assert kept(page)["s"] == ["Purchase" + one for one in told]
    assert "s" not in site.beacons[-1]


DONE_ONCE = ("Lead", "Purchase", "Booking", "CompleteRegistration", "Subscribe")


def thanks(site: Any) -> None:
    """A page that tells what the shopper did, with and without ids, and a button that does more."""
    site.pages["/thanks"] = (
        OURS
        + LOADER
        + VIEW
        + """<script>
        fbq("track", "ViewContent", {content_ids: ["7"]});
        fbq("track", "Lead");
        fbq("track", "Purchase", {value: 9, currency: "EUR"});
        fbq("trackCustom", "Booking");
        fbq("track", "CompleteRegistration", {}, {eventID: "account-7"});
        tillpost("track", "Subscribe");
        fbq("track", "Schedule", {}, {eventID: "visit-" + performance.navigation.type});
        </script><body><button onclick="fbq('track', 'Lead')">Write to us</button>"""
    )
    site.pages["/other"] = OURS


def hits_of(site: Any) -> dict[str, int]:
    names = [hit["ev"] for hit in list(site.hits)]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.mark.parametrize("again", ["reload", "go_back"])
def test_a_page_that_is_loaded_again_tells_its_views_and_nothing_else(
    site: Any, page: Any, again: str
) -> None:
    thanks(site)
    page.goto(f"{HOME}/thanks")
    page.click("body")
    site.wait(lambda: len(site.events()) == 8 and len(site.hits) == 7)
    if again == "go_back":
        page.goto(f"{HOME}/other")
        site.wait(lambda: len(site.events()) == 9)
    getattr(page, again)()
    page.wait_for_timeout(1800)
    assert {name: len(site.events(name)) for name in DONE_ONCE} == dict.fromkeys(DONE_ONCE, 1)
    assert hits_of(site) == {
        **dict.fromkeys(("Booking", "CompleteRegistration", "Lead", "Purchase"), 1),
        **dict.fromkeys(("PageView", "Schedule", "ViewContent"), 2),
    }
    assert len(site.events("ViewContent")) == 2

    page.click("button")
    site.wait(lambda: len(site.events("Lead")) == 2)
    assert sorted(ids(site.events("Lead"))) == sorted(hit["eid"] for hit in site.vendor("Lead"))


def test_a_page_that_is_come_to_anew_tells_again_what_had_no_id_of_its_own(
    site: Any, page: Any
) -> None:
    thanks(site)
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: len(site.events()) == 8 and len(site.hits) == 7)
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: len(site.events("Lead")) == 2 and len(site.vendor("Lead")) == 2)
    page.wait_for_timeout(600)
    assert ids(site.events("CompleteRegistration")) == ["account-7"]
    assert [hit["eid"] for hit in site.vendor("CompleteRegistration")] == ["account-7"]
    assert len(set(ids(site.events("Booking")))) == 2


def test_the_script_alone_is_enough_and_twice_is_as_once(site: Any, page: Any) -> None:
    tag = '<script src="https://tp.shop.test/px.js"></script>'
    site.pages["/"] = tag + LOADER + VIEW + tag + OURS
    page.goto(HOME)
    site.wait(lambda: site.events() and site.hits)
    page.wait_for_timeout(1000)
    assert ids(site.events()) == [hit["eid"] for hit in site.hits]
