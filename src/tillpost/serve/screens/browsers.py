"""Which browser a user agent is of, as far as a merchant needs to know."""

FAMILIES: tuple[tuple[str, str], ...] = (
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
"""A word of the user agent, and the browser; the first that is there counts, since most
browsers name others too."""


def family(user_agent: str) -> str:
    """The browser's name, or `other`."""
    return next((name for word, name in FAMILIES if word in user_agent), "other")
