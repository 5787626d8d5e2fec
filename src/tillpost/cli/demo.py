"""`tillpost demo`: serve, with a simulated shop whose truth is known."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json
from tillpost.cli.simulate import knob_options


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Empty directory to keep the data in; default a temporary one.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Default 8484; with --exit a free one.")
@click.option("--exit", "leave", is_flag=True, help="Print the summary and end.")
@as_json
@knob_options
def demo(data: Path | None, port: int | None, *, leave: bool, as_json: bool, **knobs: Any) -> None:
    """Serve, and let a simulated shop's shoppers in: history first, then live ones.

    What Tillpost says is then set beside the simulation's truth.
    """
    from tillpost.serve import app
    from tillpost.simulate.knobs import Knobs

    try:
        Knobs(**knobs)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    directory = data or Path(tempfile.mkdtemp(prefix="tillpost-demo-"))
    try:
        summary = app.run_until_done(_run(directory, port, knobs, leave=leave, quiet=as_json))
    finally:
        if data is None:
            shutil.rmtree(directory, ignore_errors=True)
    if summary is None:
        return
    if not summary:
        raise click.Abort  # told to stop before its history was played
    if as_json:
        print_json(summary)
    sys.exit(0 if _good(summary) else 1)


async def _run(
    directory: Path, port: int | None, knobs: dict[str, Any], *, leave: bool, quiet: bool
) -> dict[str, Any] | None:
    from tillpost.cli.rehearsal import Rehearsal

    rehearsal = Rehearsal(directory, port, knobs, leave=leave)
    say = (lambda _: None) if quiet else click.echo
    await rehearsal.run(say, None if quiet else _show)
    return rehearsal.summary if leave else None


def _show(summary: dict[str, Any]) -> None:
    for line in lines(summary):
        click.echo(line)


def lines(summary: dict[str, Any]) -> list[str]:
    """The summary in words: what Tillpost says beside the simulation's truth."""
    s = summary
    left_out = f"{sum(s['ineligible'].values())} more that do not ({_counts(s['ineligible'])})"
    seen = (
        f"browser only {s['browser_only']}, server only {s['server_only']}, "
        f"both {s['both']}, neither {s['neither']}"
    )
    matched = f"{s['matched']} of {s['matchable']} that could be, {s['matched_wrong']} wrongly"
    right = f"{s['attributed_right']} of {s['attributable']} whose touch could be seen"
    told = [
        "",
        f"{s['orders']} orders that count, {left_out}",
        f"  seen by         {seen}",
        f"  counted         once {s['counted']}, twice {s['doubled']}",
        f"  matched         {matched}; match rate {s['match_rate']:.0%}",
        f"  attributed      rightly {right}",
        "",
        "revenue by channel",
        *(f"  {name:<18}{amount:>12}" for name, amount in s["revenue_by_channel"].items()),
        "",
        f"{'campaign':<26}{'spend':>14}{'platform ROAS':>16}{'true ROAS':>12}",
    ]
    told += [_campaign(row) for row in s["roas_by_campaign"]]
    balanced = "balances" if s["ledger"]["balanced"] else "DOES NOT BALANCE"
    return [*told, "", f"the ledger {balanced}"]


def _campaign(row: dict[str, Any]) -> str:
    spend = f"{row['spend']} {row['currency']}"
    return (
        f"{row['campaign'][:25]:<26}{spend:>14}"
        f"{_ratio(row['platform_roas']):>16}{_ratio(row['true_roas']):>12}"
    )


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _counts(reasons: dict[str, int]) -> str:
    return ", ".join(f"{why.replace('_', ' ')} {n}" for why, n in sorted(reasons.items()))


def _good(summary: dict[str, Any]) -> bool:
    wrong = summary["doubled"] + summary["matched_wrong"]
    return bool(summary["ledger"]["balanced"]) and wrong == 0
