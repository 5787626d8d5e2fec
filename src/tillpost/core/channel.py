"""Where a visit came from, and which marketing channel that is.

`classify` reads one landing page's address and its referrer, and nothing else: no
platform's own claim ever reaches it. The channels are GA4's nineteen plus AI
Assistants, by the ordered table `RULES`; a merchant's own rules come before it.
Stored landings are classified again when `RULES_VERSION` changes.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias
from zlib import crc32

import msgspec
from msgspec import Struct

from tillpost.core import click as click_table
from tillpost.core import sources, utm
from tillpost.core.sources import Kind

RULES_VERSION = 2
"""Raised whenever a table or rule here or in `core.sources` changes a result."""

DIRECT = ("(direct)", "(none)")
"""Source and medium of a visit that came from nowhere."""

UNKNOWN = "Unknown"
"""The channel of an order of which no visit was ever observed; it is lost, not guessed."""


class ClickId(NamedTuple):
    """A click identifier: its parameter, whose it is, and what a visit with it and no tag is."""

    parameter: str
    source: str
    medium: str

    @property
    def paid(self) -> bool:
        """Whether only clicks on ads carry it, by the table of `core.click`."""
        return self.parameter in click_table.PAID


CLICK_IDS: tuple[ClickId, ...] = (
    ClickId("gclid", "google", "cpc"),
    ClickId("gbraid", "google", "cpc"),
    ClickId("wbraid", "google", "cpc"),
    ClickId("dclid", "google", "display"),
    ClickId("msclkid", "bing", "cpc"),
    ClickId("ttclid", "tiktok", "cpc"),
    ClickId("twclid", "twitter", "cpc"),
    ClickId("li_fat_id", "linkedin", "cpc"),
    ClickId("sccid", "snapchat", "cpc"),
    ClickId("rdt_cid", "reddit", "cpc"),
    ClickId("yclid", "yandex", "cpc"),
    ClickId("irclickid", "impact", "affiliate"),
    ClickId("cjevent", "cj", "affiliate"),
    ClickId("awc", "awin", "affiliate"),
    ClickId("ranmid", "rakuten advertising", "affiliate"),
    ClickId("sscid", "shareasale", "affiliate"),
    ClickId("fbclid", "facebook", "social"),  # on free posts too
    ClickId("epik", "pinterest", "social"),  # on free pins too
    ClickId("srsltid", "google", "organic"),  # a free product listing
    ClickId("gad_source", "google", "cpc"),
)
"""In order of proof: the first one found counts. Identifiers are kept byte for byte."""

PAID = re.compile(r"^(?:.*cp.*|ppc|retargeting|paid.*)$")
SHOP_CAMPAIGN = re.compile(r"^(?:.*(?:(?:[^a-df-z]|^)shop|shopping).*)$")
EMAIL = re.compile(r"e[-_ ]?mail|^newsletter$")
SOCIAL_MEDIA = frozenset(
    {"social", "social-network", "social-media", "sm", "social network", "social media"}
)
DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
PUSH = re.compile(r"push$|mobile|notification")
CHECKOUT_PATH = re.compile(
    r"/(?:checkouts?|cart|orders?|thank[-_]?you|order-(?:received|status)|account)\b", re.IGNORECASE
)


class Signal(NamedTuple):
    """What the channel rules look at; texts are lower case, "" where absent."""

    source: str
    medium: str
    campaign: str
    kind: Kind
    paid: bool
    click: str


Predicate: TypeAlias = Callable[[Signal], bool]

RULES: tuple[tuple[str, Predicate], ...] = (
    ("Direct", lambda s: (s.source, s.medium) in {DIRECT, ("(direct)", ""), ("", "")}),
    ("Cross-network", lambda s: "cross-network" in s.campaign),
    ("Paid Shopping", lambda s: s.paid and _is_shopping(s)),
    ("Paid Search", lambda s: s.paid and s.kind == "search" and s.medium != "display"),
    ("Paid Social", lambda s: s.paid and s.kind == "social"),
    ("Paid Video", lambda s: s.paid and s.kind == "video"),
    ("Display", lambda s: s.medium in DISPLAY),
    ("Paid Other", lambda s: s.paid),
    ("AI Assistants", lambda s: s.kind == "assistant"),
    ("Organic Shopping", lambda s: _is_shopping(s) or s.click == "srsltid"),
    ("Organic Social", lambda s: s.kind == "social" or s.medium in SOCIAL_MEDIA),
    ("Organic Video", lambda s: s.kind == "video" or "video" in s.medium),
    ("Organic Search", lambda s: s.kind == "search" or s.medium == "organic"),
    ("Referral", lambda s: s.medium in {"referral", "app", "link"}),
    ("Email", lambda s: s.kind == "email" or _is_email(s)),
    ("Affiliates", lambda s: s.medium == "affiliate"),
    ("Audio", lambda s: s.medium == "audio"),
    ("SMS", lambda s: "sms" in {s.source, s.medium}),
    (
        "Mobile Push Notifications",
        lambda s: bool(PUSH.search(s.medium)) or s.source == "firebase",
    ),
    ("Unassigned", lambda _: True),
)
"""Channel and condition, the first that holds wins: Google's table (support page 9756891).

