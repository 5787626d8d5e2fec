"""`tillpost reconcile`: the shop's own list of its orders against what is here."""

from pathlib import Path
from typing import Any

import click

from tillpost.cli.backfill import moment
from tillpost.cli.options import as_json, print_json, where


@click.command()
@where
@click.option("--shop", help="Which shop; needed where there are several.")
@click.option("--since", help="Orders made from this day or time on; default a week ago.")
@click.option("--until", help="Orders made before this; default 4 hours ago.")
@click.option("--fetch", is_flag=True, help="Take the missing orders in.")
@click.option("--reports-only", is_flag=True, help="Tell no platform of those that are taken in.")
@as_json
def reconcile(
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    since: str | None,
    until: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Compare the shop's own orders, asked of its Admin API, with those that are here.

    An order whose webhook never came is taken in with --fetch, as if it had: a young one is
    sent, one older than a platform takes (seven days) feeds the reports only. Exit 1 if any
    is missing still, or other than the shop has it.
    """
    from tillpost.serve.commands.reconciling import reconcile as compare
    from tillpost.serve.rounds.reconciling import Wish

    begin = since and moment("--since", since)
    wish = Wish(begin, until and moment("--until", until), **flags)
    found = compare(wish, config_file, data, shop)
    if as_json:
        print_json(found)
    else:
        _show(found)
    if len(found["missing"]) > found["fetched"]:
        raise SystemExit(1)


def _show(found: dict[str, Any]) -> None:
    for row in found["missing"]:
        click.echo(f"{row['name']}  {row['at']}  {row['value']} {row['currency']}  {row['why']}")
    share = found["accuracy"]
    click.echo(
        f"{found['orders']} orders of the shop, {found['right']} here and settled"
        + (f" (accuracy {share:.2%})" if share is not None else "")
        + f", {len(found['missing'])} missing or other, {found['fetched']} taken in now"
    )
