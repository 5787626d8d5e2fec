"""The machine: the secrets' files, the data directory, the disk, the databases, the server."""

import os
import stat
from pathlib import Path

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.serve import app
from tillpost.serve.doctor.bench import Bench
from tillpost.serve.doctor.line import Check, Line, fail, ok, warn
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE
from tillpost.store.sqlite import Database

_MIB = 1 << 20
LEAST_FREE = 100 * _MIB
"""With less than this, orders will soon be refused."""
LITTLE_FREE = 1024 * _MIB


async def _secrets(bench: Bench) -> list[Line]:
    """Secrets that others on this machine can read."""
    base = bench.config_file.parent if bench.config_file else bench.directory
    files = [*base.glob("secrets/*"), bench.directory / "key", bench.directory / "dev-secrets.json"]
    if bench.config_file is not None and _mentions_secrets(bench.config_file):
        files.append(bench.config_file)
    shared = [path for path in files if path.is_file() and _others_read(path)]
    if shared:
        named = " ".join(map(str, shared[:3]))
        return [warn("secrets", f"others on this machine can read {named}", f"chmod 600 {named}")]
    return [ok("secrets", "only their owner can read them")]


def _mentions_secrets(path: Path) -> bool:
    return any(word in path.read_text("utf-8") for word in ("access_token =", "secrets = ["))


def _others_read(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH))


async def _directory(bench: Bench) -> list[Line]:
    place = bench.directory
    if not place.exists():
        return [fail("data", f"there is no {place}", "start the server once, or name it by --data")]
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return [
            fail("data", f"{place} cannot be written", f"chown it to the server's user: {place}")
        ]
    return [ok("data", str(place))]


async def _disk(bench: Bench) -> list[Line]:
    free = f"{bench.room.free / _MIB:,.0f} MiB free of {bench.room.all / _MIB:,.0f}"
    if bench.room.free < LEAST_FREE:
        return [fail("disk", free, "free space: without it orders are refused with 503")]
    if bench.room.free < LITTLE_FREE:
        return [warn("disk", free, "free space before it is less than 100 MiB")]
    return [ok("disk", free)]


async def _databases(bench: Bench) -> list[Line]:
    lines = []
    for file, schema in ((GATEWAY_FILE, "gateway"), (RECEIVER_FILE, "receiver")):
        try:
            database = Database(bench.directory / file, schema, readonly=True)
            lines.append(_intact(file, database.damage()))
            database.close()
        except Misconfigured as error:
            what, _, fix = str(error).rpartition(": ")
            lines.append(fail("database", what, fix))
    return lines


def _intact(file: str, damage: str | None) -> Line:
    if damage is None:
        return ok("database", f"{file}: every page is as it was written")
    fix = "stop the server, keep the file aside, tillpost restore a backup, then tillpost backfill"
    return fail("database", f"{file} is damaged: {damage.splitlines()[-1][:200]}", fix)


async def _server(bench: Bench) -> list[Line]:
    """A server that answers and is ready; else whether one could start."""
    if bench.url is None:
        server = bench.settings.server
        try:
            app.check_free(server.host, server.port)
        except Misconfigured as error:
            return [fail("server", f"none runs here, and it {error}", "stop what holds the port")]
        return [fail("server", "none runs on this data directory", "tillpost serve")]
    try:
        answer = await bench.ask("GET", f"{bench.url}/readyz")
    except Retryable as error:
        return [fail("server", f"{bench.url} does not answer: {error}", "restart it")]
    if answer.status != 200:
        words = answer.body.decode("utf-8", "replace")[:200]
        return [fail("server", f"{bench.url} is not ready: {words}", "look at its log")]
    return [ok("server", bench.url)]


CHECKS: tuple[Check, ...] = (
    Check("secrets", _secrets),
    Check("data", _directory),
    Check("disk", _disk, ("data",)),
    Check("database", _databases, ("data",)),
    Check("server", _server, ("data", "database")),
)
"""What must be in order before anything can come or go."""
