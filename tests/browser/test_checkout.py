"""A whole checkout in a real Chromium, before a real server and beside the shop's webhook.

The page has an fbq that knows nothing of ids. Whatever the browser lets through, the order
is one event, once, under the id that the page's own hit carried.
"""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import LIBRARY, OURS, OWN_PATH, SHOP, VENDOR
from tests.browser.test_shopify import CHECKOUT, PAGES, YES
from tests.live import DATASET, Live, wait_for
from tests.orders import iso, order

from tillpost.collect.pixel import PixelConfig, snippet

pytestmark = pytest.mark.browser

HOME = f"https://{SHOP}"
LOADER = Path(__file__).with_name("pages").joinpath("loader.html").read_text()
SECRETS = {
    "webhook_secret": "hush-hush-hush-hush",
    "server_key": "key-of-the-back-end",
    "access_token": "EAAtoken",
    "receiver_token": "receiver-token-1",
    "admin_password": "correct horse battery",
}
CONFIG = f"""
[server]
trusted_proxies = ["127.0.0.0/8"]
[[shops]]
name = "demo"
domain = "demo-shop.myshopify.com"
country = "US"
origins = ["{HOME}"]
server_keys = [{{ key = "{SECRETS["server_key"]}", scopes = ["events", "reports"] }}]
[shops.shopify]
webhook_secrets = ["{SECRETS["webhook_secret"]}"]
[shops.orders]
join_wait = 2
[shops.pixel]
path = "{OWN_PATH}"
[[destinations]]
kind = "meta"
shop = "demo"
dataset_id = "{DATASET}"
access_token = "{SECRETS["access_token"]}"
url = "embedded"
[[receiver.datasets]]
id = "{DATASET}"
access_token = "{SECRETS["access_token"]}"
"""


@pytest.fixture
def live(site: Any, start_server: Callable[..., Live], tmp_path: Path) -> Live:
    """A server with settings of its own, reached through the stand-in's TLS."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "dev-secrets.json").write_text(json.dumps(SECRETS))
    config = tmp_path / "tillpost.toml"
    config.write_text(CONFIG)
    started = start_server(f"--config={config}", data=data)
    site.behind = started.url
    return started


def pages(site: Any, token: str, *, url: str = f"https://{OURS}", path: str = "/px") -> None:
    """A landing, a checkout and a thank-you page, each with the snippet before the page's fbq."""
    ours = snippet("page", PixelConfig("demo", url, path=path))
    known = f'<script>tillpost("checkout", "{token}")</script>'
    call = '<script>fbq("track", "{}", {{value: 59, currency: "USD"}});</script>'.format
    view = '<script>fbq("track", "PageView");</script>'
    site.pages["/"] = ours + LOADER + view
    site.pages["/checkout"] = ours + known + LOADER + view + call("InitiateCheckout")
    site.pages["/thanks"] = ours + known + LOADER + view + call("Purchase")


def shop_through(page: Any) -> None:
    """Land from an ad, check out, and stay on the thank-you page until all has been told."""
    land(page)
    page.goto(f"{HOME}/checkout")
    page.wait_for_timeout(700)
    page.goto(f"{HOME}/thanks")
    page.wait_for_timeout(700)


def land(page: Any, path: str = "/") -> None:
    """Come from a paid link, and stay until that has been told."""
    page.goto(f"{HOME}{path}?utm_source=facebook&utm_medium=paid_social&fbclid=IwAR0aB-c_D")
    page.wait_for_timeout(700)


def block_vendor(context: Any) -> None:
    for host in (LIBRARY, VENDOR):
        context.route(f"https://{host}/**", lambda route: route.abort("connectionrefused"))


