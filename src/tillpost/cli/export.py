"""`tillpost export`: the facts that reports are made from, as files."""

from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@where
@click.option(
    "--format",
    "style",
    type=click.Choice(["parquet", "csv", "jsonl"]),
    default="parquet",
    show_default=True,
)
@as_json
def export(
    folder: Path, config_file: Path | None, data: Path | None, style: Any, *, as_json: bool
) -> None:
    """Write orders, refunds, touches and spend to FOLDER, a file each.

    Money is in minor units, times are Unix seconds (UTC). Nothing in them names a person.
    """
    from tillpost.report.export import export as write
    from tillpost.serve.commands import offline

    with offline.reading(config_file, data) as reading:
        written = write(reading.tables(), folder, style)
    if as_json:
        print_json({"folder": str(folder), "rows": written})
    else:
        for name, count in written.items():
            click.echo(f"{folder / f'{name}.{style}'}: {count} rows")
