"""From flags to a running server: settings, directory, clock, and what is shown at the start."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Clock
from tillpost.serve import app, configure, development, keeper
from tillpost.serve.clock import SimulatedClock, SystemClock
from tillpost.serve.node import Node
from tillpost.serve.settings import Server, Settings
from tillpost.store.lock import make

LOOPBACK = ("127.0.0.0/8", "::1/128")
SIMULATION_STARTS = 1_577_836_800.0
"""A simulated clock stands here until it is first set: it only moves forward."""


class Plan(Struct, frozen=True):
    """What is about to be served; `secrets` only where there is no settings file."""

    settings: Settings
    directory: Path
    clock: Clock
    secrets: development.Secrets | None = None
    config_file: Path | None = None
    flags: dict[str, Any] = {}
    """What the command line said, by dotted key: it holds when the file is read again."""

    def reread(self) -> Settings:
        """The settings as they are now; raises `Misconfigured` if this server cannot have them."""
        found = configure.load(self.config_file, configure.environment(), self.flags)
        for key in ("host", "port", "data"):
            if getattr(found.server, key) != getattr(self.settings.server, key):
                raise Misconfigured(f"server.{key} is another: stop the server and start it again")
        return found

    @property
    def url(self) -> str:
        """The server's own address."""
        return app.own_url(self.settings.server.host, self.settings.server.port)


def plan(
    config_file: Path | None,
    data: Path | None,
    *,
    host: str | None = None,
    port: int | None = None,
    simulated: bool = False,
) -> Plan:
    """The plan of a server; raises `Misconfigured` for anything that cannot be served."""
    flags = {
        "server.host": host,
        "server.port": port,
        "server.data": str(data) if data else None,
    }
    settings = configure.load(config_file, configure.environment(), flags)
    directory = configure.data_directory(settings, configure.environment())
    if config_file is not None:
        if simulated:
            raise Misconfigured("--clock simulated is for development data: leave out --config")
        return Plan(settings, directory, SystemClock(), config_file=config_file, flags=flags)
    made = development_plan(settings.server, directory, simulated=simulated)
    told = structs.replace(made.settings, alerts=settings.alerts, telemetry=settings.telemetry)
    return structs.replace(made, settings=told)


def development_plan(server: Server, directory: Path, *, simulated: bool = False) -> Plan:
    """The plan of a development server; bound to this machine alone.

    Under a simulated clock the forwarding headers of this machine are believed, so that
    a simulation can speak for shoppers elsewhere.
    """
    if server.host not in {"127.0.0.1", "localhost", "::1"}:
        raise Misconfigured(
            f"--host {server.host}: development secrets serve this machine only; "
            "write a settings file (--config) to listen elsewhere"
        )
    made = development.read_secrets(directory)
    if simulated:
        server = structs.replace(server, trusted_proxies=LOOPBACK)
    clock = SimulatedClock(SIMULATION_STARTS) if simulated else SystemClock()
    return Plan(development.settings(made, server), directory, clock, made)


async def serve(
    plan: Plan,
    say: Callable[[str], None],
    ready: Callable[[Node], Awaitable[None]] | None = None,
) -> None:
    """Serve until told to stop, after saying where everything is."""
    app.check_free(plan.settings.server.host, plan.settings.server.port)

    async def shown(node: Node) -> None:
        for line in greeting(plan):
            say(line)
        if ready is not None:
            await ready(node)

    if ready is not None:
        await app.run(plan.settings, plan.directory, plan.clock, ready=shown)
    else:
        for line in greeting(plan):
            say(line)
        reread = plan.reread if plan.config_file else None
        await app.run(
            plan.settings,
            plan.directory,
            plan.clock,
            reread=reread,
            config_file=plan.config_file,
        )


def greeting(plan: Plan) -> list[str]:
    """What the terminal shows; secrets only on a terminal, never into a pipe or a log."""
    url = plan.url
    lines = [f"Tillpost serves {url}  (data in {plan.directory})"]
    for shop in plan.settings.shops:
        lines += [
            *(
                f"  webhooks  {url}/webhooks/{system}/{shop.name}"
                for system in ("shopify", "woocommerce", "stripe")
                if getattr(shop, system) is not None
            ),
            f"  browser   {url}{shop.pixel.path}/{shop.name}",
            f"  events    {url}/events/{shop.name}",
        ]
    for dataset in plan.settings.receiver.datasets:
        lines.append(f"  receiver  {url}/v26.0/{dataset.id}/events")
    return lines + _first_lines(plan) + _secret_lines(plan)


def _first_lines(plan: Plan) -> list[str]:
    """Where the first owner chooses a password, as long as nobody can sign in."""
    if plan.settings.admin_password or keeper.has_users(plan.directory):
        return []
    make(plan.directory)
    token = keeper.first_token(plan.directory, make=True)
    if not sys.stdout.isatty():
        return [
            f"  first sign-in  {plan.url}/first?token=... of {plan.directory / keeper.FIRST_FILE}"
        ]
    return [f"  first sign-in  {plan.url}/first?token={token}  (once)"]


def _secret_lines(plan: Plan) -> list[str]:
    if plan.secrets is None:
        return []
    if not sys.stdout.isatty():
        return [f"  secrets   {plan.directory / development.FILE}"]
    made = plan.secrets
    return [
        f"  password  {made.admin_password}",
        f"  server key      {made.server_key}",
        f"  access token    {made.access_token}",
        f"  receiver token  {made.receiver_token}",
        f"  webhook secret  {made.webhook_secret}",
    ]
