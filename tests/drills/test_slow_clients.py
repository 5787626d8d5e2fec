"""Clients that send a byte at a time are closed; whoever sends at once does not feel them."""

import json
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.live import Live
from tests.orders import order

SLOW = 120
"""So many of each kind: heads that never end, and bodies that never come."""
_HEAD = b"POST /events/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_BODY = _HEAD + b"Content-Length: 100000\r\n\r\n{"


@contextmanager
def _slow(server: Live, begins: bytes) -> Iterator[list[socket.socket]]:
    """Connections that sent their beginning and send no end."""
    address = ("127.0.0.1", urlsplit(server.url).port or 0)
    opened = [socket.create_connection(address, timeout=30) for _ in range(SLOW)]
    try:
        for one in opened:
            one.sendall(begins)
        yield opened
    finally:
        for one in opened:
            one.close()


def _drip(connections: list[socket.socket]) -> None:
    """One more byte on each; those that are closed already do not mind."""
    for one in connections:
        with suppress(OSError):
            one.sendall(b"a")


def _closed(connections: list[socket.socket], within: float) -> int:
    """How many the server ends in time."""
    end, closed = time.monotonic() + within, 0
    for one in connections:
        one.settimeout(max(end - time.monotonic(), 0.01))
        try:
            while one.recv(65536):
                pass
            closed += 1
        except TimeoutError:
            continue
        except OSError:
            closed += 1
    return closed


def test_slow_clients_are_closed_and_good_ones_are_unharmed(server: Live) -> None:
    with _slow(server, _HEAD) as heads, _slow(server, _BODY) as bodies:
        took = []
        for number in range(40):
            began = time.monotonic()
            assert server.webhook(order(6000 + number)).status == 200
            took.append(time.monotonic() - began)
            _drip(bodies[:20])
        print(json.dumps({"slow": 2 * SLOW, "median of good": statistics.median(took)}))
        assert _closed(heads, within=15) == SLOW
        assert _closed(bodies, within=15) == SLOW
    assert server.webhook(order(6999)).status == 200
