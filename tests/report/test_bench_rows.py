"""The shops that benches make fit the tables that reports and the server read."""

from pathlib import Path

import pytest
from bench import attribution, large_shop

from tillpost.core.books import Wanted
from tillpost.report.rollup import RollUp
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database


def test_every_order_of_the_bench_is_credited(capsys: pytest.CaptureFixture[str]) -> None:
    engine = attribution.made(30)
    assert attribution.credited(engine, ("30",)) > 0
    assert "channels" in capsys.readouterr().out
    counted = engine.connection.execute("SELECT COUNT(*) FROM sales").fetchone()
    assert counted == (30,)


def test_a_roll_up_is_made_of_its_segments(tmp_path: Path) -> None:
    held = RollUp(attribution.segments(30, tmp_path), {"demo": "America/New_York"})
    ((sums,),) = held.connection.execute("SELECT COUNT(*) FROM tallied").fetchall()
    assert sums > 0


def test_an_order_of_the_large_shop_is_read_as_the_server_keeps_it(tmp_path: Path) -> None:
    large_shop.fill(tmp_path, 20, 100, 1_790_000_000)
    database = Database(tmp_path / "tillpost.db", "gateway")
    books = GatewayStore(database, AesSealer(b"k" * 32)).recall(Wanted(orders={("demo", "o1")}))
    database.close()
    (row,) = books.orders.values()
    assert (row.seen.order_id, row.seen.kind) == ("o1", "web")
