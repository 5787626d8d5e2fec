"""What the docs name is there: pages, headings, commands, options, paths of the API."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click
import pytest
import yaml
from tests.docs.pages import DOCS, PAGES, ROOT, TEXTS, commands, links, prose

from tillpost.cli import cli
from tillpost.serve.openapi import document

_UNSAFE = re.compile(r"[^\w\- ]")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {_UNSAFE.sub("", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        assert target.exists(), f"{_name(page)}: {link} is not there"
        assert not anchor or anchor in _anchors(target), f"{_name(page)}: no heading {link}"


def test_every_page_is_in_the_navigation_once() -> None:
    listed = list(_leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    assert sorted(listed) == [str(page.relative_to(DOCS)) for page in PAGES], "see mkdocs.yml"


def _leaves(tree: Any) -> Any:
    if isinstance(tree, str):
        yield tree
    else:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(part)


@pytest.mark.parametrize("page", TEXTS, ids=_name)
def test_every_command_and_option_exists(page: Path) -> None:
    for typed in commands(page):
        told = f"{_name(page)}: tillpost {' '.join(typed)}"
        command, words = _named(typed)
        assert command is not None, f"{told}: no such command"
        try:
            given, _, _ = command.make_parser(click.Context(command)).parse_args(words)
        except click.UsageError as error:
            # In prose an option may be named without its value.
            if "requires an argument" in error.message:
                continue
            pytest.fail(f"{told}: {error.message}")
        for option in command.params:
            value = given.get(option.name or "")
            if isinstance(option.type, click.Choice) and isinstance(value, str):
                unknown = set(value.split("|")) - set(option.type.choices)
                assert not unknown, f"{told}: no {unknown}"


def _named(typed: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that these words name, and the words after it."""
    command: click.Command | None = cli
    words = typed
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command = command.get_command(click.Context(command), words[0])
        words = words[1:]
    return command, words


def test_every_claim_about_another_names_its_source() -> None:
    text = (DOCS / "concepts/comparison.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.count("|") == 9]
    assert len(rows) > 10
    for row in rows[2:]:
        for cell in row[2:]:
            assert re.search(r"\[\d+\]|^ \? $", cell), f"{row[0].strip()}: {cell}"
    better = text[text.index("## What others do better") : text.index("## Where this was read")]
    claims = [line for line in better.splitlines() if line.startswith(("- ", "Elevar", "Stape"))]
    assert [claim for claim in claims if not re.search(r"\[\d+\]", claim)] == []
    named, listed = (set(re.findall(rx, text)) for rx in (r"\[(\d+)\]", r"(?m)^(\d+)\. "))
    assert named == listed


_PATHS = re.compile(r"(?:GET|POST) (/[\w/.{}-]+)|127\.0\.0\.1:8484(/[\w/.{}-]+)")


@pytest.mark.parametrize("page", TEXTS, ids=_name)
def test_every_path_of_the_server_exists(page: Path) -> None:
    # Under a version and at /tr all is Meta's API; tests/clients holds the receiver to that.
    meta = [r"/v\d+\.0/.+", "/tr"]
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in document()["paths"]] + meta
    for pair in _PATHS.findall(page.read_text("utf-8")):
        path = urlsplit(pair[0] or pair[1]).path
        plain = re.sub(r"\{\w+\}", "x", path)
        assert any(re.fullmatch(one, plain) for one in known), f"{_name(page)}: no path {path}"
