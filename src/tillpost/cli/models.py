"""`tillpost models`: every attribution model over a table of paths."""

import json
from typing import Any, TextIO

import click

from tillpost.core.outcome import Misconfigured
from tillpost.report import models as path_models


@click.command("models")
@click.argument("paths", type=click.File("r", encoding="utf-8-sig", errors="replace"))
@click.option("--order", default=1, show_default=True, help="Markov chains up to this order, 1-3.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def models(paths: TextIO, order: int, *, as_json: bool) -> None:
    """Compare every attribution model over PATHS, a CSV file (or - for standard input).

    Its columns are path (steps joined by " > "), conversions, and if known value and
    null (how often the path led to nothing). Exit 2 if the file cannot be read.
    """
    try:
        found = path_models.compare(path_models.read_paths(paths), order)
    except Misconfigured as error:
        click.echo(f"tillpost models: {paths.name}: {error}", err=True)
        raise SystemExit(2) from None
    click.echo(json.dumps({"models": found}) if as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """Channels down, models across, conversions with two decimals; by the last touch's order."""
    columns = {name: result.get("conversions", result) for name, result in found.items()}
    columns.pop("shapley_rate")
    channels = sorted(columns["last"], key=lambda name: (-columns["last"][name], name))
    width = max([7, *map(len, channels)])
    lines = ["  ".join(["channel".ljust(width), *(name.rjust(15) for name in columns)])]
    for channel in channels:
        figures = (f"{values.get(channel, 0.0):15.2f}" for values in columns.values())
        lines.append("  ".join([channel.ljust(width), *figures]))
    return "\n".join(lines)
