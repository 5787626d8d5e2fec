"""The ads: campaigns, ad sets and ads of two platforms, their links and their daily spend."""

from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs

SPEND_HEADER = (
    "date,platform,account_id,campaign_id,campaign_name,adset_id,adset_name,"
    "ad_id,ad_name,currency,spend,impressions,clicks"
)


class Ad(Struct, frozen=True):
    """One ad with all that stands above it. `budget` is a day's spend in account currency."""

    platform: str
    account_id: str
    campaign_id: str
    campaign: str
    adset_id: str
    adset: str
    id: str
    name: str
    budget: Decimal
    renamed: str | None = None
    """The campaign's name in the second half of the time."""


class Account(Struct, frozen=True):
    """An ad account: its currency, and the zone in which its days begin."""

    platform: str
    id: str
    currency: str
    timezone: str


META_CAMPAIGNS = (
    ("Prospecting Broad", ("US 25-54", "EU 25-54"), ("Video A", "Carousel B"), "2.40"),
    ("Retargeting 30d", ("Viewed product", "Added to cart"), ("Offer 10", "Review C"), "0.80"),
    ("Spring Sale", ("Lookalike 1%", "Interests"), ("Still D", "Reel E"), "1.50"),
)
GOOGLE_CAMPAIGNS = (
    ("Brand Search", ("Brand exact",), ("Text 1",), "0.80"),
    ("Generic Search", ("Linen", "Ceramics"), ("Text 2",), "1.90"),
)
"""Campaign, ad sets, ads of each set, and what a day costs for each order of an average day."""


def accounts(knobs: Knobs) -> dict[str, Account]:
    """The two ad accounts by platform; zone and currency are unlike the shop's."""
    return {
        "meta": Account("meta", "act_880011223344", knobs.meta_currency, knobs.meta_timezone),
        "google": Account("google", "4455667788", "USD", "America/Los_Angeles"),
    }


def ads(knobs: Knobs) -> tuple[Ad, ...]:
    """All ads, Meta's first."""
    known = accounts(knobs)
    busy = Decimal(knobs.orders) / max(knobs.days, 1)
    rows = [*_tree(known["meta"], META_CAMPAIGNS, 120_210_000_000_000_000, busy)]
    rows += _tree(known["google"], GOOGLE_CAMPAIGNS, 21_000_000_000, busy)
    if not knobs.renamed:
        return tuple(rows)
    return tuple(_rename(row) if row.campaign == "Spring Sale" else row for row in rows)


def campaign_name(ad: Ad, *, late: bool) -> str:
    """What the campaign was called then; `late` is the second half of the time."""
    return ad.renamed if late and ad.renamed else ad.campaign


def meta_query(ad: Ad, *, late: bool) -> dict[str, str]:
    """The query of a Meta ad's link without its click id."""
    return {
        "utm_source": "facebook",
        "utm_medium": "paid_social",
        "utm_campaign": campaign_name(ad, late=late),
        "utm_id": ad.campaign_id,
        "utm_content": ad.name,
        "campaign_id": ad.campaign_id,
        "adset_id": ad.adset_id,
        "ad_id": ad.id,
    }


def google_query(ad: Ad) -> dict[str, str]:
    """The query of a Google ad's link without its click id."""
    return {
        "utm_source": "google",
        "utm_medium": "cpc",
        "utm_campaign": ad.campaign,
        "utm_id": ad.campaign_id,
    }


def link(page: str, query: dict[str, str]) -> str:
    """A landing URL; the order of the parameters is kept."""
    return f"{page}?{urlencode(query)}" if query else page


def spend_csv(dice: Dice, knobs: Knobs, start: datetime, end: datetime) -> str:
    """A row per ad and day of its account's zone, from the first day to the last."""
    known = accounts(knobs)
    lines = [SPEND_HEADER]
    middle = start + (end - start) / 2
    for ad in ads(knobs):
        account = known[ad.platform]
        zone = ZoneInfo(account.timezone)
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        while day <= last:
            late = day >= middle.astimezone(zone).date()
            lines.append(_spend_row(dice, ad, account, day.isoformat(), late=late))
            day += timedelta(days=1)
    return "\n".join(lines) + "\n"


def _spend_row(dice: Dice, ad: Ad, account: Account, day: str, *, late: bool) -> str:
    factor = Decimal(f"{dice.lognormal(1.0, 0.25, 'spend', ad.id, day):.4f}")
    spend = (ad.budget * factor).quantize(Decimal("0.01"))
    impressions = int(spend * 90)
    cells = (
        day, ad.platform, account.id, ad.campaign_id, campaign_name(ad, late=late),
        ad.adset_id, ad.adset, ad.id, ad.name, account.currency,
        str(spend), str(impressions), str(impressions // 70),
    )  # fmt: skip
    return ",".join(cells)


def _rename(ad: Ad) -> Ad:
    return Ad(
        ad.platform, ad.account_id, ad.campaign_id, ad.campaign, ad.adset_id, ad.adset,
        ad.id, ad.name, ad.budget, renamed="Spring Sale (extended)",
    )  # fmt: skip


def _tree(
    account: Account,
    campaigns: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...],
    base: int,
    busy: Decimal,
) -> list[Ad]:
    rows = []
    for c, (campaign, adsets, names, budget) in enumerate(campaigns, 1):
        share = (Decimal(budget) * busy / (len(adsets) * len(names))).quantize(Decimal("0.01"))
        for s, adset in enumerate(adsets, 1):
            for a, name in enumerate(names, 1):
                campaign_id, adset_id = base + c * 10_000, base + c * 10_000 + s * 100
                rows.append(
                    Ad(
                        account.platform,
                        account.id,
                        str(campaign_id),
                        campaign,
                        str(adset_id),
                        adset,
                        str(adset_id + a),
                        name,
                        share,
                    )
                )
    return rows
