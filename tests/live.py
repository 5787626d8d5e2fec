"""A running server as a client sees it: plain HTTP, signed as a shop signs."""

import base64
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

DATASET = "1234567890123456"

ONE_SHOP = """\
[server]
port = {port}
data = "{data}"
private_networks = ["127.0.0.0/8"]
[[shops]]
name = "demo"
domain = "demo-shop.myshopify.com"
country = "US"
origins = ["https://demo-shop.myshopify.com"]
server_keys = [{{key = "{server_key}", scopes = {scopes}}}]
[shops.shopify]
webhook_secrets = ["{webhook_secret}"]
[shops.orders]
join_wait = {join_wait}
[[destinations]]
kind = "meta"
shop = "demo"
dataset_id = "{dataset}"
access_token = "{access_token}"
url = "{platform}"
"""
"""Settings of a gateway with one shop that sends to the platform at an address."""
TWO_DESTINATIONS = """\
[[destinations]]
kind = "meta"
shop = "a"
dataset_id = "1"
access_token = "ta"
url = "embedded"
[[destinations]]
kind = "meta"
shop = "b"
dataset_id = "{second}"
access_token = "tb"
url = "embedded"
"""
"""Where the shops `a` and `b` send to: to the receiver beside them, each under a dataset."""
TWO_SHOPS = f"""\
[[shops]]
name = "a"
domain = "a.example"
server_keys = [{{{{ key = "key-of-a-0000000", scopes = ["events", "reports"] }}}}]
[[shops]]
name = "b"
domain = "b.example"
server_keys = ["key-of-b-0000000"]
{TWO_DESTINATIONS}"""
"""Settings of two shops."""


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Live:
    """A server that runs."""

    url: str
    data: Path
    secrets: dict[str, str]
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request; `user_agent="x"` is the header User-Agent."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named, method=method)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=20) as answer:
                return Reply(answer.status, _lower(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, _lower(error.headers.items()), error.read())

    def get(self, path: str) -> Any:
        """The JSON of a path under `/api`, with the server key."""
        reply = self.ask("GET", path, authorization=f"Bearer {self.secrets['server_key']}")
        assert reply.status == 200, reply.body
        return reply.json()

    def post(self, path: str, body: Any, token: str = "server_key", **headers: str) -> Reply:
        """POST JSON under one of the secrets."""
        bearer = f"Bearer {self.secrets[token]}"
        text = json.dumps(body).encode()
        return self.ask(
            "POST", path, text, authorization=bearer, content_type="application/json", **headers
        )

    def webhook(
        self, order: dict[str, Any], topic: str = "orders/create", *, secret: str | None = None
    ) -> Reply:
        """A Shopify webhook, signed with the development secret unless told otherwise."""
        return self.signed(json.dumps(order).encode(), topic, secret=secret)

    def signed(
        self, body: bytes, topic: str = "orders/create", *, secret: str | None = None
    ) -> Reply:
        """A signed body of any bytes."""
        key = (secret or self.secrets["webhook_secret"]).encode()
        signature = base64.b64encode(hmac.new(key, body, sha256).digest()).decode()
        return self.ask(
            "POST",
            "/webhooks/shopify/demo",
            body,
            content_type="application/json",
            x_shopify_topic=topic,
            x_shopify_shop_domain="demo-shop.myshopify.com",
            x_shopify_hmac_sha256=signature,
        )

    def beacon(self, *events: dict[str, Any], **headers: str) -> Reply:
        """A beacon of the demo shop's page."""
        given = {"origin": "https://demo-shop.myshopify.com", "user_agent": BROWSER, **headers}
        body = json.dumps({"events": list(events)}).encode()
        return self.ask("POST", "/px/demo", body, content_type="text/plain", **given)

    def purchase(self, order_id: str, within: float = 12.0) -> dict[str, Any]:
        """The order's item once every outcome is final."""
        final = {"delivered", "dead", "expired", "dropped"}

        def look() -> dict[str, Any] | None:
            items = self.get(f"/api/v1/events?order_id={order_id}")["items"]
            done = items and all(o["state"] in final for o in items[0]["outcomes"])
            return items[0] if done else None

        found: dict[str, Any] = wait_for(look, within)
        return found


BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.0 Safari/605.1.15"
)


@contextmanager
def running(
    directory: Path, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[Live]:
    """A development server on this data directory and a free port, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tillpost",
            "serve",
            f"--data={directory}",
            f"--port={port}",
            *flags,
        ],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")},
            **(environment or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        secrets = json.loads((directory / "dev-secrets.json").read_text())
        yield Live(url, directory, secrets, process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _lower(items: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in items}


def wait_for(look: Any, within: float = 12.0) -> Any:
    """What `look` returns once it is neither None nor empty."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing within {within} s; last: {look()!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            text = process.stdout.read().decode() if process.stdout else ""
            raise AssertionError(f"the server ended: {text}")
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not come up in 30 s")
