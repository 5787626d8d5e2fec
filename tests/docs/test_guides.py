"""Every block of every page, followed to the letter: what is typed runs, what is shown comes.

`followed.toml` says where each page begins, and what is not run here, with its reason.
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import PAGES, ROOT, Block, blocks, written
from tests.docs.reader import Reader
from tests.shopify_admin import admin_api, graphql_order

FOLLOWED: dict[str, Any] = tomllib.loads((Path(__file__).parent / "followed.toml").read_text())
LEFT_OUT: list[dict[str, str]] = FOLLOWED["left_out"]
INTERRUPTED: list[dict[str, str]] = FOLLOWED["interrupted"]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


WITH_BLOCKS = [_name(page) for page in [ROOT / "README.md", *PAGES] if written(page)]
_AFTER = [name for name, page in FOLLOWED["pages"].items() if "after" in page]


def _listed(rows: list[dict[str, str]], page: str, block: Block) -> bool:
    return any(row["page"] == page and row["has"] in block.text for row in rows)


@pytest.fixture(scope="module")
def first_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody who has followed the tutorial; the server runs."""
    with Reader(tmp_path_factory.mktemp("first-shop")) as reader:
        site = "--site https://www.acme.example --country US"
        reader.type(f"tillpost init shop --domain acme.myshopify.com {site}")
        reader.start("tillpost serve --config shop/tillpost.toml")
        reader.type("tillpost trigger Purchase --config shop/tillpost.toml")
        yield reader


def _told(page: str) -> list[Block]:
    """What a reader of the page does here."""
    return [block for block in written(ROOT / page) if not _listed(LEFT_OUT, page, block)]


def _follow(reader: Reader, page: str) -> int:
    """Do what each block says; a block that fails, or shows something else, fails the test."""
    told = _told(page)
    for block in told:
        reader.follow(block, interrupted=_listed(INTERRUPTED, page, block))
    return len(told)


_AFRESH = [page for page in WITH_BLOCKS if page not in _AFTER and _told(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", _AFRESH)
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.stopping = tuple(FOLLOWED["pages"].get(page, {}).get("stopping", ()))
        assert _follow(reader, page) > 0


@pytest.mark.slow
@pytest.mark.parametrize("page", _AFTER)
def test_a_page_for_a_shop_that_runs_does_what_it_says(page: str, first_shop: Reader) -> None:
    told = FOLLOWED["pages"][page]
    settings = first_shop.settings.read_text("utf-8")
    with ExitStack() as stack:
        stack.callback(_put_back, first_shop, settings)
        first_shop.failing = tuple(told.get("failing", ()))
        if "environment" in told:
            shopify = stack.enter_context(admin_api([graphql_order(5001, "2026-11-20T10:00:00Z")]))
            first_shop.given = {
                name: value.format(shopify=shopify.url)
                for name, value in told["environment"].items()
            }
            first_shop.is_stale = True
        assert _follow(first_shop, page) > 0


def _put_back(reader: Reader, settings: str) -> None:
    """The shop as the next page expects it."""
    reader.leave()
    if reader.given or reader.settings.read_text("utf-8") != settings:
        reader.change(settings)
    reader.given, reader.failing = {}, ()


@pytest.mark.parametrize(
    "row", [*LEFT_OUT, *INTERRUPTED], ids=lambda row: f"{row['page']}: {row['has']}"
)
def test_every_exception_is_needed(row: dict[str, str]) -> None:
    assert [block for block in written(ROOT / row["page"]) if row["has"] in block.text]


def test_every_block_is_of_a_kind_that_is_followed() -> None:
    known = {"sh", "console", "text", "toml", "json", "python", "js"}
    for page in WITH_BLOCKS:
        assert {block.kind for block in blocks(ROOT / page)} <= known, page


GUIDES = (
    "tutorial/first-shop", "guides/shopify-app", "guides/woocommerce", "guides/any-back-end",
    "guides/testing-a-capi-integration", "guides/go-live", "guides/moving", "guides/deduplicate",
    "guides/consent", "guides/refunds", "guides/reconciliation", "guides/agency", "guides/gdpr",
    "guides/production", "guides/backup",
)  # fmt: skip


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_says_how_soon_it_leads_to_something_true(guide: str) -> None:
    text = (ROOT / f"docs/{guide}.md").read_text("utf-8")
    found = re.search(
        r"^\*\*First true result:\*\* .+ (\d+) minutes .+ (\d+) seconds\.$", text, re.MULTILINE
    )
    assert found is not None
    assert int(found[1]) <= 10
    assert written(ROOT / f"docs/{guide}.md")
