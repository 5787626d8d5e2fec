"""`tillpost send`: events of a file to the running server."""

from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where

_SHOWN = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.jsonl")
@where
@click.option("--shop", help="Name of the shop; needed where there are several.")
@as_json
def send(
    file: Path, config_file: Path | None, data: Path | None, *, shop: str | None, as_json: bool
) -> None:
    """Send the events of FILE.jsonl, one a line in CAPI vocabulary, as a back end would.

    Identifiers may be raw or hashed. Exit 1 if any line was refused; the others are taken.
    """
    from msgspec import to_builtins

    from tillpost.serve.commands import sending

    sent = sending.send(file, config_file, data, shop)
    if as_json:
        print_json({"ok": not sent.refused, **to_builtins(sent)})
    else:
        click.echo(f"{sent.accepted} events were taken, {len(sent.refused)} lines were not")
        for one in sent.refused[:_SHOWN]:
            click.echo(f"{file}:{one.line}: {one.why}", err=True)
        if more := len(sent.refused[_SHOWN:]):
            click.echo(f"{file}: {more} more", err=True)
    if sent.refused:
        raise SystemExit(1)
