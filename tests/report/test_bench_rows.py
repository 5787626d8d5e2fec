"""The shop that `bench.attribution` makes fits the tables that reports read."""

from pathlib import Path

import pytest
from bench import attribution

from tillpost.report.rollup import RollUp


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
