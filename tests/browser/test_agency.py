"""An agency's day in a real Chromium: first sign-in, all shops, a client's link, who did what."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.acceptance.test_two_shops import shops as _shops
from tests.browser.reader import DESK, PHONE, chromium, settled, too_small, too_wide, turn_to
from tests.live import Live, wait_for

from tillpost.serve.keeper import FIRST_FILE

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

shops = _shops
GOOD, BETTER = "a heron reads slowly", "an otter swims at dusk"


@pytest.fixture
def pages(chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """A page on a desk and one on a phone."""
    windows = [look.context(chromium) for look in (DESK, PHONE)]
    desk, phone = (window.new_page() for window in windows)
    yield desk, phone
    for window in windows:
        window.close()


def fill(page: Page, fields: dict[str, str]) -> None:
    for label, text in fields.items():
        page.get_by_label(label).fill(text)


def fits(page: Page) -> None:
    assert too_wide(page) == 0, page.url
    assert page.viewport_size is not None
    if page.viewport_size["width"] == PHONE.width:
        assert too_small(page) == [], page.url


def test_from_the_first_sign_in_to_a_client_who_sees_one_shop(
    pages: tuple[Page, Page], shops: dict[str, Live]
) -> None:
    owner, phone = pages
    server = shops["a"]
    lead = {"event_name": "Lead", "event_id": "lead-of-a", "user_data": {"em": "x@y.zz"}}
    assert server.post("/events/a", lead).status == 200
    wait_for(lambda: server.get("/api/v1/events")["items"])
    token = (server.data / FIRST_FILE).read_text()

    owner.goto(f"{server.url}/first?token={quote(token)}")
    fill(owner, {"Name": "ada", "Password": GOOD})
    owner.get_by_role("button").click()
    owner.wait_for_url(lambda url: "/first" not in url)
    _sees_all_shops(owner)
    _adds_somebody(owner)
    address = _makes_a_link(owner)
    _client_sees_one_shop(phone, address)
    phone.context.clear_cookies()
    _reads_on_the_phone(phone, server)
    turn_to(owner, "Audit log")
    log = owner.get_by_role("table")
    for what in ("signed in", "bo"):
        expect(log).to_contain_text(what)
    expect(owner.locator(".proof")).to_contain_text("The chain is whole")
    fits(owner)


def _sees_all_shops(owner: Page) -> None:
    turn_to(owner, "Portfolio")
    rows = owner.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("no order yet")
    owner.get_by_role("rowheader").get_by_role("link", name="b", exact=True).click()
    owner.wait_for_url("**shop=b**")
    settled(owner)
    expect(owner.locator(".where strong")).to_have_text("b")
    owner.get_by_label("Shop", exact=True).select_option("a")
    owner.wait_for_url("**shop=a**")
    settled(owner)
    fits(owner)


def _adds_somebody(owner: Page) -> None:
    turn_to(owner, "Users")
    owner.get_by_label("Name", exact=True).fill("bo")
    owner.get_by_label("Password, at least 12 characters").fill(BETTER)
    owner.get_by_label("Role").select_option("reader")
    owner.get_by_role("button", name="Add user").click()
    expect(owner.get_by_role("status")).to_contain_text("bo can sign in now")
    fits(owner)


def _makes_a_link(owner: Page) -> str:
    fill(owner, {"A read-only link for": "Client"})
    owner.get_by_role("button", name="Make a link to a").click()
    said = owner.get_by_role("status").inner_text()
    found = re.search(r"http\S+", said)
    assert found is not None, said
    return found[0]


def _client_sees_one_shop(phone: Page, address: str) -> None:
    phone.goto(address)
    turn_to(phone, "Portfolio")
    expect(phone.locator("tbody tr")).to_have_count(1)
    expect(phone.locator("tbody")).to_contain_text("a")
    turn_to(phone, "Events")
    expect(phone.get_by_role("button", name="Send a test event")).to_have_count(0)
    phone.get_by_role("link", name="Menu", exact=True).click()
    expect(phone.get_by_role("link", name="Users")).to_have_count(0)
    phone.get_by_role("link", name="Close").click()
    crossed = phone.goto(phone.url.split("/events")[0] + "/orders?shop=b")
    assert crossed is not None
    assert crossed.status == 400


def _reads_on_the_phone(phone: Page, server: Live) -> None:
    phone.goto(f"{server.url}/portfolio")
    fill(phone, {"Name": "bo", "Password": BETTER})
    fits(phone)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.locator("tbody tr")).to_have_count(2)
    fits(phone)
    turn_to(phone, "Password")
    new = f"{BETTER} and dives"
    typed = {"Present password": BETTER, "New password": new, "The new one again": new}
    fill(phone, typed)
    phone.get_by_role("button", name="Change it").click()
    expect(phone.get_by_role("status")).to_contain_text("The password is changed")
    fits(phone)
