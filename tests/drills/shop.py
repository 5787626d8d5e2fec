"""A shop and a back end that send orders as fast as they are answered, and log what was.

It stands outside of what is killed: it knows which order was acknowledged and what it was
worth. What got no 2xx is sent again, as shops do; now and then so is what got one.
It imports nothing of Tillpost.
"""

import base64
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.drills.chaos import POISON
from tests.orders import money, order

SECRET = "drill-secret"
KEY = "tp_drill_0123456789abcdef"
_TWICE = 0.05
"""How many acknowledged orders are sent once more."""


class Shop:
    """Sends to `url` from threads of its own between `start` and `stop`.

    Every order has one line in `log` when it is first sent and one for every answer.
    """

    def __init__(
        self, url: str, log: Path, *, seed: int = 1, poison: float = 0.0, pace: float = 0.0
    ) -> None:
        self.url = url
        self._file = log.open("a", encoding="utf-8")
        self._dice = random.Random(seed)
        self.poison = poison
        """Share of orders that the platform refuses."""
        self.at_once = 1
        """Orders in one request of the back end; a shop's webhook tells of one."""
        self._pace = pace
        self._next = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.acked = 0
        self._orders: set[int] = set()
        self.refused: dict[int, int] = {}
        self.longest = 0.0
        """Seconds that the slowest answer took."""

    @property
    def orders_acked(self) -> int:
        """How many orders were acknowledged, however often each."""
        return len(self._orders)

    def start(self, threads: int = 4) -> None:
        """Begin to send."""
        self._stopping.clear()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no new order; what was sent and not answered stays in doubt."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Stop, and end the log."""
        self.stop()
        self._file.close()

    def send_until(self, acked: int, within: float = 60.0) -> None:
        """Send until so many more orders are acknowledged."""
        goal, end = self.acked + acked, time.monotonic() + within
        self.start()
        while self.acked < goal and time.monotonic() < end:
            time.sleep(0.01)
        self.stop()
        assert self.acked >= goal, f"{self.acked} of {goal} acknowledged within {within} s"

    def _run(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        while not self._stopping.is_set():
            numbers, kind, poison, twice = self._draw()
            now = time.time()
            for number in numbers:
                self._note(order=str(number), value=float(worth(number)), poison=poison)
            made = webhook(numbers[0], worth(numbers[0]), now) if kind else None
            request = made or server_events(numbers, now, poison=poison)
            self._insist(connection, numbers, *request)
            if twice and not self._stopping.is_set():
                self._insist(connection, numbers, *request)
            time.sleep(self._pace)
        connection.close()

    def _draw(self) -> tuple[range, bool, bool, bool]:
        """The orders of a request, whether it is a webhook, is poison, and is sent twice."""
        with self._lock:
            poison = self._dice.random() < self.poison
            webhook = not poison and self._dice.random() < 0.5
            first = self._next + 1
            self._next += 1 if webhook or poison else self.at_once
            numbers = range(first, self._next + 1)
            return numbers, webhook, poison, self._dice.random() < _TWICE

    def _insist(
        self, to: http.client.HTTPConnection, numbers: range, path: str, body: bytes, headers: Any
    ) -> None:
        """Send until it is acknowledged, or the drill ends."""
        while True:
            began = time.monotonic()
            status = _ask(to, path, body, headers)
            self.longest = max(self.longest, time.monotonic() - began if status else 0.0)
            for number in numbers:
                self._note(order=str(number), status=status)
            if 200 <= status < 300:
                with self._lock:
                    self.acked += len(numbers)
                    self._orders.update(numbers)
                return
            with self._lock:
                self.refused[status] = self.refused.get(status, 0) + 1
            if self._stopping.wait(0.02):
                return

    def _note(self, **line: Any) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def _ask(to: http.client.HTTPConnection, path: str, body: bytes, headers: Any) -> int:
    """The status of the answer; 0 if there was none."""
    try:
        to.request("POST", path, body, headers)
        answer = to.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        to.close()
        return 0
    return answer.status


def webhook(number: int, value: str, at: float) -> tuple[str, bytes, dict[str, str]]:
    """Path, body and headers of a signed order, made at a Unix time."""
    when = datetime.fromtimestamp(at, UTC).isoformat()
    times = dict.fromkeys(("created_at", "processed_at", "updated_at"), when)
    made = order(number, id=number, total_price=value, total_price_set=money(value), **times)
    body = json.dumps(made).encode()
    return "/webhooks/shopify/demo", body, signed(body)


def signed(body: bytes, topic: str = "orders/create") -> dict[str, str]:
    """The headers that a shop sends with a body."""
    signature = hmac.new(SECRET.encode(), body, sha256).digest()
    return {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": "demo-shop.myshopify.com",
        "x-shopify-hmac-sha256": base64.b64encode(signature).decode(),
    }


def server_event(
    number: int, value: str, at: float, *, poison: bool = False
) -> tuple[str, bytes, dict[str, str]]:
    """Path, body and headers of a back end's Purchase, made at a Unix time."""
    return _told(_purchase(number, value, at, poison=poison))


def server_events(
    numbers: Sequence[int], at: float, *, poison: bool = False
) -> tuple[str, bytes, dict[str, str]]:
    """The same for so many of a back end's Purchases, in one request."""
    return _told([_purchase(n, worth(n), at, poison=poison) for n in numbers])


def _told(events: object) -> tuple[str, bytes, dict[str, str]]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    return "/events/demo", json.dumps(events).encode(), headers


def _purchase(number: int, value: str, at: float, *, poison: bool) -> dict[str, Any]:
    return {
        "event_name": "Purchase",
        "event_id": f"made-{number}",
        "event_time": int(at),
        "action_source": "website",
        "event_source_url": "https://demo-shop.myshopify.com/thanks",
        "user_data": {"em": f"buyer{number}@mail.example", "client_user_agent": "Drill/1.0"},
        "custom_data": {
            "value": float(value),
            "currency": "USD",
            "order_id": str(number),
            "content_name": POISON if poison else "tea",
        },
    }


def worth(number: int) -> str:
    """What the order of a number is worth."""
    return f"{20 + number % 977}.{number % 100:02d}"
