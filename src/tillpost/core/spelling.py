"""How each identifier is spelled before it is hashed: one pure function per spelling.

A function of a documented spelling gives the text to hash, or the `Code` that says why
there is none. A function of a further spelling gives the text, or "" for none.
"""

import re
import unicodedata
from datetime import date
from enum import Enum

from tillpost.core.phone import place
from tillpost.core.places import country_code
from tillpost.core.states import state_code


class Code(Enum):
    """Why a value is not sent; `core.identity.FINDINGS` holds the words for each."""

    EMPTY = "empty"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    MD5 = "md5"
    EMPTY_HASH = "hash_of_nothing"
    EMAIL = "not_an_email"
    PHONE = "phone_without_country"
    DATE = "not_a_date"
    GENDER = "not_a_gender"
    CITY = "not_a_city"
    STATE = "not_a_state"
    POSTCODE = "not_a_postcode"
    COUNTRY = "not_a_country"
    PLACEHOLDER = "placeholder"
    DEVICE = "not_a_device_id"
    LEAD = "not_a_lead_id"
    COOKIE = "not_a_click_cookie"
    ADDRESS = "not_a_public_address"
    UNKNOWN = "unknown_field"


class _Letters(dict[int, int | None]):
    """A translation that drops punctuation, symbols, spaces and controls; learns as it goes."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code))[0] in "PSZC" else code
        self[code] = kept
        return kept


_LETTERS = _Letters()
_SPACE = re.compile(r"\s+")


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _bare(text: str) -> str:
    """Lower case with nothing but letters, marks and digits."""
    if text.isascii() and text.isalnum():
        return text.lower()
    return _composed(_composed(text).lower().translate(_LETTERS))


def _trimmed(text: str) -> str:
    if text.isascii():
        return text.strip().lower()
    return _composed(_composed(text).strip().lower())


def trimmed_second(text: str, _meta: str, _country: str | None) -> str:
    """Lower case without outer white space: what Meta's SDKs make of a name."""
    return _trimmed(text)


def outer_trimmed(text: str, _meta: str, _country: str | None) -> str:
    """Without outer white space, in its own case."""
    return text.strip()


def unspaced(text: str, _meta: str = "", _country: str | None = None) -> str:
    """Lower case without any white space, punctuation kept."""
    if text.isascii() and text.isalnum():
        return text.lower()
    return _composed(_SPACE.sub("", _composed(text).lower()))


_PLAIN_EMAIL = re.compile(r"[a-z0-9._+-]{1,64}@(?:[a-z0-9-]+\.)+[a-z0-9-]{2,}", re.ASCII)
_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f\ud800-\udfff]{1,64}"
    r"@(?:[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f\ud800-\udfff./]+\.)+"
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f\ud800-\udfff./]{2,}"
)


def email(text: str, _country: str | None) -> str | Code:
    """Trimmed and lower case; it must be one local part, one @ and a dotted domain."""
    spelled = text.strip().lower() if text.isascii() else _trimmed(text)
    if len(spelled) < 255 and (_PLAIN_EMAIL.fullmatch(spelled) or _EMAIL.fullmatch(spelled)):
        return spelled
    return Code.EMAIL if spelled else Code.EMPTY


def undotted(_raw: str, meta: str, _country: str | None) -> str:
    """The address as Google hashes it: no dots in the local part of its own domains."""
    if not meta.endswith(("@gmail.com", "@googlemail.com")):
        return ""
    local, _, domain = meta.partition("@")
    bare = local.replace(".", "")
    return f"{bare}@{domain}" if bare else ""


def untagged(_raw: str, meta: str, _country: str | None) -> str:
    """The address as Reddit hashes it: no dots and no +tag in any local part."""
    local, _, domain = meta.partition("@")
    if local.isalnum():
        return ""
    bare = local.partition("+")[0].replace(".", "")
    return f"{bare}@{domain}" if bare else ""


ROLES = frozenset(
    {
        *("abuse", "accounting", "accounts", "admin", "administration", "billing", "bookkeeping"),
        *("buchhaltung", "buero", "comercial", "commande", "commandes", "compras", "compta"),
        *("contabilidad", "contact", "contacto", "customerservice", "einkauf", "enquiries"),
        *("finance", "helpdesk", "hostmaster", "info", "information", "invoices", "it", "kontakt"),
        *("marketing", "no-reply", "noreply", "office", "order", "orders", "postmaster"),
        *("purchasing", "reception", "rechnung", "sales", "secretary", "sekretariat", "service"),
        *("shop", "store", "support", "team", "ventas", "vertrieb", "verwaltung", "webmaster"),
    }
)
"""Names before an @ that many people of one house read: RFC 2142's, and what offices use."""

