import os
import stat
from pathlib import Path

import pytest

from tillpost.serve.private import write_private
from tillpost.serve.seal import read_keys


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"k")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_start_that_was_cut_off_leaves_no_half_of_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        read_keys(tmp_path)
    monkeypatch.undo()
    assert len(read_keys(tmp_path).current) == 32
