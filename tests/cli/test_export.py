"""`tillpost export` writes what the database says, beside segments or without."""

import csv
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tillpost.cli.export import export
from tillpost.core.books import RefundRow
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.segments import SegmentWriter
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW, SHOP


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one order in a segment and one beside it."""
    folder = tmp_path / "data"
    Database(folder / "receiver.db", "receiver").close()
    database = Database(folder / "tillpost.db", "gateway")
    store = GatewayStore(database, AesSealer(b"k" * 32))
    store.commit(make.changes(orders=[make.order_row(make.order(order_id="1"))]))
    SegmentWriter(database, lambda: 0.0).write(whole=False)
    refund = RefundRow(SHOP, "r1", "2", NOW, 150, "USD")
    rows = [make.order_row(make.order(order_id="2"))]
    store.commit(make.changes(orders=rows, refunds=[refund]))
    store.add_spend([make.spend_row(spend_minor=700)])
    database.close()
    return folder


@pytest.mark.parametrize("style", ["parquet", "csv", "jsonl"])
def test_facts_are_written_as_files(data: Path, tmp_path: Path, style: str) -> None:
    out = tmp_path / "out"
    told = CliRunner().invoke(export, [str(out), f"--data={data}", f"--format={style}", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["rows"] == {"orders": 2, "refunds": 1, "touches": 0, "spend": 1}
    file = out / f"orders.{style}"
    if style == "csv":
        rows = list(csv.DictReader(file.read_text().splitlines()))
    elif style == "jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    else:
        with duckdb.connect(":memory:") as engine:
            found = engine.execute(f"SELECT order_id, value_minor FROM '{file}'").fetchall()
        rows = [{"order_id": order, "value_minor": minor} for order, minor in found]
    told_rows = sorted((row["order_id"], int(row["value_minor"])) for row in rows)
    assert told_rows == [("1", 4200), ("2", 4200)]
    assert "checkout_token" not in rows[0]
    with duckdb.connect(":memory:") as engine:
        assert "700" in str(engine.execute(f"FROM '{out}/spend.{style}'").fetchall())


def test_a_folder_that_cannot_be_made_is_told(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = CliRunner().invoke(export, [str(tmp_path / "file" / "x"), f"--data={data}"])
    assert told.exit_code != 0
