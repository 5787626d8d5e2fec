"""A load generator of plain sockets: many kept connections, one request after the other on each.

It runs in a process of its own, so that what it costs is not the server's.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path


async def _connection(
    host: str, port: int, requests: Iterator[bytes], until: float, times: list[float]
) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    failed = 0
    while time.perf_counter() < until:
        request = next(requests)
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if length:
            await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
        failed += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204"))
    writer.close()
    return failed


async def run(
    host: str, port: int, requests: list[bytes], connections: int, seconds: float
) -> dict[str, float]:
    """Requests a second, failures and latencies (ms) of one bounded run."""
    times: list[float] = []
    source = cycle(requests)
    begun = time.perf_counter()
    until = begun + seconds
    failed = sum(
        await asyncio.gather(
            *(_connection(host, port, source, until, times) for _ in range(connections))
        )
    )
    spent = time.perf_counter() - begun
    times.sort()
    return {
        "per_second": len(times) / spent,
        "failed": failed,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


def main() -> None:
    """Arguments: port, connections, seconds, and a file: one JSON list of latin-1 texts."""
    port, connections, seconds, path = sys.argv[1:]
    requests = [text.encode("latin-1") for text in json.loads(Path(path).read_text())]
    print(
        json.dumps(
            asyncio.run(run("127.0.0.1", int(port), requests, int(connections), float(seconds)))
        )
    )


if __name__ == "__main__":
    main()
