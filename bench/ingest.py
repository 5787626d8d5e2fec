"""Durable ingest: requests a second whose answer comes after the fsync, under `wrk`.

Every request has its own ids and identifiers, is made beforehand and sent once; every answer
is counted, and any but 2xx is told. The server runs with its worker idle, then with its worker
at work: it folds, delivers to its own receiver and settles there. Last it is killed under
load: what was acknowledged must be on disk. No speed is asserted: absolute numbers only guide.
"""

import base64
import hmac
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from tillpost.serve.app import free_port

DATASET = "1234567890123456"
SECONDS = 6
BATCH = 1000
HERE = Path(__file__).parent


class Door(NamedTuple):
    """One way in: events a request, connections, requests made, and how request N is made."""

    name: str
    each: int
    connections: int
    requests: int
    made: Callable[[int, dict[str, str]], bytes]


class Running(NamedTuple):
    """A server of the bench."""

    process: "subprocess.Popen[bytes]"
    port: int
    data: Path

    @property
    def secrets(self) -> dict[str, str]:
        """What it was given at its first start."""
        found: dict[str, str] = json.loads((self.data / "dev-secrets.json").read_text())
        return found


def main() -> None:
    """Print a table of what each door takes in, then what a kill left."""
    if shutil.which("wrk") is None:
        raise SystemExit("bench ingest: there is no wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("idle", "delivering"):
            print(f"\nworker {mode}")
            print(f"{'door':<34}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'server CPU us':>15}")
            with _serving(Path(folder) / mode, mode) as server:
                for door in DOORS:
                    _show(door, server)
                if mode == "delivering":
                    print(f"meanwhile and since, sent on: {_delivered(server):,}")
        _killed(Path(folder) / "killed")


def _show(door: Door, server: Running) -> None:
    before = _cpu(server.process.pid)
    figures = _load(door, server)
    events = figures["answered"] * door.each
    spent = (_cpu(server.process.pid) - before) / max(events, 1) * 1e6
    told = {key: figures[key] for key in ("failed", "broken") if figures[key]}
    print(
        f"{door.name:<34}{events / figures['seconds']:>10,.0f}{figures['p50_ms']:>9.1f}"
        f"{figures['p99_ms']:>9.1f}{spent:>15.0f}" + (f"   {told}" if told else ""),
        flush=True,
    )
    time.sleep(3)


def _load(door: Door, server: Running, seconds: int = SECONDS) -> dict[str, float]:
    """What wrk found: requests answered, by what time, and how many not with 2xx."""
    path = server.data / "requests"
    with path.open("wb") as file:
        for number in range(door.requests):
            request = door.made(number, server.secrets)
            file.write(b"%08d" % len(request) + request)
    command = ["wrk", "-t1", f"-c{door.connections}", f"-d{seconds}", "--latency"]
    command += ["-s", str(HERE / "replay.lua"), f"http://127.0.0.1:{server.port}/", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    path.unlink()
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _killed(folder: Path) -> None:
    """Kill the server while it takes in, and count what it had acknowledged."""
    with _serving(folder, "idle") as server:
        killing = subprocess.Popen(["sh", "-c", f"sleep 5; kill -9 {server.process.pid}"])
        figures = _load(DOORS[0]._replace(requests=20_000), server, seconds=8)
        killing.wait()
    with closing(sqlite3.connect(folder / "tillpost.db")) as database:
        kept = database.execute("SELECT count(*) FROM journal").fetchone()[0]
    lost = max(0, int(figures["answered"]) - kept)
    print(f"\nkilled: {figures['answered']:,} acknowledged, {kept:,} on disk, {lost} lost")


def _delivered(server: Running) -> int:
    """Events that the server's destination has taken."""
    url = f"http://127.0.0.1:{server.port}/api/v1/ledger"
    bearer = {"Authorization": f"Bearer {server.secrets['server_key']}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer)) as answer:
        return sum(line["delivered"] for line in json.load(answer)["destinations"])


@contextmanager
def _serving(data: Path, mode: str) -> Iterator[Running]:
    port = free_port()
    module = "bench.idle" if mode == "idle" else "tillpost"
    command = [sys.executable, "-m", module, "serve", f"--data={data}", f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        yield Running(process, port, data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _user(number: int) -> dict[str, Any]:
    return {
        "em": f"person{number}@mail.example",
        "ph": f"+1208555{number % 10000:04d}",
        "fn": f"Ada{number % 90}",
        "ln": f"Fischer{number % 700}",
        "ct": "Boise",
        "st": "ID",
        "zp": f"83{number % 1000:03d}",
        "country": "US",
        "external_id": str(7_000_000 + number),
        "client_ip_address": "8.8.4.4",
        "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "fbp": f"fb.1.1700000000000.{number}",
    }


def _hashed(number: int) -> dict[str, Any]:
    plain = {"client_ip_address", "client_user_agent", "fbp"}
    return {
        key: value if key in plain else [sha256(str(value).lower().encode()).hexdigest()]
        for key, value in _user(number).items()
    }


def _capi(number: int, user: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_name": "Purchase",
        "event_id": f"bench.{number}",
        "event_time": int(time.time()),
        "action_source": "website",
        "event_source_url": "https://demo-shop.myshopify.com/checkout",
        "user_data": user,
        "custom_data": {
            "value": 59.0,
            "currency": "USD",
            "order_id": str(number),
            "contents": [{"id": "9001", "quantity": 2, "item_price": 27.0}],
        },
    }


def _event(number: int, secrets: dict[str, str]) -> bytes:
    body = json.dumps(_capi(number, _user(number))).encode()
    return _request("/events/demo", body, {"Authorization": f"Bearer {secrets['server_key']}"})


def _graph(number: int, secrets: dict[str, str], events: int = 1) -> bytes:
    data = [_capi(n, _hashed(n)) for n in range(number * events, (number + 1) * events)]
    body = json.dumps({"data": data, "access_token": secrets["access_token"]}).encode()
    return _request(f"/v26.0/{DATASET}/events", body, {})


def _batch(number: int, secrets: dict[str, str]) -> bytes:
    return _graph(number, secrets, BATCH)


def _order(number: int, secrets: dict[str, str]) -> bytes:
    from tests.orders import order

    made = order(number, email=f"person{number}@mail.example", note="x" * 2800)
    body = json.dumps(made).encode()
    key = secrets["webhook_secret"].encode()
    signature = base64.b64encode(hmac.new(key, body, sha256).digest()).decode()
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "demo-shop.myshopify.com",
        "X-Shopify-Hmac-Sha256": signature,
    }
    return _request("/webhooks/shopify/demo", body, headers)


def _request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    named = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not come up")


DOORS = (
    Door("/events, one raw event", 1, 64, 80_000, _event),
    Door("Graph /events, one hashed event", 1, 64, 80_000, _graph),
    Door("Shopify order, 6 KB", 1, 64, 40_000, _order),
    Door("Graph /events, 1,000 a request", BATCH, 4, 250, _batch),
)


if __name__ == "__main__":
    main()
