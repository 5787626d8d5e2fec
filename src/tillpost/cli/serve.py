"""`tillpost serve`: everything in one process."""

from pathlib import Path

import click

from tillpost.cli.options import where


@click.command()
@where
@click.option("--host", help="Address to listen on; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; default 8484.")
@click.option(
    "--clock",
    type=click.Choice(["system", "simulated"]),
    default="system",
    help="`simulated` takes the time from POST /dev/clock (development only).",
)
def serve(
    config_file: Path | None, data: Path | None, host: str | None, port: int | None, clock: str
) -> None:
    """Collect, deliver, receive and report on one port.

    Without --config it serves the development shop `demo`, whose events go to the
    receiver in the same process; its addresses and keys are shown on a terminal.
    """
    from tillpost.serve import app, start

    plan = start.plan(config_file, data, host=host, port=port, simulated=clock == "simulated")
    app.run_until_done(start.serve(plan, click.echo))
