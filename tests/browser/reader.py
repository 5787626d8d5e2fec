"""Somebody in a real Chromium before the dashboard, and every complaint of their browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from tests.live import Live

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


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
    """Somebody signed in; `complaints` are errors, warnings and dialogs of their browser."""

    def __init__(self, context: BrowserContext, server: Live) -> None:
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(f"{server.url}/")
        self.page.get_by_label("Password").fill(server.secrets["admin_password"])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{server.url}/")

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()
