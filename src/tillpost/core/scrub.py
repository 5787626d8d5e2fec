"""Open values lose what would name a person: custom data may be kept, persons may not.

Shoppers type e-mails into search boxes, and back ends put phones into notes. Keys that
name a person are dropped; e-mail and phone shapes inside texts are cut out.
"""

import re
from functools import lru_cache
from typing import Any

REMOVED = "[removed]"
"""Stands where a text held an e-mail or a phone number."""

PERSONAL = frozenset(
    {
        *("email", "e_mail", "mail", "customer_email", "phone", "phone_number", "tel", "mobile"),
        *("first_name", "last_name", "full_name", "firstname", "lastname", "fullname"),
        *("address", "address1", "address2", "street", "billing_address", "shipping_address"),
        *("customer", "customer_name", "note", "notes", "password", "token", "access_token"),
    }
)
"""Keys of open data that hold a person, in lower case."""

_EMAIL = re.compile(r"(?<![^\s@<>\"',;])[^\s@<>\"',;]+@[^\s@<>\"',;]+\.[^\s@<>\"',;]+")
"""Begins only where a word does: tried at every letter, a long word would take for ever."""
_PHONE = re.compile(r"\+\d[\d\s().-]{6,18}\d|\(\d{2,4}\)\s?\d{3,4}[\s.-]\d{3,4}")


def scrub(value: Any) -> Any:
    """The same JSON value without persons in it."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return {
            name: scrub(inner) if isinstance(inner, (str, dict, list)) else inner
            for key, inner in value.items()
            if (name := _name(key)) is not None
        }
    if isinstance(value, list):
        return [scrub(inner) for inner in value]
    return value


@lru_cache(maxsize=4096)
def _name(key: str) -> str | None:
    """The key as it is kept, or None if it names a person; keys repeat and are remembered."""
    return None if key.strip().lower() in PERSONAL else scrub_text(key)


def scrub_text(text: str) -> str:
    """The same text without e-mails and phone numbers in it."""
    if "@" not in text and "+" not in text and "(" not in text:
        return text
    return _PHONE.sub(REMOVED, _EMAIL.sub(REMOVED, text))
