"""A Conversions API that misbehaves as it is told, and writes down all that reaches it.

Each mode is a row of `MODES`: whether the events of the request count as taken, and what
goes back over the socket. `ok` is the platform at its best: it takes a batch whole, or
refuses it whole for one event that it calls poison. Every request becomes one line of
JSON in the log, so that a judge outside of every process can join it with what was sent.
It imports nothing of Tillpost.
"""

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

POISON = "poison"
"""`custom_data.content_name` of an event that the platform refuses."""
_REFUSAL = {"error_subcode": 2804050, "error_user_msg": "This event is poison"}

Answer = Callable[[socket.socket, int], None]
Script = Callable[[int], str]


class Mode(NamedTuple):
    """Whether the request's events count as taken, and how it is answered."""

    takes: bool
    answer: Answer


class Arrival(NamedTuple):
    """One request as it reached the platform."""

    at: float
    mode: str
    taken: bool
    token: str
    events: list[dict[str, Any]]


def http(
    status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
) -> bytes:
    """An answer as bytes; `length` is what Content-Length claims."""
    given = {"Content-Type": "application/json", **(headers or {})}
    given.setdefault("Content-Length", str(len(body) if length is None else length))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} Chaos\r\n{head}\r\n".encode() + body


def received(count: int) -> bytes:
    """The body of a success."""
    return json.dumps({"events_received": count, "messages": [], "fbtrace_id": "Achaos"}).encode()


def failure(code: int, **more: Any) -> bytes:
    """The body of an error in the platform's envelope."""
    error = {"message": "chaos", "type": "OAuthException", "code": code, "fbtrace_id": "Achaos"}
    return json.dumps({"error": {**error, **more}}).encode()


def _bytes(make: Callable[[int], bytes]) -> Answer:
    return lambda connection, count: connection.sendall(make(count))


