"""`tillpost backfill`: past orders from the shop's own API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where


@click.command()
@where
@click.option("--shop", help="Which shop; needed where there are several.")
@click.option("--since", required=True, help="First day or time, e.g. 2026-01-01.")
@click.option("--until", help="Last day or time, not included; default the start of today (UTC).")
@click.option(
    "--how",
    type=click.Choice(["bulk", "pages"]),
    default="bulk",
    help="One bulk operation, for months of orders; or page by page, for days.",
)
@click.option(
    "--reports-only", is_flag=True, help="Tell no platform of them, however young they are."
)
@click.option("--restart", is_flag=True, help="Begin again instead of going on.")
@as_json
def backfill(
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    since: str,
    until: str | None,
    how: str,
    as_json: bool,
    **flags: Any,
) -> None:
    """Pull past orders from the shop's Admin API; the same command goes on after an end.

    Orders older than a platform takes (seven days) feed the reports only.
    """
    from tillpost.serve.commands.backfill import Asked
    from tillpost.serve.commands.backfill import backfill as pull

    end = until or datetime.now(UTC).strftime("%Y-%m-%d")  # noqa: TID251  # the command line's own day
    asked = Asked(moment("--since", since), moment("--until", end), how, **flags)
    if asked.since >= asked.until:
        raise click.UsageError(f"--since {since} is not before --until {end}")
    found = pull(asked, config_file, data, shop, lambda line: click.echo(line, err=True))
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found['orders']} orders kept, {found['bad']} could not be read")
        if found["journeys_not_ready"]:
            text = "journeys were still being computed by the shop: pull them again tomorrow"
            click.echo(f"{found['journeys_not_ready']} {text}")


def moment(flag: str, text: str) -> str:
    """The moment as the Admin API takes it; a day begins at midnight UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{flag} {text}: write a day (2026-01-01) or an ISO time") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
