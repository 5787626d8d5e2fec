"""`tillpost doctor` against set-ups that are broken on purpose: each finds its own cause first."""

import asyncio
import datetime as dt
import http.server
import ipaddress
import json
import shutil
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import structs
from tests.live import free_port, wait_for, wait_until_up
from tests.merchants import signed_shopify
from tests.orders import order

from tillpost.core.wire import Request, Response
from tillpost.deliver.destinations import meta
from tillpost.serve import outward
from tillpost.serve.commands import doctoring, starter
from tillpost.serve.commands.remote import settings_of
from tillpost.serve.doctor import Bench, Line, examine
from tillpost.serve.doctor.bench import Room
from tillpost.serve.transport import HttpTransport

PUBLIC = "https://tp.acme.example"
PLATFORM = "https://graph.platform.example"
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
ROOM = Room(50 << 30, 100 << 30)


class Shop(NamedTuple):
    """A shop whose set-up is good: its settings file, its data, its server."""

    config: Path
    data: Path
    url: str


class Network:
    """The network: our public name leads to our server, the platform says what is scripted."""

    def __init__(
        self,
        url: str,
        platform: Callable[[Request], Response] | None = None,
        allowed: outward.Networks = (),
    ) -> None:
        self._url = url
        self._platform = platform
        self.real = HttpTransport(url, allowed)

    async def send(self, request: Request, seconds: float) -> Response:
        if self._platform is not None and request.url.startswith(PLATFORM):
            return self._platform(request)
        url = request.url.replace(PUBLIC, self._url, 1)
        return await self.real.send(request._replace(url=url), seconds)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The set-up that `tillpost init` makes, served, with an order that has come."""
    folder = tmp_path_factory.mktemp("acme")
    starter.write(
        folder,
        starter.Answers(domain="acme.example", name="acme", public_url=PUBLIC),
    )
    port = free_port()
    config, data = folder / "tillpost.toml", folder / "data"
    text = config.read_text().replace("port = 8484", f"port = {port}")
    config.write_text(text.replace("join_wait = 90", "join_wait = 0.2"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tillpost", "serve", "--config", str(config), "--data", str(data)],
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        secret = (folder / "secrets/webhook_secret").read_text().strip()
        signed_shopify(f"{url}/webhooks/shopify/acme", secret, "acme.example", order())
        yield Shop(config, data, url)
    finally:
        process.terminate()
        process.wait(20)


def _lines(shop: Shop, platform: Any = None, **changes: Any) -> list[Line]:
    settings, _ = settings_of(shop.config, shop.data)
    network = Network(shop.url, platform, (LOOPBACK,) if platform is None else ())
    bench = Bench(settings, shop.config, shop.data, shop.url, shop.url, time.time(), ROOM, network)

    async def examined() -> list[Line]:
        try:
            return await examine(bench._replace(**changes))
        finally:
            await network.real.close()

    return asyncio.run(examined())


def _cause(lines: list[Line]) -> Line:
    return next(line for line in lines if line.level != "ok")


def _to_platform(shop: Shop) -> Any:
    """The settings of a shop that sends to a platform outside."""
    settings, _ = settings_of(shop.config, shop.data)
    there = meta.Settings(shop="acme", dataset_id="42", access_token="EAAt", url=PLATFORM)
    return structs.replace(settings, destinations=(there,))


def _answers(told: Mapping[str, Any], status: int = 200) -> Callable[[Request], Response]:
    """A platform that answers by the last step of the path."""

    def answer(request: Request) -> Response:
        body = told.get(request.url.rpartition("/")[2], {})
        return Response(status, {"date": formatdate(time.time())}, json.dumps(body).encode())

    return answer


def test_a_good_set_up_is_good(shop: Shop) -> None:
    lines = _lines(shop)
    assert [line for line in lines if line.level != "ok"] == []
    assert "acme: first-party, set by the server under acme.example" in {x.what for x in lines}
    assert {line.check for line in lines} >= {
        "secrets", "disk", "database", "server", "token", "test event", "webhooks", "pixel",
        "cookies", "public address", "ids", "native", "values", "ledger", "duplicates",
        "dead letters", "backlog", "match keys", "freshness",
    }  # fmt: skip


def test_looking_leaves_nothing_behind(shop: Shop) -> None:
    def count() -> int:
        with closing(sqlite3.connect(shop.data / "tillpost.db")) as database:
            found: int = database.execute("SELECT COUNT(*) FROM journal").fetchone()[0]
            return found

    before = count()
    _lines(shop)
    assert count() == before


def test_misspelt_settings(shop: Shop, tmp_path: Path) -> None:
    wrong = tmp_path / "tillpost.toml"
    wrong.write_text(shop.config.read_text().replace("currency", "curency"))
    shutil.copytree(shop.config.parent / "secrets", tmp_path / "secrets")
    (line,) = asyncio.run(doctoring.diagnose(wrong, shop.data))
    assert (line.check, line.level) == ("settings", "fail")
    number = wrong.read_text().partition("curency")[0].count("\n") + 1
    assert f":{number}: " in line.what
    assert "`currency`" in line.fix


def test_secrets_that_others_can_read(shop: Shop, tmp_path: Path) -> None:
    shutil.copytree(shop.config.parent / "secrets", tmp_path / "secrets")
    (tmp_path / "secrets/access_token").chmod(0o644)
    line = _cause(_lines(shop, config_file=_copied(shop.config, tmp_path)))
    assert (line.check, line.level) == ("secrets", "warn")
    assert line.fix == f"chmod 600 {tmp_path / 'secrets/access_token'}"


def test_a_directory_that_is_not_there(shop: Shop, tmp_path: Path) -> None:
    line = _cause(_lines(shop, directory=tmp_path / "none"))
    assert (line.check, line.level) == ("data", "fail")


def test_a_disk_that_is_nearly_full(shop: Shop) -> None:
    assert _cause(_lines(shop, room=Room(500 << 20, 100 << 30))).level == "warn"
    line = _cause(_lines(shop, room=Room(50 << 20, 100 << 30)))
    assert (line.check, line.level) == ("disk", "fail")


def test_a_database_of_a_newer_version(shop: Shop, tmp_path: Path) -> None:
    data = _data(shop, tmp_path, "PRAGMA user_version = 999")
    line = _cause(_lines(shop, directory=data))
    assert (line.check, line.level) == ("database", "fail")
    assert "newer version" in line.what


def test_a_port_that_another_program_holds(shop: Shop) -> None:
    lines = _lines(shop, url=None)
    line = _cause(lines)
    assert (line.check, line.level) == ("server", "fail")
    assert "cannot listen" in line.what
    assert "webhooks" not in {line.check for line in lines}


def test_a_host_that_has_no_address(shop: Shop) -> None:
    there = meta.Settings(
        shop="acme", dataset_id="42", access_token="EAAt", url="https://graph.invalid"
    )
    settings = structs.replace(_to_platform(shop), destinations=(there,))
    line = _cause(_lines(shop, settings=settings))
    assert (line.check, line.level) == ("reach", "fail")
    assert "DNS" in line.fix


def test_a_certificate_that_nobody_signed(shop: Shop, tmp_path: Path) -> None:
    with _tls_server(tmp_path) as url:
        there = meta.Settings(shop="acme", dataset_id="42", access_token="EAAt", url=url)
        settings = structs.replace(_to_platform(shop), destinations=(there,))
        line = _cause(_lines(shop, settings=settings))
    assert (line.check, line.level) == ("reach", "fail")
    assert "certificate is not good" in line.what


def test_a_clock_that_is_wrong(shop: Shop) -> None:
    settings = _to_platform(shop)
    taken = _answers({"42": {"id": "42"}})
    line = _cause(_lines(shop, taken, settings=settings, now=time.time() + 400))
    assert (line.check, line.level) == ("clock", "fail")
    assert "ahead of graph.platform.example" in line.what


def test_a_token_that_has_ended(shop: Shop) -> None:
    over = {"error": {"code": 190, "error_subcode": 463, "message": "Session has expired"}}
    line = _cause(_lines(shop, _answers({"42": over}, 400), settings=_to_platform(shop)))
    assert (line.check, line.level) == ("token", "fail")
    assert "Session has expired" in line.what
    assert "EAAt" not in str(line)


def test_a_token_without_access_to_the_dataset(shop: Shop) -> None:
    none = {"error": {"code": 100, "error_subcode": 33, "message": "does not exist"}}
    line = _cause(_lines(shop, _answers({"42": none}, 400), settings=_to_platform(shop)))
    assert (line.check, line.level) == ("token", "fail")
    assert "dataset_id" in line.fix


def test_a_token_that_ends_soon(shop: Shop) -> None:
    soon = {"42": {"id": "42"}, "debug_token": {"data": {"expires_at": time.time() + 3 * 86_400}}}
    line = _cause(_lines(shop, _answers(soon), settings=_to_platform(shop)))
    assert (line.check, line.level) == ("token", "warn")
    assert "3 days" in line.what or "2 days" in line.what


def test_a_token_that_may_not_send(shop: Shop) -> None:
    told = {"42": {"id": "42"}, "debug_token": {"data": {"scopes": ["ads_read"]}}}
    line = _cause(_lines(shop, _answers(told), settings=_to_platform(shop)))
    assert (line.check, line.level) == ("token", "fail")
    assert "ads_read" in line.what
    assert "ads_management" in line.fix


def test_sales_that_carry_too_few_keys(shop: Shop, tmp_path: Path) -> None:
    data = _data(shop, tmp_path, change=_poor_sales)
    lines = [line for line in _lines(shop, directory=data) if line.check == "match keys"]
    told = {line.what.split()[1]: line for line in lines}
    assert {"em", "browser"} <= told.keys()
    assert all(line.level == "warn" for line in lines)
    assert "em in 8% of the last 13 sales" in told["em"].what
    assert "protected customer data" in told["em"].fix


def _poor_sales(database: sqlite3.Connection) -> None:
    """A dozen sales of buyers of whom only the country is known."""
    for number in range(12):
        database.execute(
            "INSERT INTO events (shop, fold_key, source, event_name, event_id, event_time,"
            " received_at, event) VALUES ('acme', ?, 'shopify', 'Purchase', ?, 1, 1, ?)",
            (f"poor-{number}", f"poor-{number}", b'{"person": {"keys": {"country": []}}}'),
        )


def test_a_test_event_goes_out_only_under_a_code(shop: Shop) -> None:
    seen: list[Request] = []
    told = _answers({"42": {"id": "42"}, "events": {"events_received": 1}})

    def platform(request: Request) -> Response:
        seen.append(request)
        return told(request)

    _lines(shop, platform, settings=_to_platform(shop))
    assert not [request for request in seen if request.url.endswith("/events")]
    lines = _lines(shop, platform, settings=_to_platform(shop), test_event_code="TEST9")
    (sent,) = [request for request in seen if request.url.endswith("/events")]
    assert b"TEST9" in sent.body
    assert [line.level for line in lines if line.check == "test event"] == ["ok"]


def test_a_webhook_secret_that_the_server_does_not_have(shop: Shop) -> None:
    settings, _ = settings_of(shop.config, shop.data)
    (given,) = settings.shops
    assert given.shopify is not None
    other = structs.replace(given, shopify=structs.replace(given.shopify, webhook_secrets=("x",)))
    line = _cause(_lines(shop, settings=structs.replace(settings, shops=(other,))))
    assert (line.check, line.level) == ("webhooks", "fail")
    assert "401" in line.what


def test_a_public_address_without_tls(shop: Shop) -> None:
    line = _cause(_lines(shop, settings=_served_at(shop, "http://tp.acme.example")))
    assert (line.check, line.level) == ("public address", "fail")


def test_a_proxy_that_leads_elsewhere(shop: Shop) -> None:
    settings = _served_at(shop, PLATFORM)
    line = _cause(_lines(shop, _answers({}, 404), settings=settings))
    assert (line.check, line.level) == ("public address", "fail")
    assert "404" in line.what


def test_a_server_of_another_site(shop: Shop) -> None:
    settings = _served_at(shop, PLATFORM)
    line = _cause(_lines(shop, _answers({}), settings=settings))
    assert (line.check, line.level) == ("cookies", "warn")


def test_a_script_path_that_is_not_served_yet(shop: Shop) -> None:
    settings, _ = settings_of(shop.config, shop.data)
    (given,) = settings.shops
    moved = structs.replace(given, pixel=structs.replace(given.pixel, path="/tea"))
    line = _cause(_lines(shop, settings=structs.replace(settings, shops=(moved,))))
    assert (line.check, line.level) == ("pixel", "fail")


def test_another_sender_of_the_same_sales(shop: Shop, tmp_path: Path) -> None:
    data = _data(shop, tmp_path, file="receiver.db", change=_native)
    line = _cause(_lines(shop, directory=data))
    assert (line.check, line.level) == ("native", "fail")
    assert "channel" in line.what


def test_dead_letters(shop: Shop, tmp_path: Path) -> None:
    dead = "UPDATE outbox SET state = 'dead', reason = 'refused', detail = '100/2804003'"
    line = _cause(_lines(shop, directory=_data(shop, tmp_path, dead)))
    assert (line.check, line.level) == ("dead letters", "fail")
    assert "refused 1 event" in line.what


def test_a_backlog(shop: Shop, tmp_path: Path) -> None:
    late = "UPDATE outbox SET state = 'pending', reason = NULL, due_at = 1"
    line = _cause(_lines(shop, directory=_data(shop, tmp_path, late)))
    assert (line.check, line.level) == ("backlog", "warn")
    assert "late" in line.what


def test_an_edit_whose_new_total_never_came(shop: Shop, tmp_path: Path) -> None:
    def edited(database: sqlite3.Connection) -> None:
        database.execute("UPDATE orders SET version = version - 7200")
        told = "SELECT shop, 'e1', order_id, CAST(version + 60 AS INTEGER), 1, 0 FROM orders"
        database.execute(f"INSERT INTO edits {told}")

    line = _cause(_lines(shop, directory=_data(shop, tmp_path, change=edited)))
    assert (line.check, line.level) == ("edits", "warn")
    assert "1 edited orders stand with their old total" in line.what
    assert "orders/updated" in line.fix


def test_a_channel_that_sends_too_and_a_sale_that_no_browser_told(
    shop: Shop, tmp_path: Path
) -> None:
    settings, _ = settings_of(shop.config, shop.data)
    (given,) = settings.shops
    assert given.shopify is not None
    full = structs.replace(given, shopify=structs.replace(given.shopify, native="full"))
    data = _data(shop, tmp_path, "UPDATE orders SET browser = 0")
    lines = _lines(shop, directory=data, settings=structs.replace(settings, shops=(full,)))
    line = _cause(lines)
    assert (line.check, line.level) == ("native", "warn")
    assert "1 web sales went out that no browser told" in line.what


def test_a_shop_that_fell_silent(shop: Shop, tmp_path: Path) -> None:
    data = _data(shop, tmp_path, "UPDATE journal SET received_at = received_at - 172800")
    line = _cause(_lines(shop, directory=data))
    assert (line.check, line.level) == ("freshness", "warn")
    assert "48 hours" in line.what


def _served_at(shop: Shop, public_url: str) -> Any:
    settings, _ = settings_of(shop.config, shop.data)
    return structs.replace(settings, server=structs.replace(settings.server, public_url=public_url))


def _copied(config: Path, folder: Path) -> Path:
    return Path(shutil.copy(config, folder / config.name))


def _native(database: sqlite3.Connection) -> None:
    """The shop's own channel sent four sales as well."""
    (columns,) = database.execute(
        "SELECT group_concat(name) FROM pragma_table_info('event') WHERE name <> 'seq'"
    ).fetchone()
    for number in range(4):
        database.execute(
            f"INSERT INTO event ({columns}) SELECT {columns} FROM event "
            "WHERE event_name = 'Purchase' LIMIT 1"
        )
        database.execute(
            "UPDATE event SET event_id = ? WHERE seq = last_insert_rowid()", (f"sh-{number}",)
        )