Where it differs: AI Assistants are a channel; webmail is Email even when it only shows
as a referrer; `paid` is also proved by an ad-only click identifier, unless the tag names
another source, or by a source that names an ad platform.
"""

CHANNELS: tuple[str, ...] = tuple(name for name, _ in RULES)
"""The channels in the order of their rules."""


def _is_shopping(signal: Signal) -> bool:
    return signal.kind == "shopping" or bool(SHOP_CAMPAIGN.match(signal.campaign))


def _is_email(signal: Signal) -> bool:
    return bool(EMAIL.search(signal.source) or EMAIL.search(signal.medium))


Operator: TypeAlias = Literal[
    "exact", "is_not", "is_set", "is_not_set", "contains", "not_contains", "regex", "not_regex"
]

OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda text, value: text == value.lower(),
    "is_not": lambda text, value: text != value.lower(),
    "is_set": lambda text, _: bool(text),
    "is_not_set": lambda text, _: not text,
    "contains": lambda text, value: value.lower() in text,
    "not_contains": lambda text, value: value.lower() not in text,
    "regex": lambda text, value: bool(re.search(value, text, re.IGNORECASE)),
    "not_regex": lambda text, value: not re.search(value, text, re.IGNORECASE),
}
"""How a merchant's condition compares; case never matters."""


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """One comparison of a merchant's rule."""

    field: Literal["source", "medium", "campaign", "host", "path", "referrer"]
    op: Operator
    value: str = ""


class OwnRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A merchant's own channel: it holds when all (or any) of its conditions do."""

    channel: str
    conditions: tuple[Condition, ...]
    match: Literal["all", "any"] = "all"


class Coupon(Struct, frozen=True, forbid_unknown_fields=True):
    """A discount code that tells who sent the buyer: it stands for a touch of the order.

    `code` may hold `*`; case never matters. `when` is `always`, where the code is the last
    touch before the order, or `lost`, where it counts only if nothing else tells what
    brought the buyer.
    """

    code: str
    source: str
    channel: str = "Affiliates"
    medium: str = "coupon"
    campaign: str | None = None
    when: Literal["always", "lost"] = "always"


def coupon_of(codes: Iterable[str], coupons: Iterable[Coupon]) -> Coupon | None:
    """The first of the shop's coupons that one of the order's codes is."""
    given = [code.strip().lower() for code in codes]
    return next(
        (c for c in coupons if any(fnmatchcase(code, c.code.lower()) for code in given)), None
    )


@lru_cache(maxsize=64)
def version(rules: tuple[OwnRule, ...]) -> int:
    """The number of a classification: the built-in rules' version, and which own rules ran."""
    if not rules:
        return RULES_VERSION
    return RULES_VERSION << 32 | crc32(msgspec.json.encode(rules))


