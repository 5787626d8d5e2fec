"""Attribution of many orders over ten times as many touches: time and memory of each step.

    python -m bench.attribution [--orders 1000000] [--windows 30 | --windows all | --server]

Rows are made inside the engine, as segments would be read; the time is of the query alone.
With --server they are Parquet segments, from which sums by day are made, and reports from those.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb

from tillpost.core.attribution import MODELS, WINDOWS
from tillpost.core.facts import KINDS, Kind
from tillpost.ports import Rows
from tillpost.report import engine as engines
from tillpost.report.catalog import REPORTS
from tillpost.report.query import Query
from tillpost.report.rollup import RollUp
from tillpost.report.steps import EARNINGS, SPENDING, text

ROWS = {
    "orders": """SELECT 'demo', 'o' || i, '#' || i, 1700000000 + i * 5, 'web', 1, NULL,
        1000 + dice(i, 20000), 'USD', NULL, NULL, NULL, NULL, 0, 0, 1, 0, 'USD', NULL, NULL, NULL,
        i + 1
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


def rolled(orders: int) -> None:
    """What a server does with a large shop: segments, sums by day, and reports from them."""
    with tempfile.TemporaryDirectory() as folder:
        made_of = segments(orders, Path(folder))
        timed("roll-up made", lambda: kept.append(RollUp(made_of, {"demo": "America/New_York"})))
    (held,) = kept
    ((sums,),) = held.connection.execute("SELECT COUNT(*) FROM tallied").fetchall()
    print(f"  {sums} sums")
    for name in ("channels", "campaigns", "models", "breakdown"):
        for window in ("7", "30", "lifetime"):
            query = Query(window=window)
            timed(f"{name}, {window}", partial(_answered, held, name, query))


def _answered(held: RollUp, name: str, query: Query) -> None:
    REPORTS[name](held.question(name, query), query)


kept: list[RollUp] = []


def segments(orders: int, folder: Path) -> dict[str, Rows]:
    """The facts as Parquet segments, made by the engine, and a manifest of them."""
    with duckdb.connect(":memory:") as engine:
        for macro in MACROS:
            engine.execute(macro)
        engine.execute(f"CREATE TABLE labels AS {ROWS['labels'].replace('NULL', 'NULL::VARCHAR')}")
        rows = []
        for name, kind in KINDS.items():
            if name not in ROWS:
                continue
            file = folder / f"1-{name}.parquet"
            engine.execute(f"COPY ({_rows(name, kind, orders)}) TO '{file}'")
            rows.append((1, name, str(file)))
    empty: dict[str, Rows] = {name: (list(kind.columns), []) for name, kind in KINDS.items()}
    currencies: Rows = (["shop", "currency"], [("demo", "USD")])
    manifest: Rows = (["number", "kind", "file"], rows)
    return {**empty, "segments": manifest, "stale": ([], []), "shops": currencies}


def _rows(name: str, kind: Kind, orders: int) -> str:
    made_of = ROWS[name].format(n=orders, touches=10 * orders)
    columns = list(engines.SCHEMA[name])
    found = f"SELECT * FROM ({made_of}) t({', '.join(f'c{i}' for i in range(len(columns)))})"
    told = {
        column: f"c{columns.index(column)}" if column in columns else f"NULL::{of}"
        for column, of in kind.columns.items()
    }
    source = f"({found})"
    if name == "touches":
        told |= {column: f"b.{column}" for column in engines.LABEL}
        names = ", ".join(engines.SCHEMA["labels"])
        source += f" JOIN (SELECT * FROM labels b({names})) b ON b.label = c{len(columns) - 1}"
    listed = ", ".join(f'{told[column]} AS "{column}"' for column in kind.columns)
    return f"SELECT {listed}, 1 AS version FROM {source}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--windows", default="30")
    parser.add_argument("--server", action="store_true")
    args = parser.parse_args()
    windows = list(WINDOWS) if args.windows == "all" else args.windows.split(",")
    began = time.perf_counter()
    if args.server:
        rolled(args.orders)
        whole = time.perf_counter() - began
    else:
        whole = credited(made(args.orders), windows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{args.orders} orders, {10 * args.orders} touches: {whole:.1f} s, peak {peak:.1f} GiB")


if __name__ == "__main__":
    main()