def _data(
    shop: Shop,
    folder: Path,
    statement: str = "",
    *,
    file: str = "tillpost.db",
    change: Callable[[sqlite3.Connection], object] | None = None,
) -> Path:
    """A copy of the shop's data in which something is not as it should be."""
    wait_for(lambda: _delivered(shop))
    data = folder / "data"
    data.mkdir()
    for name in ("tillpost.db", "receiver.db"):
        with (
            closing(sqlite3.connect(shop.data / name)) as here,
            closing(sqlite3.connect(data / name)) as there,
        ):
            here.backup(there)
    with closing(sqlite3.connect(data / file, isolation_level=None)) as database:
        (change or (lambda d: d.execute(statement)))(database)
    return data


def _delivered(shop: Shop) -> bool:
    with closing(sqlite3.connect(shop.data / "tillpost.db")) as database:
        rows = database.execute("SELECT 1 FROM outbox WHERE state = 'delivered'").fetchall()
    return bool(rows)


@contextmanager
def _tls_server(folder: Path) -> Iterator[str]:
    """A platform whose certificate it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_shop_that_signs_with_another_secret(shop: Shop) -> None:
    address = f"{shop.url}/webhooks/shopify/acme"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        signed_shopify(address, "theirs", "acme.example", order(id=77))
    line = _cause(_lines(shop))
    assert (line.check, line.level) == ("webhooks", "warn")
    assert "0 minutes ago, was signed with another secret" in line.what
    assert "shops.shopify.webhook_secrets" in line.fix
    secret = (shop.config.parent / "secrets/webhook_secret").read_text().strip()
    signed_shopify(address, secret, "acme.example", order(id=77))
    assert [x.level for x in _lines(shop) if x.check == "webhooks"] == ["ok"]
