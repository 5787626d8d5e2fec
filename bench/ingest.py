"""Durable ingest: requests a second whose answer comes after the fsync.

Every request has its own ids and identifiers. The server is one process, the generator
another; both share the machine. Nothing is asserted: absolute numbers only guide.
"""

import base64
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any

DATASET = "1234567890123456"
REQUESTS = 4000


def main() -> None:
    """Print a table of what each door takes in."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        port = 18484
        server = subprocess.Popen(
            [sys.executable, "-m", "tillpost", "serve", f"--data={data}", f"--port={port}"],
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait(port)
            secrets = json.loads((data / "dev-secrets.json").read_text())
            print(f"{'door':<34}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'server CPU s':>14}")
            for name, each, requests in _doors(secrets):
                path = Path(folder) / "requests.json"
                path.write_text(json.dumps([r.decode("latin-1") for r in requests]))
                _show(name, each, port, path, server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def _doors(secrets: dict[str, str]) -> list[tuple[str, int, list[bytes]]]:
    return [
        ("/events, one raw event", 1, [_event(n, secrets) for n in range(REQUESTS)]),
        ("Graph /events, one hashed event", 1, [_graph(n, 1, secrets) for n in range(REQUESTS)]),
        ("Shopify order, 6 KB", 1, [_order(n, secrets) for n in range(REQUESTS)]),
        ("Graph /events, 1,000 a request", 1000, [_graph(n, 1000, secrets) for n in range(40)]),
    ]


def _show(name: str, each: int, port: int, path: Path, pid: int) -> None:
    connections = 64 if each == 1 else 4
    before = _cpu(pid)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", str(port), str(connections), "6", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    spent = _cpu(pid) - before
    rate = figures["per_second"] * each
    print(
        f"{name:<34}{rate:>10,.0f}{figures['p50_ms']:>9.1f}{figures['p99_ms']:>9.1f}{spent:>14.1f}"
        + (f"   {figures['failed']:.0f} FAILED" if figures["failed"] else "")
    )
    time.sleep(3)


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
        "event_id": f"bench.{os.getpid()}.{number}",
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


def _graph(number: int, events: int, secrets: dict[str, str]) -> bytes:
    data = [_capi(number * events + n, _hashed(number * events + n)) for n in range(events)]
    body = json.dumps({"data": data, "access_token": secrets["access_token"]}).encode()
    return _request(f"/v26.0/{DATASET}/events", body, {})


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


if __name__ == "__main__":
    main()
