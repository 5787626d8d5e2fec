"""Runs the report texts over a snapshot of the store's tables, in memory.

A report is a chain of named `.sql` texts, each of which makes one table that the next
may read. The engine is DuckDB; the texts keep to what Spark understands too. Tables are
held as a star: a touch points at a label, which holds all that reports group by.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from tillpost.core.channel import DIRECT, UNKNOWN
from tillpost.core.facts import (
    EXACT,
    KINDS,
    NUMBER,
    SEGMENTS,
    STALE,
    STALE_COLUMNS,
    TEXT,
    declared,
    merged,
)
from tillpost.core.sources import META, networks
from tillpost.ports import Rows
from tillpost.report.exchange import factors
from tillpost.report.query import Query, numbered
from tillpost.report.steps import LISTED, PAGE, statements, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

N, T = NUMBER, TEXT

STAR = {"id": N, "shop": T, "visitor_id": T, "at": N, "direct": N, "paid": N, "label": N}
"""A touch as reports read it: what it is reported under stands once for all, in `labels`."""

SCHEMA: dict[str, dict[str, str]] = {
    **{name: KINDS[name].columns for name in ("order_keys", "links", "refunds")},
    "orders": {**KINDS["orders"].columns, "seq": N},
    "touches": STAR,
    "spend": {
        "shop": T, "platform": T, "account_id": T, "day": T, "campaign_id": T, "campaign": T,
        "adset_id": T, "adset": T, "ad_id": T, "ad": T, "currency": T, "spend_minor": N,
        "impressions": N, "clicks": N, "claims_micro": N, "claims_minor": N,
    },
    "shops": {"shop": T, "currency": T},
    "rates": {"day": T, "currency": T, "quote": T, "rate": T},
    "conversions": {
        "event_id": T, "order_id": T, "campaign_id": T, "adset_id": T, "ad_id": T,
        "account_id": T, "campaign": T, "adset": T, "ad": T, "window": T, "value_minor": N,
        "currency": T, "at": N, "touch_at": N, "dataset_id": T, "shop": T, "seq": N,
    },
    "order_costs": {
        "shop": T, "order_id": T, "currency": T, "goods_minor": N, "pieces_unknown": N,
    },
    "cost_rules": {
        "shop": T, "goods_percent": T, "fees_percent": T, "fees_fixed": T, "shipping_fixed": T,
    },
    "senders": {"shop": T, "dataset_id": T},
    "matches": {"dataset_id": T, "order_id": T, "matched": N},
    "deliveries": {"shop": T, "order_id": T, "destination": T, "state": T, "reason": T},
    "sightings": {
        "dataset_id": T, "order_id": T, "browser_copies": N, "server_copies": N, "absorbed": N,
    },
    "shop_journeys": {
        "shop": T, "order_id": T, "source": T, "medium": T, "campaign": T, "visits": N,
    },
    "labels": {
        "label": N, "channel": T, "source": T, "medium": T, "campaign": T, "campaign_id": T,
        "adset_id": T, "ad_id": T,
    },
    "platform_channels": {"platform": T, "channel": T},
    "other_networks": {"source": T},
    "zones": {"shop": T, "since": N, "until": N, "seconds": N},
}  # fmt: skip
"""The tables that the texts read, and their columns."""

RENAMED = {"at": "moment", "window": "window_name", "returning": "is_returning"}
"""Columns whose names are words of SQL."""

LABEL = tuple(SCHEMA["labels"])[1:]
"""What makes a label, in the touches of a store."""

UNSEEN: tuple[tuple[Any, ...], ...] = (
    (0, UNKNOWN, None, None, None, None, None, None),
    (1, "Direct", *DIRECT, None, None, None, None),
)
"""The labels of orders without a touch: of nobody that was seen, and of somebody."""

_TYPES = {"returning": N, "moment": N}
"""Columns of `chosen` that are numbers."""

TOLD = "told"
"""Touches with their labels, before they are a star."""

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
    "CREATE MACRO div_whole(a, b) AS a // b",
    "CREATE MACRO mod_whole(a, b) AS a % b",
    (
        "CREATE MACRO month_of(t) AS CAST(year(make_timestamp(t * 1000000)) * 12"
        " + month(make_timestamp(t * 1000000)) - 1 AS BIGINT)"
    ),
    "CREATE MACRO day_of(t) AS strftime(make_timestamp(t * 1000000), '%Y-%m-%d')",
    "CREATE MACRO number_of(d) AS CAST(epoch(CAST(d AS DATE)) AS BIGINT) // 86400",
    (
        "CREATE MACRO exchanged(minor, factor) AS CASE WHEN factor IS NULL THEN minor ELSE"
        " CAST((CAST(minor AS HUGEINT) * 2 * factor + 1000000000000) // 2000000000000 AS BIGINT)"
        " END"
    ),
    # 2^31 times a weight of 2^32 fits 63 bits; wider arithmetic is ten times slower.
    (
        "CREATE MACRO part_of(total, weight, whole) AS CASE WHEN total < 2147483648"
        " THEN total * weight // whole"
        " ELSE CAST(CAST(total AS HUGEINT) * weight // whole AS BIGINT) END"
    ),
    (
        "CREATE MACRO lost_of(total, weight, whole) AS CASE WHEN total < 2147483648"
        " THEN total * weight % whole"
        " ELSE CAST(CAST(total AS HUGEINT) * weight % whole AS BIGINT) END"
    ),
)
"""Exact whole-number arithmetic, UTC days, and months since year 0: each engine's own words."""


