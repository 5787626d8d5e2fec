"""`tillpost config`: check and show the settings."""

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
@as_json
def show(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    from tillpost.serve import configure, start

    shown = configure.shown(start.plan(config_file, data).settings)
    if as_json:
        print_json(shown)
        return
    for line in configure.as_lines(shown):
        click.echo(line)