def _error(status: int, code: int, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return _bytes(lambda _: http(status, failure(code, **more), headers))


def _after(seconds: float, then: Answer) -> Answer:
    def answer(connection: socket.socket, count: int) -> None:
        time.sleep(seconds)
        then(connection, count)

    return answer


def _silence(_connection: socket.socket, _count: int) -> None:
    """Close without a word."""


def _reset(connection: socket.socket, _count: int) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(connection: socket.socket, count: int) -> None:
    for byte in http(200, received(count)) * 20:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _hold(connection: socket.socket, _count: int) -> None:
    """Keep the connection open and say nothing until the client gives up."""
    connection.settimeout(60)
    connection.recv(1)


def _usage(minutes: int) -> dict[str, str]:
    entry = {"type": "ads_management", "estimated_time_to_regain_access": minutes}
    return {"X-Business-Use-Case-Usage": json.dumps({"1": [entry]})}


_OK = _bytes(lambda n: http(200, received(n)))
_HTML = b"<html><body>Sorry, something went wrong.</body></html>"
_DEEP = b'{"events_received":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
_CHUNKED = {"Transfer-Encoding": "chunked"}


def _chunk(size: str, data: bytes) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + size.encode() + b"\r\n" + data


MODES: dict[str, Mode] = {
    "ok": Mode(True, _OK),
    "slow": Mode(True, _after(0.4, _OK)),
    "gzipped": Mode(
        True,
        _bytes(lambda n: http(200, gzip.compress(received(n)), {"Content-Encoding": "gzip"})),
    ),
    "continue_first": Mode(
        True, _bytes(lambda n: b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, received(n)))
    ),
    # Taken, but the answer does not say so.
    "silent_after": Mode(True, _silence),
    "reset_after": Mode(True, _reset),
    "half_status": Mode(True, _bytes(lambda _: b"HTTP/1.1 2")),
    "half_body": Mode(True, _bytes(lambda n: http(200, received(n)[:9], length=500))),
    "empty_200": Mode(True, _bytes(lambda _: http(200, b""))),
    "no_content": Mode(True, _bytes(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n")),
    "short_count": Mode(True, _bytes(lambda n: http(200, received(n - 1)))),
    "wrong_type": Mode(True, _bytes(lambda _: http(200, b'{"events_received":"many"}'))),
    "broken_chunk": Mode(True, _bytes(lambda n: _chunk("zz", received(n)))),
    "cut_chunk": Mode(True, _bytes(lambda n: _chunk("fff", received(n)))),
    "bad_gzip": Mode(True, _bytes(lambda n: http(200, received(n), {"Content-Encoding": "gzip"}))),
    "drip": Mode(True, _drip),
    "hold": Mode(True, _hold),
    # Not taken, and the answer is no answer of the platform.
    "late_refusal": Mode(False, _after(0.4, _error(400, 100, error_subcode=2804050))),
    "silent": Mode(False, _silence),
    "reset": Mode(False, _reset),
    "html_200": Mode(False, _bytes(lambda _: http(200, _HTML, {"Content-Type": "text/html"}))),
    "zero_count": Mode(False, _bytes(lambda _: http(200, received(0)))),
    "error_in_200": Mode(False, _error(200, 2)),
    "bad_utf8": Mode(False, _bytes(lambda _: http(200, b'{"events_received":\xff\xfe}'))),
    "deep_json": Mode(False, _bytes(lambda _: http(200, _DEEP))),
    "huge": Mode(False, _bytes(lambda _: http(200, b" " * (3 << 20)))),
    "bomb": Mode(
        False,
        _bytes(lambda _: http(200, gzip.compress(bytes(60 << 20)), {"Content-Encoding": "gzip"})),
    ),
    "garbage": Mode(False, _bytes(lambda _: bytes(range(256)) * 4)),
    "head_flood": Mode(False, _bytes(lambda _: http(200, b"{}", {"X-A": "a" * 300_000}))),
    "two_lengths": Mode(
        False,
        _bytes(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\n{}"),
    ),
    "redirect": Mode(
        False, _bytes(lambda _: http(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))
    ),
    # Not taken, in the platform's words.
    "html_502": Mode(False, _bytes(lambda _: http(502, _HTML, {"Content-Type": "text/html"}))),
    "unavailable": Mode(False, _error(503, 2, {"Retry-After": "3"})),
    "transient": Mode(False, _error(500, 1, is_transient=True)),
    "temporary": Mode(False, _error(400, 2)),
    "too_many": Mode(False, _error(429, 4, {"Retry-After": "7"})),
    "rate_usage": Mode(False, _error(400, 80004, _usage(2))),
    "rate_user": Mode(False, _error(400, 17)),
    "token_expired": Mode(False, _error(400, 190, error_subcode=463)),
    "no_permission": Mode(False, _error(403, 200)),
    "no_dataset": Mode(False, _error(400, 100, error_subcode=33)),
    "unknown_code": Mode(False, _error(400, 987654)),
}
"""Every way that the platform, or what stands before it, may answer."""


class Chaos:
    """A platform on a port of its own; `close` it at the end.

    `script` names the mode of the n-th request (from 0); `play` changes it at any time.
    Without `remember` it counts what it takes, and keeps neither events nor a log.
    """

    def __init__(self, log: Path, script: Script | None = None, *, remember: bool = True) -> None:
        self.log = log
        self._script = script or _always("ok")
        self._remember = remember
        self._taken: Counter[tuple[str, str]] = Counter()
        self._count = 0
        self._lock = threading.Lock()
        self._file = log.open("a", encoding="utf-8")
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.arrivals: list[Arrival] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def play(self, script: Script | str) -> None:
        """Answer by this script from now on, counted from 0; or always in one mode."""
        with self._lock:
            self._count = 0
            self._script = _always(script) if isinstance(script, str) else script

    def taken(self) -> dict[tuple[str, str], int]:
        """How often each (event_name, event_id) was taken."""
        with self._lock:
            return dict(self._taken)

    def has_taken(self, *keys: tuple[str, str]) -> bool:
        """Whether each of these (event_name, event_id) was taken; of none, whether anything was."""
        return all(key in self._taken for key in keys) and bool(self._taken)

    def modes(self) -> dict[str, int]:
        """How often each mode was played: a drill whose fault never bit proves nothing."""
        counts: dict[str, int] = {}
        for arrival in list(self.arrivals):
            counts[arrival.mode] = counts.get(arrival.mode, 0) + 1
        return counts

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        with self._lock:
            self._file.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                for body in _requests(stream):
                    if not self._answer(connection, body):
                        return
        except (OSError, ValueError):
            return

    def _answer(self, connection: socket.socket, body: bytes) -> bool:
        """Whether the connection may go on."""
        given = json.loads(body)
        events = given.get("data", [])
        poisoned = [i for i, e in enumerate(events) if _is_poison(e)]
        with self._lock:
            name = self._script(self._count)
            self._count += 1
            mode = MODES[name]
            taken = mode.takes and not poisoned
            self._note(Arrival(time.time(), name, taken, given.get("access_token", ""), events))
        if poisoned and mode.takes:
            connection.sendall(http(400, failure(100, **_REFUSAL)))
            return True
        mode.answer(connection, len(events))
        return name == "ok"

    def _note(self, arrival: Arrival) -> None:
        if arrival.taken:
            self._taken.update((e["event_name"], e["event_id"]) for e in arrival.events)
        if not self._remember:
            self.arrivals.append(arrival._replace(events=[]))
            return
        self.arrivals.append(arrival)
        line = {"at": arrival.at, "mode": arrival.mode, "taken": arrival.taken}
        self._file.write(json.dumps({**line, "events": [_row(e) for e in arrival.events]}) + "\n")
        self._file.flush()


def _always(mode: str) -> Script:
    return lambda _: mode


def _row(event: dict[str, Any]) -> dict[str, Any]:
    custom = event.get("custom_data", {})
    text = json.dumps(event, sort_keys=True).encode()
    return {
        "name": event["event_name"],
        "id": event["event_id"],
        "order": custom.get("order_id"),
        "value": custom.get("value"),
        "digest": sha256(text).hexdigest(),
    }


def _is_poison(event: dict[str, Any]) -> bool:
    return bool(event.get("custom_data", {}).get("content_name") == POISON)


def _requests(stream: Any) -> Iterator[bytes]:
    """The body of every request on a connection."""
    while line := stream.readline(65536):
        if not line.strip():
            continue
        length = 0
        while (header := stream.readline(65536).strip().lower()) != b"":
            name, _, value = header.partition(b":")
            length = int(value) if name == b"content-length" else length
        yield stream.read(length)
