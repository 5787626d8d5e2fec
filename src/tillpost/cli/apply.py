"""`tillpost apply`: many shops from one list."""

from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="TILLPOST_CONFIG",
    default="tillpost.toml",
    show_default=True,
    help="Settings file that the shops are written into.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@as_json
def apply(file: Path, config_file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Write the shops of FILE, a TOML or CSV, into the settings.

    FILE has [defaults], [templates.NAME] and [[shops]]; a shop inherits from its `template`
    and from the defaults. In a CSV each column is a dotted key, e.g. meta.dataset_id, and an
    empty cell inherits; its defaults stand beside it in NAME.defaults.toml. A shop that is
    no longer in FILE is removed. Secrets are kept in files apart, under secrets/. A server
    that runs with these settings goes on with the new ones.
    """
    from msgspec import to_builtins

    from tillpost.serve.commands import applying

    change = applying.apply(file, config_file, dry_run=dry_run)
    is_new = bool(change.added or change.changed or change.removed or change.secrets)
    url = applying.tell_server(config_file) if is_new and not dry_run else None
    if as_json:
        print_json({**to_builtins(change), "told": url})
        return
    for sign, names in (("+", change.added), ("~", change.changed), ("-", change.removed)):
        for name in names:
            click.echo(f"{sign} {name}")
    for name in change.secrets:
        click.echo(f"  secrets/{name}")
    done = "would be" if dry_run else "were"
    click.echo(
        f"{len(change.added)} shops {done} added, {len(change.changed)} changed, "
        f"{len(change.removed)} removed; {change.unchanged} stay as they are"
    )
    if url is not None:
        click.echo(f"the server at {url} goes on with them")
    elif is_new and not dry_run:
        click.echo("no server runs with these settings here: start it, or restart it where it runs")
