"""A backup is made while the server writes, and a restored directory tells the same."""

import json
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.live import Live
from tests.orders import order

from tillpost.core.outcome import Misconfigured
from tillpost.serve.commands import backups

NOW = 1_780_000_000.0


@pytest.fixture
def sold(server: Live) -> Live:
    assert server.webhook(order(1)).status == 200
    server.purchase(str(order(1)["id"]))
    return server


def _ledger(live: Live) -> Any:
    return live.get("/api/v1/ledger")["destinations"]


def test_what_was_sold_comes_back(
    sold: Live, tmp_path: Path, start_server: Callable[..., Live]
) -> None:
    before = _ledger(sold)
    made = backups.back_up(sold.data, tmp_path / "b.tar.gz", NOW, with_key=True)
    assert {"tillpost.db", "receiver.db", "key", "dev-secrets.json"} <= made.files.keys()
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    assert sold.webhook(order(2)).status == 200
    backups.restore(tmp_path / "b.tar.gz", tmp_path / "again")
    again = start_server(data=tmp_path / "again")
    assert _ledger(again) == before
    assert again.secrets == sold.secrets
    for name in ("key", "dev-secrets.json"):
        assert stat.S_IMODE((tmp_path / "again" / name).stat().st_mode) == 0o600


def test_every_order_that_was_acknowledged_before_it_is_in_it(server: Live, tmp_path: Path) -> None:
    for number in range(1, 31):
        assert server.webhook(order(number)).status == 200
        if number % 10 == 0:
            target = tmp_path / f"{number}.tar.gz"
            backups.back_up(server.data, target, NOW, with_key=True)
            backups.restore(target, tmp_path / str(number))
            with closing(sqlite3.connect(tmp_path / str(number) / "tillpost.db")) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (kept,) = database.execute("SELECT COUNT(*) FROM journal").fetchone()
            assert kept >= number


def test_the_key_is_no_part_of_it_and_must_be_the_same(sold: Live, tmp_path: Path) -> None:
    made = backups.back_up(sold.data, tmp_path / "b.tar.gz", NOW)
    assert not {"key", "dev-secrets.json"} & made.files.keys()
    with pytest.raises(Misconfigured, match=f"has no key.*{made.key}"):
        backups.restore(tmp_path / "b.tar.gz", tmp_path / "bare")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/key").write_bytes(bytes(32))
    with pytest.raises(Misconfigured, match="has another key"):
        backups.restore(tmp_path / "b.tar.gz", tmp_path / "other")
    (tmp_path / "same").mkdir()
    shutil.copy(sold.data / "key", tmp_path / "same/key")
    backups.restore(tmp_path / "b.tar.gz", tmp_path / "same")
    assert (tmp_path / "same/tillpost.db").is_file()
    assert not list((tmp_path / "bare").glob("*.db"))


def test_a_directory_in_use_or_full_is_left_alone(sold: Live, tmp_path: Path) -> None:
    backups.back_up(sold.data, tmp_path / "b.tar.gz", NOW, with_key=True)
    with pytest.raises(Misconfigured, match="in use"):
        backups.restore(tmp_path / "b.tar.gz", sold.data)
    backups.restore(tmp_path / "b.tar.gz", tmp_path / "again")
    with pytest.raises(Misconfigured, match="empty directory"):
        backups.restore(tmp_path / "b.tar.gz", tmp_path / "again")


def test_a_damaged_backup_restores_nothing(sold: Live, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    backups.back_up(sold.data, target, NOW, with_key=True)
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    odd = _repacked(target, tmp_path / "odd.tar.gz", "receiver.db", b"SQLite format 3\0")
    for wrong in (cut, odd, tmp_path / "none", Path(__file__)):
        with pytest.raises(Misconfigured):
            backups.restore(wrong, tmp_path / "x")
    assert not list((tmp_path / "x").glob("*.db"))


def test_a_name_that_leads_elsewhere_is_refused(sold: Live, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    backups.back_up(sold.data, target, NOW, with_key=True)
    with tarfile.open(target) as tar:
        file = tar.extractfile(backups.MANIFEST)
        assert file is not None
        told = json.load(file)
    told["files"]["../escaped"] = "0" * 64
    wrong = _repacked(target, tmp_path / "w.tar.gz", backups.MANIFEST, json.dumps(told).encode())
    with pytest.raises(Misconfigured, match="escaped"):
        backups.restore(wrong, tmp_path / "x")
    assert not (tmp_path / "escaped").exists()


def _repacked(source: Path, target: Path, name: str, body: bytes) -> Path:
    """The backup with the body of one file replaced."""
    folder = target.with_suffix(".d")
    with tarfile.open(source) as tar:
        tar.extractall(folder, filter="data")
    (folder / name).write_bytes(body)
    with tarfile.open(target, "w:gz") as tar:
        for path in folder.iterdir():
            tar.add(path, path.name)
    return target
