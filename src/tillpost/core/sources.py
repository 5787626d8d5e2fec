"""What kind of place a visit came from: search, social, video, shop, mail, assistant.

The big lists are Matomo's (`core.referrers`); the tables here add what they lack: the
short names that ad platforms fill into `utm_source`, video and shopping sites, webmail,
and the payment pages and sign-in pages that a shopper only passes through.
"""

import re
from collections.abc import Container
from functools import cache, lru_cache
from typing import Literal, NamedTuple, TypeAlias

from tillpost.core import referrers

Kind: TypeAlias = Literal["assistant", "search", "social", "video", "shopping", "email", "other"]


class Place(NamedTuple):
    """A kind of place and the name under which it is known, lower case."""

    kind: Kind
    name: str


ALIASES: tuple[tuple[str, str], ...] = (
    # Meta's {{site_source_name}} says fb, ig, msg, an, th; people write the rest.
    ("facebook", "fb meta facebook-ads facebookads fbads meta-ads metaads an audience_network"),
    ("facebook", "audiencenetwork fb-ads fb_ads facebook_ads meta_ads fbig msg messenger"),
    ("instagram", "ig insta igads ig_ads instagram_ads instagram-ads"),
    ("threads", "th"),
    ("tiktok", "tt tik-tok tik_tok tiktokads tiktok_ads tiktok-ads"),
    ("twitter", "x"),
    ("linkedin", "li"),
    ("pinterest", "pin"),
    ("snapchat", "snap"),
    ("google", "adwords googleads google_ads google-ads gads"),
    ("bing", "microsoft microsoftads microsoft_ads bingads bing_ads msads"),
    ("youtube", "yt"),
    ("chatgpt", "openai"),
)
"""A known source, and what else it is called in `utm_source`."""

PAID_SOURCE = re.compile(r"(?:.+[-_ .])?(?:adwords|ads?)|(?:fb|ig|meta|google|tiktok|bing)ads|gads")
"""A `utm_source` that names an ad platform is paid whatever the medium says."""

PAID_SUFFIX = re.compile(r"[-_ .]?ads?$")
"""What to take off such a name to find the platform: `reddit_ads` is reddit."""

_ADS = ("ad", "ads", "-ad", "-ads", "_ad", "_ads", ".ad", ".ads", " ad", " ads")
"""All that it takes off."""

PLACES: tuple[tuple[Kind, str, str], ...] = (
    ("video", "youtube", "youtube.com youtu.be com.google.android.youtube"),
    ("video", "vimeo", "vimeo.com"),
    ("video", "twitch", "twitch.tv"),
    ("video", "dailymotion", "dailymotion.com"),
    ("video", "netflix", "netflix.com"),
    ("video", "hulu", "hulu.com"),
    ("video", "wistia", "wistia.com wistia.net"),
    ("video", "ted", "ted.com"),
    ("video", "disneyplus", "disneyplus.com"),
    ("video", "iqiyi", "iqiyi.com iq.com"),
    ("video", "youku", "youku.com"),
    ("video", "rumble", "rumble.com"),
    ("shopping", "amazon", "amazon.{} amazon.com amazon-adsystem.com"),
    ("shopping", "ebay", "ebay.{} ebay.com"),
    ("shopping", "etsy", "etsy.com"),
    ("shopping", "walmart", "walmart.com"),
    ("shopping", "target", "target.com"),
    ("shopping", "alibaba", "alibaba.com"),
    ("shopping", "aliexpress", "aliexpress.com"),
    ("shopping", "temu", "temu.com"),
    ("shopping", "rakuten", "rakuten.com rakuten.co.jp"),
    ("shopping", "mercadolibre", "mercadolibre.com mercadolibre.{}"),
    ("shopping", "igshopping", ""),
    ("shopping", "google shopping", "shopping.google.com"),
    ("shopping", "idealo", "idealo.{} idealo.com"),
    ("shopping", "pricerunner", "pricerunner.{} pricerunner.com"),
    ("shopping", "shop.app", "shop.app com.shopify.arrive"),
    ("shopping", "shopzilla", "shopzilla.com"),
    ("email", "gmail", "mail.google.com com.google.android.gm"),
    ("email", "outlook", "outlook.live.com outlook.office.com outlook.office365.com"),
    ("email", "yahoo mail", "mail.yahoo.com mail.yahoo.co.jp"),
    ("email", "proton", "mail.proton.me"),
    ("email", "gmx", "navigator.gmx.net navigator.gmx.com"),
    ("email", "web.de", "navigator.web.de"),
    ("email", "mail.ru", "e.mail.ru"),
    ("email", "aol mail", "mail.aol.com"),
    ("email", "icloud", "icloud.com"),
    ("email", "fastmail", "app.fastmail.com"),
    ("email", "klaviyo", "klaviyo.com"),
    ("email", "mailchimp", "list-manage.com"),
    ("email", "omnisend", "omnisend.com"),
    ("social", "instagram", "com.instagram.android"),
    ("social", "facebook", "lm.facebook.com com.facebook.katana messenger.com"),
    ("social", "pinterest", "com.pinterest pin.it"),
    ("social", "tiktok", "com.zhiliaoapp.musically"),
    ("social", "twitter", "com.twitter.android"),
    ("social", "whatsapp", "whatsapp.com wa.me"),
    ("social", "linkedin", "com.linkedin.android"),
    ("search", "duckduckgo", "com.duckduckgo.mobile.android"),
    ("search", "kagi", "kagi.com"),
    ("search", "startpage", "startpage.com"),
    ("search", "yahoo", "yahoo.com"),
    ("search", "naver", "naver.com m.search.naver.com"),
)
"""Kind, name and hosts; these count before the lists of `core.referrers`."""

