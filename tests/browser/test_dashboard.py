"""Every screen in a real Chromium: wide and narrow, by day and by night, with bad words in it,
and what a user would do on it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.acceptance.test_screens import purchase, visit
from tests.browser.reader import Reader, chromium
from tests.live import Live, wait_for
from tests.orders import order
from tests.refused import refuse
from tests.shared import SHARED, needs_shared

from tillpost.serve.screens.catalog import SCREENS

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
NAUGHTY = (
    "<img src=x onerror=alert(1)>",
    "\"><script>alert('1')</script>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "' OR 1=1; --",
    '=HYPERLINK("https://evil.test")',
    "\u202edrawkcab\u2066 \u200b\ufeff",
    "Ω≈ç√∫µ≤≥÷ 田中さん 😍 ۱۲۳ \u0301\u0327\u0489",
    "W" * 200,
    "<svg/onload=alert(1)>&lt;b&gt;&amp;",
)
LISTED = [screen for screen in SCREENS if screen.listed]


@pytest.fixture(scope="module")
def shop(one_server: Live) -> Live:
    """Orders whose every text is a bad word, spend of such campaigns, one dead letter."""
    server = one_server
    for number, text in enumerate(NAUGHTY):
        made = order(7000 + number, name=text)
        made["line_items"][0]["title"] = text
        made["customer"]["first_name"] = text
        landing = visit(made)
        landing["event_source_url"] = landing["event_source_url"].replace("Spring", text)
        assert server.beacon(landing, purchase(made)).status == 204
        assert server.webhook(made).status == 200
    rows = "".join(f'2026-11-20,meta,"{quoted(text)}",3.00,USD\n' for text in NAUGHTY)
    spend = f"date,platform,campaign,spend,currency\n{rows}".encode()
    key = f"Bearer {server.secrets['server_key']}"
    assert server.ask("POST", "/api/v1/spend/demo", spend, authorization=key).status == 200
    server.purchase(str(order(7000)["id"]))
    refuse(server, str(order(7000)["id"]))
    return server


def quoted(text: str) -> str:
    return text.replace('"', '""')


@pytest.fixture
def reader(chromium: Browser, shop: Live) -> Iterator[Reader]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    made = Reader(context, shop)
    yield made
    assert made.complaints == []
    context.close()


def go(page: Page, path: str) -> None:
    base = page.url.split("/", 3)
    page.goto(f"{base[0]}//{base[2]}{path}")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_fits_every_width_and_light(
    chromium: Browser, shop: Live, width: int, scheme: Any
) -> None:
    size: Any = {"width": width, "height": 800}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    reader = Reader(context, shop)
    page = reader.page
    numbers = (order(7000)["id"], order(7008)["id"])
    more = [f"/order?id={number}" for number in numbers] + ["/channels?by=campaign", "/event?id=1"]
    for path in [screen.path for screen in LISTED] + more:
        go(page, path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = int(paper.split("(")[1].split(",")[0]) > 128
    assert bright == (scheme == "light")
    assert reader.complaints == []
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_issue(chromium: Browser, shop: Live, scheme: Any, width: int) -> None:
    if not AXE.exists():
        missing = "no axe-core: npm ci --prefix tests/browser"
        if os.environ.get("TILLPOST_ALL") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    rules = AXE.read_text("utf-8")
    size: Any = {"width": width, "height": 800}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    page = Reader(context, shop).page
    found: dict[str, list[str]] = {}
    more = (f"/order?id={order(7000)['id']}", "/event?id=1", "/password")
    for path in ["/", *(s.path for s in LISTED), *more]:
        go(page, path)
        page.evaluate(rules)
        told = page.evaluate("axe.run({resultTypes: ['violations']})")
        for broken in told["violations"]:
            if broken["impact"] in {"serious", "critical"}:
                where = [node["target"] for node in broken["nodes"]][:3]
                found.setdefault(f"{path} {broken['id']}", []).append(json.dumps(where))
    assert found == {}
    context.close()


def test_an_order_is_found_and_says_why_its_buyer_was_not_known(reader: Reader) -> None:
    page = reader.page
    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_label("Order number, id or event id").fill(str(order(7001)["id"]))
    page.get_by_role("button", name="Find").click()
    page.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page.get_by_role("region", name="Evidence")).to_contain_text("Buyer matched")
    expect(page.locator(".gist")).to_contain_text("did not know the buyer")
    expect(page.locator(".life")).to_contain_text("The shop's server told")
    expect(page.get_by_role("table", name="What each model gives to each visit")).to_be_visible()


def test_a_dead_letter_goes_again_with_one_click(reader: Reader, shop: Live) -> None:
    page = reader.page
    go(page, "/delivery")
    row = page.get_by_role("row", name=str(order(7000)["id"]))
    expect(row).to_contain_text("Invalid parameter")
    row.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("goes again, with the same id")
    item = shop.purchase(str(order(7000)["id"]))
    assert item["outcomes"][0]["state"] == "delivered"
    refuse(shop, str(order(7000)["id"]))


def test_models_are_compared_by_choosing_one(reader: Reader) -> None:
    page = reader.page
    go(page, "/models")
    page.get_by_role("combobox", name="Model").select_option(label="First visit")
    page.wait_for_url("**model=first**")
    heading = page.get_by_role("table", name="Revenue by channel under each model")
    expect(heading.get_by_role("columnheader").nth(1)).to_have_text("First visit")


def test_columns_and_order_are_chosen_and_stay_in_the_address(reader: Reader) -> None:
    page = reader.page
    go(page, "/channels")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Visits").check()
    page.get_by_role("button", name="Show these").click()
    page.get_by_role("link", name="Visits", exact=True).click()
    expect(page.get_by_role("columnheader", name="Visits")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "sort=-visits" in page.url
    assert "columns=visits" in page.url


def test_a_bad_spend_file_is_told_and_a_good_one_counts(reader: Reader, tmp_path: Path) -> None:
    page = reader.page
    heading = "date,platform,campaign,spend,currency\n"
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(f"{heading}yesterday,tiktok,Spring,12.50,USD\n")
    good.write_text(f"{heading}2026-11-20,tiktok,Spring,12.50,USD\n")
    go(page, "/spend")
    page.get_by_label("A file of spend (CSV)").set_input_files(bad)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="bad.csv")).to_be_visible()
    expect(page.get_by_role("table", name="What is wrong in the file")).to_contain_text("yesterday")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.get_by_label("Another file").set_input_files(good)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Import 1 rows").click()
    expect(page.get_by_role("status")).to_contain_text("1 rows of good.csv count now")
    expect(page.get_by_role("table", name="Spend that counts")).to_contain_text("$12.50")


def test_events_come_by_themselves(reader: Reader, shop: Live) -> None:
    page = reader.page
    go(page, "/events")
    expect(page.locator("#tail-state")).to_contain_text("Live", timeout=10_000)
    lead = {"event_name": "Lead", "event_id": "live-lead", "user_data": {"em": "a@mail.example"}}
    assert shop.post("/events/demo", lead).status == 200
    row = page.get_by_role("row", name="live-lead").first
    expect(row).to_contain_text("delivered", timeout=15_000)


def test_the_menu_opens_on_a_phone_without_a_script(chromium: Browser, shop: Live) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 800}, java_script_enabled=False
    )
    page = Reader(context, shop).page
    go(page, "/channels")
    expect(page.get_by_role("link", name="Delivery")).to_be_hidden()
    page.get_by_role("link", name="Menu").click()
    page.get_by_role("link", name="Delivery").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivery")
    context.close()


@needs_shared
def test_the_whole_list_of_naughty_strings_stays_text(reader: Reader, shop: Live) -> None:
    found = sorted((SHARED / "corpora").rglob("blns.json"))
    words = [w for w in json.loads(found[0].read_text("utf-8")) if w.strip() and "\0" not in w]
    rows = "".join(f'2026-11-21,meta,"{quoted(w)}",1.00,USD\n' for w in words)
    spend = f"date,platform,campaign,spend,currency\n{rows}".encode("utf-8", "replace")
    key = f"Bearer {shop.secrets['server_key']}"
    told = shop.ask("POST", "/api/v1/spend/demo", spend, authorization=key)
    assert told.status == 200, told.body[:500]
    for path in ("/channels?by=campaign", "/ads", "/utm", "/spend"):
        go(reader.page, path)
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 1280, path


def test_the_checklist_turns_green_by_itself(chromium: Browser, server: Live) -> None:
    context = chromium.new_context()
    reader = Reader(context, server)
    page = reader.page
    go(page, "/setup")
    heading = page.get_by_role("heading", name="are in place")
    expect(heading).to_have_text("0 of 7 are in place")
    assert server.webhook(order(7100), secret="another").status == 401
    expect(page.get_by_text("signed with another secret")).to_be_visible(timeout=10_000)
    made = order(7100)
    assert server.beacon(visit(made), purchase(made)).status == 204
    assert server.webhook(made).status == 200
    expect(heading).to_have_text("6 of 7 are in place", timeout=20_000)
    key = f"Bearer {server.secrets['server_key']}"
    spend = b"date,platform,campaign,spend,currency\n2026-11-20,meta,Spring,1.00,USD\n"
    assert server.ask("POST", "/api/v1/spend/demo", spend, authorization=key).status == 200
    expect(heading).to_have_text("7 of 7 are in place", timeout=10_000)
    assert reader.complaints == []
    context.close()
    wait_for(lambda: server.get("/api/v1/ledger")["balanced"])
