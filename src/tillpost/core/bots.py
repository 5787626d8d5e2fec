"""Which user agents are crawlers, previews and scripts rather than a shopper's browser.

The list is the package `crawler-user-agents` (MIT), which its community keeps; to it come
the tools that drive a browser and name themselves.
"""

import re
from functools import cache, lru_cache

_LONGEST = 512
"""Characters that are looked at; no browser's name is longer."""

_TOOLS = r"headless|phantomjs|puppeteer|playwright|selenium|electron/.*cypress"
"""Browsers that a program drives."""


@lru_cache(maxsize=4096)
def is_bot(agent: str | None) -> bool:
    """Whether the user agent names a crawler; False where none was told (domain rule 12)."""
    return _crawlers().search(agent[:_LONGEST]) is not None if agent else False


@cache
def _crawlers() -> re.Pattern[str]:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    patterns = [row["pattern"] for row in CRAWLER_USER_AGENTS_DATA]
    return re.compile("|".join([*patterns, f"(?i:{_TOOLS})"]))
