"""Runs the report texts over a snapshot of the store's tables, in memory.

A report is a chain of named `.sql` texts, each of which makes one table that the next
may read. The engine is DuckDB; the texts keep to what Spark understands too.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Self

from tillpost.ports import Rows
from tillpost.report.query import Query

N, T = "BIGINT", "VARCHAR"

SCHEMA: dict[str, dict[str, str]] = {
    "orders": {
        "shop": T, "order_id": T, "name": T, "at": N, "kind": T, "eligible": N, "reason": T,
        "value_minor": N, "currency": T, "checkout_token": T, "customer_id": T, "returning": N,
        "cancelled_at": N, "refunded_minor": N, "browser": N, "server": N,
        "presentment_minor": N, "presentment_currency": T,
    },
    "order_keys": {"shop": T, "order_id": T, "kind": T, "value": T},
    "links": {"shop": T, "kind": T, "value": T, "visitor_id": T, "at": N},
    "touches": {
        "id": N, "shop": T, "visitor_id": T, "at": N, "source": T, "medium": T, "campaign": T,
        "term": T, "content": T, "campaign_id": T, "adset_id": T, "ad_id": T, "channel": T,
        "direct": N, "paid": N, "click_kind": T, "click_id": T, "referrer_host": T,
        "landing_path": T, "rules": N,
    },
    "refunds": {
        "shop": T, "refund_id": T, "order_id": T, "at": N, "amount_minor": N, "currency": T,
    },
    "spend": {
        "shop": T, "platform": T, "account_id": T, "day": T, "campaign_id": T, "campaign": T,
        "adset_id": T, "adset": T, "ad_id": T, "ad": T, "currency": T, "spend_minor": N,
        "impressions": N, "clicks": N,
    },
    "conversions": {
        "event_id": T, "order_id": T, "campaign_id": T, "adset_id": T, "ad_id": T,
        "account_id": T, "campaign": T, "adset": T, "ad": T, "window": T, "value_minor": N,
        "currency": T, "at": N, "touch_at": N,
    },
    "matches": {"order_id": T, "matched": N},
}  # fmt: skip
"""The tables a report may read, and of each the columns; others of the store are left there."""

RENAMED = {"at": "moment", "window": "window_name", "returning": "is_returning"}
"""Columns whose names are words of SQL."""

PLATFORM_CHANNELS: tuple[tuple[str, str], ...] = (
    ("meta", "Paid Social"),
    ("facebook", "Paid Social"),
    ("tiktok", "Paid Social"),
    ("pinterest", "Paid Social"),
    ("snapchat", "Paid Social"),
    ("linkedin", "Paid Social"),
    ("reddit", "Paid Social"),
    ("x", "Paid Social"),
    ("google", "Paid Search"),
    ("bing", "Paid Search"),
    ("microsoft", "Paid Search"),
    ("youtube", "Paid Video"),
    ("criteo", "Display"),
)
"""Where a platform's spend belongs as long as none of its campaigns has brought anyone."""

MACROS = (
    "CREATE MACRO wide(x) AS CAST(x AS HUGEINT)",
    "CREATE MACRO div_whole(a, b) AS a // b",
    "CREATE MACRO mod_whole(a, b) AS a % b",
)
"""Exact whole-number arithmetic, which every engine spells its own way."""

ATTRIBUTION = ("sales", "order_visitors", "journeys", "credits")
"""The texts that credit touches, in order."""

SPENDING = ("campaign_names", "expenses")


@cache
def text(name: str) -> str:
    """The SQL of one step; names are those of the files under `report/sql`."""
    return (files("tillpost.report") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Engine:
    """An in-memory database of one snapshot; close it after use, or use it in `with`."""

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        """Load the tables of `SCHEMA` that are given; the others are empty."""
        import duckdb

        self._conn = duckdb.connect(":memory:")
        for macro in MACROS:
            self._conn.execute(macro)
        for name, columns in SCHEMA.items():
            self._load(name, columns, tables.get(name, ([], [])))
        self._conn.execute("CREATE TABLE platform_channels (platform VARCHAR, channel VARCHAR)")
        self._append("platform_channels", PLATFORM_CHANNELS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory."""
        self._conn.close()

    def _load(self, name: str, columns: Mapping[str, str], rows: Rows) -> None:
        declared = ", ".join(f"{RENAMED.get(c, c)} {kind}" for c, kind in columns.items())
        self._conn.execute(f"CREATE TABLE {name} ({declared})")
        given, values = rows
        places = [given.index(c) if c in given else None for c in columns]
        if places == list(range(len(given))):
            self._append(name, values)
        else:
            self._append(
                name, [tuple(None if i is None else row[i] for i in places) for row in values]
            )

    def _append(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            appender = self._conn.appender(name)
            appender.append_rows(rows)
            appender.flush()

    def run(self, steps: Iterable[str], report: str, query: Query) -> list[dict[str, Any]]:
        """The rows of a report text after its steps, under this query."""
        self._conn.execute(
            "CREATE OR REPLACE TABLE params AS SELECT $1::VARCHAR AS shop, $2::BIGINT AS start,"
            " $3::BIGINT AS stop, $4::VARCHAR AS first_day, $5::VARCHAR AS last_day,"
            " $6::VARCHAR AS model, $7::BIGINT AS window_seconds, $8::VARCHAR AS refunds,"
            " $9::VARCHAR AS label",
            [
                query.shop,
                query.period.start,
                query.period.stop,
                query.period.first_day,
                query.period.last_day,
                query.checked().model,
                query.window_seconds(),
                query.refunds,
                "campaign" if report == "campaigns" else "channel",
            ],
        )
        for step in steps:
            self._conn.execute(f"CREATE OR REPLACE TABLE {step} AS {text(step)}")
        cursor = self._conn.execute(text(report))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
