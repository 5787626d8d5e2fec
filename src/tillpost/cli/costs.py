"""`tillpost costs import` and `tillpost rates import`: ad spend and currency rates from files."""

import sys
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where


@click.group()
def costs() -> None:
    """Import ad spend."""


@click.group()
def rates() -> None:
    """Import currency rates."""


@costs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--shop", help="Whose spend it is; needed where there are several shops.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="FIELD=HEADING",
    help="The file's own heading of a field, as spend=Kosten; may be given again.",
)
@click.option("--platform", help="The platform, where no column tells.")
@click.option("--currency", help="The currency, where no column tells; default the shop's.")
@click.option("--date-format", help="How days are written, as %d/%m/%Y.")
@click.option("--dry-run", is_flag=True, help="Show what would be imported, and import nothing.")
@as_json
def import_costs(  # noqa: PLR0913  # one parameter an option
    file: Path,
    config_file: Path | None,
    data: Path | None,
    *,
    shop: str | None,
    mapping: tuple[str, ...],
    platform: str | None,
    currency: str | None,
    date_format: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import FILE, a CSV export of Meta, Google, TikTok or a table of your own.

    Importing a day again replaces it. If any row is wrong none is kept, and each is named.
    """
    from tillpost.report.spend.csv import Layout
    from tillpost.serve.spending import import_spend

    layout = Layout(_pairs(mapping), platform, currency, date_format)
    found = import_spend(file, config_file, data, shop, layout, dry_run=dry_run)
    if dry_run and not as_json:
        _say_preview(found)
    _say(found, file, as_json=as_json)


@costs.command("products")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--shop", help="Whose products they are; needed where there are several shops.")
@as_json
def import_products(
    file: Path, config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool
) -> None:
    """Import FILE, what products cost you: columns product (SKU or id), cost, currency."""
    from tillpost.serve.spending import import_products as keep

    _say(keep(file, config_file, data, shop), file, as_json=as_json)


@rates.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@where
@as_json
def import_rates(file: Path, config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Import FILE: columns date,currency,into,rate, or the European Central Bank's table.

    One unit of `currency` buys `rate` units of `into`. Importing a day again replaces it.
    """
    from tillpost.serve.spending import import_rates as keep

    _say(keep(file, config_file, data), file, as_json=as_json)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise click.UsageError(f"--map {pair}: write it as FIELD=HEADING, e.g. spend=Kosten")
    return dict(pair.split("=", 1) for pair in given)


def _say_preview(found: dict[str, Any]) -> None:
    spent = ", ".join(f"{line['amount']} {line['currency']}" for line in found["spend"])
    days = f"{found['first_day']} to {found['last_day']}" if found["count"] else "no day"
    click.echo(f"would import {found['count']} rows of {days}: {spent or 'nothing'}")
    for field, heading in found["columns"].items():
        click.echo(f"  {field}: {heading}")


def _say(found: dict[str, Any], file: Path, *, as_json: bool) -> None:
    """What became of the file; exit 1 if any line is wrong."""
    if as_json:
        print_json(found)
    else:
        click.echo(f"imported {found['imported']} rows")
        for error in found["errors"]:
            place = ": ".join(filter(None, (f"{file}:{error['line']}", error["column"])))
            click.echo(f"{place}: {error['what']}; {error['fix']}", err=True)
        if more := found["wrong"] - len(found["errors"]):
            click.echo(f"{file}: {more} more lines are wrong", err=True)
    sys.exit(1 if found["errors"] else 0)
