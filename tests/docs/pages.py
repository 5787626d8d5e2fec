"""The pages of the docs, and what stands in them: links, and what a reader would type."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<kind>\w*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_PRINTED = re.compile(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"^\w+=\S*$")


class Block(NamedTuple):
    """A fenced block: what it is written in, and its text."""

    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, from top to bottom."""
    return _blocks(page.read_text("utf-8"))


def written(page: Path) -> list[Block]:
    """The blocks that were written; those that are printed from the code are checked by lint."""
    return _blocks(_PRINTED.sub("", page.read_text("utf-8")))


def _blocks(text: str) -> list[Block]:
    found = _FENCE.finditer(_COMMENT.sub("", text))
    return [Block(block["kind"], block["text"]) for block in found]


def prose(page: Path) -> str:
    """A page without its fenced blocks and comments."""
    return _FENCE.sub("", _COMMENT.sub("", page.read_text("utf-8")))


def links(page: Path) -> list[str]:
    """What the page links to inside of the repository."""
    return [link for link in _LINK.findall(prose(page)) if "://" not in link]


def commands(page: Path) -> Iterator[list[str]]:
    """Every `tillpost ...` that a reader could type, as words."""
    for block in blocks(page):
        if block.kind in {"sh", "console"}:
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from _typed(line.removeprefix("$ "))
    for span in _SPAN.findall(prose(page)):
        if span.startswith("tillpost "):
            yield from _typed(span)


def _typed(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return
    while words and _VARIABLE.match(words[0]):
        words.pop(0)
    if words and words[0].removeprefix(".venv/bin/") == "tillpost":
        yield words[1:]
