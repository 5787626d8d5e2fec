"""Where shoppers come from: the link of each visit, and what can be told from it.

`Link` holds the truth (which channel it was) beside the expectation (what the link
says to somebody who can only read it).
"""

from msgspec import Struct

from tillpost.simulate.ads import Ad, campaign_name, google_query, link, meta_query
from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs

SHOP = "https://demo-shop.myshopify.com"
PAGES = (
    "/",
    "/products/linen-shirt",
    "/products/stone-mug",
    "/products/wool-blanket",
    "/collections/new",
    "/collections/sale",
    "/pages/about",
)
DIRECT = "Direct"
MIX = (
    ("meta", 0.40),
    ("google", 0.18),
    ("email", 0.13),
    ("search", 0.14),
    ("social", 0.08),
    ("referral", 0.05),
    ("assistant", 0.02),
)
GATEWAYS = ("https://www.paypal.com/", "https://pay.klarna.com/", "https://checkout.stripe.com/")


class Said(Struct, frozen=True):
    """What a link says: its channel, and source, medium, campaign where it names them."""

    channel: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    campaign_id: str | None = None


class Link(Struct, frozen=True):
    """How one visit began: URL and referrer as the browser has them, and the truth."""

    url: str
    referrer: str
    true: Said
    told: Said
    ad: Ad | None = None
    click_id: str | None = None
    """The click as the platform knows it, even where the link lost it."""
    fbclid: str | None = None
    """The click id as it stands in the URL."""
    decorated: bool = False


def told_all(row: Link) -> bool:
    """Whether the link tells its true channel and campaign."""
    return row.true == row.told


def draw(
    dice: Dice, knobs: Knobs, visit: str, pool: tuple[Ad, ...], *, account: bool, late: bool
) -> Link:
    """A link that is not direct; without an account nobody sees Meta's ads."""
    kind = dice.weighted(MIX, "channel", visit)
    page = SHOP + dice.pick(PAGES, "page", visit)
    if kind == "meta" and account:
        choice = dice.pick([ad for ad in pool if ad.platform == "meta"], "ad", visit)
        return _meta(dice, knobs, visit, page, choice, late=late)
    if kind in {"meta", "google"}:
        choice = dice.pick([ad for ad in pool if ad.platform == "google"], "ad", visit)
        return _google(dice, knobs, visit, page, choice)
    if kind == "email":
        return _email(dice, knobs, visit, page)
    return _referred(dice, knobs, visit, page, kind)


def direct(dice: Dice, visit: str) -> Link:
    """A visit with no link at all."""
    said = Said(DIRECT)
    return Link(SHOP + dice.pick(PAGES, "page", visit), "", said, said)


def _meta(dice: Dice, knobs: Knobs, visit: str, page: str, ad: Ad, *, late: bool) -> Link:
    name = campaign_name(ad, late=late)
    true = Said("Paid Social", "facebook", "paid_social", name, ad.campaign_id)
    told, query = true, meta_query(ad, late=late)
    if dice.chance(knobs.no_utm, "no-utm", visit):
        told, query = Said("Organic Social"), {}
    elif dice.chance(knobs.macro, "macro", visit):
        told = Said("Paid Social", "facebook", "paid_social")
        query |= {
            "utm_campaign": "{{campaign.name}}",
            "utm_id": "{{campaign.id}}",
            "utm_content": "{{ad.name}}",
            "campaign_id": "{{campaign.id}}",
            "adset_id": "{{adset.id}}",
            "ad_id": "{{ad.id}}",
        }
    query = _cased(dice, knobs, visit, query)
    click = fbclid(dice, visit)
    kept = None if dice.chance(knobs.stripped, "stripped", visit) else click
    if kept:
        query["fbclid"] = kept
    referrer = dice.pick(("https://l.facebook.com/", "https://l.instagram.com/", ""), "ref", visit)
    if not query or told.channel == "Organic Social":
        referrer = "https://l.facebook.com/"
    return Link(link(page, query), referrer, true, told, ad, click, kept, decorated=bool(kept))


def _google(dice: Dice, knobs: Knobs, visit: str, page: str, ad: Ad) -> Link:
    said = Said("Paid Search", "google", "cpc", ad.campaign, ad.campaign_id)
    query = _cased(dice, knobs, visit, google_query(ad))
    click = "Cj0KCQjw" + dice.hexes(40, "gclid", visit)
    kept = None if dice.chance(knobs.stripped, "stripped", visit) else click
    if kept:
        query["gclid"] = kept
    return Link(
        link(page, query), "https://www.google.com/", said, said, ad, click, decorated=bool(kept)
    )


def _email(dice: Dice, knobs: Knobs, visit: str, page: str) -> Link:
    campaign = dice.pick(("weekly-letter", "back-in-stock", "welcome"), "letter", visit)
    said = Said("Email", "newsletter", "email", campaign)
    query = {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": campaign}
    return Link(link(page, _cased(dice, knobs, visit, query)), "", said, said)


_REFERRERS = {
    "search": (
        "Organic Search",
        ("https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/"),
    ),
    "social": (
        "Organic Social",
        ("https://l.facebook.com/", "https://www.instagram.com/", "https://www.pinterest.com/"),
    ),
    "assistant": ("AI Assistants", ("https://chatgpt.com/", "https://www.perplexity.ai/")),
    "referral": (
        "Referral",
        ("https://blog.interiors.example/", "https://reviews.goods.example/best-mugs"),
    ),
}


def _referred(dice: Dice, knobs: Knobs, visit: str, page: str, kind: str) -> Link:
    channel, hosts = _REFERRERS[kind]
    said = Said(channel)
    referrer = dice.pick(hosts, "ref", visit)
    if kind != "social" or not dice.chance(knobs.organic_fbclid, "organic-fbclid", visit):
        return Link(page, referrer, said, said)
    click = fbclid(dice, visit)
    return Link(
        link(page, {"fbclid": click}), "https://l.facebook.com/", said, said, None, None, click,
        decorated=True,
    )  # fmt: skip


def fbclid(dice: Dice, visit: str) -> str:
    """A click id in Meta's shape; letter case is part of it."""
    return (
        f"IwZXh0bgNhZW0CMTEAAR{dice.hexes(60, 'fbclid', visit)}_aem_{dice.hexes(22, 'aem', visit)}"
    )


def _cased(dice: Dice, knobs: Knobs, visit: str, query: dict[str, str]) -> dict[str, str]:
    if not dice.chance(knobs.case_variants, "case-variants", visit):
        return dict(query)
    change = dice.pick((str.upper, str.title), "which-case", visit)
    return {
        key: change(value) if key in {"utm_source", "utm_medium"} else value
        for key, value in query.items()
    }
