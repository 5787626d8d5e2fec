"""Click identifiers, the two click cookies `_fbc` and `_fbp`, and addresses fit to be kept.

A cookie that exists is never changed, not even by a letter: Meta compares it as it is
(`fb.<index>.<creation time in ms>.<value>`, and what its parameter builder appends).
"""

import re
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, unquote_plus

from msgspec import Struct

from tillpost.core import utm
from tillpost.core.identity import PLAIN
from tillpost.core.spelling import CLICK_COOKIE

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_AGE = 90 * 86_400
"""Seconds after which a click cookie is not sent: the life of the cookie itself."""

LANDING_SITE_CUT = 255
"""A shop's `landing_site` of this length was cut, and a click id at its end with it."""

PLAIN_IDS = frozenset(PLAIN) - {"fbc", "fbp", "client_ip_address"}
"""Ids of a person that are sent as they are, in `Person.plain`; `core.identity` spells them."""

_MAX_FBCLID = 500
_SHORTEST_BARE = 16
"""Characters of a click id that stands alone: `undefined` and its like are shorter."""
_FBCLID = re.compile(rf"[A-Za-z0-9_-]{{1,{_MAX_FBCLID}}}")


class Cookie(Struct, frozen=True):
    """The parts of an `_fbc` or `_fbp`: `created` in ms, `value` the fbclid or random number."""

    index: int
    created: int
    value: str
    suffix: str | None = None


class ClickParameter(NamedTuple):
    """A query parameter that an ad platform adds to a click.

    `paid`: only clicks on ads carry it. `personal`: it names the recipient, so it is
    never kept.
    """

    name: str
    platform: str
    paid: bool = False
    personal: bool = False


PARAMETERS: tuple[ClickParameter, ...] = (
    ClickParameter("fbclid", "meta"),  # on free posts too
    ClickParameter("gclid", "google", paid=True),
    ClickParameter("gbraid", "google", paid=True),
    ClickParameter("wbraid", "google", paid=True),
    ClickParameter("dclid", "google", paid=True),
    ClickParameter("gad_source", "google", paid=True),
    ClickParameter("gad_campaignid", "google", paid=True),
    ClickParameter("gclsrc", "google", paid=True),
    ClickParameter("srsltid", "google"),  # a free product listing
    ClickParameter("msclkid", "microsoft", paid=True),
    ClickParameter("ttclid", "tiktok", paid=True),
    ClickParameter("twclid", "x", paid=True),
    ClickParameter("li_fat_id", "linkedin", paid=True),
    ClickParameter("epik", "pinterest"),  # on free pins too
    ClickParameter("sccid", "snapchat", paid=True),
    ClickParameter("rdt_cid", "reddit", paid=True),
    ClickParameter("oppref", "openai", paid=True),
    ClickParameter("aleid", "applovin", paid=True),
    ClickParameter("yclid", "yandex", paid=True),
    ClickParameter("ob_click_id", "outbrain", paid=True),
    ClickParameter("tblci", "taboola", paid=True),
    ClickParameter("irclickid", "impact"),
    ClickParameter("clickid", "impact"),
    ClickParameter("cjevent", "cj"),
    ClickParameter("awc", "awin"),
    ClickParameter("ranmid", "rakuten"),
    ClickParameter("ransiteid", "rakuten"),
    ClickParameter("sscid", "shareasale"),
    ClickParameter("mc_cid", "mailchimp"),
    ClickParameter("mc_eid", "mailchimp", personal=True),
    ClickParameter("_kx", "klaviyo", personal=True),
    ClickParameter("_hsenc", "hubspot", personal=True),
    ClickParameter("_hsmi", "hubspot"),
    ClickParameter("ck_subscriber_id", "convertkit", personal=True),
    ClickParameter("vmcid", "yahoo", paid=True),
)
"""Every click parameter known, its name in lower case; names are found in any case."""

