"""What it costs to judge events: the receiver's answer and the full lint, per event.

    python -m bench.validation [--events 1000]

The best of several rounds over distinct valid Purchases, in microseconds.
"""

import argparse
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tillpost.core.validation import lint, refusal

NOW = 1_790_000_000.0


def event(number: int) -> dict[str, Any]:
    """A valid Purchase as a shop sends it."""

    def digest(name: str) -> str:
        return sha256(f"{name}{number}".encode()).hexdigest()

    return {
        "event_name": "Purchase",
        "event_time": int(NOW) - number % 600,
        "event_id": f"order.{number}",
        "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {
            **{key: [digest(key)] for key in ("em", "ph", "fn", "ln", "ct", "zp")},
            "client_ip_address": "203.0.114.7",
            "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
            "fbp": "fb.1.1789990000000.1116446470",
        },
        "custom_data": {
            "value": 19.99,
            "currency": "USD",
            "content_type": "product",
            "contents": [{"id": "a", "quantity": 1, "item_price": 19.99}],
        },
    }


def best(judge: Callable[[], object], events: int, rounds: int = 9) -> float:
    """Microseconds per event of the fastest round."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        judge()
        took.append(time.perf_counter() - start)
    return min(took) / events * 1e6


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    count = min(parser.parse_args().events, 1000)
    events = [event(number) for number in range(count)]
    print(f"refusal: {best(lambda: refusal(events, NOW), count):.1f} us an event")
    print(f"lint:    {best(lambda: lint(events, NOW), count):.1f} us an event")


if __name__ == "__main__":
    main()
