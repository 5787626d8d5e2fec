"""Every build that is broken on purpose is seen by its drill."""

import os
from pathlib import Path

import pytest
from tests.drills.mutants import MUTANTS, judged, missing


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_build_is_caught(name: str, tmp_path: Path) -> None:
    why = missing(name)
    if why is not None:
        assert not os.environ.get("TILLPOST_ALL"), why
        pytest.skip(why)
    verdict = judged(name, tmp_path)
    print(f"{MUTANTS[name].says}: {verdict}")
    assert verdict.wrong != (0, 0, 0, 0), f"{MUTANTS[name].says}: nobody noticed"
