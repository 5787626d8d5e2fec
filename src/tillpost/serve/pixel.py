"""What the settings say of a shop's pixel: its path, its script, and the pages it stands in."""

import re
from urllib.parse import urlsplit

from tillpost.collect.pixel import CheckoutPixel, PixelConfig
from tillpost.core.outcome import Misconfigured
from tillpost.serve.settings import Settings, ShopSettings

USUAL_PATH = "/px"
"""Where every shop's beacons are taken; the script is there with `.js` behind it."""

_PATH = re.compile(r"/[A-Za-z0-9_-]{1,60}")
_TAKEN = frozenset(
    {"/webhooks", "/events", "/tr", "/receiver", "/api", "/static", "/login", "/logout"}
    | {"/healthz", "/readyz", "/metrics", "/first", "/open", "/theme", "/summary", "/dev"}
    | {"/channels", "/orders", "/order", "/ads", "/models", "/cohorts", "/event", "/quality"}
    | {"/delivery", "/utm", "/spend", "/portfolio", "/setup", "/people", "/audit"}
)


def config_of(settings: Settings, shop: ShopSettings, url: str = "") -> PixelConfig:
    """What the shop's script and snippets must know; `url` is the server's public address."""
    datasets = {d.account for d in settings.destinations if (d.kind, d.shop) == ("meta", shop.name)}
    return PixelConfig(
        shop.name,
        url.rstrip("/"),
        path=shop.pixel.path,
        consent=shop.pixel.consent,
        views=shop.pixel.views,
        pixel_id=datasets.pop() if len(datasets) == 1 else None,
        checkout=CheckoutPixel(
            shop.catalogue.content_id,
            shop.orders.value,
            native=shop.shopify.native if shop.shopify else "off",
        ),
    )


def paths(settings: Settings) -> dict[str, str]:
    """Each path where beacons are taken, and the shop of a script asked for without a name."""
    found = {shop.pixel.path: shop.name for shop in reversed(settings.shops)}
    first = next((shop.name for shop in settings.shops), "")
    return {**found, USUAL_PATH: first}


def check(shop: ShopSettings) -> None:
    """Raise `Misconfigured` for a path, a rate or an origin that cannot be meant."""
    path = shop.pixel.path
    if not _PATH.fullmatch(path) or path in _TAKEN:
        raise Misconfigured(
            f"shops.pixel.path: `{path}` cannot be served: "
            'write one step of letters and digits that is not in use, e.g. "/tea"'
        )
    for key, rate in (("per_address", shop.pixel.per_address), ("per_shop", shop.pixel.per_shop)):
        if not rate > 0:
            raise Misconfigured(
                f"shops.pixel.{key}: `{rate:g}` lets nothing in: write beacons a second above 0"
            )
    for origin in shop.origins:
        address = urlsplit(origin)
        plain = f"{address.scheme}://{address.netloc}".lower()
        if address.scheme not in {"http", "https"} or not address.netloc or origin != plain:
            raise Misconfigured(
                f"shops.origins: `{origin}` is not how a browser tells a page's origin: "
                'write scheme and host in lower case and no path, e.g. "https://www.acme.com"'
            )
