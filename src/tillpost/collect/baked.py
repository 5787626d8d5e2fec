"""One event id of several visitors: a page cache gave them all the same page, id and all.

Meta takes events of one name and id for one event, so all but the first visitor's would be lost.
Here such events stay apart. Where the page's own hit went to the platform, it carries the shared
id and ours must too, or it would count twice; where none went, ours gets an id of its own.
What a shopper does once (a sale, a registration) is not told from a cache: its id is one event
in whichever browser it is opened.
"""

from hashlib import sha256

from msgspec import structs

from tillpost.collect.sources import pixel
from tillpost.core.books import EventRow
from tillpost.core.event import BrowserSeen, Event

SHARED = "shared:"
"""How the fold key begins of an event whose id was another visitor's first."""

_CACHED = frozenset(
    {
        *("PageView", "ViewContent", "ViewCategory", "ViewCart", "Search", "FindLocation"),
        *("AddToCart", "AddToWishlist", "CustomizeProduct"),
    }
)
"""What pages tell that a cache may keep."""
_MADE_HERE = 20
"""Decimal digits of the shortest id that our script makes, in the browser, for one event."""


def key(seen: BrowserSeen) -> str | None:
    """The fold key of this event if its id is another visitor's; None if it cannot be."""
    made_here = seen.event_id.isdigit() and len(seen.event_id) >= _MADE_HERE
    if seen.visitor_id is None or seen.event_name not in _CACHED or made_here:
        return None
    return f"{SHARED}{seen.event_name}:{seen.event_id}:{_mark(seen.visitor_id)}"


def is_another(first: EventRow | None, seen: BrowserSeen) -> bool:
    """Whether the id was first told by another visitor.

    A browser that keeps its `_fbp` and lost our cookie is the same one; what has no visitor is
    of another if a browser told it, and of this one if the shop's server did.
    """
    if first is None or first.visitor_id == seen.visitor_id:
        return False
    if first.visitor_id is None and first.source != pixel.name:
        return False
    fbp = seen.person.fbp
    return fbp is None or first.event.person.fbp != fbp


def own(event: Event, seen: BrowserSeen) -> Event:
    """The event under an id of its own, if no hit of the page can have the shared one."""
    if seen.direct not in {"none", "blocked"}:
        return event
    return structs.replace(event, event_id=f"{event.event_id}.{_mark(seen.visitor_id or '')}")


def _mark(visitor_id: str) -> str:
    return sha256(visitor_id.encode()).hexdigest()[:16]
