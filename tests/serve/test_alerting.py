"""Alerts are told once when they begin and once when they end, over any channel."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tillpost.core.outcome import NotSent
from tillpost.core.wire import Request, Response
from tillpost.deliver.destinations import meta
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.rounds.alerting import Alerter, Channels, Message
from tillpost.serve.seal import AesSealer
from tillpost.serve.settings import AlertSettings
from tillpost.serve.tokens import Watch
from tillpost.store.alerts import AlertStore
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make

NOW = 1_780_000_000.0
DAY = 86_400.0
HOOK = "https://hooks.example/T0/secret"


class Post:
    """A transport that keeps what it was sent, or that reaches nobody."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        self.is_down = False

    async def send(self, request: Request, seconds: float) -> Response:
        if self.is_down:
            raise NotSent("cannot reach hooks.example")
        self.bodies.append(json.loads(request.body))
        return Response(200, {})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Database, Database, Database]]:
    """The databases of a shop whose last order came at `NOW`."""
    made = (
        Database(tmp_path / "tillpost.db", "gateway"),
        Database(tmp_path / "receiver.db", "receiver"),
        Database(tmp_path / "alerts.db", "alerts"),
    )
    _hear(made[0], NOW)
    yield made
    for database in made:
        database.close()


def _hear(database: Database, at: float) -> None:
    statement = "INSERT INTO journal (received_at, shop, source, fact) VALUES (?, ?, ?, ?)"
    row = (at, "acme", "shopify", b"")
    database.write_now(lambda conn: conn.execute(statement, row) and None)


def _alerter(
    house: tuple[Database, Database, Database],
    post: Post,
    clock: SimulatedClock,
    tokens: Watch | None = None,
) -> Alerter:
    settings = AlertSettings(webhook_url=HOOK)
    paths = (house[0].path, house[1].path)
    store = AlertStore(house[2])
    return Alerter(
        settings, ["acme"], paths, store, Channels(settings, post), clock, tokens or Watch(post, {})
    )


def test_silence_is_told_once_and_once_when_it_ends(
    house: tuple[Database, Database, Database],
) -> None:
    post, clock = Post(), SimulatedClock(NOW)

    def later(hours: float) -> None:
        clock.set(NOW + hours * 3600)
        asyncio.run(_alerter(house, post, clock).round())

    for hours in (1.0, 25.0, 26.0, 30.0):
        later(hours)
    assert [(b["event"], b["code"]) for b in post.bodies] == [("began", "silence")]
    _hear(house[0], NOW + 31 * 3600)
    for hours in (31.1, 32.0):
        later(hours)
    assert [b["event"] for b in post.bodies] == ["began", "ended"]
    later(60)
    assert [b["event"] for b in post.bodies] == ["began", "ended", "began"]


def test_what_could_not_be_told_is_told_later(house: tuple[Database, Database, Database]) -> None:
    post, clock = Post(), SimulatedClock(NOW + 30 * 3600)
    alerter = _alerter(house, post, clock)
    post.is_down = True
    assert asyncio.run(alerter.round()) == 0
    post.is_down = False
    assert asyncio.run(alerter.round()) == 0, "a look a minute is enough"
    clock.set(NOW + 30 * 3600 + 61)
    assert asyncio.run(alerter.round()) == 1
    assert [b["code"] for b in post.bodies] == ["silence"]


