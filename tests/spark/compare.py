"""One text on two engines over the same Parquet: Spark must say what DuckDB says, to the cent.

    tests/spark/run.sh [--orders 200] [--master 'local-cluster[2,1,1024]'] [--only REPORT]

The facts lie as a server keeps them: in segments, of which a later one holds newer versions,
with fresh rows beside. Both engines read those files, and load and ask them by the same texts.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from tests.report.conftest import CAME, NOW, Shop

from tillpost.core.attribution import DAY, MODELS, WINDOWS
from tillpost.core.facts import (
    KINDS,
    SEGMENT_COLUMNS,
    SEGMENTS,
    STALE,
    STALE_COLUMNS,
    declared,
    parquet,
)
from tillpost.ports import Rows
from tillpost.report.engine import RENAMED, SCHEMA, Engine, facts_of, taken
from tillpost.report.query import Query
from tillpost.report.steps import (
    ATTRIBUTION,
    KNOWN,
    LISTED,
    RECONCILED,
    SPENDING,
    statements,
    text,
)
from tillpost.report.zones import offsets_of
from tillpost.store.segments import fill

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-spark" / "bin" / "python"

EVERYTHING = (*KNOWN, "earned", *SPENDING, "buyers", LISTED, *RECONCILED)


STANDINGS = (
    ("meta:1", "dropped", "consent_denied"),
    ("meta:2", "dead", "refused"),
    ("meta:3", "delivered", None),
    ("tiktok:C", "pending", None),
)
"""Where Purchases stand: destinations, states and reasons."""

ZONES = ("shop", "since", "until", "seconds")


class Plan(NamedTuple):
    """A question with its models and windows, the steps that all its reports need, and those."""

    query: Query
    models: tuple[str, ...]
    windows: tuple[str, ...]
    steps: tuple[str, ...]
    reports: tuple[str, ...]


PLANS = (
    Plan(
        Query(),
        MODELS,
        tuple(WINDOWS),
        (*ATTRIBUTION, "earned"),
        ("credit_rows", "compared"),
    ),
    Plan(
        Query(refunds="refund_day", currency="EUR", model="time_decay"),
        ("time_decay",),
        ("30",),
        EVERYTHING,
        (
            "ads", "balance", "breakdown", "bridge", "campaigns", "channels", "cohorts", "coverage",
            "gaps", "lines", "lost_paths", "metrics", "missing", "orders", "paths", "reasons",
            "reconcile", "sides", "spend_by_month", "unrated",
            "utm",
        ),
    ),
    Plan(
        Query(basis="accrual", window="60", model="position"),
        ("position",),
        ("60",),
        EVERYTHING,
        ("breakdown", "campaigns", "channels", "dated_paths", "lost_paths"),
    ),
)  # fmt: skip
"""What both engines are asked."""


def facts(orders: int, dice: random.Random) -> dict[str, Rows]:
    """Orders with journeys, refunds, large and odd amounts, and landings that they carry."""
    names = [str(number) for number in range(orders)]
    rows = [
        {
            "order_id": name,
            "at": NOW - dice.randrange(90 * DAY),
            "value_minor": dice.choice([0, 1, 999, 12_345, 10**11, dice.randrange(99_999)]),
            "currency": dice.choice(["USD", "USD", "USD", "GBP"]),
            "customer_id": f"c{dice.randrange(orders // 2)}",
            "cancelled_at": NOW if dice.random() < 0.05 else None,
            "browser": dice.randrange(2),
        }
        for name in names
    ]
    landed = [
        (f"v{dice.choice(names)}", NOW - dice.randrange(180 * DAY), dice.choice(sorted(CAME)))
        for _ in range(orders * 8)
    ]
    landed += [(f"order:{n}", NOW - 200 * DAY, "google") for n in dice.sample(names, orders // 3)]
    landed += [(f"nobody{n}", NOW - 2 * DAY, "email") for n in range(orders // 4)]
    refunds = [
        {"refund_id": f"r{n}", "order_id": n, "at": NOW - dice.randrange(DAY), "amount_minor": 77}
        for n in dice.sample(names, orders // 9)
    ]
    spent = {"campaign": "Spring", "campaign_id": "c1", "ad_id": "a1", "impressions": 9}
    claims: list[dict[str, Any]] = [
        {"event_id": f"e{n}", "order_id": n, "campaign_id": "c1", "window": "7d_click"}
        for n in dice.sample(names, orders // 5) + names[:3]
    ]
    worth = {row["order_id"]: row["value_minor"] for row in rows}
    for claim in claims:
        claim["value_minor"] = dice.choice([worth[claim["order_id"]], 999])
        claim["at"] = NOW - dice.randrange(90 * DAY)
    stands = [
        {"order_id": n, "destination": to, "state": state, "reason": reason}
        for n in names[: orders // 2]
        for to, state, reason in dice.sample(STANDINGS, 2)
    ]
    zones = [dict(zip(ZONES, row, strict=True)) for row in offsets_of({"demo": "Europe/Berlin"})]
    return {
        "deliveries": Shop.table("deliveries", *stands, shop="demo"),
        "zones": Shop.table("zones", *zones),
        "orders": Shop.orders(*rows),
        "order_keys": Shop.order_keys(*((n, "order", n) for n in names)),
        "links": Shop.links(*(("order", n, f"v{n}", 0) for n in names)),
        "touches": Shop.touches(*landed),
        "refunds": Shop.table("refunds", *refunds, shop="demo", currency="USD"),
        "spend": Shop.spend(
            {**spent, "spend_minor": 5000},
            {**spent, "spend_minor": 777, "currency": "GBP", "day": "2026-04-01"},
            {"platform": "google", "campaign": "Brand", "spend_minor": 4200},
        ),
        "shops": (["shop", "currency"], [("demo", "USD")]),
        "rates": (["day", "currency", "quote", "rate"], [
            ("2025-01-01", "EUR", "USD", "1.0825"), ("2026-04-01", "EUR", "GBP", "0.8512"),
        ]),
        "conversions": Shop.table(
            "conversions", *claims, currency="USD", ad_id="a1", shop="demo",
        ),
        **Shop.senders(),
        "matches": Shop.table(
            "matches", *({"order_id": n, "matched": dice.randrange(2)} for n in names[::3])
        ),
    }  # fmt: skip


def laid(tables: dict[str, Rows], folder: Path) -> dict[str, Rows]:
    """The facts as a server keeps them: two segments of each kind, and fresh rows beside.

    The older segment has orders that a later one or a fresh row corrects.
    """
    manifest, stale = [], []
    with duckdb.connect(":memory:") as files:
        for name, kind in KINDS.items():
            rows = list(_shaped(tables[name], list(kind.columns)))
            older = [(*row[:7], 1, *row[8:]) for row in rows] if name == "orders" else rows
            later = rows[::2] if name == "orders" else []
            for number, part in enumerate((older, later), 1):
                file = str(folder / f"{number}-{name}.parquet")
                files.execute(f"CREATE OR REPLACE TABLE part ({declared(kind.columns)})")
                fill(files, "part", part)
                files.execute(f"COPY (SELECT *, {number} AS version FROM part) TO '{file}'")
                manifest.append((number, name, file))
            fresh = rows[1::2] if name == "orders" else []
            stale += [("order", row[0], row[1], None) for row in fresh]
            tables = {**tables, name: (list(kind.columns), fresh)}
    return {
        **tables,
        SEGMENTS: (list(SEGMENT_COLUMNS), manifest),
        STALE: (list(STALE_COLUMNS), stale),
    }


def _shaped(rows: Rows, columns: list[str]) -> list[tuple[Any, ...]]:
    given, values = rows
    places = [given.index(c) if c in given else None for c in columns]
    return [tuple(None if i is None else row[i] for i in places) for row in values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--master", default="local-cluster[2,1,1024]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        tables = laid(facts(args.orders, random.Random(7)), folder)
        with Engine(tables) as engine:
            job = {"master": args.master, **loads(engine, tables, folder)}
            asked = [planned(engine, folder / str(n), plan) for n, plan in enumerate(PLANS)]
        began = time.monotonic()
        theirs = on_spark(folder, {**job, "plans": [plan for plan, _ in asked]})
    seconds = time.monotonic() - began
    print(f"Spark {theirs['version']}, {args.master}: {args.orders} orders, {seconds:.0f} s")
    same = [
        told(report, rows, answer[report])
        for (_, mine), answer in zip(asked, theirs["answers"], strict=True)
        for report, rows in mine.items()
    ]
    sys.exit(not all(same))


def loads(engine: Engine, tables: dict[str, Rows], folder: Path) -> dict[str, Any]:
    """What Spark reads: the segments' own files, the rest as Parquet, and the texts that load."""
    files: dict[str, list[str]] = {}
    for name in SCHEMA:
        files[name] = [str(folder / f"base-{name}.parquet")]
        those = " WHERE label < 2" if name == "labels" else " LIMIT 0" if name in KINDS else ""
        engine.connection.execute(f"COPY (FROM {name}{those}) TO '{files[name][0]}'")
    fresh = {f"fresh_{name}": (tables[name][1], kind.columns) for name, kind in KINDS.items()}
    with duckdb.connect(":memory:") as writer:
        for name, (rows, columns) in {**fresh, STALE: (tables[STALE][1], STALE_COLUMNS)}.items():
            files[name] = [str(folder / f"{name}.parquet")]
            writer.execute(f"CREATE TABLE {name} ({declared(columns)})")
            fill(writer, name, rows)
            writer.execute(f"COPY {name} TO '{files[name][0]}'")
    steps = []
    for name in KINDS:
        segments = [file for _, kind, file in tables[SEGMENTS][1] if kind == name]
        files |= {f"all_{name}": segments, f"later_{name}": segments[1:]}
        found = facts_of(name, segments)
        found = found.replace(parquet(segments), f"all_{name}")
        found = found.replace(parquet(segments[1:]), f"later_{name}")
        steps += [(table, _named(table), query) for table, query in taken(name, found)]
    return {"folder": str(folder), "tables": files, "loads": steps}


