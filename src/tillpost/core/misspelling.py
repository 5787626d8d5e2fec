"""Wrong ways to spell and to hash an identifier, as tables: what other tools really send.

Each row was seen in a tag template, a data platform or a plug-in, or follows from one of
their bugs. `core.agreement` tries them one by one to recognise where a hash came from.
"""

import unicodedata
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5, sha1, sha256, sha512
from typing import Final, NamedTuple

import phonenumbers


class Mistake(NamedTuple):
    """A wrong spelling: the keys it is made with, how, and what to say of it.

    `spell` takes the raw value, the right spelling and the country's code.
    """

    name: str
    keys: tuple[str, ...]
    spell: Callable[[str, str, str | None], str]
    message: str
    fix: str


class Coding(NamedTuple):
    """A wrong way to hash a text, and what to say of it."""

    name: str
    digest: Callable[[str], str]
    message: str


def hexadecimal(text: str) -> str:
    """SHA-256 of the text, as Meta takes it."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()


CODINGS: Final = (
    Coding(
        "md5",
        lambda text: md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
        "the value was hashed with MD5",
    ),
    Coding(
        "sha1",
        lambda text: sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
        "the value was hashed with SHA-1",
    ),
    Coding(
        "sha512",
        lambda text: sha512(text.encode("utf-8", "replace")).hexdigest(),
        "the value was hashed with SHA-512",
    ),
    Coding("twice", lambda text: hexadecimal(hexadecimal(text)), "the value was hashed twice"),
    Coding(
        "quoted", lambda text: hexadecimal(f'"{text}"'), "the value was hashed with its JSON quotes"
    ),
    Coding(
        "base64",
        lambda text: b64encode(sha256(text.encode("utf-8", "replace")).digest()).decode(),
        "the hash is written in base64, not in hexadecimal digits",
    ),
)
"""Ways to hash that Meta does not know."""


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _ascii_only(text: str) -> str:
    return "".join(c for c in text if c.isascii())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _national(right: str) -> str:
    try:
        return str(phonenumbers.parse(f"+{right}").national_number)
    except phonenumbers.NumberParseException:
        return ""


def _with_trunk_zero(right: str) -> str:
    national = _national(right)
    return f"{right.removesuffix(national)}0{national}" if national else ""


def _untagged(right: str) -> str:
    box, _, host = right.partition("@")
    return f"{box.partition('+')[0]}@{host}"


def _undotted(right: str) -> str:
    box, _, host = right.partition("@")
    return f"{box.replace('.', '')}@{host}"


KEYS: Final = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country", "external_id")
"""The hashed keys that are compared."""

_NAMES: Final = ("fn", "ln")
_TEXTS: Final = ("em", "fn", "ln", "ct", "st", "zp", "country", "ge", "external_id")
_ACCENTED: Final = ("em", "fn", "ln", "ct", "st")

MISTAKES: Final = (
    Mistake(
        "no_country_code",
        ("ph",),
        lambda _raw, right, _c: _national(right),
        "the phone number was hashed without its country code",
        "Add the country code: the digits of E.164, without the plus.",
    ),
    Mistake(
        "trunk_zero",
        ("ph",),
        lambda _raw, right, _c: f"0{_national(right)}",
        "the phone number was hashed as dialled at home, with its leading 0",
        "Add the country code and drop the 0.",
    ),
    Mistake(
        "trunk_zero",
        ("ph",),
        lambda _raw, right, _c: _with_trunk_zero(right),
        "the leading 0 stayed between the country code and the number",
        "Drop the 0 in brackets.",
    ),
    Mistake(
        "plus_sign",
        ("ph",),
        lambda _raw, right, _c: f"+{right}",
        "the phone number was hashed with its plus",
        "Hash the digits alone.",
    ),
    Mistake(
        "international_prefix",
        ("ph",),
        lambda _raw, right, _c: f"00{right}",
        "the phone number was hashed with the prefix 00",
        "Hash the country code and number alone.",
    ),
    Mistake(
        "digits_as_typed",
        ("ph",),
        lambda raw, _right, _c: _digits(raw),
        "the digits were hashed as they were typed",
        "Normalise to E.164 first, then drop the plus.",
    ),
    Mistake(
        "digits_as_typed",
        ("ph",),
        lambda raw, _right, _c: _digits(raw).lstrip("0"),
        "the digits were hashed as they were typed, without the leading zeros",
        "Normalise to E.164 first, then drop the plus.",
    ),
    Mistake(
        "zip_plus_four",
        ("zp",),
        lambda raw, _right, _c: _digits(raw),
        "all nine digits of the ZIP code were hashed",
        "In the United States, hash the first five.",
    ),
    Mistake(
        "zip_plus_four",
        ("zp",),
        lambda raw, _right, _c: raw.strip() if "-" in raw else "",
        "the postcode was hashed with its dash",
        "In the United States, hash the first five digits; elsewhere drop the dash.",
    ),
    Mistake(
        "cut_at_space",
        ("zp",),
        lambda raw, _right, _c: raw.strip().lower().partition(" ")[0],
        "only the first part of the postcode was hashed",
        "Hash the whole postcode without spaces.",
    ),
    Mistake(
        "cut_to_two",
        ("st", "country"),
        lambda _raw, right, _c: right[:2],
        "the name was cut to two letters",
        "In the United States use the state's code, elsewhere the whole name.",
    ),
    Mistake(
        "spelled_out",
        ("st", "country"),
        lambda raw, _right, _c: raw.strip().lower(),
        "the name was hashed, not its two-letter code",
        "Use the code: ISO 3166-1 for countries, the postal one for US states.",
    ),
    Mistake(
        "spelled_out",
        ("st", "country"),
        lambda raw, _right, _c: _squeezed(raw).lower(),
        "the name was hashed, not its two-letter code",
        "Use the code: ISO 3166-1 for countries, the postal one for US states.",
    ),
    Mistake(
        "with_country",
        ("st",),
        lambda _raw, right, country: f"{country or ''}-{right}",
        "the state was hashed as an ISO 3166-2 code",
        "Hash the part after the dash.",
    ),
    Mistake(
        "untagged",
        ("em",),
        lambda _raw, right, _c: _untagged(right),
        "the +tag was removed from the e-mail address",
        "Keep it: Meta only trims and lower-cases.",
    ),
    Mistake(
        "undotted",
        ("em",),
        lambda _raw, right, _c: _undotted(right),
        "the dots were removed from the e-mail address",
        "Keep them: Meta only trims and lower-cases.",
    ),
    Mistake(
        "global_id",
        ("external_id",),
        lambda raw, _right, _c: f"gid://shopify/Customer/{raw}",
        "the id was hashed with its gid://shopify/Customer/ prefix",
        "Use one form of the id on every channel.",
    ),
    Mistake(
        "capitals",
        _TEXTS,
        lambda raw, _right, _c: raw.strip(),
        "capital letters were kept",
        "Lower-case the value before hashing.",
    ),
    Mistake(
        "capitals",
        _TEXTS,
        lambda raw, _right, _c: _squeezed(raw),
        "capital letters were kept",
        "Lower-case the value before hashing.",
    ),
    Mistake(
        "upper_case",
        _TEXTS,
        lambda _raw, right, _c: right.upper(),
        "the value was put in upper case",
        "Lower-case the value before hashing.",
    ),
    Mistake(
        "not_trimmed",
        _TEXTS,
        lambda raw, _right, _c: raw.lower() if raw != raw.strip() else "",
        "blanks at the ends were kept",
        "Trim the value before hashing.",
    ),
    Mistake(
        "spaces",
        _TEXTS,
        lambda raw, _right, _c: raw.strip().lower(),
        "spaces or punctuation were kept",
        "Remove spaces and punctuation before hashing.",
    ),
    Mistake(
        "spaces",
        _TEXTS,
        lambda raw, _right, _c: _squeezed(raw).lower(),
        "punctuation was kept",
        "Remove punctuation before hashing.",
    ),
    Mistake(
        "accents_removed",
        _ACCENTED,
        lambda _raw, right, _c: _folded(right),
        "accents were taken off the letters",
        "Keep them: Meta takes UTF-8.",
    ),
    Mistake(
        "letters_dropped",
        _ACCENTED,
        lambda _raw, right, _c: _ascii_only(right),
        "letters outside a to z were dropped",
        "Keep them: Meta takes UTF-8.",
    ),
    Mistake(
        "accents_removed",
        _ACCENTED,
        lambda raw, _right, _c: _folded(raw.strip().lower()),
        "accents were taken off the letters, and spaces were kept",
        "Keep accents, remove spaces.",
    ),
    Mistake(
        "initial",
        _NAMES,
        lambda _raw, right, _c: right[:1],
        "only the initial was hashed",
        "Hash the whole name.",
    ),
    Mistake(
        "as_typed",
        KEYS,
        lambda raw, _right, _c: raw,
        "the value was hashed exactly as it was typed",
        "Normalise the value before hashing.",
    ),
)
"""Wrong spellings, the most telling first."""
