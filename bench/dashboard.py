"""Every page of the dashboard over a large shop: how soon it answers, and the first load's weight.

    python -m bench.dashboard [--orders N] [--touches N] [--rounds N] [--data DIR]

The shop is made once a day and kept in DIR (else in the user's cache folder). A server is then
asked for each page in turn: the first answer, until its figures are there, and the median of the
answers after that, once with nothing happening and once while an order comes in every second.
"""

import argparse
import gzip
import os
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.live import Live, running
from tests.orders import order

from bench.large_shop import fill
from tillpost.serve.screens.catalog import SCREENS

FIRST_LOAD = (
    "/", "/static/tillpost.css", "/static/screens.css", "/static/page.js", "/static/overview.js",
    "/static/mark.svg", "/static/vendor/htmx-4.0.1.min.js", "/static/vendor/uplot-1.6.32.min.js",
    "/static/vendor/uplot-1.6.32.min.css",
)  # fmt: skip
PAGES = ("/", *(s.path for s in SCREENS if s.listed), "/order?id=o1", "/event?id=1")
LONG_PAGES = (
    *(f"{path}?days=0" for path in ("/", "/channels", "/ads", "/models", "/cohorts", "/quality")),
    "/orders?days=0", "/orders?channel=Paid+Social", "/orders?channel=Paid+Social&days=0",
    "/orders?buyers=new&days=0", "/orders?campaign=c7&days=0", "/orders?reason=VIEW_ONLY",
    "/orders?reason=VIEW_ONLY&days=0", "/channels?basis=accrual",
    "/channels?basis=accrual&model=linear", "/channels?basis=accrual&days=0", "/utm?days=0",
)  # fmt: skip
"""Pages over all time, and lists of orders that have to be credited to be found."""
FIRST_NUMBER = 9_000_000
ORDER_SECONDS = 1.0
"""The first number of the orders that come in meanwhile, and the time between two."""


class Browser:
    """One signed-in session over HTTP."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        form = urlencode({"password": password}).encode()
        address = f"{url}/login?next=/static/mark.svg"
        request = urllib.request.Request(address, form, {"origin": url})  # noqa: S310
        self._opener.open(request, timeout=60).read()

    def timed(self, path: str) -> tuple[float, bytes]:
        """Seconds until the whole answer was read, and the answer."""
        began = time.perf_counter()
        with self._opener.open(f"{self._url}{path}", timeout=900) as answer:
            body = answer.read()
        return time.perf_counter() - began, body

    def complete(self, path: str) -> tuple[float, float]:
        """Seconds until the first answer, and until one with figures instead of its progress."""
        began = time.perf_counter()
        first, body = self.timed(path)
        while b'id="reading"' in body:
            time.sleep(0.1)
            _, body = self.timed(path)
        return first, time.perf_counter() - began


@contextmanager
def orders_coming(live: Live) -> Iterator[None]:
    """An order a second, as long as the block lasts."""
    over = threading.Event()

    def send() -> None:
        number = FIRST_NUMBER + int(time.time()) % 1_000_000
        while not over.wait(ORDER_SECONDS):
            live.webhook(order(number := number + 1))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(live: Live, rounds: int) -> None:
    """Ask for every page, and print what came of it."""
    browser = Browser(live.url, live.secrets["admin_password"])
    every = (*PAGES, *LONG_PAGES)
    firsts = {path: browser.complete(path) for path in every}
    quiet = {path: [browser.timed(path)[0] for _ in range(rounds)] for path in every}
    with orders_coming(live):
        turns = [_after_an_order(browser) for _ in range(rounds)]
    print(f"  {'page':38}{'first':>8}{'figures':>9}{'median':>8}{'busy':>8}{'slowest':>9}  (ms)")
    for path in every:
        busy = [turn[path] for turn in turns]
        told = (*firsts[path], statistics.median(quiet[path]), statistics.median(busy), max(busy))
        widths = (8, 9, 8, 8, 9)
        cells = "".join(f"{s * 1000:{w}.0f}" for s, w in zip(told, widths, strict=True))
        print(f"  {path:38}{cells}")
    weight = sum(len(gzip.compress(browser.timed(path)[1])) for path in FIRST_LOAD)
    print(f"  first load: {weight / 1024:.0f} KB gzipped")
    print(f"  the server's largest memory: {peak(live.process.pid):,} MB")


def _after_an_order(browser: Browser) -> dict[str, float]:
    """Seconds for each page, of which none is as the stores were at the turn before."""
    time.sleep(ORDER_SECONDS * 1.1)
    return {path: browser.timed(path)[0] for path in (*PAGES, *LONG_PAGES)}


def peak(pid: int) -> int:
    """Megabytes of memory that a process has held at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def made(given: argparse.Namespace) -> Path:
    """The data directory of the shop; it is filled if it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tillpost-bench"
    day = time.strftime("%Y-%m-%d")
    name = f"dashboard-{given.orders}-{given.touches}-{day}"
    directory: Path = given.data or cache / name
    if not (directory / "receiver.db").exists():
        directory.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        fill(directory, given.orders, given.touches, int(time.time()))
        print(f"  filled in {time.perf_counter() - began:.0f} s")
    return directory


def main() -> None:
    """Make the shop, start a server over it, and measure."""
    given = options(__doc__).parse_args()
    directory = made(given)
    print(f"{given.orders:,} orders over {given.touches:,} touches", flush=True)
    with running(directory) as live:
        measure(live, given.rounds)
    with running(directory) as live:
        browser = Browser(live.url, live.secrets["admin_password"])
        print("  after a restart: seconds to the figures of each page, one after the other")
        print("  " + ", ".join(f"{path} {browser.complete(path)[1]:.1f}" for path in PAGES))


def options(about: str | None) -> argparse.ArgumentParser:
    """How large the shop is, where it lies, and how often each page is asked for."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--orders", type=int, default=1_000_000)
    made.add_argument("--touches", type=int, default=10_000_000)
    made.add_argument("--rounds", type=int, default=20)
    made.add_argument("--data", type=Path)
    return made


if __name__ == "__main__":
    sys.exit(main())