class Classified(Struct, frozen=True, omit_defaults=True):
    """One landing as a touch: source and medium lower case, campaign, term and content as written.

    `click_kind` is the parameter's name, `click_id` its value byte for byte;
    `landing_path` and `referrer_host` hold no query. Flags are those of `core.utm.Utm`
    plus `conflict` (a click identifier of another source than the tag says), `untagged_ad`
    (an ad's click identifier without any tag) and `upper_case` (source or medium spelled
    with capitals, which splits them in tools that do not repair it).
    """

    source: str
    medium: str
    channel: str
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    ad_id: str | None = None
    direct: bool = False
    paid: bool = False
    click_kind: str | None = None
    click_id: str | None = None
    referrer_host: str | None = None
    landing_path: str = "/"
    rules: int = RULES_VERSION
    flags: tuple[str, ...] = ()


def is_internal(url: str | None, referrer: str | None, own_hosts: frozenset[str]) -> bool:
    """Whether the visitor came from the shop itself: its hosts, those below, the page's own."""
    host = sources.host_of(referrer)
    own = frozenset(h.lower().removeprefix("www.").split(":")[0] for h in own_hosts)
    return bool(host) and (sources.within(host, own) or host == sources.host_of(url))


def is_return(url: str | None, referrer: str | None, *, tagged: bool) -> bool:
    """Whether the visitor only comes back from paying or signing in.

    A market such as Shop may send new visitors too: with campaign tags, or anywhere
    but at a checkout, its visits count.
    """
    host = sources.host_of(referrer)
    if not host or not sources.within(host, sources.GATEWAYS):
        return False
    at_checkout = bool(CHECKOUT_PATH.search(sources.path_of(url)))
    market = sources.within(host, sources.MARKETS)
    return at_checkout or not (tagged or market)


def classify(
    url: str | None,
    referrer: str | None,
    own_hosts: frozenset[str],
    rules: tuple[OwnRule, ...] = (),
) -> Classified | None:
    """The touch that a landing makes; None when the visitor was on the way already.

    `url` is the landing page with its query, `referrer` the page before it as the
    browser told it; `own_hosts` are the shop's. None is a page of the shop itself or
    a return from a payment or sign-in page. Never raises; an empty landing is Direct.
    """
    tags = utm.parse(url)
    click, click_id = _click(url)
    tagged = tags.normal.source is not None or click is not None
    if is_internal(url, referrer, own_hosts) or is_return(url, referrer, tagged=tagged):
        return None
    came = sources.referrer(sources.host_of(referrer), sources.path_of(referrer))
    source, medium = _origin(tags.normal, click, came)
    signal = _signal(source, medium, tags, click, came)
    found = _own(rules, signal, url, referrer) or _channel(signal)
    return Classified(
        source=source,
        medium=medium,
        channel=found,
        campaign=tags.raw.campaign if tags.normal.campaign else None,
        term=tags.raw.term if tags.normal.term else None,
        content=tags.raw.content if tags.normal.content else None,
        campaign_id=tags.campaign_id,
        adset_id=tags.adset_id,
        ad_id=tags.ad_id,
        direct=(source, medium) == DIRECT,
        paid=signal.paid,
        click_kind=click and click.parameter,
        click_id=click_id,
        referrer_host=sources.host_of(referrer) or None,
        landing_path=sources.path_of(url)[: utm.MAX_LENGTH],
        rules=version(rules),
        flags=(*tags.flags, *_doubts(tags.normal, click), *_spelling(tags.raw)),
    )


def internal_tags(url: str | None, referrer: str | None, own_hosts: frozenset[str]) -> utm.Tags:
    """The tags of a link inside the shop, where they hide what brought the visitor; else none."""
    if not is_internal(url, referrer, own_hosts):
        return utm.Tags()
    tags = utm.parse(url)
    fallback = "source_fallback" in tags.flags
    return utm.Tags() if fallback else tags.raw


def _spelling(tags: utm.Tags) -> tuple[str, ...]:
    told = (tags.source or "", tags.medium or "")
    return ("upper_case",) if any(text != text.lower() for text in told) else ()