def _named(table: str) -> list[str]:
    return [RENAMED.get(column, column) for column in SCHEMA.get(table, ())]


def planned(engine: Engine, folder: Path, plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """A question as Spark is asked it, parameters in Parquet and the same texts; our answers."""
    mine = {
        report: engine.run(plan.steps, report, plan.query, plan.models, plan.windows)
        for report in plan.reports
    }
    folder.mkdir()
    asked = ("params", "models", "windows", "reported_in", "exchange")
    files = {name: [str(folder / f"{name}.parquet")] for name in asked}
    for name, (file,) in files.items():
        engine.connection.execute(f"COPY {name} TO '{file}'")
    made = {name: query for step in plan.steps for _, name, query in statements(step, plan.models)}
    texts = {report: text(report) for report in plan.reports}
    return {"tables": files, "steps": made, "reports": texts}, mine


def on_spark(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What Spark answers: its version, and of each report the rows, or why there are none."""
    subprocess.run(
        [PYTHON, Path(__file__).parent / "engine.py"],
        input=json.dumps(job).encode(),
        env={**os.environ, "PYSPARK_PYTHON": str(PYTHON), "SPARK_LOCAL_IP": "127.0.0.1"},
        check=True,
    )
    found: dict[str, Any] = json.loads((folder / "answers.json").read_text("utf-8"))
    return found


def told(report: str, mine: list[dict[str, Any]], theirs: Any) -> bool:
    """Whether both say the same; what differs is printed."""
    if isinstance(theirs, str):
        print(f"{report:15} Spark refused: {theirs}")
        return False
    one, other = plain(mine), plain(theirs)
    print(f"{report:15} {len(one):6} rows: {'the same' if one == other else 'NOT THE SAME'}")
    for row in [r for r in one if r not in other][:3]:
        print("  only DuckDB:", row)
    for row in [r for r in other if r not in one][:3]:
        print("  only Spark: ", row)
    return one == other


def plain(rows: list[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    """Rows in order, with numbers as numbers however an engine writes them.

    Numbers of labels and orders are left out: each engine gives its own, and the words beside
    them tell.
    """
    kept = ({k: v for k, v in row.items() if k not in {"label", "sale"}} for row in rows)
    return sorted(
        (sorted((k, None if v is None else str(v)) for k, v in row.items()) for row in kept),
        key=repr,
    )


if __name__ == "__main__":
    main()
