"""`tillpost doctor`: what is wrong with this set-up, and how to mend it."""

import asyncio
from collections import Counter
from pathlib import Path

import click

from tillpost.cli.options import as_json, print_json, where

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@where
@click.option(
    "--test-event-code",
    metavar="CODE",
    help="Also send a test event to real platforms, under this code of their Test Events tab.",
)
@click.option("--quiet", is_flag=True, help="Show only what is not ok.")
@as_json
def doctor(
    config_file: Path | None,
    data: Path | None,
    *,
    test_event_code: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Go through the set-up from the machine outwards, and say of each thing how it is.

    The first line that is not ok is the cause to mend first: what hangs on a thing that
    fails is left out. Exit 1 if anything fails.
    """
    from msgspec import to_builtins

    from tillpost.serve.commands import doctoring

    lines = asyncio.run(doctoring.diagnose(config_file, data, test_event_code))
    worst = doctoring.worst(lines)
    if as_json:
        print_json({"ok": worst != "fail", "worst": worst, "lines": to_builtins(lines)})
    else:
        for line in lines:
            if quiet and line.level == "ok":
                continue
            mark = click.style(f"{line.level:4}", fg=_COLOURS[line.level])
            click.echo(f"{mark}  {line.check:14}  {line.what}")
            if line.fix:
                click.echo(f"{'':22}{line.fix}")
        counts = Counter[str](line.level for line in lines)
        click.echo(", ".join(f"{counts[level]} {level}" for level in _COLOURS))
    if worst == "fail":
        raise SystemExit(1)
