"""The sealing key: where it comes from, and changing it."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tillpost.cli.keys import keys as command
from tillpost.core.books import BadRow
from tillpost.core.outcome import Misconfigured, Outcome, State
from tillpost.serve import development
from tillpost.serve.commands.resealing import _BOXES, _FILES
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.seal import AesSealer, Keys, key_file, read_keys, write_keys
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.letters_sqlite import LetterStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, IP, NOW

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))


def _text(*found: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in found)


def test_a_directory_makes_its_own_key_once(tmp_path: Path) -> None:
    made = read_keys(tmp_path, {})
    assert read_keys(tmp_path, {}) == made
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert made.root == made.current


def test_the_environment_gives_keys_or_their_file(tmp_path: Path) -> None:
    assert read_keys(tmp_path, {"TILLPOST_KEY": _text(TWO, ONE)}) == Keys(TWO, (ONE,))
    write_keys(tmp_path / "elsewhere", Keys(THREE, (TWO, ONE)))
    given = {"TILLPOST_KEY_FILE": str(tmp_path / "elsewhere")}
    assert read_keys(tmp_path, given).root == ONE
    assert key_file(tmp_path, given) == tmp_path / "elsewhere"
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("text", ["short", _text(ONE[:31]), "*" * 44, _text(ONE) + ",x"])
def test_a_damaged_key_is_told_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured) as told:
        read_keys(tmp_path, {"TILLPOST_KEY": text})
    assert text not in str(told.value)
    assert "TILLPOST_KEY" in str(told.value)
    with pytest.raises(Misconfigured, match="cannot read"):
        read_keys(tmp_path, {"TILLPOST_KEY_FILE": str(tmp_path / "nowhere")})


def test_older_keys_open_and_never_seal() -> None:
    old, new = AesSealer(ONE), AesSealer(TWO, (ONE,))
    assert new.open(old.seal(b"x")) == b"x"
    with pytest.raises(Misconfigured):
        old.open(new.seal(b"x"))
    assert "\\x01" not in repr(Keys(ONE))


async def _fill(directory: Path, sealer: AesSealer) -> None:
    database = Database(directory / GATEWAY_FILE, "gateway")
    store = GatewayStore(database, sealer)
    store.commit(make.outgoing(3))
    await store.keep_bad(BadRow("demo", "shopify", NOW, "r", "f", "d", sealer.seal(b"body")))
    await store.append([make.entry(make.order())])
    items = store.lease(DESTINATION, NOW + 9.0, 9, 60.0)
    built = [type(item)(item.delivery, item.lease_until, b'{"a":1}') for item in items]
    store.settle([(item, Outcome(State.DEAD, "refused")) for item in built], NOW + 9.0)
    database.close()


def test_every_box_is_sealed_anew_and_the_ids_of_orders_stay(tmp_path: Path) -> None:
    development.read_secrets(tmp_path)
    before = read_keys(tmp_path, {})
    asyncio.run(_fill(tmp_path, AesSealer(*before)))
    for turn in range(2):
        told = CliRunner().invoke(command, ["rotate", "--data", str(tmp_path), "--json"])
        assert json.loads(told.stdout) == {"resealed": 8, "keys": 2}, turn
    after = read_keys(tmp_path, {})
    assert after.root == before.root
    assert after.current not in {before.current, before.root}
    database = Database(tmp_path / GATEWAY_FILE, "gateway", readonly=True)
    sealer = AesSealer(after.current)
    events = LetterStore(database, sealer).events([1, 2, 3])
    assert {event and event.device.client_ip_address for event in events.values()} == {IP}
    assert set(LetterStore(database, sealer).payloads([1, 2, 3]).values()) == {b'{"a":1}'}
    database.close()


def test_every_sealed_column_is_known(tmp_path: Path) -> None:
    found = set()
    for file, schema in _FILES.items():
        database = Database(tmp_path / file, schema)
        with database.reader() as conn:
            for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                columns = conn.execute(f"PRAGMA table_info({table})").fetchall()
                found |= {
                    (file, table, name)
                    for _, name, kind, *_ in columns
                    if kind == "BLOB" and name in {"sealed", "box", "answer"}
                }
        database.close()
    assert found == set(_BOXES)


def test_a_key_of_the_environment_is_changed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    development.read_secrets(tmp_path)
    asyncio.run(_fill(tmp_path, AesSealer(ONE)))
    monkeypatch.setenv("TILLPOST_KEY", _text(ONE))
    refused = CliRunner().invoke(command, ["rotate", "--data", str(tmp_path)])
    assert isinstance(refused.exception, Misconfigured)
    monkeypatch.setenv("TILLPOST_KEY", _text(TWO, ONE))
    told = CliRunner().invoke(command, ["reseal", "--data", str(tmp_path)])
    assert told.stdout == "8 boxes sealed anew; 2 keys are left\n"