GATEWAY_LIST = """
stripe.com paypal.com pay.google.com payments.google.com afterpay.com clearpay.com
clearpay.co.uk pay.shopify.com checkout.shopify.com shopify.com myshopify.com shop.app
worldpay.com opayo.eu sagepay.com pay.amazon.com payments.amazon.com payments.amazon.de
adyen.com adyenpayments.com mollie.com affirm.com sezzle.com zip.co quadpay.com klarna.com
braintreegateway.com authorize.net checkout.com squareup.com 2checkout.com payu.com
paytrail.com ideal.nl bancontact.com sofort.com giropay.de przelewy24.pl alipay.com
cardinalcommerce.com arcot.com 3dsecure.io rsa3dsauth.com securesuite.co.uk paysafe.com
twint.ch vipps.no mobilepay.dk swish.nu
accounts.google.com appleid.apple.com auth0.com login.microsoftonline.com okta.com
"""
GATEWAYS = frozenset(GATEWAY_LIST.split())
"""Payment and sign-in pages: coming back from one is no new visit. Subdomains count."""

MARKETS = frozenset({"shop.app", "klarna.com", "afterpay.com", "zip.co", "sezzle.com"})
"""Gateways that also list shops: with campaign tags, or away from a checkout, a source."""


def host_of(url: str | None) -> str:
    """The host of an address, lower case, without `www.` and port; "" if there is none.

    `android-app://com.google.android.gm/` gives the package. Never raises.
    """
    scheme, separator, rest = (url or "").strip().partition("://")
    if not separator or scheme.lower() not in {"http", "https", "android-app", "ios-app"}:
        return ""
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", authority).rstrip(".").lower()
    return host.removeprefix("www.")


def path_of(url: str | None) -> str:
    """The path of an address or of a bare path, without query; "/" if there is none."""
    text = (url or "").strip()
    rest = text.partition("://")[2] if "://" in text.split("?")[0] else "x" + text
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return "/" + path.partition("/")[2]


def within(host: str, domains: frozenset[str]) -> bool:
    """Whether the host is one of the domains or below one."""
    return any(suffix in domains for suffix in _suffixes(host))


def _suffixes(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


def _rows(kind: Kind, text: str) -> list[tuple[Kind, str, str]]:
    lines = text.strip().replace("\n ", " ").splitlines()
    return [(kind, name, hosts) for name, _, hosts in (line.partition(" = ") for line in lines)]


@cache
def _places() -> tuple[dict[str, Place], dict[str, Place], frozenset[str]]:
    """Place by host, place by name, and the hosts whose subdomains count too."""
    hosts: dict[str, Place] = {}
    names: dict[str, Place] = {}
    wide: set[str] = set()
    lists: tuple[tuple[Kind, str], ...] = (
        ("assistant", referrers.ASSISTANTS),
        ("social", referrers.SOCIAL),
        ("search", referrers.SEARCH),
    )
    rows = [*PLACES, *(row for kind, text in lists for row in _rows(kind, text))]
    for kind, name, listed in rows:
        place = names.setdefault(name, Place(kind, name))
        for host in listed.split():
            hosts.setdefault(host, place)
            if kind != "search":
                wide.add(host)
    for name, others in ALIASES:
        names.update((other, names[name]) for other in others.split())
    return hosts, names, frozenset(wide)


def _country_form(host: str) -> str:
    """`google.co.uk` as `google.{}`, `de.bing.com` as `{}.bing.com`; else the host itself."""
    if found := re.fullmatch(r"(.+?)\.(?:(?:com?|net|org)\.)?[a-z]{2}", host):
        return f"{found[1]}.{{}}"
    return re.sub(r"^[a-z]{2}\.(?=.+\.)", "{}.", host)


@lru_cache(maxsize=4096)
def _lookup(host: str, first: str) -> Place | None:
    hosts, _, wide = _places()
    if place := hosts.get(f"{host}/{first}"):
        return place
    if place := hosts.get(host) or hosts.get(_country_form(host)):
        return place
    return next(
        (hosts[s] for t in _suffixes(host)[1:] for s in (t, _country_form(t)) if s in wide), None
    )


def referrer(host: str, path: str = "/") -> Place:
    """The place behind a referring host; an unknown one is `other` under its own name."""
    first = "/".join(path.strip("/").split("/")[:2]).lower()
    return _lookup(host, first) or Place("other", host)


def named(source: str) -> Place:
    """The place that a `utm_source` (lower case) names, by name, alias or host."""
    names = _places()[1]
    return names.get(source) or names.get(PAID_SUFFIX.sub("", source)) or referrer(source)


META = frozenset({"facebook", "instagram", "threads"})
"""The networks whose ads Meta sells, as `named` has them."""


def networks(*, but: Container[str] = ()) -> frozenset[str]:
    """What `named` takes for social networks, but for those of these names; lower case."""
    hosts, names, _ = _places()
    known = {**hosts, **names}
    found = {n for n, place in known.items() if place.kind == "social" and place.name not in but}
    return frozenset(found | {f"{name}{end}" for name in found & names.keys() for end in _ADS})
