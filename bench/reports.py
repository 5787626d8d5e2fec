"""Every report over a large shop, over HTTP: the first answer, and the median after that.

    python -m bench.reports [--orders N] [--touches N] [--rounds N] [--data DIR]

The shop is that of `bench.dashboard`. Lists of orders are asked for a thousand rows at a time.
Each report is asked for over 30 days and over all time; the second table is of an order a second.
"""

import argparse
import statistics
import sys
import time

from tests.live import Live, running

from bench.dashboard import ORDER_SECONDS, Browser, made, options, orders_coming, peak
from bench.large_shop import DAY

NAMES = (
    "channels", "campaigns", "breakdown", "models", "ads", "metrics", "takings", "cohorts",
    "coverage", "reasons", "utm", "utm_health", "journeys&limit=1000", "path_models",
    "orders&limit=1000", "reconcile&limit=1000", "bridge", "bridge_orders&limit=1000",
    "balance", "missing",
    *(f"channels&basis=accrual&model={m}" for m in ("last_non_direct", "linear", "time_decay")),
    *(f"channels&refunds=refund_day&model={m}" for m in ("last_non_direct", "position")),
)  # fmt: skip


def paths() -> list[str]:
    """Each report over 30 days and over all time."""
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 29 * DAY))
    asked = [name.partition("&") for name in NAMES]
    spans = {"30 days": f"&from={since}", "all time": ""}
    return [
        f"/api/v1/reports/{name}?shop=demo{span}&{more}"
        for span in spans.values()
        for name, _, more in asked
    ]


def measure(live: Live, rounds: int) -> None:
    """Ask for every report, and print what came of it."""
    browser = Browser(live.url, live.secrets["admin_password"])
    browser.complete("/")
    firsts = {path: browser.timed(path)[0] for path in paths()}
    quiet = {path: [browser.timed(path)[0] for _ in range(rounds)] for path in paths()}
    busy: dict[str, list[float]] = {path: [] for path in paths()}
    with orders_coming(live):
        for _ in range(rounds):
            time.sleep(ORDER_SECONDS * 1.1)
            for path, found in busy.items():
                found.append(browser.timed(path)[0])
    print(f"  {'report':72}{'first':>8}{'median':>8}{'busy':>8}{'slowest':>9}  (ms)")
    for path, first in firsts.items():
        told = (first, statistics.median(quiet[path]), statistics.median(busy[path]))
        cells = "".join(f"{s * 1000:8.0f}" for s in told)
        print(f"  {path.removeprefix('/api/v1/reports/'):72}{cells}{max(busy[path]) * 1000:9.0f}")
    print(f"  the server's largest memory: {peak(live.process.pid):,} MB")


def main() -> None:
    """Make the shop, start a server over it, and measure."""
    given: argparse.Namespace = options(__doc__).parse_args()
    with running(made(given)) as live:
        measure(live, given.rounds)


if __name__ == "__main__":
    sys.exit(main())