def items(live: Live, event_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = live.get(f"/api/v1/events?event_id={event_id}")["items"]
    return found


def received(live: Live, event_id: str) -> list[dict[str, Any]]:
    """What the platform has got under one id, from browser and server."""
    path = f"/api/v1/receiver/events?event_id={event_id}"
    found: list[dict[str, Any]] = live.get(path)["items"]
    return found


def by_source(live: Live, event_id: str) -> list[str]:
    return sorted(each["source"] for each in received(live, event_id))


def sold(live: Live, token: str) -> dict[str, Any]:
    """The row of the order, whose webhook comes twice; one event was sent and one is counted."""
    now: dict[str, Any] = {"created_at": iso(), "processed_at": iso(), "updated_at": iso()}
    made = order(checkout_token=token, client_details=None, browser_ip=None, **now)
    for _ in range(2):
        assert live.webhook(made).status == 200
    item = live.purchase(str(made["id"]))
    assert item["event_id"] == f"purchase.{token}"
    assert [each["id"] for each in items(live, f"purchase.{token}")] == [item["id"]]
    assert [outcome["state"] for outcome in item["outcomes"]] == ["delivered"]
    wait_for(lambda: "server" in by_source(live, item["event_id"]))
    assert sum(each["duplicate_of"] is None for each in received(live, item["event_id"])) == 1
    (row,) = live.get("/api/v1/reports/orders")["rows"]
    assert (row["value"], row["server"]) == ("59.00", True)
    assert live.get("/api/v1/ledger")["balanced"] is True
    return dict(row)


def begun_once(live: Live, token: str) -> None:
    """The checkout is one event of the gateway's, delivered under the page's id."""
    (begun,) = wait_for(lambda: items(live, f"ic.{token}"))
    assert begun["event_name"] == "InitiateCheckout"
    wait_for(lambda: items(live, f"ic.{token}")[0]["outcomes"][0]["state"] == "delivered")


def hits(site: Any, name: str) -> list[str]:
    return [hit["eid"] for hit in site.vendor(name)]


def test_a_checkout_is_one_sale_under_one_id(site: Any, live: Live, page: Any) -> None:
    pages(site, "tok1")
    shop_through(page)
    site.wait(lambda: hits(site, "Purchase"))
    row = sold(live, "tok1")
    assert (row["browser"], row["channel"], row["source"]) == (True, "Paid Social", "facebook")
    assert hits(site, "Purchase") == ["purchase.tok1"]
    assert hits(site, "InitiateCheckout") == ["ic.tok1"]
    assert by_source(live, "purchase.tok1") == ["browser", "server"]
    begun_once(live, "tok1")
    views = {hit["eid"] for hit in site.vendor("PageView")}
    assert len(views) == 3
    assert all(len(items(live, view)) == 1 for view in views)


def test_shopifys_custom_pixel_and_the_webhook_are_one_sale(
    site: Any, live: Live, page: Any
) -> None:
    """The pixel stands where Shopify puts it, and its vendor's library is off, as by default."""
    pixel = snippet("shopify", PixelConfig("demo", f"https://{OURS}", path=OWN_PATH))
    sandbox = (PAGES / "sandbox.html").read_text().replace("PRIVACY", json.dumps(YES))
    site.pages["/"] = f"{sandbox}<script>{{{pixel}}}</script>"
    page.goto(HOME)
    search = "?utm_source=facebook&utm_medium=paid_social&fbclid=IwAR0aB-c_D"
    # Shopify says when each happened; a moment ago, as the order's webhook says too.
    happen = "([n, d, s, t]) => happen(n, d, s, t)"
    page.evaluate(happen, ["page_viewed", {}, search, iso(300)])
    checkout = {"checkout": {**CHECKOUT, "token": "tok9"}}
    page.evaluate(happen, ["checkout_started", checkout, "", iso(60)])
    page.evaluate(happen, ["checkout_completed", checkout, "", iso(5)])
    row = sold(live, "tok9")
    assert (row["browser"], row["channel"], row["source"]) == (True, "Paid Social", "facebook")
    assert by_source(live, "purchase.tok9") == ["server"]
    begun_once(live, "tok9")
    assert live.get("/api/v1/bad-rows")["items"] == []


def test_with_the_vendor_blocked_the_server_tells_it_alone(
    site: Any, live: Live, context: Any, page: Any
) -> None:
    block_vendor(context)
    pages(site, "tok2")
    shop_through(page)
    row = sold(live, "tok2")
    assert (row["browser"], row["channel"]) == (True, "Paid Social")
    assert site.hits == []
    assert by_source(live, "purchase.tok2") == ["server"]
    begun_once(live, "tok2")


@pytest.mark.parametrize("own", [False, True])
def test_a_blocker_knows_the_usual_path_and_not_the_shops_own(
    site: Any, live: Live, context: Any, page: Any, *, own: bool
) -> None:
    block_vendor(context)
    context.route(re.compile(r"/px\b"), lambda route: route.abort("blockedbyclient"))
    if own:
        pages(site, "tok3", url=HOME, path=OWN_PATH)
    else:
        pages(site, "tok3")
    shop_through(page)
    row = sold(live, "tok3")
    told = (True, "Paid Social") if own else (False, "Unknown")
    assert (row["browser"], row["channel"]) == told
    assert by_source(live, "purchase.tok3") == ["server"]
    assert bool(items(live, "ic.tok3")) is own


def test_cookies_cleared_before_the_sale_change_nothing_of_it(
    site: Any, live: Live, context: Any, page: Any
) -> None:
    pages(site, "tok4")
    land(page)
    page.goto(f"{HOME}/checkout")
    page.wait_for_timeout(700)
    context.clear_cookies()
    page.goto(f"{HOME}/thanks")
    site.wait(lambda: hits(site, "Purchase"))
    page.wait_for_timeout(700)
    row = sold(live, "tok4")
    assert (row["browser"], row["channel"]) == (True, "Paid Social")
    assert hits(site, "Purchase") == ["purchase.tok4"]
    begun_once(live, "tok4")


def test_denied_then_granted_tells_all_once(site: Any, live: Live, page: Any) -> None:
    pages(site, "tok5")
    revoked = LOADER.replace('fbq("init"', 'fbq("consent", "revoke"); fbq("init"')
    site.pages["/thanks"] = site.pages["/thanks"].replace(LOADER, revoked)
    land(page, "/thanks")
    page.wait_for_timeout(1200)
    assert site.hits == []
    assert items(live, "purchase.tok5") == []
    page.evaluate('fbq("consent", "grant")')
    site.wait(lambda: hits(site, "Purchase"))
    page.wait_for_timeout(700)
    row = sold(live, "tok5")
    assert (row["browser"], row["channel"]) == (True, "Paid Social")
    assert hits(site, "Purchase") == ["purchase.tok5"]
    assert by_source(live, "purchase.tok5") == ["browser", "server"]


def test_a_refusal_holds_the_sale_back_and_it_counts_in_the_reports(
    site: Any, live: Live, page: Any
) -> None:
    pages(site, "tok6")
    revoked = LOADER.replace('fbq("init"', 'fbq("consent", "revoke"); fbq("init"')
    site.pages["/thanks"] = site.pages["/thanks"].replace(LOADER, revoked)
    land(page, "/thanks")
    page.goto("about:blank")
    wait_for(lambda: items(live, "purchase.tok6"))
    made = order(checkout_token="tok6")
    assert live.webhook(made).status == 200
    item = live.purchase(str(made["id"]))
    assert [(o["state"], o["reason"]) for o in item["outcomes"]] == [("dropped", "consent_denied")]
    assert received(live, "purchase.tok6") == []
    (row,) = live.get("/api/v1/reports/orders")["rows"]
    assert row["value"] == "59.00"


def test_a_tab_closed_on_the_sale_has_reported_it(site: Any, live: Live, page: Any) -> None:
    pages(site, "tok7")
    land(page)
    page.goto(f"{HOME}/thanks")
    page.close(run_before_unload=True)
    wait_for(lambda: items(live, "purchase.tok7"))
    row = sold(live, "tok7")
    assert (row["browser"], row["channel"]) == (True, "Paid Social")
    assert set(hits(site, "Purchase")) <= {"purchase.tok7"}


def test_a_thank_you_page_opened_again_sells_nothing(site: Any, live: Live, page: Any) -> None:
    pages(site, "tok8")
    shop_through(page)
    site.wait(lambda: hits(site, "Purchase"))
    sold(live, "tok8")
    page.goto(f"{HOME}/thanks")
    page.wait_for_timeout(1800)
    assert hits(site, "Purchase") == ["purchase.tok8"]
    assert len(items(live, "purchase.tok8")) == 1
    assert by_source(live, "purchase.tok8") == ["browser", "server"]


def days_of(context: Any) -> dict[str, tuple[str, int]]:
    """Value and days that each cookie still has, but that of a hit under way."""
    return {
        cookie["name"]: (cookie["value"], round((cookie["expires"] - time.time()) / 86_400))
        for cookie in context.cookies()
        if cookie["name"] != "_tp_d"
    }


def test_the_server_sets_the_scripts_cookies_again(
    site: Any, live: Live, context: Any, page: Any
) -> None:
    """As if the browser had cut them to a day, as Safari does with what a script wrote."""
    pages(site, "tok9")
    short = {"_tp_vid": "123456789012345", "_fbp": "fb.1.1790000000000.77", "theme": "dark"}
    soon = time.time() + 86_400
    context.add_cookies(
        [
            {"name": name, "value": value, "domain": ".shop.test", "path": "/", "expires": soon}
            for name, value in short.items()
        ]
    )
    page.goto(HOME)
    site.wait(lambda: hits(site, "PageView"))
    site.wait(lambda: days_of(context)["_fbp"][1] > 1)
    assert days_of(context) == {
        "_tp_vid": ("123456789012345", 400),
        "_fbp": ("fb.1.1790000000000.77", 90),
        "theme": ("dark", 1),
    }