ALLOWED = frozenset(
    {
        *(row.name for row in PARAMETERS if not row.personal),
        *(name for _, names in utm.NAMES for name in names),
        *(name for _, names in utm.ID_NAMES for name in names),
        *("source", "ref", "hsa_acc", "hsa_net", "hsa_src", "hsa_ver", "hsa_kw", "hsa_mt"),
        *("hsa_tgt", "variant", "page", "currency", "country", "locale", "tillpost_ad"),
    }
)
"""The query parameters that an address keeps at rest: campaign, click, page; never a person."""

PAID = frozenset(row.name for row in PARAMETERS if row.paid)
"""Parameters that only clicks on ads carry."""

_BY_NAME = {row.name: row for row in PARAMETERS}
_ADDRESS_OF_A_PERSON = re.compile(r"[^\s@/?&=:;,]@[^\s@/?&=:;,]+\.[^\s@/?&=:;,]")
_BARE = re.compile(r"[^?#@%]*")
"""An address without anything that could name a person or be taken away."""
_PIECE = re.compile(r"([?&]?)([^?&]+)")
_REMOVED = "removed"


class ClickId(NamedTuple):
    """A click parameter as an address carries it; `value` byte for byte, in its own case."""

    name: str
    value: str
    platform: str
    paid: bool
    personal: bool


def click_ids(url: str | None) -> tuple[ClickId, ...]:
    """The click ids of an address, the first of each name, in the address's order."""
    found: dict[str, ClickId] = {}
    for name, value in utm.parameters(url):
        row = _BY_NAME.get(name)
        if row and value and not utm.MACRO.search(value):
            found.setdefault(name, ClickId(name, value, row.platform, row.paid, row.personal))
    return tuple(found.values())


def parse(cookie: str | None) -> Cookie | None:
    """The parts of an `_fbc` or `_fbp`; None for anything that is not one."""
    found = CLICK_COOKIE.fullmatch(cookie or "")
    if not found:
        return None
    return Cookie(int(found["index"]), int(found["created"]), found["value"], found["suffix"])


def is_cookie(cookie: str) -> bool:
    """Whether this is a well-formed `_fbc` or `_fbp`, with the builder's suffix or without."""
    return CLICK_COOKIE.fullmatch(cookie) is not None


def fbclid_of(url: str | None) -> str | None:
    """The `fbclid` of an address, in its own case; None if it has none that can be whole."""
    for row in click_ids(url):
        if row.name == "fbclid":
            return row.value if _FBCLID.fullmatch(row.value) else None
    return None


def fbc_of_click(fbclid: str, first_seen: float) -> str | None:
    """An `fbc` of a bare `fbclid`; None for what is none. `first_seen` in Unix seconds."""
    whole = len(fbclid) >= _SHORTEST_BARE and _FBCLID.fullmatch(fbclid)
    return build_fbc(fbclid, first_seen) if whole else None


def build_fbc(fbclid: str, first_seen: float, host: str | None = None) -> str:
    """`fb.<index>.<ms>.<fbclid>`; `first_seen` in Unix seconds.

    `host` is that of the page that keeps the cookie; without one the index is 1, as
    Meta's documents ask of servers that set no cookie.
    """
    return f"fb.{subdomain_index(host) if host else 1}.{_ms(first_seen)}.{fbclid}"


def build_fbp(number: int, created: float, host: str | None = None) -> str:
    """`fb.<index>.<ms>.<number>`; the caller brings the random number, `created` in seconds."""
    return f"fb.{subdomain_index(host) if host else 1}.{_ms(created)}.{number}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def fbc_of_url(url: str | None, first_seen: float) -> str | None:
    """An `fbc` of an address's `fbclid`; None without one. `first_seen` in Unix seconds."""
    fbclid = fbclid_of(url)
    return build_fbc(fbclid, first_seen) if fbclid else None


def fbc_of_landing_site(landing_site: str | None, first_seen: float) -> str | None:
    """As `fbc_of_url`, but nothing from a `landing_site` that the shop has cut."""
    if len(landing_site or "") >= LANDING_SITE_CUT:
        return None
    return fbc_of_url(landing_site, first_seen)


