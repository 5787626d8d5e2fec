"""Where events came from, as statistics count it: hosts, pages, devices; never a person's trace.

A page is kept without its query and without what looks like an e-mail or a phone; of a user
agent only its kind.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from tillpost.core.received import ReceivedEvent, Seen, SeenKind
from tillpost.core.scrub import scrub_text

_MOST_PATH = 200
_HOUR = 3_600


@lru_cache(maxsize=4096)
def page_of(url: str) -> str | None:
    """`https://host/path` of an address of a page; None if it is none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    path = "/".join(scrub_text(part) for part in parts.path[:_MOST_PATH].split("/"))
    return f"{parts.scheme}://{host}{path}"


def counted(events: Iterable[ReceivedEvent]) -> tuple[tuple[Seen, int], ...]:
    """How many of the events each place sent, by dataset, hour of receipt and source."""
    alike = Counter(
        (e.dataset_id, int(e.received_at // _HOUR) * _HOUR, e.source, e.page, e.browser)
        for e in events
    )
    counts: Counter[Seen] = Counter()
    for (dataset_id, hour, source, page, browser), number in alike.items():
        for kind, value in _told(page, browser):
            counts[Seen(dataset_id, kind, hour, source, value)] += number
    return tuple(counts.items())


def _told(page: str | None, browser: tuple[str, str, str] | None) -> Iterator[tuple[SeenKind, str]]:
    if page is not None:
        yield "host", urlsplit(page).hostname or ""
        yield "url", page
    if browser is not None:
        device, system, family = browser
        yield "device_type", device
        yield "device_os", system
        yield "browser_type", family
