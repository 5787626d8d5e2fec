"""Delivery: events a second from a full outbox on disk to a stub, in batches of 1,000.

Everything is as in the server: leased and settled in SQLite with an fsync each, checked by the
platform's rules, built, sealed and kept, sent over HTTP. The stub is another process that reads
each request whole and counts its events. Nothing is asserted: absolute numbers only guide.
"""

import asyncio
import ipaddress
import multiprocessing
import os
import random
import tempfile
import time
from decimal import Decimal
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

from tillpost.core.books import Changes, Delivery, EventRow
from tillpost.core.event import Device, Event, Keys, Person
from tillpost.core.outcome import State
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.deliver.outbox import Line, Sender
from tillpost.serve import app
from tillpost.serve.clock import SystemClock
from tillpost.serve.seal import AesSealer
from tillpost.serve.transport import HttpTransport
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database

EVENTS = 60_000
NAME = "meta:1"
_TOLD = b'{"events_received":1000,"fbtrace_id":"A"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(_TOLD), _TOLD)
_FIELDS = ("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "external_id")


def main() -> None:
    """Print what one run delivers, and where the processor's time of it went."""
    ours, theirs = multiprocessing.Pipe()
    stub = multiprocessing.Process(target=_stub, args=(theirs,), daemon=True)
    stub.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        spent, cpu = app.run_until_done(_run(Path(folder), port))
    ours.send("end")
    requests, received, theirs_spent = ours.recv()
    print(f"{'events':<34}{EVENTS:>10,}")
    print(f"{'a second':<34}{EVENTS / spent:>10,.0f}")
    print(f"{'microseconds of CPU each':<34}{cpu / EVENTS * 1e6:>10.1f}")
    print(f"{'requests':<34}{requests:>10,}")
    print(f"{'bytes an event on the wire':<34}{received / EVENTS:>10,.0f}")
    print(f"{'microseconds of CPU each, the stub':<34}{theirs_spent / EVENTS * 1e6:>10.1f}")


async def _run(folder: Path, port: int) -> tuple[float, float]:
    database = Database(folder / "tillpost.db", "gateway")
    store = GatewayStore(database, AesSealer(os.urandom(32)))
    clock = SystemClock()
    _fill(store, clock.now())
    app.tune_interpreter()
    transport = HttpTransport(allowed=(ipaddress.ip_network("127.0.0.0/8"),))
    url = f"http://127.0.0.1:{port}"
    settings = Settings(shop="demo", dataset_id="1", access_token="t", url=url)  # noqa: S106
    sender = Sender(Line(NAME, destination, settings), store, transport, clock, random.random)
    begun, cpu = time.perf_counter(), time.process_time()
    sent = 0
    while sent < EVENTS:
        sent += await sender.round()
    await sender.settled()
    figures = time.perf_counter() - begun, time.process_time() - cpu
    ends = {state: n for _, _, state, _, n in store.tallies() if state != "accepted"}
    if ends != {"delivered": EVENTS}:
        raise SystemExit(f"not all were delivered: {ends}")
    await transport.close()
    database.close()
    return figures


def _fill(store: GatewayStore, now: float) -> None:
    for first in range(1, EVENTS + 1, 2000):
        numbers = range(first, first + 2000)
        nothing: dict[str, list[object]] = {
            name: [] for name in ("orders", "refunds", "sightings", "visitors", "links", "touches")
        }
        store.commit(
            Changes(
                position=None,
                events=[EventRow(n, f"k{n}", "shopify", now, _event(n, now)) for n in numbers],
                deliveries=[Delivery(n, NAME, "demo", State.PENDING, now) for n in numbers],
                accepted={("demo", NAME): len(numbers)},
                **nothing,  # type: ignore[arg-type]
            )
        )


def _event(number: int, now: float) -> Event:
    keys: Keys = {
        field: (("meta", sha256(f"{field}{number}".encode()).hexdigest()),) for field in _FIELDS
    }
    return Event(
        shop="demo",
        event_name="Purchase",
        event_id=f"purchase.{number:032x}",
        event_time=int(now) - 60,
        action_source="website",
        event_source_url="https://demo-shop.example/checkouts/thank-you",
        custom_data={
            "value": Decimal("142.50"),
            "currency": "USD",
            "order_id": str(5_000_000_000 + number),
            "contents": [
                {"id": str(100 + n), "quantity": n, "item_price": Decimal("47.50")}
                for n in (1, 2, 3)
            ],
        },
        person=Person(
            keys, fbc=f"fb.1.{int(now)}000.IwAR{number}", fbp=f"fb.1.{int(now)}000.{number}"
        ),
        device=Device(
            f"203.0.{number // 250 % 250}.{number % 250}", "Mozilla/5.0 (X11) Example/1.0"
        ),
    )


def _stub(pipe: Connection) -> None:
    app.run_until_done(_serve(pipe))


class _Taker(asyncio.Protocol):
    """Reads requests to their end and answers each that all of its events were received."""

    requests: ClassVar[int] = 0
    received: ClassVar[int] = 0
    _head = b""
    _left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        _Taker.received += len(data)
        if self._left == 0:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = b""
            self._left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            data = body
        self._left -= len(data)
        if self._left == 0:
            _Taker.requests += 1
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]


async def _serve(pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Taker, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(pipe.recv)
    pipe.send((_Taker.requests, _Taker.received, time.process_time()))


if __name__ == "__main__":
    main()
