"""`tillpost costs import`: ad spend from a platform's export."""

import sys
from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where


@click.group()
def costs() -> None:
    """Import ad spend."""


@costs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--shop", help="Whose spend it is; needed where there are several shops.")
@as_json
def import_costs(
    file: Path, config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool
) -> None:
    """Import FILE, a CSV export of Meta, Google, TikTok or a table of your own.

    Importing a day again replaces it. If any row is wrong none is kept, and each is named.
    """
    from tillpost.serve.spending import import_file

    found = import_file(file, config_file, data, shop)
    if as_json:
        print_json(found)
    else:
        click.echo(f"imported {found['imported']} rows")
        for error in found["errors"]:
            place = ": ".join(filter(None, (f"{file}:{error['line']}", error["column"])))
            click.echo(f"{place}: {error['what']}; {error['fix']}", err=True)
    sys.exit(1 if found["errors"] else 0)
