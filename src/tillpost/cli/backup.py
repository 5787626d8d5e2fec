"""`tillpost backup` and `tillpost restore`: all of a data directory in one file."""

from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--with-key", is_flag=True, help="Put the sealing key and secrets in as well.")
@as_json
def backup(
    file: Path, config_file: Path | None, data: Path | None, *, with_key: bool, as_json: bool
) -> None:
    """Write a backup to FILE, beside a running server or without one.

    It holds every database at one moment, and the key's fingerprint. Keep the key itself
    elsewhere: without it nothing sealed can be read, and sales would get new ids.
    """
    from msgspec import to_builtins

    from tillpost.serve.clock import SystemClock
    from tillpost.serve.commands import backups
    from tillpost.serve.commands.remote import settings_of

    _, directory = settings_of(config_file, data)
    made = backups.back_up(directory, file, SystemClock().now(), with_key=with_key)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size, **to_builtins(made)})
        return
    click.echo(f"wrote {file}: {len(made.files)} files, {size:,} bytes")
    kept = "is in it: keep the file as a secret" if with_key else "is not in it: keep it elsewhere"
    click.echo(f"the key {made.key} {kept}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Directory to restore into."
)
@as_json
def restore(file: Path, data: Path, *, as_json: bool) -> None:
    """Put the backup FILE into the directory --data, which has no databases yet.

    What had not been sent at that moment goes again, with the same ids. Who was erased
    since then must be erased again.
    """
    from msgspec import to_builtins

    from tillpost.serve.commands import backups

    made = backups.restore(file, data)
    if as_json:
        print_json({"data": str(data), **to_builtins(made)})
        return
    click.echo(f"restored {len(made.files)} files of {made.made_at} into {data}")
