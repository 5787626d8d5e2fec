"""The short form of the drills on a server process; `make drills` runs the full one."""

import os
from pathlib import Path

import pytest
from tests.drills.catalog import DRILLS, run


@pytest.mark.slow
@pytest.mark.parametrize("name", DRILLS)
def test_nothing_is_lost_doubled_invented_or_unexplained(name: str, tmp_path: Path) -> None:
    missing = DRILLS[name].needs()
    if missing is not None:
        assert not os.environ.get("TILLPOST_ALL"), missing
        pytest.skip(missing)
    result = run(name, tmp_path, DRILLS[name].short)
    print(f"{result.says}: {result.figures}, {result.verdict}")
    assert result.verdict.acked, "nothing was acknowledged: the drill proves nothing"
    assert result.verdict.wrong == (0, 0, 0, 0), result.verdict
