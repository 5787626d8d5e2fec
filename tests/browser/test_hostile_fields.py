"""Bad words typed into every field of every form and filter, in a real Chromium.

No dialog opens, nothing of theirs runs or is refused by the policy, no page grows too wide.
"""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.reader import Reader, chromium
from tests.browser.test_dashboard import LISTED, NAUGHTY, go
from tests.live import Live

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

PAGES = ("/", *(screen.path for screen in LISTED), "/password")
TYPE_EVERYWHERE = """(words) => {
  let n = 0;
  for (const form of document.querySelectorAll("main form, .rail form")) {
    form.noValidate = true;
    for (const field of form.elements) {
      if (field.matches("input:not([type=hidden], [type=file], [type=checkbox]), textarea")) {
        if (!/^(text|search|password|url)$/.test(field.type)) field.type = "text";
        field.removeAttribute("pattern");
        field.value = words[n++ % words.length];
      }
      if (field.tagName === "SELECT") field.options[0].value = words[n++ % words.length];
    }
  }
  return document.querySelectorAll("main form, .rail form").length;
}"""
WIDE = "document.documentElement.scrollWidth"


@pytest.fixture
def reader(chromium: Browser, one_server: Live) -> Reader:
    return Reader(chromium.new_context(viewport={"width": 390, "height": 800}), one_server)


def typed(page: Page, path: str, turn: int) -> int:
    """The page with bad words in all its fields, another one in each; how many forms it has."""
    go(page, path)
    words = [*NAUGHTY[turn:], *NAUGHTY[:turn]]
    forms: int = page.evaluate(TYPE_EVERYWHERE, words)
    return forms


def serious(reader: Reader) -> list[str]:
    """Complaints but for answers that refuse what was asked, as they should."""
    return [c for c in reader.complaints if "Failed to load resource" not in c]


@pytest.mark.parametrize("path", PAGES)
def test_a_bad_word_in_any_field_of_any_form_is_text(
    reader: Reader, path: str, tmp_path: Path
) -> None:
    page = reader.page
    file = tmp_path / "<img src=x onerror=alert(1)>.csv"
    file.write_text("date,platform,campaign,spend,currency\n2026-11-20,meta,<b>x</b>,1.00,USD\n")
    for number in range(typed(page, path, 0)):
        typed(page, path, number)
        forms = page.locator("main form, .rail form")
        if number >= forms.count():
            break
        for given in forms.nth(number).locator("input[type=file]").all():
            given.set_input_files(file)
        with page.expect_navigation():
            forms.nth(number).evaluate("form => setTimeout(() => form.requestSubmit())")
        assert page.evaluate(WIDE) <= 390, (path, number, page.url)
    assert serious(reader) == []


def test_a_bad_word_in_any_filter_of_an_address_is_text(reader: Reader) -> None:
    page = reader.page
    for number, screen in enumerate(LISTED):
        names = ("shop", "days", "since", "until", "model", "window", "basis", "buyers", "sort")
        for turn, name in enumerate((*names, "columns", *screen.own)):
            word: Any = NAUGHTY[(number + turn) % len(NAUGHTY)]
            address = page.evaluate("([n, w]) => new URLSearchParams([[n, w]]) + ''", [name, word])
            go(page, f"{screen.path}?{address}")
            assert page.evaluate(WIDE) <= 390, (screen.path, name)
    assert serious(reader) == []
