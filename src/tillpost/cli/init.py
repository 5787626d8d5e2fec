"""`tillpost init`: the first settings of a shop."""

import sys
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json

_SYSTEMS = ("shopify", "woocommerce", "stripe", "events")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=".", metavar="[DIRECTORY]")
@click.option("--domain", help="The shop's address, e.g. acme.myshopify.com.")
@click.option("--name", help="Its name in paths; default the first part of its address.")
@click.option("--system", type=click.Choice(_SYSTEMS), help="The shop system; default shopify.")
@click.option("--currency", help="Currency of its reports; default USD.")
@click.option("--timezone", help="Zone of the days in its reports; default UTC.")
@click.option("--country", help="Two letters, e.g. DE.")
@click.option("--site", help="Address of its pages, e.g. https://www.acme.com.")
@click.option("--public-url", help="Where browsers will reach the server, with https.")
@click.option("--dataset-id", help="Meta's dataset; without one the receiver here stands in.")
@click.option(
    "--webhook-secret-from",
    type=click.Path(path_type=Path),
    help="File with the shop's webhook secret; without one a secret is made up.",
)
@click.option(
    "--access-token-from",
    type=click.Path(path_type=Path),
    help="File with the dataset's access token.",
)
@as_json
def init(directory: Path, *, as_json: bool, **given: Any) -> None:
    """Write a commented tillpost.toml into DIRECTORY, and its secrets into files apart.

    On a terminal it asks for what no option says. It never writes over anything: a second
    run changes nothing.
    """
    from tillpost.serve.commands import starter

    if (directory / starter.FILE).exists():
        _tell(starter.Made((), (str(directory / starter.FILE),)), directory, as_json=as_json)
        return
    if sys.stdin.isatty():
        given = _asked(given)
    if not given["domain"]:
        raise click.UsageError("--domain: name the shop's address, e.g. acme.myshopify.com")
    made = starter.write(directory, starter.Answers(**_answers(given)))
    _tell(made, directory, as_json=as_json)


def _answers(given: dict[str, Any]) -> dict[str, Any]:
    """The options as `starter.Answers` takes them."""
    from tillpost.serve.commands.starter import name_of

    files = {
        "webhook_secret": given.pop("webhook_secret_from"),
        "access_token": given.pop("access_token_from"),
    }
    read = {key: _read(key, path) for key, path in files.items() if path is not None}
    if given["dataset_id"] and "access_token" not in {**read, **_present(given)}:
        raise click.UsageError("--dataset-id: give its token too, with --access-token-from FILE")
    domain = given["domain"].strip().lower().removeprefix("https://").rstrip("/")
    named = {"name": name_of(domain), **_present(given), "domain": domain}
    return {**named, **read}


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value}


def _read(key: str, path: Path) -> str:
    option = f"--{key.replace('_', '-')}-from"
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise click.UsageError(f"{option} {path}: cannot be read ({why})") from None
    if not text:
        raise click.UsageError(f"{option} {path}: it is empty; put the secret into it")
    return text


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """What no option said, asked on the terminal."""
    asked = dict(given)
    ask = click.prompt
    asked["domain"] = given["domain"] or ask("Address of the shop, e.g. acme.myshopify.com")
    kinds = click.Choice(_SYSTEMS)
    asked["system"] = given["system"] or ask("Shop system", type=kinds, default="shopify")
    asked["currency"] = given["currency"] or ask("Currency", default="USD")
    asked["timezone"] = given["timezone"] or ask("Time zone", default="UTC")
    url = "Public address of this server, with https (empty: not yet)"
    asked["public_url"] = given["public_url"] or ask(url, default="", show_default=False)
    dataset = "Meta's dataset id (empty: try it here first)"
    asked["dataset_id"] = given["dataset_id"] or ask(dataset, default="", show_default=False)
    if asked["dataset_id"] and not given["access_token_from"]:
        asked["access_token"] = ask("Its access token (not shown)", hide_input=True)
    return asked


def _tell(made: Any, directory: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"written": list(made.written), "kept": list(made.kept)})
        return
    for path in made.written:
        click.echo(f"wrote {path}")
    if not made.written:
        click.echo(f"{made.kept[0]} is there: nothing was changed; edit it, or delete it first")
        return
    click.echo(f"next: tillpost serve --config {directory / 'tillpost.toml'}")
