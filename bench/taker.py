"""A platform in a process of its own, that answers every request that its events were received."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from tillpost.serve import app

_TOLD = b'{"events_received":%d,"fbtrace_id":"A"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b"


@contextmanager
def running() -> Iterator[int]:
    """A platform as long as the context lasts; gives its port at 127.0.0.1."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _run(pipe: Connection) -> None:
    app.run_until_done(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    server = await asyncio.start_server(_answered, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            told = _TOLD % (await reader.readexactly(length)).count(b'"event_name"')
            writer.write(_ANSWER % (len(told), told))
