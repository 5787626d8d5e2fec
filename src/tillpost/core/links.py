"""Tagged links that reports can read: one spelling for each source, and a template a platform.

A template is what an ad platform appends to every ad's address; its placeholders are the
platform's own macros, so that orders find their campaign and ad by id, whatever it is renamed to.
"""

import re
from collections.abc import Mapping
from unicodedata import normalize
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from tillpost.core.outcome import Misconfigured


class Template(Struct, frozen=True):
    """What to paste where: the tags, the field of the platform's own form, and a remark."""

    tags: str
    where: str
    remark: str = ""


TEMPLATES: dict[str, Template] = {
    "meta": Template(
        "utm_source=facebook&utm_medium=paid_social&utm_campaign={{campaign.name}}"
        "&utm_id={{campaign.id}}&utm_term={{adset.id}}&utm_content={{ad.id}}",
        "Ad > Tracking > URL parameters",
        "Only paid links get them; free posts keep the bare address.",
    ),
    "google": Template(
        "utm_source=google&utm_medium=cpc&utm_campaign={campaignid}&utm_id={campaignid}"
        "&utm_term={adgroupid}&utm_content={creative}",
        "Account settings > Tracking > Final URL suffix",
        "Leave auto-tagging (gclid) on.",
    ),
    "tiktok": Template(
        "utm_source=tiktok&utm_medium=paid_social&utm_campaign=__CAMPAIGN_NAME__"
        "&utm_id=__CAMPAIGN_ID__&utm_term=__AID__&utm_content=__CID__",
        "Ad > Tracking > URL parameters",
    ),
    "pinterest": Template(
        "utm_source=pinterest&utm_medium=paid_social&utm_campaign={campaignname}"
        "&utm_id={campaignid}&utm_term={adgroupid}&utm_content={adid}",
        "Ad > Destination URL",
    ),
    "snapchat": Template(
        "utm_source=snapchat&utm_medium=paid_social&utm_campaign={{campaign.name}}"
        "&utm_id={{campaign.id}}&utm_term={{adSet.id}}&utm_content={{ad.id}}",
        "Ad > URL parameters",
    ),
    "microsoft": Template(
        "utm_source=bing&utm_medium=cpc&utm_campaign={CampaignId}&utm_id={CampaignId}"
        "&utm_term={AdGroupId}&utm_content={AdId}",
        "Account settings > Final URL suffix",
        "Leave auto-tagging (msclkid) on.",
    ),
    "reddit": Template(
        "utm_source=reddit&utm_medium=paid_social&utm_campaign={{CAMPAIGN_NAME}}"
        "&utm_id={{CAMPAIGN_ID}}&utm_term={{ADGROUP_ID}}&utm_content={{AD_ID}}",
        "Ad > URL parameters",
    ),
    "linkedin": Template(
        "utm_source=linkedin&utm_medium=paid_social&utm_campaign={{CAMPAIGN_GROUP_NAME}}"
        "&utm_id={{CAMPAIGN_GROUP_ID}}&utm_term={{CAMPAIGN_ID}}&utm_content={{CREATIVE_ID}}",
        "Campaign > URL tracking parameters",
        "LinkedIn documents the values, and guides write them so in braces. Since October 2025 "
        "its form calls a group a campaign, a campaign an ad set and a creative an ad, and "
        "guides disagree whether the placeholders did too: choose them from the form's list "
        "and follow one ad to see them filled in.",
    ),
    "x": Template(
        "utm_source=twitter&utm_medium=paid_social&utm_campaign={campaign_name}"
        "&utm_id={campaign_id}&utm_term={ad_group_id}&utm_content={ad_id}",
        "Ad > Website URL",
        "X documents no placeholder, and guides fill in by hand: put the campaign's name and "
        "the ids in the place of the braces. It adds its own twclid.",
    ),
    "klaviyo": Template(
        "utm_source=klaviyo&utm_medium=email&utm_campaign={campaign_name}",
        "Account > Settings > UTM tracking",
        "Written by hand it is the campaign's own name in small letters.",
    ),
}
"""The template of each platform; macros are the platform's own."""

SPACES = re.compile(r"[\s_]+")
OTHER = re.compile(r"[^\w.|+-]")
TAGS = ("source", "medium", "campaign", "term", "content", "id")
PERSONAL = re.compile(r"@|%40")


def build(url: str, tags: Mapping[str, str]) -> str:
    """The address with its campaign tags, in the one spelling in which they are compared.

    Small letters, hyphens for spaces; tags that the address has already are replaced, and all
    else of it is kept. `source` and `medium` are needed. Raises `Misconfigured` for an address
    that is none, a tag that is missing or unknown, and for anybody's e-mail.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misconfigured(f"{url[:80]!r} is no address: write it as https://shop.example/page")
    given = {name: spelled(value) for name, value in tags.items() if value.strip()}
    _check(given)
    own = [f"utm_{name}" for name in given]
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in pairs if pair[0].lower() not in own]
    added = [(f"utm_{name}", given[name]) for name in TAGS if name in given]
    query = urlencode([*kept, *added], quote_via=quote)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, parts.fragment))


def spelled(value: str) -> str:
    """A tag's value in small letters, with hyphens where there were spaces, signs left out."""
    plain = normalize("NFC", value).strip().lower()
    return OTHER.sub("", SPACES.sub("-", plain)) if not PERSONAL.search(plain) else plain


def _check(tags: Mapping[str, str]) -> None:
    unknown = [name for name in tags if name not in TAGS]
    if unknown:
        raise Misconfigured(f"there is no tag {unknown[0][:40]!r}: use {', '.join(TAGS)}")
    for name in ("source", "medium"):
        if not tags.get(name):
            raise Misconfigured(f"a link needs a {name}: without it its visits cannot be grouped")
    personal = [name for name, value in tags.items() if PERSONAL.search(value)]
    if personal:
        raise Misconfigured(f"{personal[0]}: no e-mail belongs in a link: name the list instead")
