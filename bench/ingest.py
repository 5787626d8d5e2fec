"""Durable ingest: requests a second whose answer comes after the fsync, under `wrk`.

Every request has its own ids and identifiers, is made beforehand and sent once; every answer
is counted, and any but 2xx is told. Measured are a server whose worker is idle; a gateway that
folds, and delivers to a platform in another process; and the development server, which is
its own platform. Last a server is killed under load, at each door: what was acknowledged must
be on disk. No speed is asserted: absolute numbers only guide.

`python -m bench.ingest [idle] [delivering] [all] [killed]` does what is named, else all of it.
"""

import json
import os
import resource
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.live import ONE_SHOP

from bench import taker
from bench.doors import DATASET, DOORS, Door
from tillpost.serve.app import free_port

SECONDS = 6
MODES = {
    "idle": "taking in alone, the worker idle",
    "delivering": "the worker folds, and delivers to a platform in another process",
    "all": "the development server: gateway and platform in one process",
}
_DRAIN_SECONDS = 300.0
_UNFOLDED = "SELECT (SELECT max(id) FROM journal) > (SELECT max(position) FROM progress)"
_HERE = Path(__file__).parent
_RECEIVER = """\
[[receiver.datasets]]
id = "{dataset}"
access_token = "{access_token}"
"""


class Running(NamedTuple):
    """A server of the bench, and what it is opened with."""

    process: "subprocess.Popen[bytes]"
    port: int
    data: Path
    secrets: dict[str, str]


def main() -> None:
    """Print a table of what each door takes in, then what a kill left."""
    if shutil.which("wrk") is None:
        raise SystemExit("bench ingest: there is no wrk: apt-get install wrk")
    asked = sys.argv[1:] or [*MODES, "killed"]
    if not {*asked} <= {*MODES, "killed"}:
        raise SystemExit(f"bench ingest: name any of {', '.join(MODES)}, killed")
    with tempfile.TemporaryDirectory() as folder:
        for mode in (mode for mode in MODES if mode in asked):
            _measured(Path(folder) / mode, mode)
        if "killed" in asked:
            print("\nkilled while it takes in")
            for number, door in enumerate(DOORS):
                _killed(Path(folder) / f"killed{number}", door)


def _measured(folder: Path, mode: str) -> None:
    print(f"\n{MODES[mode]}")
    columns = f"{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'wrk us':>9}"
    print(f"{'door':<34}{columns}" + ("" if mode == "idle" else f"{'sent on':>10}"), flush=True)
    with _serving(folder, mode) as server:
        for door in DOORS:
            _show(door, server, mode)
        if mode != "idle":
            print(f"all of it was sent on {_drained(server):.0f} s after the last request")


def _show(door: Door, server: Running, mode: str) -> None:
    _write(door, server)
    cpu, wrk, sent = _cpu(server.process.pid), _children(), _sent(server)
    figures = _load(door, server)
    sent = _sent(server) - sent
    events = max(figures["answered"] * door.each, 1)
    spent = (_cpu(server.process.pid) - cpu) / events * 1e6
    told = {key: figures[key] for key in ("failed", "broken") if figures[key]}
    print(
        f"{door.name:<34}{events / figures['seconds']:>10,.0f}{figures['p50_ms']:>9.1f}"
        f"{figures['p99_ms']:>9.1f}{spent:>9.0f}{(_children() - wrk) / events * 1e6:>9.1f}"
        + ("" if mode == "idle" else f"{sent / figures['seconds']:>10,.0f}")
        + (f"   {told}" if told else ""),
        flush=True,
    )
    time.sleep(3)


def _write(door: Door, server: Running) -> None:
    """Make the requests of a door, for `replay.lua`."""
    with (server.data / "requests").open("wb") as file:
        for number in range(door.requests):
            request = door.made(number, server.secrets)
            file.write(b"%08d" % len(request) + request)


def _load(door: Door, server: Running, seconds: int = SECONDS) -> dict[str, float]:
    """What wrk found: requests answered, by what time, and how many not with 2xx."""
    path = server.data / "requests"
    command = ["wrk", "-t1", f"-c{door.connections}", f"-d{seconds}", "--latency"]
    command += ["-s", str(_HERE / "replay.lua"), f"http://127.0.0.1:{server.port}/", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    path.unlink()
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _killed(folder: Path, door: Door) -> None:
    """Kill the server while it takes in, and count the requests that it had acknowledged."""
    with _serving(folder, "idle") as server:
        _write(door, server)
        killing = subprocess.Popen(["sh", "-c", f"sleep 3; kill -9 {server.process.pid}"])
        figures = _load(door, server, seconds=5)
        killing.wait()
    file, table = door.table
    with closing(sqlite3.connect(folder / file)) as database:
        kept = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    taken = int(figures["answered"] - figures["failed"])
    lost = max(0, taken - kept)
    print(f"{door.name:<34}{taken:>10,} acknowledged{kept:>10,} on disk{lost:>8,} lost", flush=True)


def _ledger(server: Running) -> dict[str, int]:
    """How many events the server's destination has taken, and how many still wait."""
    url = f"http://127.0.0.1:{server.port}/api/v1/ledger"
    bearer = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer)) as answer:
        lines = json.load(answer)["destinations"]
    return {name: sum(line[name] for line in lines) for name in ("delivered", "pending")}


def _sent(server: Running) -> int:
    return _ledger(server)["delivered"]


def _drained(server: Running) -> float:
    """Seconds until nothing waits any more: nothing in the journal, and nothing in the outbox."""
    begun = time.monotonic()
    with closing(sqlite3.connect(server.data / "tillpost.db")) as database:
        while time.monotonic() < begun + _DRAIN_SECONDS:
            left = database.execute(_UNFOLDED).fetchone()[0]
            if not left and not _ledger(server)["pending"]:
                return time.monotonic() - begun
            time.sleep(0.5)
    raise SystemExit("not all was sent on in time")


@contextmanager
def _serving(data: Path, mode: str) -> Iterator[Running]:
    data.mkdir()
    port = free_port()
    with taker.running() as platform:
        if mode == "delivering":
            given = {
                "server_key": secrets.token_hex(),
                "webhook_secret": secrets.token_hex(),
                "access_token": secrets.token_hex(),
            }
            text = (ONE_SHOP + _RECEIVER).format(
                port=port,
                data=data,
                scopes='["events", "reports"]',
                join_wait=2.0,
                dataset=DATASET,
                platform=f"http://127.0.0.1:{platform}",
                **given,
            )
            (data / "tillpost.toml").write_text(text)
            asked = ["tillpost", "serve", f"--config={data / 'tillpost.toml'}"]
        else:
            module = "bench.idle" if mode == "idle" else "tillpost"
            asked = [module, "serve", f"--data={data}", f"--port={port}"]
        process = subprocess.Popen([sys.executable, "-m", *asked], stdout=subprocess.DEVNULL)
        try:
            _wait(port)
            if mode != "delivering":
                given = json.loads((data / "dev-secrets.json").read_text())
            yield Running(process, port, data, given)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    """Seconds of processor that ended children took: of wrk, here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not come up")


if __name__ == "__main__":
    main()
