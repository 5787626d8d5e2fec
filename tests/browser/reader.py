"""Somebody in a real Chromium before the dashboard, and every complaint of their browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from tests.live import Live

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


class Look(NamedTuple):
    """How somebody looks at the pages."""

    width: int
    scheme: Any

    def context(self, browser: Browser) -> BrowserContext:
        """A fresh window of this look; the narrow one is touched."""
        size: Any = {"width": self.width, "height": 800}
        made = browser.new_context(
            viewport=size, color_scheme=self.scheme, has_touch=self.width < 500
        )
        made.set_default_timeout(15_000)
        return made


DESK, PHONE = Look(1280, "light"), Look(390, "dark")
LOOKS = pytest.mark.parametrize("look", [DESK, PHONE], ids=["desk", "phone"])
"""Both widths and both lights, in two windows."""
LEAST = 36
"""CSS pixels in height of what is pressed on a phone; WCAG 2.2 asks for 24."""


@pytest.fixture(scope="module")
def chromium(play: Playwright) -> Iterator[Browser]:
    """A browser that the tests of a module share."""
    if not Path(CHROMIUM).exists():
        pytest.fail(
            f"there is no Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM"
        )
    browser = play.chromium.launch(executable_path=CHROMIUM)
    yield browser
    browser.close()


class Reader:
    """Somebody signed in, once a context; `complaints` are errors, warnings and dialogs."""

    def __init__(self, context: BrowserContext, server: Live) -> None:
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(f"{server.url}/")
        if "/login" in self.page.url:
            self.page.get_by_label("Password").fill(server.secrets["admin_password"])
            self.page.get_by_role("button", name="Sign in").click()
            self.page.wait_for_url(f"{server.url}/")

    def open(self, title: str) -> None:
        """A page by its name in the menu, which a narrow window has to open first."""
        turn_to(self.page, title)

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()


def turn_to(page: Page, title: str) -> None:
    """Open a page by its name in the menu, which may be folded away; it shows its figures."""
    settled(page)
    unfold = page.get_by_role("link", name="Menu", exact=True)
    if unfold.is_visible():
        unfold.click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True).click()
    settled(page)


def settled(page: Page) -> None:
    """Return when the page has loaded and shows its figures."""
    page.wait_for_load_state()
    expect(page.locator("#reading")).to_have_count(0, timeout=20_000)


def too_small(page: Page) -> list[str]:
    """What somebody's thumb would miss: all that is pressed and no part of a line of text."""
    found: list[str] = page.evaluate(
        """least => [...document.querySelectorAll("button, select, input, summary, .menu a, a")]
            .map(e => [e, (e.closest("label") ?? e).getBoundingClientRect()])
            .filter(([e, box]) => box.height && !e.closest("p, h2, .skip, .gone, table"))
            .filter(([e, box]) => box.height < least)
            .map(([e, box]) => `${e.tagName} ${e.textContent.trim() || e.name}: ${box.height}`)""",
        LEAST,
    )
    return found


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return max(0, wide)