class Graph:
    """A platform whose token ends at a time, and that may be out."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.is_down = False
        self.asked = 0

    async def send(self, request: Request, seconds: float) -> Response:
        self.asked += 1
        assert "EAA" not in request.url
        if self.is_down:
            raise NotSent("cannot reach graph.facebook.com")
        return Response(200, {}, json.dumps({"data": {"expires_at": self.ends_at}}).encode())


def test_a_token_that_ends_is_told_of_fourteen_days_before_and_three(
    house: tuple[Database, Database, Database],
) -> None:
    post, clock, graph = Post(), SimulatedClock(NOW), Graph(NOW + 20 * DAY)
    given = meta.Settings(shop="acme", dataset_id="42", access_token="EAAt")
    alerter = _alerter(house, post, clock, Watch(graph, {("acme", "meta:42"): given}))

    def at(day: float) -> list[str]:
        clock.set(NOW + day * DAY)
        _hear(house[0], clock.now())
        asyncio.run(alerter.round())
        return [f"{body['event']} {body['code']}" for body in post.bodies]

    assert at(0) == []
    assert at(0.01) == []
    assert graph.asked == 1, "once a day is enough"
    assert at(7) == ["began token_ends"]
    assert "meta:42 ends on 2026-06-1" in post.bodies[0]["words"]
    assert at(18) == ["began token_ends", "began token_ends_soon"]
    graph.is_down = True
    assert len(at(19)) == 2, "who does not answer says nothing of an end"
    graph.is_down = False
    graph.ends_at = NOW + 80 * DAY
    assert at(20)[2:] == ["ended token_ends", "ended token_ends_soon"]


def test_slack_gets_a_line_for_people() -> None:
    post = Post()
    message = Message("began", "acme", "disk", "10 MiB are free on the disk", "Free space.")
    assert asyncio.run(Channels(AlertSettings(slack_url=HOOK), post).tell(message))
    assert post.bodies == [{"text": "[acme] 10 MiB are free on the disk. Free space."}]


def test_e_mail_goes_through_the_mail_server() -> None:
    with _mail_server() as (port, mails):
        settings = AlertSettings(email_to=("owner@acme.example",), smtp_port=port)
        message = Message("ended", "acme", "lag", "events are 40 minutes late", "x")
        assert asyncio.run(Channels(settings, Post()).tell(message))
    (mail,) = mails
    assert "Subject: Tillpost: acme: lag ended" in mail
    assert "[acme] over: events are 40 minutes late" in mail


def test_a_mail_server_that_is_not_there_is_no_channel() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as free:
        port = free.server_address[1]
    settings = AlertSettings(email_to=("owner@acme.example",), smtp_port=port)
    message = Message("began", "acme", "lag", "x", "y")
    assert not asyncio.run(Channels(settings, Post()).tell(message))


def test_the_owner_is_told_a_day_before_events_expire(
    house: tuple[Database, Database, Database],
) -> None:
    """Of those that wait too long alone, and before the 47 hours of a late twin as well."""
    gateway = GatewayStore(house[0], AesSealer(bytes(32)))
    twin, fresh = NOW + 47 * 3600.0, NOW + 40 * 3600.0
    gateway.commit(
        make.changes(
            events=[make.event_row(n) for n in (1, 2)],
            deliveries=[
                make.delivery(1, "meta:1", shop="acme", due_at=NOW, deadline=twin),
                make.delivery(2, "meta:1", shop="acme", due_at=fresh, deadline=NOW + 7 * 86400.0),
            ],
            accepted={("acme", "meta:1"): 2},
        )
    )
    post, clock = Post(), SimulatedClock(NOW)
    for hours in (1.0, 22.9, 23.1):
        _hear(house[0], NOW + hours * 3600)
        clock.set(NOW + hours * 3600)
        asyncio.run(_alerter(house, post, clock).round())
        told = [body["words"] for body in post.bodies if body["code"] == "expiring"]
        assert told == (["1 events expire within 24 hours"] if hours > 23 else [])
    assert gateway.expiring(twin, NOW + 1.0) == [("acme", "meta:1", 1, twin)]
    assert gateway.expiring(twin, NOW) == [], "it has only just become due"


@contextmanager
def _mail_server() -> Iterator[tuple[int, list[str]]]:
    """As much of a mail server as one e-mail needs."""
    mails: list[str] = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                if line.lower().startswith(b"data"):
                    self.wfile.write(b"354 go on\r\n")
                    mails.append("".join(iter(self._line, ".\r\n")))
                    self.wfile.write(b"250 kept\r\n")
                if line.lower().startswith(b"quit"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                if not line.lower().startswith(b"data"):
                    self.wfile.write(b"250 good\r\n")

        def _line(self) -> str:
            return self.rfile.readline().decode()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()
