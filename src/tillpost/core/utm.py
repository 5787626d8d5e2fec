"""Campaign tags of a landing page's address, read as people really write them.

The repairs are those of `docs/concepts/attribution.md`: escaped ampersands, a second
question mark, tags in the fragment, doubled encoding, doubled tags, other tools' names.
What was repaired is flagged, so that the tags can be mended at their source.
"""

import re
from collections.abc import Iterator
from unicodedata import category, normalize
from urllib.parse import parse_qsl, unquote_plus

from msgspec import Struct

MAX_LENGTH = 255
"""Longer values are cut: no report shows more, and nobody may fill the store with one."""

NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("source", ("utm_source", "mtm_source", "pk_source", "piwik_source", "matomo_source")),
    ("medium", ("utm_medium", "mtm_medium", "pk_medium", "piwik_medium", "matomo_medium")),
    (
        "campaign",
        ("utm_campaign", "mtm_campaign", "pk_campaign", "piwik_campaign", "matomo_campaign"),
    ),
    (
        "term",
        ("utm_term", "mtm_kwd", "mtm_keyword", "pk_kwd", "pk_keyword", "piwik_kwd", "matomo_kwd"),
    ),
    ("content", ("utm_content", "mtm_content", "pk_content", "piwik_content", "matomo_content")),
    ("id", ("utm_id", "mtm_cid", "pk_cid", "matomo_cid")),
    ("platform", ("utm_source_platform",)),
    ("creative_format", ("utm_creative_format",)),
    ("tactic", ("utm_marketing_tactic",)),
)
"""What each tag is called, the usual name first; of several the first with a value counts."""

FALLBACKS: tuple[tuple[str, str], ...] = (("source", "source"), ("source", "ref"))
"""Parameters that stand in for a missing tag, as Plausible and Shopify read them."""

ID_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("campaign_id", ("campaign_id", "campaignid", "hsa_cam", "gad_campaignid")),
    ("adset_id", ("adset_id", "adgroup_id", "adgroupid", "hsa_grp")),
    ("ad_id", ("ad_id", "adid", "hsa_ad")),
)
"""Parameters that carry an ad platform's own ids, as templates and HubSpot write them."""

IDS_IN_TAGS: tuple[tuple[str, str], ...] = (
    ("campaign_id", "id"),
    ("campaign_id", "campaign"),
    ("adset_id", "term"),
    ("ad_id", "content"),
)
"""Tags that templates fill with ids: `utm_id={{campaign.id}}&utm_content={{ad.id}}`."""

MACRO = re.compile(
    r"\{\{.*?\}\}|\{[\w.:!]+\}|__[A-Z0-9]+(?:_[A-Z0-9]+)*__|^(?:\(not set\)|null|undefined)$"
)
"""A placeholder that the ad platform did not fill in, or a script's word for nothing."""

PLATFORM_ID = re.compile(r"\d{6,}")
ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
SECOND_QUERY = re.compile(r"\?(?=(?:utm|mtm|pk|hsa)_\w+=)", re.IGNORECASE)
INVISIBLE = frozenset({"Cc", "Cs", "Cf"})


