"""The server's own interface, over real sockets: what a head may say, and what a body may do."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from tests.live import Live

from tillpost.serve import app, development
from tillpost.serve.clock import SystemClock
from tillpost.serve.http import front, rsgi
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Server

NO_KEY = "HTTP/1.1 401"


def told(server: Live, request: bytes, *, seconds: float = 15.0) -> str:
    """What the server answers to these bytes; nothing more is sent."""
    host, port = server.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), seconds)) as connection:
        connection.sendall(request)
        return connection.recv(65_536).decode("latin-1")


def post(path: str, *lines: str, body: bytes = b"{}") -> bytes:
    return (
        "\r\n".join([f"POST {path} HTTP/1.1", "Host: shop", *lines, "", ""]).encode("latin-1")
        + body
    )


@pytest.mark.parametrize(
    "request_",
    [
        post("/events/demo", "Content-Length: 2"),
        post("/events/demo", "Content-Length: 2", "X-Odd: \xff\xfe"),
        post("/events/demo", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
        post("/events/demo", "Transfer-Encoding: chunked", body=b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
    ],
    ids=["with its length", "with odd headers", "in one chunk", "in two chunks"],
)
def test_a_body_is_read_however_it_comes(one_server: Live, request_: bytes) -> None:
    answer = told(one_server, request_)
    assert answer.startswith(NO_KEY)
    assert "x-request-id: " in answer


@pytest.mark.parametrize("how", ["Content-Length: 70000", "Transfer-Encoding: chunked"])
def test_a_body_over_its_limit_is_drained_and_answered(one_server: Live, how: str) -> None:
    body = b" " * 70_000 if "Length" in how else b"11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n"
    answer = told(one_server, post("/px/demo", how, body=body))
    assert answer.startswith("HTTP/1.1 413")
    assert "too_large" in answer


def test_a_body_that_does_not_come_is_408(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(rsgi, "_LOOK_SECONDS", 0.02)

    async def run() -> tuple[int, bytes]:
        settings = development.settings(development.read_secrets(tmp_path), Server())
        node = Node(settings, tmp_path, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")
        exchange = _Silent()
        await app.build(node).__rsgi__(_Head(), exchange)  # type: ignore[arg-type]
        await node.close()
        return exchange.answered

    status, body = asyncio.run(run())
    assert status == 408
    assert b"too_slow" in body


class _Head:
    method, path, query_string, client = "POST", "/events/demo", "", "127.0.0.1:9"
    headers: ClassVar[dict[str, str]] = {"content-length": "9"}


class _Silent:
    """A client that promises a body and sends none."""

    async def __call__(self) -> bytes:
        await asyncio.sleep(60)
        return b""

    def response_bytes(self, status: int, _headers: object, body: bytes) -> None:
        self.answered = status, body


def test_a_client_that_goes_away_disturbs_nobody(one_server: Live) -> None:
    host, port = one_server.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)))) as gone:
        gone.sendall(post("/events/demo", "Content-Length: 50"))
    assert told(one_server, post("/events/demo", "Content-Length: 2")).startswith(NO_KEY)


def test_the_callers_request_id_comes_back(one_server: Live) -> None:
    named = post("/events/demo", "Content-Length: 2", "X-Request-Id: trace-0042")
    assert "x-request-id: trace-0042" in told(one_server, named)
    page = b"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Request-Id: trace-0043\r\n\r\n"
    assert "x-request-id: trace-0043" in told(one_server, page)
