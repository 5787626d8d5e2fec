"""The overview in a real Chromium: read by eye, by keyboard, on a phone, by day and by night."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.reader import Reader, chromium
from tests.live import Live, wait_for
from tests.orders import order

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

NAUGHTY = "<img src=x onerror=alert(1)>"
JUDGED = {
    "orders": 4,
    "browser_only": 0,
    "server_only": 1,
    "both": 3,
    "neither": 0,
    "counted": 4,
    "doubled": 0,
    "matchable": 3,
    "matched": 3,
    "matched_wrong": 0,
    "attributable": 2,
    "attributed_right": 2,
    "revenue_by_channel": {"Paid Social": "1200.00", "Direct": "34.50"},
    "roas_by_campaign": [
        {
            "campaign": NAUGHTY,
            "currency": "USD",
            "spend": "100.00",
            "platform_roas": 4.2,
            "true_roas": 2.1,
        }
    ],
}
BLOCKED = {**JUDGED, "server_only": 4, "both": 0}


def _delivered(server: Live, number: int, **changes: Any) -> None:
    made = order(number, **changes)
    assert server.webhook(made).status == 200
    server.purchase(str(made["id"]))


def test_an_order_shows_by_itself_while_the_page_is_open(chromium: Browser, server: Live) -> None:
    context = chromium.new_context()
    reader = Reader(context, server)
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("No order yet.")
    _delivered(server, 3001)
    page = reader.page
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Every order is counted once.", timeout=15_000
    )
    receipt = page.get_by_role("region", name="Last order")
    expect(receipt).to_contain_text("#3001")
    expect(receipt).to_contain_text("$59.00")
    expect(receipt).to_contain_text("once")
    expect(receipt).to_contain_text("e-mail")
    expect(page.locator("#chart canvas")).to_be_visible()
    assert reader.complaints == []
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_width_and_light(
    chromium: Browser, server: Live, width: int, scheme: Any
) -> None:
    _delivered(server, 3010, name=NAUGHTY)
    (server.data / "demo.json").write_text(json.dumps(JUDGED))
    size: Any = {"width": width, "height": 800}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    reader = Reader(context, server)
    page = reader.page
    expect(page.get_by_role("heading", name="Latest orders")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = int(paper.split("(")[1].split(",")[0]) > 128
    assert bright == (scheme == "light")
    expect(page.get_by_text(NAUGHTY).first).to_be_visible()
    assert reader.complaints == []
    context.close()


def test_the_switch_blocks_every_pixel_and_shows_what_stands(
    chromium: Browser, server: Live
) -> None:
    _delivered(server, 3020)
    (server.data / "demo.json").write_text(json.dumps(JUDGED))
    context = chromium.new_context()
    reader = Reader(context, server)
    page = reader.page
    page.get_by_role("button", name="Block every pixel").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    (server.data / "demo-blocked.json").write_text(json.dumps(BLOCKED))
    row = page.get_by_role("row", name="Orders the browser reported")
    expect(row).to_contain_text("falls to nothing", timeout=10_000)
    expect(page.get_by_role("row", name="Orders counted")).to_contain_text("stands still")
    expect(page.get_by_role("row", name="Revenue").first).to_contain_text("stands still")
    page.get_by_role("button", name="Let the pixels through").click()
    expect(page.get_by_role("button", name="Block every pixel")).to_be_visible()
    assert "pixels" not in page.url
    assert reader.complaints == []
    context.close()


def test_the_chosen_colours_stay_and_no_script_is_needed(chromium: Browser, server: Live) -> None:
    _delivered(server, 3030)
    context = chromium.new_context(java_script_enabled=False, color_scheme="light")
    reader = Reader(context, server)
    page = reader.page
    page.get_by_role("link", name="7 days").click()
    page.get_by_role("button", name="Dark").click()
    assert "days=7" in page.url
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_text("Show as a table").click()
    expect(page.get_by_role("table", name="Revenue and orders by day")).to_be_visible()
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    context.close()


def test_the_keyboard_reaches_everything_and_focus_shows(chromium: Browser, server: Live) -> None:
    _delivered(server, 3040)
    context = chromium.new_context()
    page = Reader(context, server).page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the numbers")).to_be_focused()
    focused = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    assert {"Auto", "Light", "Dark", "Sign out", "7 days"} <= set(focused)
    context.close()


def test_every_table_has_a_caption_and_headed_rows(chromium: Browser, server: Live) -> None:
    _delivered(server, 3050)
    context = chromium.new_context()
    page = Reader(context, server).page
    wait_for(lambda: page.locator("table").count() >= 4)
    bare = page.evaluate(
        """() => [...document.querySelectorAll('table:not(#chart table)')].filter(t => !t.caption
           || [...t.querySelectorAll('thead th, tbody th')].some(h => !h.scope)).length"""
    )
    assert bare == 0
    context.close()
