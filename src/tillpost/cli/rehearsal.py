"""A rehearsal: a development server and a simulated shop together, and what came of it.

The shop plays in a process of its own, as any client would. Its history ends now, so
that live shoppers can follow; then the same shop is played again with every pixel
blocked, in a directory of its own, for comparison.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured
from tillpost.serve import app, start
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.node import GATEWAY_FILE, Node
from tillpost.serve.settings import Server
from tillpost.simulate.knobs import Knobs, all_knobs

SUMMARY = "demo.json"
BLOCKED = "demo-blocked.json"
_BLOCKED_DIRECTORY = "blocked"
_SETTLES = timedelta(hours=27)
"""How far the clock is moved past the last order, so that everything settles."""

_FIXED_START = datetime(2026, 3, 2, tzinfo=UTC)
"""With `--exit` the same seed gives the same figures; live shoppers need a history up to now.
The first fortnight has a change to daylight saving time in it."""

Say = Callable[[str], None]
Show = Callable[[dict[str, Any]], None]


class Rehearsal:
    """One run of `tillpost demo`; `summary` is there when its history has been played."""

    def __init__(
        self, directory: Path, port: int | None, knobs: dict[str, Any], *, leave: bool
    ) -> None:
        self._directory = directory
        self._knobs = knobs
        self._leave = leave
        self._port = port or (app.free_port() if leave else Server().port)
        self.summary: dict[str, Any] = {}

    async def run(self, say: Say, show: Show | None) -> None:
        """Serve and play; returns at the end of the history, or when told to stop.

        Raises `Misconfigured` if the directory holds data or the port is taken.
        """
        plan = start.development_plan(Server(port=self._port), self._fresh(), simulated=True)

        async def ready(_node: Node) -> None:
            await self._history(plan.url, say, show)
            if not self._leave:
                for line in _what_next(plan.url):
                    say(line)
                await asyncio.gather(self._again_blocked(), self._live(plan, _node))

        await start.serve(plan, say, ready)

    def _fresh(self) -> Path:
        if (self._directory / GATEWAY_FILE).exists():
            raise Misconfigured(
                f"{self._directory} holds data: name an empty directory with --data"
            )
        return self._directory

    async def _history(self, url: str, say: Say, show: Show | None) -> None:
        days = timedelta(days=self._knobs["days"])
        begin = _FIXED_START if self._leave else _midnight() - days - _SETTLES
        say(f"playing {self._knobs['orders']} orders of {self._knobs['days']} days ...")
        self.summary = await _child(
            "simulate",
            f"--to={url}",
            f"--data={self._directory}",
            "--clock=simulated",
            f"--start={begin.isoformat()}",
            f"--truth={self._directory / 'truth.json'}",
            *_flags(self._knobs),
        )
        _keep(self._directory / SUMMARY, self.summary)
        if show is not None:
            show(self.summary)

    async def _again_blocked(self) -> None:
        """The same shop with every pixel blocked: what the page's switch shows."""
        summary = await _child(
            "demo",
            "--exit",
            f"--data={self._directory / _BLOCKED_DIRECTORY}",
            *_flags({**self._knobs, "ad_blockers": 1.0}),
        )
        _keep(self._directory / BLOCKED, summary)

    async def _live(self, plan: start.Plan, node: Node) -> None:
        from tillpost.simulate.live import live
        from tillpost.simulate.play import Target
        from tillpost.simulate.wire import Secrets

        if plan.secrets is None:
            return
        if isinstance(node.clock, SimulatedClock):
            # How long a delivery took is told of live shoppers: their clock must not stand still.
            node.clock.run()
        made = plan.secrets
        secrets = Secrets(
            webhook_secret=made.webhook_secret,
            server_key=made.server_key,
            access_token=made.access_token,
            receiver_token=made.receiver_token,
        )
        now = datetime.fromtimestamp(node.clock.now(), UTC)
        await live(Knobs(**self._knobs), Target(plan.url, secrets), now)


def _what_next(url: str) -> list[str]:
    return [
        "",
        f"Open {url} and sign in with the password above.",
        "Live shoppers come in now; the same shop is played again with every pixel blocked.",
        "Ctrl-C ends it all.",
    ]


def _midnight() -> datetime:
    now = datetime.now(UTC)  # noqa: TID251  # the edge: here the clock comes in
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


async def _child(*arguments: str) -> dict[str, Any]:
    """The JSON document that a command of ours prints.

    A Ctrl-C of the terminal reaches us alone; the child is told to end, and has ended.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tillpost",
        *arguments,
        "--json",
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        text, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if not text:
        raise Misconfigured(f"the simulated shop ended with code {process.returncode}")
    found: dict[str, Any] = json.loads(text)
    return found


def _flags(knobs: dict[str, Any]) -> list[str]:
    """The knobs that are not as they are by default, as flags."""
    made = []
    for row in all_knobs():
        value = knobs.get(row.name)
        if value == row.default or value is None:
            continue
        if isinstance(value, bool):
            made.append(row.flag if value else f"--no-{row.name.replace('_', '-')}")
        else:
            made.append(f"{row.flag}={value}")
    return made


def _keep(path: Path, summary: dict[str, Any]) -> None:
    """Write whole or not at all: the page reads it while it is written."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(summary), "utf-8")
    part.rename(path)
