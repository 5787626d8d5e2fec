"""Runs reports on Spark: JSON on standard input names Parquet files and texts; rows come out.

This file runs in Spark's own environment and imports nothing of Tillpost.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import SparkSession

FUNCTIONS = (
    ("div_whole", "a BIGINT, b BIGINT", "BIGINT", "a div b"),
    ("mod_whole", "a BIGINT, b BIGINT", "BIGINT", "a % b"),
    (
        "month_of",
        "t BIGINT",
        "BIGINT",
        "CAST(year(timestamp_seconds(t)) * 12 + month(timestamp_seconds(t)) - 1 AS BIGINT)",
    ),
    ("day_of", "t BIGINT", "STRING", "date_format(timestamp_seconds(t), 'yyyy-MM-dd')"),
    ("number_of", "d STRING", "BIGINT", "CAST(unix_date(CAST(d AS DATE)) AS BIGINT)"),
    (
        "exchanged",
        "minor BIGINT, factor BIGINT",
        "BIGINT",
        (
            "CASE WHEN factor IS NULL THEN minor ELSE CAST(floor((CAST(minor AS DECIMAL(20, 0)) * 2"
            " * factor + 1000000000000) / 2000000000000) AS BIGINT) END"
        ),
    ),
    (
        "part_of",
        "total BIGINT, weight BIGINT, whole BIGINT",
        "BIGINT",
        (
            "CASE WHEN total < 2147483648 THEN total * weight div whole ELSE"
            " CAST(CAST(total AS DECIMAL(20, 0)) * weight div whole AS BIGINT) END"
        ),
    ),
    (
        "lost_of",
        "total BIGINT, weight BIGINT, whole BIGINT",
        "BIGINT",
        (
            "CASE WHEN total < 2147483648 THEN total * weight % whole ELSE"
            " CAST(CAST(total AS DECIMAL(20, 0)) * weight % whole AS BIGINT) END"
        ),
    ),
)
"""The words that each engine has its own of, as `report.engine.MACROS` has DuckDB's."""

SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


SAID_OTHERWISE = (
    (r"OVER \(\)", "OVER (ORDER BY NULL)"),
    (r"STRING_AGG\((.+) ORDER BY (.+)\) AS", r"LISTAGG(\1) WITHIN GROUP (ORDER BY \2) AS"),
)
"""What Spark says otherwise than the texts do; all else is taken as it stands."""


def spoken(text: str) -> str:
    """A text as Spark takes it."""
    for pattern, word in SAID_OTHERWISE:
        text = re.sub(pattern, word, text)
    return text


def keep(spark: Any, name: str, made: Any) -> None:
    """Write a table as Parquet and make it a view, so that plans do not grow with each step."""
    path = f"{spark.conf.get('spark.sql.warehouse.dir')}/{name}-{uuid4()}"
    made.write.parquet(path)
    spark.read.parquet(path).createOrReplaceTempView(name)


def read(spark: Any, tables: dict[str, list[str]]) -> None:
    """Make views of Parquet files by name."""
    for name, files in tables.items():
        spark.read.parquet(*files).createOrReplaceTempView(name)


def load(spark: Any, loads: list[tuple[str, list[str], str]]) -> None:
    """Add the facts of the segments, and what is fresh, to the tables that reports read."""
    for table, columns, query in loads:
        made = spark.sql(spoken(query))
        if columns:
            made = made.toDF(*columns)
        if spark.catalog.tableExists(table):
            made = spark.table(table).union(made)
        keep(spark, table, made)


def run(spark: Any, plan: Any) -> dict[str, Any]:
    """Rows by report of one question: its parameters are read, its steps made one by one."""
    read(spark, plan["tables"])
    for name, query in plan["steps"].items():
        keep(spark, name, spark.sql(spoken(query)))
    return {report: rows(spark, text) for report, text in plan["reports"].items()}


def rows(spark: Any, text: str) -> Any:
    """The rows of a report, or why there are none: each report is judged by itself."""
    try:
        return [row.asDict() for row in spark.sql(spoken(text)).collect()]
    except Exception as error:  # noqa: BLE001  # of many kinds, which the report's reader tells
        return str(error)[:1500]


def main() -> None:
    given = json.load(sys.stdin)
    builder = SparkSession.builder.master(given["master"])
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.config("spark.sql.warehouse.dir", given["folder"]).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    for name, parameters, kind, body in FUNCTIONS:
        spark.sql(f"CREATE TEMPORARY FUNCTION {name}({parameters}) RETURNS {kind} RETURN {body}")
    read(spark, given["tables"])
    load(spark, given["loads"])
    answers = [run(spark, plan) for plan in given["plans"]]
    told = {"version": spark.version, "answers": answers}
    spark.stop()
    (Path(given["folder"]) / "answers.json").write_text(json.dumps(told, default=str), "utf-8")


main()
