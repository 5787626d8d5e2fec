"""Reads consent strings: IAB TCF v2, Google's Additional Consent, and GPP's US sections.

Only the bits that a decision needs are read. A string that is cut, of another version or no
string at all gives None: what cannot be read is no consent.
"""

import re
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, NamedTuple

from msgspec import Struct

TCF_SECTION: Final = 2
USP_SECTION: Final = 6

_SIX: Final = {
    letter: f"{value:06b}"
    for value, letter in enumerate(f"{ascii_uppercase}{ascii_lowercase}{digits}-_")
}
_ADDITIONAL: Final = re.compile(r"[12]~([0-9.]*)(?:~dv\.[0-9.]*)?")
_LONGEST: Final = 16_384
_MOST_SECTIONS: Final = 64


class Vendor(Struct, frozen=True):
    """A platform's ids in the vendor lists: IAB's (None: not on it) and Google's addition."""

    name: str
    tcf: int | None
    additional: int | None
    note: str


VENDORS: Final = (
    Vendor("meta", None, 89, "not on IAB's list; number 89 of Google's ad technology providers"),
)
"""What is known of the platforms' vendor ids."""


class Tcf(Struct, frozen=True):
    """The consents of a TCF v2 string: purposes 1 to 24, and vendors by IAB's number."""

    purposes: frozenset[int]
    vendors: tuple[range, ...]

    def allows(self, vendor: int) -> bool:
        """Whether the string consents to the vendor with this number."""
        return any(vendor in numbers for numbers in self.vendors)


class Section(NamedTuple):
    """A US section of GPP: its id, its state, and where its opt-out fields (two bits) begin.

    `gpc`: a further part of the section may carry Global Privacy Control. Elsewhere a further
    part is about sensitive data, and looks the same.
    """

    id: int
    name: str
    region: str | None
    opt_outs: tuple[int, ...]
    gpc: bool = True


US_SECTIONS: Final = (
    Section(7, "usnat", None, (18, 20, 22)),
    Section(8, "usca", "CA", (12, 14)),
    Section(9, "usva", "VA", (12, 14), gpc=False),
    Section(10, "usco", "CO", (12, 14)),
    Section(11, "usut", "UT", (14, 16), gpc=False),
    Section(12, "usct", "CT", (12, 14)),
    Section(13, "usfl", "FL", (12, 14), gpc=False),
    Section(14, "usmt", "MT", (12, 14)),
    Section(15, "usor", "OR", (12, 14)),
    Section(16, "ustx", "TX", (12, 14)),
    Section(17, "usde", "DE", (12, 14)),
    Section(18, "usia", "IA", (14, 16)),
    Section(19, "usne", "NE", (12, 14)),
    Section(20, "usnh", "NH", (12, 14)),
    Section(21, "usnj", "NJ", (12, 14)),
    Section(22, "ustn", "TN", (12, 14)),
    Section(23, "usmn", "MN", (12, 14)),
    Section(24, "usmd", "MD", (16, 18)),
    Section(25, "usin", "IN", (16, 18), gpc=False),
    Section(26, "usky", "KY", (16, 18), gpc=False),
    Section(27, "usri", "RI", (16, 18), gpc=False),
)
"""Sale, sharing and targeted advertising: 0 does not apply, 1 opted out, 2 did not."""

_SECTION: Final = {section.id: section for section in US_SECTIONS}


class _Bits:
    """Reads a text of six-bit letters bit by bit; reading past the end raises `IndexError`.

    A decoder of bytes would drop the last bits, for GPP pads to six and not to eight.
    """

    def __init__(self, text: str) -> None:
        self.bits = "".join(_SIX[letter] for letter in text)
        self.at = 0

    def number(self, width: int) -> int:
        taken = self.bits[self.at : self.at + width]
        if len(taken) < width:
            raise IndexError(self.at)
        self.at += width
        return int(taken, 2)

    def fibonacci(self) -> int:
        end = self.bits.find("11", self.at)
        if end < 0:
            raise IndexError(self.at)
        code, self.at = self.bits[self.at : end + 1], end + 2
        total, low, high = 0, 1, 2
        for bit in code:
            total += low if bit == "1" else 0
            low, high = high, low + high
        return total


def _bits(text: str) -> _Bits | None:
    return None if len(text) > _LONGEST or not _SIX.keys() >= set(text) else _Bits(text)


def decode_tcf(text: str) -> Tcf | None:
    """The purposes and vendors that a TC string (version 2) consents to, or None if unreadable."""
    bits = _bits(text.partition(".")[0])
    try:
        if bits is None or bits.number(6) != 2:
            return None
        bits.at = 152
        purposes = _flags(bits, 24)
        bits.at = 213
        return Tcf(purposes, _vendors(bits))
    except IndexError:
        return None


def _flags(bits: _Bits, count: int) -> frozenset[int]:
    taken = f"{bits.number(count):0{count}b}" if count else ""
    return frozenset(i for i, bit in enumerate(taken, 1) if bit == "1")


def _vendors(bits: _Bits) -> tuple[range, ...]:
    most, ranged = bits.number(16), bits.number(1)
    if not ranged:
        return tuple(range(i, i + 1) for i in sorted(_flags(bits, most)))
    found = []
    for _ in range(bits.number(12)):
        group, start = bits.number(1), bits.number(16)
        end = bits.number(16) if group else start
        found.append(range(start, min(end, most) + 1))
    return tuple(found)


def decode_additional(text: str) -> frozenset[int] | None:
    """The provider numbers that an Additional Consent string consents to, or None."""
    form = _ADDITIONAL.fullmatch(text[:_LONGEST])
    if form is None:
        return None
    return frozenset(int(number) for number in form[1].split(".") if 0 < len(number) < 9)


def decode_gpp(text: str) -> dict[int, str] | None:
    """A GPP string's sections by their ids, each still encoded, or None if unreadable."""
    header, *sections = text[:_LONGEST].split("~")
    bits = _bits(header)
    try:
        if bits is None or bits.number(6) != 3 or bits.number(6) != 1:
            return None
        ids = _section_ids(bits)
    except IndexError:
        return None
    return dict(zip(ids, sections, strict=True)) if len(ids) == len(sections) else None


def _section_ids(bits: _Bits) -> list[int]:
    ids: list[int] = []
    last = 0
    for _ in range(min(bits.number(12), _MOST_SECTIONS)):
        group = bits.number(1)
        start = last + bits.fibonacci()
        last = start + bits.fibonacci() if group else start
        ids += range(start, min(last, start + _MOST_SECTIONS) + 1)
    return ids


def opted_out(section_id: int, text: str) -> bool | None:
    """Whether a GPP section opts out of sale, sharing or targeted advertising.

    Global Privacy Control inside the section counts as an opt-out. None where the section
    says neither, cannot be read, or is none of a US law's.
    """
    if section_id == USP_SECTION:
        return {"Y": True, "N": False}.get(text[2:3].upper()) if len(text) == 4 else None
    section = _SECTION.get(section_id)
    if section is None:
        return None
    core, *others = text.split(".")
    if section.gpc and any(_is_gpc(part) for part in others):
        return True
    return _choice(_bits(core), section.opt_outs)


def _choice(bits: _Bits | None, places: tuple[int, ...]) -> bool | None:
    if bits is None:
        return None
    try:
        said = []
        for place in places:
            bits.at = place
            said.append(bits.number(2))
    except IndexError:
        return None
    return True if 1 in said else False if 2 in said else None


def _is_gpc(part: str) -> bool:
    bits = _bits(part)
    return bits is not None and bits.bits[:3] == "011"