RELAYS = ("@marketplace.amazon.", "@members.ebay.")
"""Addresses that marketplaces give their buyers out."""


def role(_raw: str, meta: str, _country: str | None) -> str:
    """A mark of an address that stands for no single person, `role:` before it; else nothing."""
    local, _, _ = meta.partition("@")
    shared = local.partition("+")[0] in ROLES or any(relay in meta for relay in RELAYS)
    return f"role:{meta}" if shared else ""


def plus(_raw: str, meta: str, _country: str | None) -> str:
    """E.164 with its plus."""
    return "+" + meta


def phone(text: str, country: str | None) -> str | Code:
    """E.164 digits without the plus."""
    return place(text, country) or (Code.PHONE if text.strip() else Code.EMPTY)


def name(text: str, _country: str | None) -> str | Code:
    """Lower case, no punctuation, no spaces; letters of every script are kept."""
    return _bare(text) or Code.EMPTY


_DATE_YEAR_FIRST = re.compile(r"([0-9]{4})([-/. ]?)([0-9]{1,2})\2([0-9]{1,2})(?:[T ].*)?")
_DATE_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ]?)([0-9]{1,2})\2([0-9]{4})")
_MONTH_FIRST = frozenset({None, "us", "ca", "ph"})


def birth_date(text: str, country: str | None) -> str | Code:
    """YYYYMMDD of a real date from 1900 to 2099.

    Where day and month could be either, the month comes first in the United States,
    Canada, the Philippines and where no country is known, else the day. Eight digits that
    end in the year stay as they are, as all of Meta's own implementations send them.
    """
    text = text.strip()
    if "W" not in text and _is_iso_date(text):
        return text.replace("-", "")
    readings: tuple[tuple[str, str, str], ...] = ()
    found = _DATE_YEAR_FIRST.fullmatch(text)
    if found and (found[2] or len(found[3] + found[4]) == 4):
        readings = ((found[1], found[3], found[4]), (found[1], found[4], found[3]))
    last = _DATE_YEAR_LAST.fullmatch(text)
    if last and (last[2] or len(last[1] + last[3]) == 4):
        pair = (last[4], last[1], last[3]), (last[4], last[3], last[1])
        readings += pair if country in _MONTH_FIRST else pair[::-1]
    for year, month, day in readings:
        if _is_date(int(year), int(month), int(day)):
            bare = last and not last[2] and year == last[4]
            return text if bare else f"{year}{int(month):02}{int(day):02}"
    return Code.DATE if text else Code.EMPTY


def _is_iso_date(text: str) -> bool:
    try:
        return 1900 <= date.fromisoformat(text).year <= 2099
    except ValueError:
        return False


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return 1900 <= date(year, month, day).year <= 2099
    except ValueError:
        return False


_GENDERS = {
    "f": "f female woman women girl lady she her hers mrs ms miss madam madame mother"
    " frau weiblich femme féminin mujer femenino donna femmina mulher feminino vrouw",
    "m": "m male man men boy gentleman he him his mr sir mister father"
    " herr mann männlich homme masculin hombre masculino uomo maschio homem man",
}
_GENDER = {word: letter for letter, words in _GENDERS.items() for word in words.split()}


def gender(text: str, _country: str | None) -> str | Code:
    """`f` or `m` for a word that says so; other words have no spelling."""
    bare = _bare(text)
    return _GENDER.get(bare) or (Code.GENDER if bare else Code.EMPTY)


def city(text: str, _country: str | None) -> str | Code:
    """Lower case, no punctuation, no spaces; letters of every script are kept."""
    bare = _bare(text)
    if bare and not any(map(str.isalpha, bare)):
        return Code.CITY
    return bare or Code.EMPTY


_SDK_CITY = re.compile(r"[0-9.\s()-]+")
_NOT_ASCII_WORD = re.compile("[^a-z0-9]+")


def city_second(text: str, meta: str, _country: str | None) -> str:
    """What Meta's SDKs make of a city where that differs, else what its builder makes of it."""
    sdk = _composed(_SDK_CITY.sub("", _composed(text).lower()))
    return sdk if sdk != meta else _NOT_ASCII_WORD.sub("", _composed(text).lower())


