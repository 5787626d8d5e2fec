"""Whose data it is, and what is left of it once they are erased.

An erased order keeps what it was worth and when, so that no report moves; nothing that
leads to a person is left, and a repeated webhook does not bring it back. Identifiers are
hashes here as everywhere: a raw one is found by hashing what looks like one.
"""

import hmac
import json
import re
from collections.abc import Iterable
from hashlib import sha256

from msgspec import structs

from tillpost.core.event import Carried, Device, Event, OrderSeen, Person, Place, PrivacyAsked
from tillpost.core.identity import identify

STRONG = ("em", "ph", "external_id")
"""Match keys that are one person's alone; the others many people share."""

_KEPT_OF_CUSTOM_DATA = frozenset(
    {"value", "currency", "order_id", "content_type", "content_ids", "contents", "num_items"}
)
_LIKE_AN_EMAIL = re.compile(rb"[^\s\"'<>,;:&=()\[\]]{1,64}@[^\s\"'<>,;:&=()\[\]]{3,190}")
_LONG = 16
"""Texts of this length stand for themselves; shorter ones are sought as whole JSON texts."""


def reference(asked: PrivacyAsked, key: bytes) -> str:
    """The same 16 hex digits for the same person of the same shop; under a key, so names nobody."""
    hashes = strong_hashes(asked.person)
    text = asked.customer_id or next(iter(hashes), ",".join(asked.order_ids))
    return hmac.new(key, f"privacy.{text}".encode(), sha256).hexdigest()[:16]


def strong_hashes(person: Person) -> list[str]:
    """The hashes that are this person's alone, every form of them."""
    return [digest for name in STRONG for _, digest in person.keys.get(name, ())]


def widened(asked: PrivacyAsked, theirs: Iterable[Person]) -> PrivacyAsked:
    """The request with the hashed e-mails that these orders of the person carried."""
    known = asked.person.keys.get("em", ())
    found = [row for person in theirs for row in person.keys.get("em", ())]
    emails = tuple(dict.fromkeys((*known, *found)))
    if emails == known:
        return asked
    person = structs.replace(asked.person, keys={**asked.person.keys, "em": emails})
    return structs.replace(asked, person=person)


def needles(values: Iterable[str | None]) -> list[str]:
    """Texts by which kept JSON is searched for these values; blank ones are left out."""
    return sorted({v if len(v) >= _LONG else json.dumps(v) for v in values if v})


def anonymous(order: OrderSeen, customer_id: str | None) -> OrderSeen:
    """The order with its worth, its goods and its country, and nobody's name.

    `customer_id` is a made-up one that keeps a customer's orders together.
    """
    return structs.replace(
        order,
        checkout_token=None,
        cart_token=None,
        customer_id=customer_id,
        discount_codes=(),
        event_id=None,
        source_url=None,
        carried=Carried(),
        person=Person(),
        device=Device(),
        consent=None,
        journey=None,
        place=Place(order.place.country),
        erased=True,
    )


def anonymous_event(event: Event, number: int) -> Event:
    """The event with its worth and its time, under an id that leads nowhere."""
    kept = {k: v for k, v in event.custom_data.items() if k in _KEPT_OF_CUSTOM_DATA}
    return structs.replace(
        event,
        event_id=f"erased.{number}",
        event_source_url=None,
        referrer_url=None,
        custom_data=kept,
        person=Person(),
        device=Device(),
        extra={},
    )


def is_theirs(event: Event, hashes: Iterable[str]) -> bool:
    """Whether an event that shares a cookie with them is theirs, and not that of another person."""
    own = strong_hashes(event.person)
    return not own or not set(own).isdisjoint(hashes)


def without_cookies(event: Event) -> Event:
    """Another person's event, without the cookies of the browser that the two shared."""
    return structs.replace(event, person=structs.replace(event.person, fbc=None, fbp=None))


def mentions(body: bytes, asked: PrivacyAsked) -> bool:
    """Whether a body that could not be read names this person, raw or hashed."""
    hashes = frozenset(strong_hashes(asked.person))
    if any(text.encode() in body for text in needles((*hashes, *asked.order_ids))):
        return True
    if asked.customer_id and re.search(rb"\b%s\b" % re.escape(asked.customer_id.encode()), body):
        return True
    return any(_hash_of(found) in hashes for found in set(_LIKE_AN_EMAIL.findall(body)))


def _hash_of(found: bytes) -> str:
    person = Person(keys=identify({"em": (found.decode("utf-8", "replace"),)}, None).keys)
    return next(iter(strong_hashes(person)), "")