class Tags(Struct, frozen=True, omit_defaults=True):
    """The nine campaign tags; None is absent or empty."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    id: str | None = None
    platform: str | None = None
    creative_format: str | None = None
    tactic: str | None = None


class Utm(Struct, frozen=True, omit_defaults=True):
    """A landing page's tags, and what its address says of the ad that was clicked.

    `raw` is as written, trimmed and printable. `normal` is for comparing: lower case,
    decoded once more where it had been encoded twice, None where a macro was never
    filled in. Ids are as written. Flags are of `duplicate_utm`, `macro_unexpanded`,
    `escaped_ampersand`, `second_question_mark`, `fragment`, `double_encoded`,
    `source_fallback`.
    """

    raw: Tags = Tags()
    normal: Tags = Tags()
    campaign_id: str | None = None
    adset_id: str | None = None
    ad_id: str | None = None
    flags: tuple[str, ...] = ()


def clean(value: str) -> str:
    """Printable text in NFC, white space collapsed, at most 255 characters."""
    spaced = " ".join(value.split())
    shown = "".join(c for c in spaced if c == "\u200d" or category(c) not in INVISIBLE)
    return normalize("NFC", shown)[:MAX_LENGTH].strip()


def normal(value: str | None) -> str | None:
    """The form under which two spellings of a tag are one; None if it says nothing."""
    if value is None or MACRO.search(value):
        return None
    decoded = clean(unquote_plus(value)) if ESCAPED.search(value) else value
    return None if MACRO.search(decoded) else decoded.lower() or None


def parameters(url: str | None) -> tuple[tuple[str, str], ...]:
    """The address's parameters in order, query before fragment, their names in lower case.

    `+` is a space, invalid UTF-8 is U+FFFD, `;` separates nothing. Never raises.
    """
    return _parameters(url or "")[0]


def _parameters(url: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    if "?" not in url and "#" not in url:
        return (), ()
    head, _, fragment = url.partition("#")
    _, _, query = head.partition("?")
    flags: list[str] = []
    if SECOND_QUERY.search(query):
        query = SECOND_QUERY.sub("&", query)
        flags.append("second_question_mark")
    pairs = list(_pairs(query))
    if tagged := [p for p in _pairs(fragment.rpartition("?")[2]) if p[0] in _TAG_NAMES]:
        pairs += tagged
        flags.append("fragment")
    if any(name.startswith("amp;") for name, _ in pairs):
        pairs = [(name.removeprefix("amp;"), value) for name, value in pairs]
        flags.append("escaped_ampersand")
    return tuple(pairs), tuple(flags)


_TAG_NAMES = frozenset(name for _, names in NAMES for name in names)


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for name, value in parse_qsl(query, keep_blank_values=True):
        yield name.strip().lower(), value


def _first_values(pairs: tuple[tuple[str, str], ...]) -> tuple[dict[str, str], bool]:
    """The first value that is not empty for each name; whether another one contradicts it."""
    values: dict[str, str] = {}
    doubled = False
    for name, value in pairs:
        text = clean(value)
        if text and values.setdefault(name, text) != text:
            doubled = doubled or name in _TAG_NAMES
    return values, doubled


def _tags(values: dict[str, str]) -> dict[str, str]:
    return {
        tag: next(values[name] for name in names if name in values)
        for tag, names in NAMES
        if any(name in values for name in names)
    }


def _ids(values: dict[str, str], tags: dict[str, str]) -> tuple[dict[str, str], bool]:
    """The ad's ids; whether one of their parameters holds an unfilled macro."""
    given = [(field, values[name]) for field, names in ID_NAMES for name in names if name in values]
    given += [
        (field, tags[tag])
        for field, tag in IDS_IN_TAGS
        if tag in tags and (tag == "id" or PLATFORM_ID.fullmatch(tags[tag]))
    ]
    ids: dict[str, str] = {}
    for field, value in given:
        if not MACRO.search(value):
            ids.setdefault(field, value)
    return ids, len([1 for _, value in given if MACRO.search(value)]) > 0


def parse(url: str | None) -> Utm:
    """The tags of a landing page's full address or bare path; empty for None. Never raises."""
    pairs, repairs = _parameters(url or "")
    values, doubled = _first_values(pairs)
    tags = _tags(values)
    flags = [*repairs, *(["duplicate_utm"] if doubled else [])]
    for tag, name in FALLBACKS:
        if tag not in tags and name in values:
            tags[tag] = values[name]
            flags.append("source_fallback")
    normals = {tag: normal(value) for tag, value in tags.items()}
    ids, macro = _ids(values, tags)
    if macro or None in normals.values():
        flags.append("macro_unexpanded")
    if any(ESCAPED.search(tags[t]) for t, value in normals.items() if value):
        flags.append("double_encoded")
    return Utm(raw=Tags(**tags), normal=Tags(**normals), flags=tuple(flags), **ids)
