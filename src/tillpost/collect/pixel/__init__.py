"""The browser script as the server gives it out, and the text that a shop pastes.

The scripts are built from `src/*.ts` by `npm run build` and committed; see
`docs/guides/pixel.md`. Nothing here but reading the package's own files does I/O.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Struct

from tillpost.core.outcome import Misconfigured

Kind: TypeAlias = Literal["page", "theme", "gtm", "shopify"]
"""Where a snippet goes: any page, a Shopify theme, a tag manager, a Shopify custom pixel."""

KINDS: tuple[Kind, ...] = get_args(Kind)


class CheckoutPixel(Struct, frozen=True, omit_defaults=True):
    """What only Shopify's custom pixel needs; most of it as the shop's policies have it."""

    content_id: Literal["product", "variant", "sku", "shopify"] = "product"
    value: Literal["total", "less_tax", "subtotal"] = "total"
    events: Literal["all", "checkout"] = "all"
    """`checkout`: the theme's own fbq is mirrored, so the storefront is reported there."""
    identity: bool = False
    """Send what the buyer typed at checkout, for the server to hash."""
    fbevents: str | None = None
    """Meta's pixel id, to load its own library in the sandbox too."""
    native: Literal["off", "pixel", "full"] = "off"
    """`pixel`: the shop's own channel uses Shopify's ids of the events, so ours do too."""


class PixelConfig(Struct, frozen=True):
    """What the script must know; empty values are left for the script to find out.

    `url` is the server's public address as the shop's pages reach it, without a slash at
    the end; `path` is where it takes beacons, before the shop's name.
    """

    shop: str
    url: str = ""
    path: str = "/px"
    """The script is at this path with `.js` behind it; blockers' lists know the usual one."""
    consent: Literal["open", "wait"] = "open"
    """`wait`: nothing is stored or sent before `tillpost('consent', 'grant')`."""
    views: bool = True
    """False where the page calls `tillpost('track', 'PageView')` itself."""
    pixel_id: str | None = None
    """The page's own Meta pixel; `trackSingle` calls for another are left alone."""
    checkout: CheckoutPixel = CheckoutPixel()


_SETTINGS_GO_HERE = '{shop:""}'
"""The place in the built script for the shop's settings."""


def script(config: PixelConfig) -> bytes:
    """The script in UTF-8 with its settings; what the page says with `init` wins."""
    told = (f"{name}:{_javascript(value)}" for name, value in _settings(config).items())
    settings = "{" + ",".join(told) + "}"
    return _text("px.js").replace(_SETTINGS_GO_HERE, settings, 1).encode()


def snippet(kind: Kind, config: PixelConfig) -> str:
    """The text to paste, HTML or (for `shopify`) JavaScript; it ends with a line end.

    Raises `Misconfigured` without `config.url`: a page cannot guess the server's address.
    """
    if not config.url:
        raise Misconfigured("no public address: set server.public_url, which the shop's pages call")
    if kind == "shopify":
        settings = _sandboxed(config)
        return _fill("shopify.js", config=_javascript(settings), pixel=_text("shopify.js"))
    source = f"{config.url}{config.path}.js?shop={config.shop}"
    settings = {"shop": config.shop, "url": config.url}
    if kind == "theme":
        # Shopify's banner decides, and its custom pixel reports the views.
        settings |= {"consent": "wait", "views": False}
    return _fill(
        f"{kind}.html",
        stub=_text("stub.js"),
        config=_javascript(settings),
        src=_javascript(source),
        theme=_text("theme.js"),
    )


def _settings(config: PixelConfig) -> dict[str, Any]:
    """The script's own names, without what is left to it."""
    named: dict[str, Any] = {
        "shop": config.shop,
        "url": config.url or None,
        "path": config.path,
        "consent": "wait" if config.consent == "wait" else None,
        "views": None if config.views else False,
        "pixel": config.pixel_id,
    }
    return {name: value for name, value in named.items() if value is not None}


def _sandboxed(config: PixelConfig) -> dict[str, Any]:
    known = {"shop": config.shop, "url": config.url, "path": config.path}
    return {**known, **msgspec.to_builtins(config.checkout)}


def _javascript(value: object) -> str:
    """JSON that is safe inside a `<script>` element."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _fill(template: str, **parts: str) -> str:
    text = _text(f"snippets/{template}")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part.rstrip("\n"))
    return text


@cache
def _text(path: str) -> str:
    return files(__name__).joinpath(path).read_text(encoding="utf-8")
