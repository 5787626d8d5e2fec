"""`tillpost db`: the schemas of the databases."""

from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where


@click.group()
def db() -> None:
    """See and migrate the databases."""


@db.command()
@where
@as_json
def status(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Say how old each database's schema is; exit 1 if one is to be migrated."""
    from msgspec import to_builtins

    from tillpost.serve.commands import schemas
    from tillpost.serve.commands.remote import settings_of

    _, directory = settings_of(config_file, data)
    found = schemas.states(directory)
    old = [state for state in found if state.pending]
    if as_json:
        print_json({"ok": not old, "databases": to_builtins(found)})
    else:
        for state in found:
            told = f"schema {state.version} of {state.newest}, {state.bytes:,} bytes"
            click.echo(f"{state.file:14} {told}")
            for name in state.pending:
                click.echo(f"{'':14} to do: {name}")
    if old:
        raise SystemExit(1)


@db.command()
@where
@as_json
def migrate(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Bring the databases to this version's schemas; the server does it at its start too.

    Make a backup first: an older version cannot read a newer schema.
    """
    from tillpost.serve.commands import schemas
    from tillpost.serve.commands.remote import settings_of

    _, directory = settings_of(config_file, data)
    before, after = schemas.migrate(directory)
    moves = [
        {"file": new.file, "from": old.version, "to": new.version}
        for old, new in zip(before, after, strict=True)
    ]
    if as_json:
        print_json({"databases": moves})
        return
    for move in moves:
        done = "is up to date" if move["from"] == move["to"] else f"was {move['from']}"
        click.echo(f"{move['file']:14} schema {move['to']}: {done}")
