"""`tillpost config`: check and show the settings."""

import json
from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where


@click.group()
def config() -> None:
    """Check or show the settings."""


@config.command()
@where
@as_json
def check(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Read the settings and say whether a server could run with them; exit 2 if not."""
    from tillpost.serve import start

    plan = start.plan(config_file, data)
    shops = [shop.name for shop in plan.settings.shops]
    if as_json:
        print_json({"ok": True, "shops": shops, "data": str(plan.directory)})
    else:
        click.echo(f"good: {len(shops)} shops ({', '.join(shops)}), data in {plan.directory}")


@config.command()
@where
@click.option("--origin", is_flag=True, help="Say of every key where it comes from.")
@as_json
def show(config_file: Path | None, data: Path | None, *, origin: bool, as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    from tillpost.serve import configure, origins, start

    shown = configure.shown(start.plan(config_file, data).settings)
    if not origin:
        if as_json:
            print_json(shown)
            return
        for line in configure.as_lines(shown):
            click.echo(line)
        return
    known = configure.told_by(config_file, configure.environment(), {"server.data": data})
    unset = "default" if config_file is not None else "development default"
    rows = [
        {"key": key, "value": value, "origin": origins.origin(key, known) or unset}
        for key, value in origins.leaves(shown).items()
    ]
    if as_json:
        print_json({"settings": rows})
        return
    for row in rows:
        click.echo(f"{row['origin']}\t{row['key']} = {json.dumps(row['value'])}")