def _click(url: str | None) -> tuple[ClickId | None, str | None]:
    values: dict[str, str] = {}
    for name, value in utm.parameters(url):
        if value and not utm.MACRO.search(value):
            values.setdefault(name, value)
    for row in CLICK_IDS:
        if row.parameter in values:
            return row, values[row.parameter]
    return None, None


def _origin(tags: utm.Tags, click: ClickId | None, came: sources.Place) -> tuple[str, str]:
    """Source and medium: tags first, then the click identifier, then the referrer."""
    named = tags.source or tags.medium or tags.campaign
    told = _told(click, came)
    if not named:
        return told
    if tags.source:
        return tags.source, tags.medium or _medium_for(tags.source, click, told)
    return (told[0] if told != DIRECT else "(not set)"), tags.medium or told[1]


def _medium_for(source: str, click: ClickId | None, told: tuple[str, str]) -> str:
    """The medium of a tag that names none: the click's or referrer's if it is the same place."""
    if source == DIRECT[0]:
        return DIRECT[1]
    same = told != DIRECT and sources.named(told[0]).name == sources.named(source).name
    return told[1] if same or (click and click.paid) else "(not set)"


MEDIUM_OF_KIND: dict[Kind, str] = {"search": "organic", "social": "social", "email": "email"}
"""The medium of an untagged visit from such a place; `referral` for all others."""


def _told(click: ClickId | None, came: sources.Place) -> tuple[str, str]:
    """Source and medium of a visit without tags."""
    if click is None:
        return (came.name, MEDIUM_OF_KIND.get(came.kind, "referral")) if came.name else DIRECT
    same_kind = not click.paid and came.kind == sources.named(click.source).kind != "other"
    return (came.name if same_kind else click.source), click.medium


def _signal(
    source: str, medium: str, tags: utm.Utm, click: ClickId | None, came: sources.Place
) -> Signal:
    """What the rules look at; a click identifier that contradicts the tag proves nothing."""
    trusted = click if click and not _contradicts(tags.normal, click) else None
    return Signal(
        source=source,
        medium=medium,
        campaign=tags.normal.campaign or "",
        kind=came.kind if source == came.name else sources.named(source).kind,
        paid=bool(
            PAID.match(medium)
            or sources.PAID_SOURCE.fullmatch(source)
            or (trusted and trusted.paid)
        ),
        click=trusted.parameter if trusted else "",
    )


def _channel(signal: Signal) -> str:
    blank = signal._replace(medium="") if signal.medium == "(not set)" else signal
    return next(name for name, holds in RULES if holds(blank))


def _own(
    rules: tuple[OwnRule, ...], signal: Signal, url: str | None, referrer: str | None
) -> str | None:
    fields = {
        "source": signal.source,
        "medium": signal.medium,
        "campaign": signal.campaign,
        "host": sources.host_of(url),
        "path": sources.path_of(url).lower(),
        "referrer": sources.host_of(referrer),
    }
    for rule in rules:
        held = (OPERATORS[c.op](fields[c.field], c.value) for c in rule.conditions)
        if any(held) if rule.match == "any" else all(held):
            return rule.channel
    return None


FAMILIES = (
    frozenset({"facebook", "instagram", "threads"}),
    frozenset({"google", "youtube", "google shopping"}),
)
"""Places of one company, whose click identifiers are the same."""


def _contradicts(tags: utm.Tags, click: ClickId) -> bool:
    """Whether the tag names another place than the one that set the click identifier."""
    if tags.source is None or click.medium == "affiliate":
        return False
    name = sources.named(tags.source).name
    return name != click.source and not any({name, click.source} <= one for one in FAMILIES)


def _doubts(tags: utm.Tags, click: ClickId | None) -> tuple[str, ...]:
    if click is None:
        return ()
    if tags.source is None:
        return ("untagged_ad",) if click.paid or click.parameter == "fbclid" else ()
    return ("conflict",) if _contradicts(tags, click) else ()
