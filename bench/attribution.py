"""Attribution of many orders over ten times as many touches: time and memory of each step.

    python bench/attribution.py [--orders 1000000] [--windows 30 | --windows all]

Rows are made inside the engine, as segments would be read; the time is of the query alone.
"""

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial

from tillpost.core.attribution import MODELS, WINDOWS
from tillpost.report import engine as engines
from tillpost.report.query import Query
from tillpost.report.steps import EARNINGS, SPENDING, text

ROWS = {
    "orders": """SELECT 'demo', 'o' || i, '#' || i, 1700000000 + i * 5, 'web', 1, NULL,
        1000 + dice(i, 20000), 'USD', NULL, NULL, NULL, NULL, 0, 0, 1, 0, 'USD', i + 1
        FROM range({n}) r(i)""",
    "order_keys": "SELECT 'demo', 'o' || i, 'checkout', 't' || i FROM range({n}) r(i)",
    "links": """SELECT 'demo', 'checkout', 't' || i, visitor(i), 1700000000 + i * 5 - 60
        FROM range({n}) r(i)""",
    "labels": """SELECT 2 + i,
        ['Paid Social', 'Paid Search', 'Email', 'Direct', 'Organic Search', 'Referral'][1 + i % 6],
        'source' || i % 6, 'medium', 'Campaign ' || i % 50, 'c' || i % 50, NULL, 'a' || i
        FROM range(600) r(i)""",
    "touches": """SELECT i, 'demo', visitor(v), 1700000000 + v * 5 - dice(i * 7 + 1, 40 * 86400),
        (dice(i * 3, 600) % 6 = 3)::BIGINT, (dice(i * 3, 600) % 6 < 2)::BIGINT,
        2 + dice(i * 3, 600)
        FROM (SELECT i, dice(i, {n}) AS v FROM range({touches}) r(i))""",
}


MACROS = (
    "CREATE MACRO dice(i, sides) AS (hash(i) % sides)::BIGINT",
    "CREATE MACRO visitor(i) AS printf('%020d', i)",
)
"""Dice, and names of visitors as long as real ones."""


def timed(told: str, action: Callable[[], object]) -> float:
    began, worked = time.perf_counter(), time.process_time()
    action()
    seconds = time.perf_counter() - began
    print(f"  {told:20} {seconds:7.2f} s {time.process_time() - worked:8.2f} s of processor")
    return seconds


def made(orders: int) -> engines.Engine:
    engine = engines.Engine({})
    run = engine.connection.execute
    for macro in MACROS:
        run(macro)
    for name, rows in ROWS.items():
        run(f"INSERT INTO {name} {rows.format(n=orders, touches=10 * orders)}")
    return engine


def credited(engine: engines.Engine, windows: Sequence[str]) -> float:
    """All rule models within these windows, summed by label and shown by channel."""
    print(f"windows {', '.join(windows)}: {len(MODELS)} models")
    engine.ask(Query(), "channels", MODELS, windows)
    whole = sum(timed(step, partial(engine.make, step, MODELS)) for step in (*EARNINGS, *SPENDING))
    rows = engine.connection.execute(text("channels"))
    return whole + timed("channels", rows.fetchall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--windows", default="30")
    args = parser.parse_args()
    engine = made(args.orders)
    windows = list(WINDOWS) if args.windows == "all" else args.windows.split(",")
    whole = credited(engine, windows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{args.orders} orders, {10 * args.orders} touches: {whole:.1f} s, peak {peak:.1f} GiB")


if __name__ == "__main__":
    main()
