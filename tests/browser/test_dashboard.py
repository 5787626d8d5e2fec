"""Every screen in a real Chromium: wide and narrow, by day and by night, with bad words in it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.acceptance.test_screens import purchase, visit
from tests.browser.reader import DESK, PHONE, Look, Reader, chromium, too_small, too_wide
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
def test_every_screen_fits_and_axe_finds_no_serious_issue(
    chromium: Browser, shop: Live, width: int, scheme: Any
) -> None:
    context = Look(width, scheme).context(chromium)
    reader = Reader(context, shop)
    page, found = reader.page, []
    orders = [f"/order?id={order(number)['id']}" for number in (7000, 7008)]
    more = [*orders, "/channels?by=campaign", "/event?id=1", "/password"]
    for path in ["/", *(screen.path for screen in LISTED), *more]:
        go(page, path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert too_wide(page) == 0, path
        assert width > PHONE.width or too_small(page) == [], path
        found += [f"{path} {fault}" for fault in faults(page)]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = int(paper.split("(")[1].split(",")[0]) > 128
    assert bright == (scheme == "light")
    assert (found, reader.complaints) == ([], [])
    context.close()


def faults(page: Page) -> list[str]:
    """Serious issues that axe finds, each with where."""
    if not AXE.exists():
        missing = "no axe-core: npm ci --prefix tests/browser"
        if os.environ.get("TILLPOST_ALL") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    page.evaluate(AXE.read_text("utf-8"))
    told = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{broken['id']}: {json.dumps([node['target'] for node in broken['nodes']][:3])}"
        for broken in told["violations"]
        if broken["impact"] in {"serious", "critical"}
    ]


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
    windows = [look.context(chromium) for look in (DESK, PHONE)]
    readers = [Reader(window, server) for window in windows]
    for reader in readers:
        reader.open("Checklist")

    def shown(steps: int) -> None:
        for reader in readers:
            heading = reader.page.get_by_role("heading", name="are in place")
            expect(heading).to_have_text(f"{steps} of 7 are in place", timeout=20_000)

    shown(0)
    assert server.webhook(order(7100), secret="another").status == 401
    for reader in readers:
        told = reader.page.get_by_text("signed with another secret")
        expect(told).to_be_visible(timeout=10_000)
    made = order(7100)
    assert server.beacon(visit(made), purchase(made)).status == 204
    assert server.webhook(made).status == 200
    shown(6)
    key = f"Bearer {server.secrets['server_key']}"
    spend = b"date,platform,campaign,spend,currency\n2026-11-20,meta,Spring,1.00,USD\n"
    assert server.ask("POST", "/api/v1/spend/demo", spend, authorization=key).status == 200
    shown(7)
    for reader, window in zip(readers, windows, strict=True):
        assert (reader.complaints, too_wide(reader.page)) == ([], 0)
        window.close()
    wait_for(lambda: server.get("/api/v1/ledger")["balanced"])
