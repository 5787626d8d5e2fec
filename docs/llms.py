"""`docs/llms.txt`: every page with its first sentence, in the order of the navigation.

`python -m docs.llms` writes it, `--check` says whether it is as it would be written.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parent
PLACE = DOCS / "llms.txt"
HEAD = """\
# Tillpost

> A self-hosted Conversions API, both ends of it: gateway, receiver and true attribution.
"""


def text() -> str:
    """The whole file."""
    tree = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text("utf-8"))
    return "\n".join([HEAD, *_lines(tree["nav"])]) + "\n"


def _lines(nav: list[dict[str, Any]], depth: int = 2) -> Iterator[str]:
    for entry in nav:
        for title, inner in entry.items():
            if isinstance(inner, str):
                yield f"- [{title}]({inner}): {_first_sentence(DOCS / inner)}"
            else:
                yield f"\n{'#' * depth} {title}\n"
                yield from _lines(inner, depth + 1)


def _first_sentence(page: Path) -> str:
    """The first sentence of prose on one line, its links as plain words."""
    paragraphs = page.read_text("utf-8").split("\n\n")
    prose = next((part for part in paragraphs if part[:1].isalpha()), "")
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(prose.split()))
    return re.split(r"(?<=[.:]) ", plain, maxsplit=1)[0]


def main() -> None:
    """Write the file, or with `--check` end with 1 if it is not up to date."""
    made = text()
    if "--check" not in sys.argv:
        PLACE.write_text(made, "utf-8")
    elif not PLACE.exists() or PLACE.read_text("utf-8") != made:
        sys.exit("docs/llms.txt is not up to date: run `make pages`")


if __name__ == "__main__":
    main()
