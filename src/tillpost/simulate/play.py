"""Sends a world to a server: plain HTTP/1.1 over a few kept connections, driving its clock.

Requests of one lane keep their order. In simulated time the clock is set to the end of
a step before the requests of that step are sent, so that nothing comes from the future.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import groupby
from urllib.parse import urlsplit
from zlib import crc32

from msgspec import Struct, field, json

from tillpost.simulate.schedule import World
from tillpost.simulate.times import DAY, HOUR, MINUTE, step_end
from tillpost.simulate.wire import Planned, Request, Secrets, iso, post_json

LANES = 48
TRIES = 5
QUIET = 2 * HOUR
"""A gap between two steps that is longer than this is not jumped over."""
FIRST = frozenset({"people", "touches", "spend", "token"})
"""What must be there before a step's shoppers come."""


class Target(Struct, frozen=True):
    """A running server: its address, its secrets, and whether its clock can be set."""

    url: str
    secrets: Secrets
    simulated_clock: bool = True


class Sent(Struct):
    """What was sent, by kind, and what was not taken, by kind and status."""

    sent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    first_refusal: str | None = None


class Unreachable(Exception):
    """The server does not answer; the message says where."""


Progress = Callable[[float, Sent], None]


class Line:
    """One kept connection. Not to be used by two at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request) -> tuple[int, bytes]:
        """Status and body of the answer; a broken connection is opened again."""
        data = self._bytes(request)
        for attempt in range(TRIES):
            try:
                return await self._once(data)
            except (OSError, asyncio.IncompleteReadError):
                await self.close()
                if attempt:
                    await asyncio.sleep(0.1 * 2**attempt)
        raise Unreachable(f"no answer from {self._host}:{self._port}: is the server running?")

    async def close(self) -> None:
        """Let the connection go."""
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _once(self, data: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, ssl=self._tls or None, limit=2**22
            )
        reader, writer = self._streams
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head[9:12])
        if "transfer-encoding: chunked" in head:
            return status, await _chunks(reader)
        _, found, rest = head.partition("\r\ncontent-length:")
        length = int(rest.partition("\r\n")[0]) if found else 0
        return status, await reader.readexactly(length) if length else b""

    def _bytes(self, request: Request) -> bytes:
        rows = [f"{request.method} {self._prefix}{request.path} HTTP/1.1", f"Host: {self._host}"]
        rows += [f"{name}: {value}" for name, value in request.headers]
        if request.method != "GET":
            rows.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*rows, "", ""]).encode("latin-1") + request.body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


class Player:
    """Sends the steps of one or more worlds to one server."""

    def __init__(self, target: Target, lanes: int = LANES) -> None:
        self._target = target
        self._lines = [Line(target.url) for _ in range(lanes)]
        self.done = Sent()

    async def step(self, rows: Iterable[Planned]) -> None:
        """Send these requests over the lanes; returns when all are answered."""
        lanes: dict[int, list[Planned]] = {}
        ahead = []
        for row in rows:
            if row.what in FIRST:
                ahead.append(row)
            else:
                lanes.setdefault(self._place(row), []).append(row)
        await self._lane(0, ahead)
        await asyncio.gather(*(self._lane(n, lane) for n, lane in lanes.items()))

    async def clock(self, at: float, *, wait: bool = False) -> None:
        """Set the server's clock; with `wait`, return when all that is due has settled."""
        if not self._target.simulated_clock:
            return
        key = self._target.secrets.server_key
        body = {"now": iso(at), "wait": wait}
        status, answer = await self._lines[0].ask(post_json("/dev/clock", key, body))
        if status >= 300:
            raise Unreachable(
                f"/dev/clock answered {status}: {answer[:200].decode(errors='replace')};"
                " start the server with --clock simulated"
            )

    async def pass_time(self, since: float, until: float) -> None:
        """Move the clock on; a quiet time passes as it would: what fell due then is done then."""
        if until - since > QUIET:
            for after in (MINUTE, HOUR):
                await self.clock(since + after, wait=True)
        await self.clock(until)

    async def close(self) -> None:
        """Let all connections go."""
        await asyncio.gather(*(line.close() for line in self._lines))

    def _place(self, row: Planned) -> int:
        """Which lane a request takes: what belongs together comes in its order."""
        return crc32(row.lane.encode()) % len(self._lines)

    async def _lane(self, number: int, rows: list[Planned]) -> None:
        for row in rows:
            await self._send(self._lines[number], row)

    async def _send(self, line: Line, row: Planned) -> None:
        request = row.make(self._target.secrets)
        for attempt in range(TRIES):
            status, answer = await line.ask(request)
            if status not in {429, 500, 502, 503, 504}:
                break
            await asyncio.sleep(0.05 * 2**attempt)
        self.done.sent[row.what] += 1
        if status >= 300:
            self.done.refused[f"{row.what} {status}"] += 1
            if self.done.first_refusal is None:
                words = answer[:300].decode(errors="replace")
                self.done.first_refusal = f"{request.method} {request.path[:80]}: {status} {words}"


async def play(
    world: World, target: Target, on_progress: Progress | None = None, *,
    lanes: int = LANES, wait_every: float = 12 * HOUR,
) -> Sent:  # fmt: skip
    """Send the whole world, then let time pass until everything has settled."""
    player = Player(target, lanes)
    begin = now = waited = world.plan[0].at
    try:
        await player.clock(begin, wait=True)
        for at, rows in groupby(world.plan, lambda row: step_end(row.at)):
            await player.pass_time(now, at)
            now = at
            await player.step(rows)
            if now - waited >= wait_every:
                await player.clock(now, wait=True)
                waited = now
            if on_progress is not None:
                on_progress(min((now - begin) / (world.span.end - begin), 1.0), player.done)
        for after in (60.0, HOUR, 2 * HOUR, DAY + 2 * HOUR):
            await player.clock(now + after, wait=True)
    finally:
        await player.close()
    return player.done


async def ask_json(target: Target, path: str) -> tuple[int, object]:
    """Status and JSON of one reading request with the server key."""
    line = Line(target.url)
    headers = (("Authorization", f"Bearer {target.secrets.server_key}"),)
    try:
        status, body = await line.ask(Request("GET", path, headers))
    finally:
        await line.close()
    return status, json.decode(body) if status < 300 and body else None