MEMORY = "3GB"
"""What one engine may hold in memory; beyond it, tables lie in files of the system's own folder."""


def declared_as(name: str) -> str:
    """The columns of a table of `SCHEMA`, with their types, for the statement that makes it."""
    return declared({RENAMED.get(column, column): kind for column, kind in SCHEMA[name].items()})


class Engine:
    """An in-memory database of one snapshot; close it after use, or use it in `with`."""

    _create = "CREATE OR REPLACE"
    """How the tables of a step are made."""

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        """Load what the store's tables hold of `SCHEMA`; a table that is missing is empty."""
        self.connection = connected()
        self._load(tables)

    def _load(self, tables: Mapping[str, Rows]) -> None:
        for name in SCHEMA:
            self.connection.execute(f"CREATE TABLE {name} ({declared_as(name)})")
        self.append("platform_channels", PLATFORM_CHANNELS)
        self.append("other_networks", [(name,) for name in sorted(networks(but=META))])
        self.append("labels", UNSEEN)
        if SEGMENTS in tables:
            self._load_segments(tables)
        for name, rows in tables.items():
            if name in SCHEMA and not (SEGMENTS in tables and name in KINDS):
                self.append(name, self._shaped(name, rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory."""
        self.connection.close()

    def _load_segments(self, tables: Mapping[str, Rows]) -> None:
        """Load facts of which a part lies in files, at the snapshot that the rows are of."""
        run = self.connection.execute
        run(f"CREATE TABLE {STALE} ({declared(STALE_COLUMNS)})")
        self.append(STALE, tables[STALE][1])
        files: dict[str, list[str]] = {}
        for _, kind, file in tables[SEGMENTS][1]:
            files.setdefault(kind, []).append(file)
        for name in KINDS.keys() & tables.keys():
            wanted = columns_of(name)
            run(f"CREATE TEMP TABLE fresh_{name} ({declared(wanted)})")
            self.append(f"fresh_{name}", list(in_columns(tables[name], list(wanted))))
            self.take(name, facts_of(name, files.get(name, ())))
            run(f"DROP TABLE fresh_{name}")

    def take(self, name: str, query: str) -> None:
        """Add a kind of facts from a query, numbered or as a star where the schema says so."""
        for table, found in taken(name, query):
            made = f"INSERT INTO {table}" if table in SCHEMA else f"CREATE TEMP TABLE {table} AS"
            self.connection.execute(f"{made} {found}")
        self.connection.execute(f"DROP TABLE IF EXISTS {TOLD}")

    def _shaped(self, name: str, rows: Rows) -> list[tuple[Any, ...]]:
        """The rows in the order of the schema's columns, numbered or labelled where it says so."""
        if name == "touches":
            labels: dict[tuple[Any, ...], int] = {}
            shaped = list(_labelled(rows, labels))
            self.append("labels", [(number, *label) for label, number in labels.items()])
            return shaped
        columns = list(SCHEMA[name])
        if name == "orders":
            columns.remove("seq")
            numbered = enumerate(in_columns(rows, columns), 1)
            return [(*row, number) for number, row in numbered]
        return list(in_columns(rows, columns))

    def append(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows to a table."""
        if rows:
            appender = self.connection.appender(name)
            appender.append_rows(rows)
            appender.flush()

    def run(  # the last two widen the query
        self,
        steps: Iterable[str],
        report: str,
        query: Query,
        models: tuple[str, ...] = (),
        windows: tuple[str, ...] = (),
    ) -> list[dict[str, Any]]:
        """The rows of a report text after its steps, under this query.

        Touches are credited under `models` and within `windows`, or else under the query's.
        """
        self.ask(query.checked(), report, models or (query.model,), windows)
        told = self._text(report)
        for step in steps:
            if step == PAGE:
                self._list(query)
            else:
                self.make(step, models or (query.model,))
        cursor = self.connection.execute(told if PAGE in steps else _part(told, query))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _list(self, query: Query) -> None:
        """List the orders that are asked for; what comes of each is found for them alone.

        As a table it tells the engine how many they are: joins are planned by that.
        """
        told = _part(f"{text(LISTED)}ORDER BY o.moment, o.shop, o.order_id", query)
        self.connection.execute(f"{self._create} TABLE {LISTED} AS {told}")

    def _text(self, report: str) -> str:
        """The text that a report ends with."""
        return text(report)

    def make(self, step: str, models: Sequence[str]) -> None:
        """Make the tables of one step, instead of those of an earlier query."""
        for kind, name, query in statements(step, models):
            self.connection.execute(f"{self._create} {kind} {name} AS {query}")

    def ask(
        self, query: Query, report: str, models: Sequence[str], windows: Sequence[str] = ()
    ) -> None:
        """Fill the tables `params`, `models` and `windows`, which the texts read.

        Windows are those named, or else the query's own, numbered from the shortest.
        """
        self.connection.execute(
            f"{self._create} TABLE params AS SELECT $1::VARCHAR AS shop, $2::BIGINT AS start,"
            " $3::BIGINT AS stop, $4::VARCHAR AS first_day, $5::VARCHAR AS last_day,"
            " $6::VARCHAR AS refunds, $7::VARCHAR AS basis, $8::VARCHAR AS part,"
            " $9::BIGINT AS returning_only",
            [
                query.shop,
                query.period.start,
                query.period.stop,
                query.period.first_day,
                query.period.last_day,
                query.refunds,
                query.basis,
                "campaign" if report == "campaigns" else "channel",
                {"new": 0, "returning": 1}.get(query.buyers),
            ],
        )
        self.connection.execute(f"{self._create} TABLE models (model VARCHAR)")
        self.append("models", [(model,) for model in models])
        self.connection.execute(
            f"{self._create} TABLE windows (number INTEGER, window_name VARCHAR, seconds BIGINT)"
        )
        self.append("windows", numbered(windows or (query.window,)))
        self._exchange(query.currency)

    def choose(self, given: Mapping[str, Any]) -> None:
        """Fill the table `chosen`, which the texts of single orders read, with one row."""
        columns = {RENAMED.get(name, name): _TYPES.get(name, T) for name in given}
        self.connection.execute(f"{self._create} TABLE chosen ({declared(columns)})")
        self.append("chosen", [tuple(given.values())])

    def _exchange(self, currency: str | None) -> None:
        """Fill the tables `reported_in` (each shop's currency) and `exchange` (rates by day)."""
        run = self.connection.execute
        run(
            f"{self._create} TABLE reported_in AS"
            " SELECT shop, COALESCE($1::VARCHAR, currency) AS currency FROM shops",
            [currency],
        )
        run(
            f"{self._create} TABLE exchange (currency VARCHAR, into_currency VARCHAR,"
            " day VARCHAR, number BIGINT, factor BIGINT)"
        )
        needed = run(text("rates_needed")).fetchall()
        if needed:
            rates = run("SELECT day, currency, quote, rate FROM rates").fetchall()
            self.append("exchange", factors(rates, needed))


def _part(told: str, query: Query) -> str:
    """The query of a report, as far as its rows are asked for."""
    most = "" if query.limit is None else f"\nLIMIT {query.limit:d}"
    return told + most + (f"\nOFFSET {query.skip:d}" if query.skip else "")


def connected() -> "DuckDBPyConnection":
    """A new database in memory, with the words that the texts use."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute(EXACT)
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    # Where the system has no folder to write in, what does not fit into memory is an error.
    with suppress(FileNotFoundError):
        connection.execute("SET temp_directory = $1", [tempfile.gettempdir()])
    for macro in MACROS:
        connection.execute(macro)
    return connection


def columns_of(name: str) -> dict[str, str]:
    """The columns of a kind of facts that reports read, in the order in which they are kept."""
    columns = (*STAR, *LABEL) if name == "touches" else tuple(KINDS[name].columns)
    return {column: of for column, of in KINDS[name].columns.items() if column in columns}


def facts_of(name: str, files: Sequence[str]) -> str:
    """The query of a kind's facts: those of its segments' files, and the table `fresh_<name>`."""
    wanted = columns_of(name)
    listed = ", ".join(f'"{column}"' for column in wanted)
    fresh = f"SELECT {listed} FROM fresh_{name}"
    return f"{merged(name, files, wanted)} UNION ALL {fresh}" if files else fresh


def taken(name: str, query: str) -> Iterator[tuple[str, str]]:
    """What facts of this kind add to which tables: orders numbered, touches as a star.

    Numbers and labels go on from those that are there. Columns stand in the order of `SCHEMA`;
    `TOLD` is a table that the next ones read.
    """
    if name == "orders":
        before = f"(SELECT COALESCE(MAX(seq), 0) FROM {name})"
        yield name, f"SELECT o.*, ROW_NUMBER() OVER () + {before} FROM ({query}) o"
    elif name == "touches":
        label = ", ".join(LABEL)
        same = " AND ".join(f"b.{c} IS NOT DISTINCT FROM t.{c}" for c in LABEL)
        facts = ", ".join(f't."{c}"' for c in STAR if c != "label")
        known = f"SELECT {label} FROM labels WHERE label >= {len(UNSEEN)}"
        new = f"SELECT {label} FROM {TOLD} EXCEPT {known}"
        last = "(SELECT MAX(label) FROM labels)"
        first = f"b.label >= {len(UNSEEN)}"
        yield TOLD, query
        yield "labels", f"SELECT ROW_NUMBER() OVER () + {last}, d.* FROM ({new}) d"
        yield name, f"SELECT {facts}, b.label FROM {TOLD} t JOIN labels b ON {first} AND {same}"
    else:
        yield name, query


class Held(dict[str, Rows]):
    """Tables that an engine holds already, so that a report need not load them."""

    def __init__(self, engine: Engine, beside: Mapping[str, Rows] | None = None) -> None:
        super().__init__(beside or {})
        self.engine = engine


def opened(tables: Mapping[str, Rows]) -> Engine:
    """An engine with these tables: the one that holds them, or else a new one."""
    return tables.engine if isinstance(tables, Held) else Engine(tables)


def in_columns(rows: Rows, wanted: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows with these columns in this order; None for a column that is not there."""
    given, values = rows
    if list(wanted) == given[: len(wanted)] and len(wanted) == len(given):
        yield from values
        return
    places = [given.index(c) if c in given else None for c in wanted]
    for row in values:
        yield tuple(None if i is None else row[i] for i in places)


def _labelled(rows: Rows, labels: dict[tuple[Any, ...], int]) -> Iterator[tuple[Any, ...]]:
    """Touches with the number of their label instead of it; new labels are added."""
    facts = list(SCHEMA["touches"])[:-1]
    for row in in_columns(rows, (*facts, *LABEL)):
        label = row[len(facts) :]
        yield (*row[: len(facts)], labels.setdefault(label, len(labels) + len(UNSEEN)))
