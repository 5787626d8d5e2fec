"""What goes out: to public addresses alone, verified, capped, and never a second time by itself."""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from tillpost.core.outcome import Misconfigured, NotSent, Retryable
from tillpost.core.wire import Request, Response
from tillpost.serve import outward
from tillpost.serve.transport import HttpTransport

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

INWARD = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.8", "::", "::1", "fe80::1", "fc00::1"),
    *("fd12::9", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::"),
    *("64:ff9b:1::7f00:1", "::127.0.0.1", "fec0::1", "3fff::1", "5f00::1", "100:0:0:1::1"),
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]
"""Addresses that no destination may be at; the last hides 10.0.0.1 in Teredo."""

OUTWARD = ["157.240.1.1", "8.8.8.8", "2a03:2880::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", INWARD)
def test_what_only_our_network_knows_is_not_reached(text: str) -> None:
    assert not outward.may_reach(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OUTWARD)
def test_public_addresses_are_reached(text: str) -> None:
    assert outward.may_reach(ipaddress.ip_address(text))


def test_a_network_the_owner_named_is_reached() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"),)
    assert outward.may_reach(ipaddress.ip_address("10.1.2.3"), allowed)
    assert not outward.may_reach(ipaddress.ip_address("10.2.2.3"), allowed)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/in", "use https"),
        ("ftp://hooks.example/in", "https://"),
        ("https://", "https://"),
        ("https://user:pass@hooks.example/", "user and password"),
        ("https://127.0.0.1/in", "private network"),
        ("https://[::1]/in", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://hooks.example:99999/", "no address"),
        ("https://hooks.example:x/", "no address"),
        ("https://[hooks.example/", "no address"),
        ("https://[::zz]/", "no address"),
        ("https://hooks.example/in\r\nx-other: 1", "no address"),
    ],
)
def test_an_address_that_may_not_be_is_told_before_anything_starts(url: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        outward.check_url(url, "destinations[0].url")


def test_good_addresses_are_taken() -> None:
    outward.check_url("embedded", "url")
    outward.check_url("https://hooks.example/in", "url")
    outward.check_url("http://127.0.0.1:9/in", "url", LOOPBACK)


@contextmanager
def closing_soon(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.close()


def _send(
    handler: Handler, *, seconds: float = 5.0, allowed: outward.Networks = LOOPBACK, path: str = ""
) -> Response:
    async def work() -> Response:
        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with closing_soon(writer):
                await handler(reader, writer)

        server = await asyncio.start_server(closing, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = HttpTransport(allowed=allowed)
        try:
            url = f"http://localhost:{port}/in{path}"
            return await transport.send(Request("POST", url, {"x-a": "b"}, b"{}"), seconds)
        finally:
            await transport.close()
            server.close()
            await asyncio.sleep(0.05)

    return asyncio.run(work())


def _answers(text: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(text)
        writer.close()

    return handler


def test_an_answer_is_read() -> None:
    told = _send(_answers(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nok"))
    assert told == Response(429, {"retry-after": "7", "content-length": "2"}, b"ok")


def test_a_name_at_a_private_address_is_refused_after_it_was_resolved() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("it was reached")

    with pytest.raises(NotSent, match="private network"):
        _send(never, allowed=())


def test_the_server_itself_is_the_only_loopback_address() -> None:
    async def work() -> None:
        server = await asyncio.start_server(_answers(b"HTTP/1.1 204 ok\r\n\r\n"), "127.0.0.1", 0)
        own = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        transport = HttpTransport(own)
        told = await transport.send(Request("POST", f"{own}/v1", {}, b"{}"), 5.0)
        assert told.status == 204
        with pytest.raises(NotSent, match="private network"):
            await transport.send(Request("POST", "http://127.0.0.1:1/v1", {}, b"{}"), 5.0)
        await transport.close()
        server.close()

    asyncio.run(work())


def test_a_redirect_is_an_answer_like_any_other() -> None:
    there = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert _send(_answers(there)).status == 302


def test_a_long_answer_is_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n"
    assert len(_send(_answers(head + b"x" * 3_000_000)).body) == 1 << 20


def test_an_answer_cut_short_is_no_answer() -> None:
    with pytest.raises(Retryable) as told:
        _send(_answers(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"))
    assert not isinstance(told.value, NotSent)


def test_garbage_is_no_answer() -> None:
    with pytest.raises(Retryable):
        _send(_answers(b"\x00\x01garbage\r\n\r\n"))


def test_a_drip_ends_with_the_time_that_was_given() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")
        for _ in range(12):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    with pytest.raises(Retryable) as told:
        _send(drip, seconds=0.3)
    assert not isinstance(told.value, NotSent)


def test_a_closed_port_and_an_unknown_name_are_not_sent() -> None:
    async def work(url: str) -> None:
        transport = HttpTransport(allowed=LOOPBACK)
        try:
            await transport.send(Request("POST", url, {}, b"{}"), 2.0)
        finally:
            await transport.close()

    for url in ("http://127.0.0.1:1/", "https://no-such-host.invalid/"):
        with pytest.raises(NotSent, match="cannot reach"):
            asyncio.run(work(url))


def test_a_resolver_that_does_not_answer_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time that connecting has, whatever the resolver does."""

    async def silent(*_args: object, **_named: object) -> None:
        await asyncio.sleep(60)

    async def work() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", silent)
        transport = HttpTransport()
        try:
            await transport.send(Request("POST", "https://slow.example/", {}, b"{}"), 0.2)
        finally:
            await transport.close()

    with pytest.raises(NotSent, match=r"nobody told where slow\.example is"):
        asyncio.run(work())


def test_the_address_that_was_checked_is_the_one_that_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public at first and private at the second question is asked for once."""
    told = [[(0, 0, 0, "", ("127.0.0.1", 1))], [(0, 0, 0, "", ("10.0.0.1", 1))]]

    async def flips(*_args: object, **_named: object) -> object:
        return told.pop(0)

    async def work() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", flips)
        transport = HttpTransport(allowed=LOOPBACK)
        try:
            await transport.send(Request("POST", "http://flips.example:1/", {}, b"{}"), 2.0)
        finally:
            await transport.close()

    with pytest.raises(NotSent, match=r"cannot reach flips\.example"):
        asyncio.run(work())
    assert len(told) == 1


def test_tls_is_verified() -> None:
    transport = HttpTransport()
    context = transport._pool._ssl_context
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_what_is_printed_and_what_is_echoed_leave_no_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> tuple[Response, Response]:
        transport = HttpTransport()
        printed = await transport.send(Request("POST", "console:", {}, b'{"a":1}\n'), 1.0)
        echoed = await transport.send(Request("POST", "echo:", {"h": "v"}, b"x"), 1.0)
        return printed, echoed

    printed, echoed = asyncio.run(work())
    assert (printed.status, capsys.readouterr().out) == (200, '{"a":1}\n')
    assert echoed == Response(200, {"h": "v"}, b"x")