def newer_fbc(cookie: str | None, url: str | None, first_seen: float) -> str | None:
    """The `fbc` after a page view: the cookie as it is, unless the address has another click.

    The same click again keeps the time it was first seen.
    """
    fbclid = fbclid_of(url)
    known = parse(cookie)
    if fbclid and (known is None or known.value != fbclid):
        return build_fbc(fbclid, first_seen)
    return cookie if known else None


def first_seen(fbc: str | None, other: str | None) -> str | None:
    """Of two `fbc` of one click the one that was made first; else `fbc`, or `other` if it is none.

    What is not well-formed counts as none.
    """
    mine, theirs = parse(fbc), parse(other)
    if theirs is None:
        return fbc
    earlier = mine is None or (mine.value == theirs.value and theirs.created < mine.created)
    return other if earlier else fbc


def usable_fbc(fbc: str | None, event_time: float) -> str | None:
    """`fbc` unchanged if it may be sent with an event of this time (Unix seconds), else None.

    Not sent: one that is malformed, older than 90 days, or created after the event's
    second, since that click cannot have led to the event.
    """
    cookie = parse(fbc)
    if cookie is None:
        return None
    age = event_time - cookie.created // 1000
    return fbc if 0 <= age <= MAX_AGE else None


@cache
def _public_suffixes() -> "PublicSuffixList":
    """The list with its private part, so that each shop of a platform is its own domain."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=False)


@lru_cache(maxsize=1024)
def registrable_domain(host: str) -> str | None:
    """The domain a cookie may be set on: `example.co.uk` of `www.example.co.uk`.

    None for a public suffix itself, a name without dots and an IP address.
    """
    host = host.rstrip(".").lower()
    if re.fullmatch(r"[0-9.]+|.*[:\[\]].*", host):
        return None
    domain: str | None = _public_suffixes().privatesuffix(host)
    return domain if domain and "." in domain else None


def subdomain_index(host: str) -> int:
    """Dots in the registrable domain: 1 for `www.example.com`, 2 for `example.co.uk`.

    1 where there is no such domain.
    """
    domain = registrable_domain(host)
    return domain.count(".") if domain else 1


def strip_query(url: str, allow: AbstractSet[str] = ALLOWED) -> str:
    """`url` without query and fragment parameters that are not in `allow`; never raises.

    What is kept is kept byte for byte and in order. A name and password before the
    host are removed, as is anything shaped like an e-mail address, in the path too.
    """
    if _BARE.fullmatch(url):
        return url
    head, hash_mark, fragment = url.partition("#")
    base, question_mark, query = head.partition("?")
    kept = _kept(query, allow, "?") if question_mark else ""
    if hash_mark:
        kept += _kept(fragment.rpartition("?")[2], allow, "#")
    return _base(base) + kept


def _kept(query: str, allow: AbstractSet[str], first: str) -> str:
    """The allowed pieces with the mark that stood before each; `first` before the first one."""
    kept = ""
    for mark, piece in _PIECE.findall(query):
        name, equals, value = piece.partition("=")
        plain_name = unquote_plus(name).strip().lower().removeprefix("amp;")
        if plain_name in allow and equals and not _names_a_person(value):
            kept += ((mark or "&") if kept else first) + piece
    return kept


def _names_a_person(text: str) -> bool:
    """Whether an e-mail address stands in `text`, plain or escaped up to four times."""
    for _ in range(4):
        text = unquote(text)
    return "@" in text and _ADDRESS_OF_A_PERSON.search(text) is not None


def _base(base: str) -> str:
    """Scheme, host and path without a login and without e-mail addresses."""
    scheme, mark, rest = base.partition("://")
    if not mark:
        scheme, rest = "", base
    authority, slash, path = rest.partition("/")
    if mark or "@" in authority:
        authority = authority.rpartition("@")[2]
    segments = (_REMOVED if _names_a_person(segment) else segment for segment in path.split("/"))
    return scheme + mark + authority + slash + "/".join(segments)
