"""`tillpost erase` and `tillpost privacy`: what people may ask of their own data."""

import sys
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import F, as_json, print_json, where

_PERSON = (
    click.option("--email", help="The person's e-mail; `-` reads it from standard input."),
    click.option("--phone", help="The person's phone number."),
    click.option("--customer", help="The customer's id at the shop."),
    click.option("--order", "orders", multiple=True, help="An order's id; may be given again."),
)
_shop = click.option("--shop", help="Whose customer it is; needed where there are several shops.")


def _person(command: F) -> F:
    """Who is meant."""
    for option in reversed(_PERSON):
        command = option(command)
    return command


@click.command()
@where
@_shop
@_person
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
@as_json
def erase(
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    """Erase one person from every table, the journal, waiting events and the receiver.

    What their orders were worth stays in the reports. What a platform has been sent already
    must be deleted there.
    """
    from tillpost.serve.commands.erasing import ask

    found = ask(config_file, data, shop, {"request": "erase", **_named(given)})
    if as_json:
        print_json(found)
        return
    counts = found.get("would_erase") or found["counts"]
    click.echo("would erase:" if given["dry_run"] else f"erased (request {found['id']}):")
    _tell(counts)


@click.group()
def privacy() -> None:
    """See requests about people's data, and answer them."""


@privacy.command("requests")
@where
@_shop
@as_json
def requests(
    config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool
) -> None:
    """List what was asked and what was done."""
    from tillpost.serve.commands.erasing import listed

    items = listed(config_file, data, shop)
    if as_json:
        print_json({"items": items})
        return
    for item in items:
        done = item["done_at"] or "not yet"
        line = (item["id"], item["request"], item["reference"], item["received_at"], "done", done)
        click.echo("  ".join(str(part) for part in line))
    if not items:
        click.echo("nobody has asked for anything")


@privacy.command("show")
@click.argument("number", type=int)
@where
@_shop
def show(number: int, config_file: Path | None, data: Path | None, shop: str | None) -> None:
    """Print request NUMBER as JSON; one that asked what is stored has it as its answer."""
    from tillpost.serve.commands.erasing import shown

    print_json(shown(config_file, data, shop, number))


@privacy.command("ask")
@where
@_shop
@_person
def ask_what_is_stored(
    config_file: Path | None, data: Path | None, shop: str | None, **given: Any
) -> None:
    """Print all that is stored of one person, as JSON."""
    from tillpost.serve.commands.erasing import ask

    print_json(ask(config_file, data, shop, {"request": "access", **_named(given)}))


def _named(given: dict[str, Any]) -> dict[str, Any]:
    email = given.get("email")
    if email == "-":
        email = sys.stdin.readline().strip()
    return {
        "email": email,
        "phone": given.get("phone"),
        "customer_id": given.get("customer"),
        "order_ids": list(given.get("orders") or ()),
        "dry_run": bool(given.get("dry_run")),
    }


def _tell(counts: dict[str, int]) -> None:
    for kind, count in counts.items():
        click.echo(f"  {kind.replace('_', ' '):20} {count}")