def _without_country(text: str) -> str:
    """`Ontario, Canada` without the country."""
    head, comma, tail = text.rpartition(",")
    return head if comma and head and country_code(tail) else text


def state(text: str, country: str | None) -> str | Code:
    """The two-letter code in the United States, else the name in lower-case letters."""
    text = _without_country(text)
    code = state_code(text, country) if country in {None, "us"} else None
    if code and (country or state_code(text, "us")):
        return code
    bare = _bare(text)
    if bare and not any(map(str.isalpha, bare)):
        return Code.STATE
    return bare or Code.EMPTY


def state_second(text: str, meta: str, country: str | None) -> str:
    """The other of a state's two spellings, its name and its code."""
    text = _without_country(text)
    code = state_code(text, country)
    return code if code and code != meta else _bare(text)


def state_short(text: str, meta: str, country: str | None) -> str:
    """The state's code wherever its name is known."""
    return state_code(_without_country(text), country) or meta


_ZIP_PLUS_4 = re.compile(r"[0-9]{5}[-\s]+[0-9]{4}")
_COUNTRY_PREFIX = re.compile(r"(?:d|a|ch|f|b|l|i|e|nl|dk|n|s|se|fin)-(?=[0-9])")


def _postal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def postcode(text: str, country: str | None) -> str | Code:
    """Lower case, no spaces, no dashes; in the United States the first five digits."""
    if len(text) == 5 and text.isascii() and text.isdigit():
        return text
    text = _postal(text)
    code = _bare(_COUNTRY_PREFIX.sub("", text))
    if _ZIP_PLUS_4.fullmatch(text) or (country == "us" and len(code) == 9 and code.isdecimal()):
        return code[:5]
    if len(code) == 1:
        return Code.POSTCODE
    return code or Code.EMPTY


def postcode_second(text: str, meta: str, _country: str | None) -> str:
    """What Meta's SDKs make of a postcode where that differs, else its builder's form."""
    if text == meta:
        return ""
    text = _postal(text)
    sdk = _SPACE.sub("", text).partition("-")[0]
    second = sdk if sdk != meta else text.partition("-")[0].strip()
    return second if len(second) > 1 else ""


def country(text: str, _country: str | None) -> str | Code:
    """The ISO 3166-1 alpha-2 code of a code or a name; `uk` is `gb`."""
    return country_code(text) or (Code.COUNTRY if text.strip() else Code.EMPTY)


_NOBODY = frozenset({"null", "undefined", "none", "nan", "0", "guest", "anonymous", "[object"})


def external_id(text: str, _country: str | None) -> str | Code:
    """Lower case without white space, as Meta's own browser builder spells it."""
    spelled = unspaced(text)
    return Code.PLACEHOLDER if spelled in _NOBODY else spelled or Code.EMPTY


_HEX_32 = re.compile("[0-9a-f]{32}")


def device_id(text: str, _country: str | None) -> str | Code:
    """A mobile advertising id: lower case with hyphens; all zeros is a refusal to be tracked."""
    digits = text.strip().lower().replace("-", "")
    if not _HEX_32.fullmatch(digits) or not digits.strip("0"):
        return Code.DEVICE if digits else Code.EMPTY
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def lead_id(text: str, _country: str | None) -> str | Code:
    """15 to 17 digits."""
    text = text.strip()
    if re.fullmatch("[0-9]{15,17}", text):
        return text
    return Code.LEAD if text else Code.EMPTY


def address(text: str, _country: str | None) -> str | Code:
    """A public IPv4 or IPv6 address in its shortest form."""
    import ipaddress

    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return Code.ADDRESS if text.strip() else Code.EMPTY
    return str(found) if found.is_global else Code.ADDRESS


CLICK_COOKIE = re.compile(
    r"fb\.(?P<index>[0-9])\.(?P<created>[0-9]{13})\.(?P<value>[A-Za-z0-9_~%+=-]{1,500})"
    r"(?:\.(?P<suffix>[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
)
"""`_fbc` and `_fbp`, with or without what the parameter builder appends."""


def click_cookie(text: str, _country: str | None) -> str | Code:
    """The cookie as it is, if it is well formed."""
    if CLICK_COOKIE.fullmatch(text):
        return text
    return Code.COOKIE if text else Code.EMPTY


def opaque(text: str, _country: str | None) -> str | Code:
    """An id of the platform's own, only trimmed."""
    return text.strip() or Code.EMPTY
