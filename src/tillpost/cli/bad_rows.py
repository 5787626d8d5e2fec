"""`tillpost bad-rows`: signed bodies that could not be read when they came."""

from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where

_shop = click.option("--shop", help="Whose bodies; needed where there are several shops.")


@click.group("bad-rows")
def bad_rows() -> None:
    """See what was signed but could not be read, and read it again."""


@bad_rows.command("list")
@where
@_shop
@as_json
def listed(config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool) -> None:
    """List every body of the last seven days that could not be read, and why."""
    from tillpost.serve.commands.resending import Place

    items = Place(config_file, data, shop).bad_rows()
    if as_json:
        print_json({"items": items})
        return
    for item in items:
        words = (item["id"], item["received_at"], item["source"], item["reason"], item["field"])
        click.echo("  ".join(str(part) for part in (*words, item["detail"]) if part))
    if not items:
        click.echo("no bad rows")


@bad_rows.command("retry")
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every bad row of the shop.")
@where
@_shop
@as_json
def retry(
    numbers: tuple[int, ...],
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Take in rows NUMBERS as if they came when they did, by today's code and settings."""
    from tillpost.serve.commands.resending import Place

    if bool(numbers) == everything:
        raise click.UsageError("name the rows' numbers, or --all")
    found = Place(config_file, data, shop).read_again([*numbers] if numbers else None)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['taken']} taken in")
    for one in found["left"]:
        why = ": ".join(part for part in (one["reason"], one["field"], one["detail"]) if part)
        click.echo(f"left {one['id']}: {why}")
