"""`tillpost snippet`: the text that a shop pastes for its pixel."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tillpost.cli.options import where

if TYPE_CHECKING:
    from tillpost.collect.pixel import Kind, PixelConfig
    from tillpost.serve.settings import Settings


@click.command()
@where
@click.option("--shopify", "kind", flag_value="shopify", help="Shopify's custom pixel.")
@click.option("--theme", "kind", flag_value="theme", help="Shopify's theme.")
@click.option("--gtm", "kind", flag_value="gtm", help="A tag manager's Custom HTML tag.")
@click.option("--page", "kind", flag_value="page", default=True, help="Any page (default).")
@click.option("--shop", help="Name of the shop; default the first one.")
@click.option("--url", help="The server's public address; default server.public_url.")
@click.option(
    "--events",
    type=click.Choice(["all", "checkout"]),
    default="all",
    show_default=True,
    help="With --shopify: `checkout` where the theme's own fbq is mirrored.",
)
@click.option("--identity", is_flag=True, help="With --shopify: send what the buyer typed.")
@click.option(
    "--fbevents",
    metavar="PIXEL_ID",
    help="With --shopify: let Meta's own library tell the same events under the same ids.",
)
def snippet(  # noqa: PLR0913  # one parameter an option
    config_file: Path | None,
    data: Path | None,
    *,
    kind: "Kind",
    shop: str | None,
    url: str | None,
    events: Literal["all", "checkout"],
    identity: bool,
    fbevents: str | None,
) -> None:
    """Print the text to paste into a shop; see docs/guides/pixel.md."""
    from tillpost.collect import pixel
    from tillpost.serve import start

    if fbevents is not None and not (fbevents.isascii() and fbevents.isdigit()):
        told = f"{fbevents!r} is no pixel's id: it is the number at Meta's Events Manager"
        raise click.BadParameter(told, param_hint="--fbevents")
    settings = start.plan(config_file, data).settings
    asked = pixel_config(settings, shop, url, events=events, identity=identity, fbevents=fbevents)
    click.echo(pixel.snippet(kind, asked), nl=False)


def pixel_config(
    settings: "Settings",
    shop: str | None,
    url: str | None,
    *,
    events: Literal["all", "checkout"] = "all",
    identity: bool = False,
    fbevents: str | None = None,
) -> "PixelConfig":
    """What the settings say of one shop's pixel; a usage error for a shop that is not there."""
    from msgspec import structs

    from tillpost.serve import pixel

    shops = {each.name: each for each in settings.shops}
    name = shop or next(iter(shops), "")
    if name not in shops:
        known = ", ".join(sorted(shops))
        raise click.BadParameter(f"no shop {name!r}; shops: {known}", param_hint="--shop")
    server = settings.server
    address = url or server.public_url or f"http://{server.host}:{server.port}"
    found = pixel.config_of(settings, shops[name], address)
    told = {"events": events, "identity": identity, "fbevents": fbevents}
    checkout = structs.replace(found.checkout, **told)
    return structs.replace(found, checkout=checkout)
