"""What a user agent tells, as far as a merchant needs to know: browser, system, kind of device."""

from functools import lru_cache
from typing import NamedTuple, TypeAlias

Words: TypeAlias = tuple[tuple[str, str], ...]
"""A word of the user agent, and what it tells; the first that is there counts, since most
browsers name others too."""

FAMILIES: Words = (
    ("Instagram", "Instagram's own"),
    ("FBAN", "Facebook's own"),
    ("FBAV", "Facebook's own"),
    ("musical_ly", "TikTok's own"),
    ("BytedanceWebview", "TikTok's own"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)

SYSTEMS: Words = (
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)

DEVICES: Words = (
    ("iPad", "tablet"),
    ("Tablet", "tablet"),
    ("Mobi", "mobile"),
    ("iPhone", "mobile"),
    ("Android", "tablet"),
    ("Windows NT", "desktop"),
    ("CrOS", "desktop"),
    ("Macintosh", "desktop"),
    ("X11", "desktop"),
)

OTHER = "other"
"""Stands where no word is known."""


class Browser(NamedTuple):
    """What is kept of a user agent."""

    device: str
    system: str
    family: str


@lru_cache(maxsize=4096)
def browser(user_agent: str) -> Browser:
    """All that the user agent tells; each part is `other` where no word is known."""
    return Browser(_told(user_agent, DEVICES), _told(user_agent, SYSTEMS), family(user_agent))


def family(user_agent: str) -> str:
    """The browser's name, or `other`."""
    return _told(user_agent, FAMILIES)


def _told(user_agent: str, words: Words) -> str:
    return next((name for word, name in words if word in user_agent), OTHER)
