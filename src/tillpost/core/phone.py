"""Phone numbers as E.164 digits without the plus.

A number is sent only if it can be placed in a country: by its own `+` or `00`, by the
region that came with it, or by its digits alone where these are a valid international
number. `phonenumbers` (the numbering plans of the world) decides; the plain cases of the
commonest plans are read by one pattern each, which agrees with it (a property test).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from tillpost.core.places import country_code


class Plan(NamedTuple):
    """A numbering plan's plain case: digits that need nothing but the country's code."""

    region: str
    code: str
    trunk: str
    """A pattern for what a national number starts with at home."""
    national: str
    """A pattern for the national number, without the trunk prefix."""


PLANS = (
    Plan("us", "1", "1?", "[2-9][0-9]{9}"),
    Plan("ca", "1", "1?", "[2-9][0-9]{9}"),
    Plan("gb", "44", "0", "[1-9][0-9]{9}"),
    Plan("de", "49", "0", "[1-9][0-9]{9,10}"),
    Plan("fr", "33", "0", "[1-9][0-9]{8}"),
    Plan("nl", "31", "0", "[1-9][0-9]{8}"),
    Plan("se", "46", "0", "7[0-9]{8}"),
    Plan("au", "61", "0", "[23478][0-9]{8}"),
    Plan("in", "91", "0", "[6-9][0-9]{9}"),
    Plan("jp", "81", "0", "[7-9]0[0-9]{8}"),
    Plan("es", "34", "", "[6-9][0-9]{8}"),
    Plan("it", "39", "", "3[0-9]{8,9}"),
)
"""The plain cases; any other number goes to `phonenumbers`."""

_SEPARATORS = b" -.()"
_INTERNATIONAL = re.compile("|".join(sorted({plan.code + plan.national for plan in PLANS})))
_NATIONAL = {plan.region: re.compile(f"{plan.trunk}({plan.national})") for plan in PLANS}
_CODE = {plan.region: plan.code for plan in PLANS}
_NORTH_AMERICAN = re.compile(r"1[2-9][0-9]{9}")
_NAMED = re.compile(r"\s*([^\W\d_][^\d+]*?)[\s:]*(?=[\d+(])")


def place(text: str, region: str | None) -> str | None:
    """E.164 digits without the plus, or None for a number that no country can be found for.

    `region` is a lower-case country code, the default for numbers in national format.
    An extension is dropped, as is a trunk zero; digits of any script are read.
    """
    return _plain(text, region) or _searched(text, region)


def _plain(text: str, region: str | None) -> str | None:
    if "(0" in text or not text.isascii():
        return None
    digits = text.encode().translate(None, _SEPARATORS).decode()
    if digits[:1] == "+":
        found = _INTERNATIONAL.fullmatch(digits, 1)
        return found[0] if found else None
    if region is None:
        return digits if _NORTH_AMERICAN.fullmatch(digits) else None
    national = _NATIONAL.get(region)
    found = national.fullmatch(digits) if national else None
    return _CODE[region] + found[1] if found else None


def _searched(text: str, region: str | None) -> str | None:
    """The first reading of `text` that `phonenumbers` takes, as E.164 digits."""
    import phonenumbers

    folded = _folded(text)
    for candidate, home, by_length in _readings(folded, _named_country(folded) or region):
        try:
            number = phonenumbers.parse(candidate, home.upper() if home else None)
        except phonenumbers.NumberParseException:
            continue
        # A zero that is no part of a valid number is a trunk zero typed once too often.
        lenient = by_length and not number.italian_leading_zero
        sure = phonenumbers.is_valid_number(number)
        if sure or (lenient and phonenumbers.is_possible_number(number)):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return None


def _folded(text: str) -> str:
    """`text` with the digits of every script, and every plus, as ASCII."""
    if text.isascii():
        return text
    text = text.replace("\uff0b", "+")
    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def _named_country(text: str) -> str | None:
    """The country written before the number, as in `US (650)555-1212`."""
    found = _NAMED.match(text)
    if not found:
        return None
    words = found[1].split()
    for name in (found[1], words[0]):
        if len(name) > 3 or name in {"US", "USA", "UK"}:
            code = country_code(name)
            if code:
                return code
    return None


def _readings(text: str, region: str | None) -> Iterator[tuple[str, str | None, bool]]:
    """What `text` may mean, best first: (number, region, is its length enough?)."""
    head = re.search(r"[+\d]", text)
    if head is None:
        return
    text = text[head.start() :]
    international = re.match(r"(?:\+|00)[\s0(]*", text)
    bare = "+" + text.lstrip("+0( ")
    if text[0] == "+":
        yield bare, None, False
        yield bare.replace("(0)", " "), None, False
        yield bare, None, True
        return
    if region:
        yield text, region, _CODE.get(region) == "1" and not international
    if international or text[0] != "0":
        yield bare.replace("(0)", " "), None, bool(international) or _is_north_american(text)
    if region and not international:
        yield text, region, True


def _is_north_american(text: str) -> bool:
    return bool(_NORTH_AMERICAN.fullmatch(re.sub(r"[\s().-]", "", text)))
