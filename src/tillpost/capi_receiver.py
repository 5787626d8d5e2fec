"""A Conversions API inside a test run: what the fixture `capi_receiver` gives.

It answers over HTTP on a free port of 127.0.0.1 and keeps everything in memory.
"""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from tillpost.core.received import Dataset
from tillpost.core.wire import Request, Response
from tillpost.receive import faults
from tillpost.receive.receiver import Options, Receiver, receiver_events
from tillpost.receive.wire import BODY_LIMIT
from tillpost.store.receiver_memory import MemoryReceiverStore

DATASET = Dataset("1234567890123456", "test-access-token")
_MOST = 100_000
_MOST_REQUESTS = 1_000


class _Clock:
    def now(self) -> float:
        return time.time()


class _InMemory:
    """Nothing is sealed, since nothing rests on disk."""

    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, box: bytes) -> bytes:
        return box


class CapiReceiver:
    """A Conversions API of your own: where it is, what it received, and what it should do next."""

    dataset_id = DATASET.id
    token = DATASET.access_token
    receiver_token = "test-receiver-token"  # noqa: S105  # opens nothing but this fixture

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces = 0
        self._store = MemoryReceiverStore()
        self._receiver = Receiver(
            self._store,
            {DATASET.id: DATASET},
            self.receiver_token,
            _Clock(),
            self._trace_id,
            _InMemory(),
            Options(keep="all"),
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _routes(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def events(self, event_name: str | None = None) -> list[dict[str, Any]]:
        """Every event received, settled, in the shape of `GET /api/v1/receiver/events`."""
        with self._lock:
            while self._receiver.settle():
                pass
            items = receiver_events(self._store, 0, _MOST)["items"]
        return [item for item in items if event_name in (None, item["event_name"])]

    def requests(self) -> list[dict[str, Any]]:
        """Every call of the events edge: `request`, `response`, and `findings` with their fixes."""
        listed = self._tool("GET", f"/receiver/requests?limit={_MOST_REQUESTS}")["items"]
        return [self._tool("GET", f"/receiver/requests/{call['id']}") for call in listed]

    def people(self, *people: dict[str, Any]) -> None:
        """Let the platform know these accounts: `{"id", "user_data": {"em": SHA-256, ...}}`.

        Raises `ValueError` for what cannot be taken.
        """
        self._tool("POST", "/receiver/people", {"people": people})

    def touches(self, *touches: dict[str, Any]) -> None:
        """Let these ads have been clicked or seen, in the shape of `POST /receiver/touches`.

        Raises `ValueError` for what cannot be taken.
        """
        self._tool("POST", "/receiver/touches", {"touches": touches})

    def spend(self, *rows: dict[str, Any]) -> None:
        """Let these ads have cost something, in the shape of `POST /receiver/spend`.

        Raises `ValueError` for what cannot be taken.
        """
        self._tool("POST", "/receiver/spend", {"spend": rows})

    def _tool(self, method: str, url: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.receiver_token}"}
        sent = b"" if body is None else msgspec.json.encode(body)
        answer = self.answer(Request(method, url, headers, sent))
        told = msgspec.json.decode(answer.body)
        if answer.status != 200:
            raise ValueError(told["error"]["message"])
        return told

    def faults(self, *kinds: str, times: int = 1, seconds: float | None = None) -> None:
        """Let the next calls go wrong in these ways, in turn; see `receive.faults.FAULTS`.

        Raises `ValueError` for a kind that there is not.
        """
        wanted = [
            {"kind": kind, "times": times} | ({} if seconds is None else {"seconds": seconds})
            for kind in kinds
        ]
        planned = faults.read({"faults": wanted})
        if isinstance(planned, str):
            raise ValueError(planned)  # noqa: TRY004  # the kind is wrong, not its type
        self._receiver.faults.plan(planned)

    def reset(self) -> None:
        """Forget everything, planned faults too."""
        with self._lock:
            self._receiver.faults.clear()
            self._store.reset()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: Request) -> Response:
        """What the receiver says to a request, without a network between."""
        handler = self._receiver.handler(request.method, request.url.partition("?")[0])
        if handler is None:
            return Response(404, {"content-type": "text/plain"}, b"not a path of the receiver\n")
        with self._lock:
            return asyncio.run(handler(request))

    def _trace_id(self) -> str:
        self._traces += 1
        return f"A{self._traces:022}"


def _routes(receiver: CapiReceiver) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of one receiver."""

    class Routes(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = min(int(self.headers.get("content-length") or 0), BODY_LIMIT + 1)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            answer = receiver.answer(Request(self.command, self.path, headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_DELETE = _any  # noqa: N815  # http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing: the test's output is the user's."""

    return Routes
