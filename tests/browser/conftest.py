"""A real Chromium before a shop, our server and Meta, which all live on this machine."""

import contextlib
import http.client
import ipaddress
import json
import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.live import BROWSER

from tillpost.collect.pixel import PixelConfig, script

SHOP, OURS = "www.shop.test", "tp.shop.test"
LIBRARY, VENDOR = "connect.facebook.net", "www.facebook.com"
OWN_PATH = "/tea"
HOSTS = (SHOP, OURS, LIBRARY, VENDOR)
SHOPPER = "8.8.4.4"
"""The address that a proxy tells of everybody who comes."""
FBEVENTS = Path(__file__).with_name("pages").joinpath("fbevents.js").read_bytes()
"""What a page can tell of the vendor's library: the same globals, the same queue, the same hits."""


@dataclass
class Site:
    """What the stand-in serves, and all that reached it."""

    pages: dict[str, str] = field(default_factory=dict)
    config: PixelConfig = field(
        default_factory=lambda: PixelConfig("demo", pixel_id="1234567890123456")
    )
    status: int = 204
    behind: str | None = None
    """A real server, for our host, `OWN_PATH` on the shop's host, and the vendor's hits."""
    beacons: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    hits: list[dict[str, str]] = field(default_factory=list)
    carts: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The events of all beacons as the server keeps them: the first of each name and id.

        A beacon that arrived just as its page went away may come again with the next page.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for event in [event for beacon in list(self.beacons) for event in beacon["events"]]:
            found.setdefault((event["event_name"], event["event_id"]), event)
        return [event for event in found.values() if name in {None, event["event_name"]}]

    def vendor(self, name: str) -> list[dict[str, str]]:
        """The vendor's own hits of one name."""
        return [hit for hit in list(self.hits) if hit["ev"] == name]

    def wait(self, met: Callable[[], object], seconds: float = 8) -> None:
        """Return when `met` holds; fails with all that came when it does not in time."""
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, json.dumps(
                {"events": self.events(), "hits": self.hits, "carts": self.carts}, indent=1
            )
            time.sleep(0.02)

    def answer(self, host: str, target: str, body: bytes, headers: dict[str, str]) -> Any:
        """Status, content type and body for one request."""
        url = urlsplit(target)
        if host == OURS and url.path == "/px.js":
            return 200, "text/javascript; charset=utf-8", script(self.config)
        if host == OURS:
            return self._beacon(url.path, body, headers)
        if host == LIBRARY:
            return 200, "text/javascript", FBEVENTS
        if host == VENDOR:
            self.hits.append(dict(parse_qsl(url.query)))
            return 204, "image/gif", b""
        if url.path.endswith("/cart/update.js"):
            self.carts.append(json.loads(body)["attributes"])
            return 200, "application/json", b"{}"
        page = self.pages.get(url.path, "")
        return 200, "text/html; charset=utf-8", f"<!doctype html><head>{page}".encode()

    def _beacon(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        if self.status == 204:
            self.requests.append({"path": path, **headers})
            self.beacons.append(json.loads(body))
        return self.status, "text/plain", b""


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.test")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    names = [x509.DNSName(host) for host in HOSTS]
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([*names, local]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    heard_at = 0.0
    site = Site()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is none of the test's business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle_one_request()

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        host = headers["host"].split(":")[0]
        self.server.heard_at = time.monotonic()
        site = self.server.site
        if site.behind and (host == OURS or (host == SHOP and self.path.startswith(OWN_PATH))):
            self._pass_on(site.behind, body, headers)
            return
        status, kind, text = site.answer(host, self.path, body, headers)
        if site.behind and host == VENDOR:
            self._pass_on(site.behind, body, headers)
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Access-Control-Allow-Origin", headers.get("origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.end_headers()
        self.wfile.write(text)

    def _pass_on(self, behind: str, body: bytes, headers: dict[str, str]) -> None:
        """As a proxy does that ends TLS: the request as it came, and who sent it."""
        to = http.client.HTTPConnection(behind.removeprefix("http://"), timeout=20)
        sent = {**headers, "connection": "close", "x-forwarded-for": SHOPPER}
        to.request(self.command, self.path, body, sent)
        answer = to.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"content-length", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        to.close()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[_Server]:
    """The stand-in on a free port, over TLS, since cookies and identity ask for it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(folder))
    # The handshake belongs to the thread of its connection, or one slow one stops them all.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--disable-features=HttpsUpgrades,OptimizationHints,MediaRouter",
)


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    missing = "no Chromium on this machine: install Debian's package `chromium`"
    if os.environ.get("TILLPOST_ALL") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serving(tmp_path_factory.mktemp("tls")) as server:
        yield server


@pytest.fixture(scope="session")
def play() -> Iterator[Any]:
    """Playwright, started once: a second one beside it refuses to run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(stand_in: Any, play: Any) -> Iterator[Any]:
    port = stand_in.server_address[1]
    rules = ",".join(f"MAP {host} 127.0.0.1:{port}" for host in HOSTS)
    browser = play.chromium.launch(
        executable_path=_chromium(),
        # Not a context's: a beacon of a page that is left would name the headless browser.
        args=[
            *FLAGS,
            f"--user-agent={BROWSER}",
            f"--host-resolver-rules={rules},MAP * ~NOTFOUND",
        ],
    )
    yield browser
    browser.close()


QUIET = 0.4
"""Seconds without a request after which nothing of the test before is still on its way."""


@pytest.fixture
def site(stand_in: Any) -> Any:
    while (left := stand_in.heard_at + QUIET - time.monotonic()) > 0:
        time.sleep(left)
    stand_in.site = Site(port=stand_in.server_address[1])
    return stand_in.site


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: Any) -> Any:
    return context.new_page()
