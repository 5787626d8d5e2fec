"""`tillpost simulate`: sends a simulated shop's traffic to a running server."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from tillpost.simulate.knobs import MAX_HISTORY_DAYS, Knobs, all_knobs


def knob_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command with one flag for every knob."""
    for row in reversed(list(all_knobs())):
        kind: Any = float if row.default is None else type(row.default)
        flag = f"{row.flag}/--no-{row.name.replace('_', '-')}" if kind is bool else row.flag
        shown = row.default is not None
        command = click.option(
            flag, row.name, type=None if kind is bool else kind, default=row.default,
            show_default=shown, help=row.help,
        )(command)  # fmt: skip
    return command


@click.command("simulate")
@click.option("--to", "url", required=True, help="address of the running server")
@click.option("--data", type=click.Path(path_type=Path), help="its data folder, for the secrets")
@click.option("--clock", type=click.Choice(["simulated"]), help="drive the server's clock")
@click.option("--start", help="first moment, ISO 8601 with zone; needs --clock simulated")
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    default=Path("truth.json"),
    show_default=True,
    help="where the truth is written",
)
@click.option("--json", "as_json", is_flag=True, help="one JSON document on standard output")
@knob_options
def simulate(  # one parameter a flag
    url: str, data: Path | None, clock: str | None, start: str | None, truth: Path,
    *, as_json: bool, **rates: Any,
) -> None:  # fmt: skip
    """Send a simulated shop's traffic to a running server; its truth goes to a file.

    Every knob is a flag. The secrets come from DATA/dev-secrets.json or from
    TILLPOST_WEBHOOK_SECRET, TILLPOST_SERVER_KEY, TILLPOST_RECEIVER_TOKEN and
    TILLPOST_ACCESS_TOKEN. Without --clock simulated the history ends now and is at most
    six days long, for a platform refuses what is older than seven.
    """
    try:
        knobs = Knobs(**rates)
    except ValueError as problem:
        _stop(str(problem))
    if clock is None and knobs.days > MAX_HISTORY_DAYS:
        _stop(
            f"--days {knobs.days}: at most {MAX_HISTORY_DAYS}, for the server's clock cannot be"
            " moved; use fewer days, or serve and simulate with --clock simulated"
        )
    from tillpost.simulate import answers, judge, play, schedule
    from tillpost.simulate.truth import write

    moment = _start(start, clock, knobs.days)
    if clock is None:
        # All of it arrives now, so the server could not tell a wrong clock from an old event.
        knobs = replace(knobs, skew=0.0)
    world = schedule.build_world(knobs, moment)
    write(world.truth, truth)
    target = play.Target(url, _secrets(data), simulated_clock=clock is not None)
    try:
        sent = asyncio.run(play.play(world, target, None if as_json else _show))
        found = asyncio.run(answers.read_answers(target)) if clock else None
    except play.Unreachable as problem:
        _stop(str(problem))
    summary: dict[str, Any] = {
        "sent": dict(sent.sent),
        "refused": dict(sent.refused),
        "first_refusal": sent.first_refusal,
        "truth": str(truth),
    }
    if found is not None:
        summary |= judge.judge(world.truth, found)
    click.echo(json.dumps(summary, indent=None if as_json else 2))
    sys.exit(1 if sent.refused else 0)


def _start(text: str | None, clock: str | None, days: int) -> datetime:
    if text is None:
        now = datetime.now(UTC)  # noqa: TID251  # the edge: here the clock comes in
        return (now - timedelta(days=days)).replace(microsecond=0)
    if clock is None:
        _stop("--start: needs --clock simulated; without it the history ends now")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _stop(f"--start {text}: write a time with its zone, e.g. 2026-03-01T00:00:00Z")
    return moment


def _secrets(data: Path | None) -> Any:
    from tillpost.simulate.wire import Secrets

    if data is not None:
        path = data / "dev-secrets.json"
        if not path.exists():
            _stop(f"--data {data}: no dev-secrets.json there; give the folder the server runs on")
        rows = json.loads(path.read_text())
    else:
        rows = {name: os.environ.get(f"TILLPOST_{name.upper()}", "") for name in _NAMES}
    return Secrets(**{name: rows.get(name, "") for name in _NAMES})


_NAMES = ("webhook_secret", "server_key", "access_token", "receiver_token")


def _show(share: float, sent: Any) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{share:4.0%} {sum(sent.sent.values())} requests", nl=False, err=True)


def _stop(line: str) -> NoReturn:
    click.echo(f"tillpost simulate: {line}", err=True)
    raise SystemExit(2)
