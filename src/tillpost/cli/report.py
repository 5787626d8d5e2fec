"""`tillpost report` and `tillpost ledger`: what the stores say, beside a running server."""

import sys
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where

_WIDEST = 2000

COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": (
        "name", "at", "value", "currency", "channel", "source", "medium", "campaign",
        "browser", "server", "matched", "refunded",
    ),
    "ads": (
        "campaign", "adset", "ad", "ad_id", "conversions", "value", "currency", "spend", "roas",
        "7d_click", "1d_engage", "1d_view",
    ),
    "campaigns": (
        "campaign", "channel", "orders", "revenue", "spend", "currency", "true_roas",
        "platform_conversions", "platform_value", "platform_roas",
    ),
    "drill": (
        "name", "orders", "new_orders", "revenue", "spend", "currency", "roas", "nc_roas", "cpa",
        "aov", "cvr", "visits", "clicks", "platform_orders", "platform_value", "platform_roas",
    ),
    "bridge": (
        "step", "code", "orders", "value", "left_orders", "left_value", "currency", "title",
    ),
    "bridge_orders": (
        "name", "at", "value", "currency", "step", "code", "channel", "browser", "delivery",
        "received", "absorbed", "matched", "platform_window", "journey_source",
    ),
    "path_models": (
        "channel", "markov_1", "markov_1_revenue", "markov_1_removal_effect", "markov_2",
        "markov_3", "shapley", "shapley_revenue", "shapley_rate", "currency",
    ),
    "utm_health": (
        "finding", "times", "source", "medium", "campaign", "last_day", "fix",
    ),
}  # fmt: skip
"""What a table shows of a report; JSON and CSV have every column."""


@click.command()
@click.argument("name")
@where
@click.option("--from", "since", help="First day (of the shop's zone) or moment.")
@click.option("--to", "until", help="Last day, included; or a moment, not included.")
@click.option("--shop", help="One shop; default all.")
@click.option("--model", help="Attribution model; default last_non_direct.")
@click.option("--window", help="Days a touch counts for; default 30.")
@click.option("--refunds", help="restate (default), refund_day or gross.")
@click.option("--basis", help="cash (day of the order, default) or accrual (day of the touch).")
@click.option("--currency", help="Turn money into this currency; default the shop's own.")
@click.option("--channel", help="Only what this channel brought; the same of the next three.")
@click.option("--campaign", help="A campaign's id or name.")
@click.option("--adset", help="An ad set's id.")
@click.option("--ad", help="An ad's id.")
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only rows with this value.",
)
@click.option(
    "--buyers",
    help="new or returning; of channels, campaigns, models, journeys, path_models, drill.",
)
@click.option("--format", "style", type=click.Choice(["table", "json", "csv"]), default="table")
@as_json
def report(  # noqa: PLR0913, PLR0917  # one parameter an option
    name: str,
    config_file: Path | None,
    data: Path | None,
    since: str | None,
    until: str | None,
    shop: str | None,
    model: str | None,
    window: str | None,
    refunds: str | None,
    basis: str | None,
    currency: str | None,
    channel: str | None,
    campaign: str | None,
    adset: str | None,
    ad: str | None,
    where: tuple[str, ...],
    buyers: str | None,
    style: str,
    *,
    as_json: bool,
) -> None:
    """Print the report NAME.

    Reports: ads, channels, campaigns, orders, journeys, models, path_models, cohorts,
    metrics, takings, coverage, reconcile, reasons, bridge, bridge_orders, utm, utm_health,
    rates, drill, breakdown, balance, missing.

    `drill` goes from channels down to ads: --channel "Paid Social" lists its campaigns.
    """
    from tillpost.serve.commands import offline
    from tillpost.serve.reading import Asked

    levels = {"channel": channel, "campaign": campaign, "adset": adset, "ad": ad}
    within = {level: key for level, key in levels.items() if key is not None}
    asked = Asked(
        since, until, shop, model, window, refunds, basis, currency, within, _pairs(where), buyers
    )
    with offline.reading(config_file, data) as reading:
        rows = reading.report(name, asked)
    if as_json or style == "json":
        print_json({"rows": rows})
    elif style == "csv":
        from tillpost.serve.tabular import as_csv

        click.echo(as_csv(rows), nl=False)
    else:
        _print_table(rows, COLUMNS.get(name, ()))


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise click.UsageError(f"--where {pair}: write it as COLUMN=VALUE, e.g. step=failed")
    return dict(pair.split("=", 1) for pair in given)


@click.command()
@where
@as_json
def ledger(config_file: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Print, per destination, what was accepted and where all of it stands.

    Exit 1 if it does not balance.
    """
    from tillpost.serve.commands import offline

    with offline.reading(config_file, data) as reading:
        found = reading.ledger()
    if as_json:
        print_json(found)
    else:
        _print_table([_flat(line) for line in found["destinations"]])
        click.echo("balanced" if found["balanced"] else "NOT BALANCED")
    if not found["balanced"]:
        sys.exit(1)


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    dropped = ", ".join(f"{why} {n}" for why, n in sorted(line["dropped"].items()))
    return {**line, "dropped": dropped or "0"}


def _print_table(rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> None:
    """A table as wide as it must be; the terminal scrolls, a pipe gets whole lines."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not rows:
        click.echo("nothing yet")
        return
    shown = [name for name in columns or rows[0] if name in rows[0]]
    table = Table(box=box.SIMPLE_HEAD)
    for name in shown:
        right = any(_is_number(row[name]) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in shown))
    Console(width=_WIDEST).print(table)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (
        isinstance(value, str) and value.replace(".", "", 1).replace("-", "", 1).isdigit()
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
