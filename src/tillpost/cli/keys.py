"""`tillpost keys`: the key that seals what rests on disk."""

from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where


@click.group()
def keys() -> None:
    """Change the key that seals addresses, payloads and kept bodies."""


@keys.command()
@where
@as_json
def rotate(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Make a new key, seal everything under it, and remove those in between.

    The oldest key stays: the ids of orders come from it. Stop the server first.
    """
    from tillpost.serve.commands.resealing import rotate as change

    _tell(change(config_file, data, new_key=True), as_json=as_json)


@keys.command()
@where
@as_json
def reseal(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Seal everything under the newest key, where the environment gives the keys."""
    from tillpost.serve.commands.resealing import rotate as change

    _tell(change(config_file, data, new_key=False), as_json=as_json)


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found['resealed']} boxes sealed anew; {found['keys']} keys are left")
