"""The short form of the drills in which time passes."""

import asyncio
from pathlib import Path

import pytest
from tests.drills.rigged_drills import DRILLS, play


@pytest.mark.parametrize("name", DRILLS)
def test_nothing_is_lost_doubled_invented_or_unexplained(name: str, tmp_path: Path) -> None:
    result = asyncio.run(play(name, tmp_path, DRILLS[name].short))
    print(f"{result.says}: {result.figures}, {result.verdict}")
    assert result.verdict.acked
    assert result.verdict.wrong == (0, 0, 0, 0), result.verdict
