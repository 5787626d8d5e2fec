"""Changing the key that seals what rests: every box is sealed anew, then old keys may go."""

import secrets
import sqlite3
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured
from tillpost.serve.commands.remote import settings_of
from tillpost.serve.configure import environment
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE
from tillpost.serve.seal import KEY_VARIABLE, AesSealer, Keys, key_file, read_keys, write_keys
from tillpost.store.lock import hold, running
from tillpost.store.sqlite import Database

_FILES = {GATEWAY_FILE: "gateway", RECEIVER_FILE: "receiver"}
_BOXES = (
    (GATEWAY_FILE, "journal", "sealed"),
    (GATEWAY_FILE, "bad_rows", "sealed"),
    (GATEWAY_FILE, "orders", "sealed"),
    (GATEWAY_FILE, "sightings", "sealed"),
    (GATEWAY_FILE, "events", "sealed"),
    (GATEWAY_FILE, "payloads", "sealed"),
    (GATEWAY_FILE, "privacy_requests", "answer"),
    (RECEIVER_FILE, "call", "box"),
)
"""Every column that holds sealed boxes."""


def rotate(config_file: Path | None, data: Path | None, *, new_key: bool) -> dict[str, Any]:
    """Seal every box under a new key (or the current one); `{"resealed": n, "keys": n}`.

    The oldest key stays, for the ids of orders come from it; those in between are removed
    once no box needs them. Should it end halfway, every key is still there: run it again.
    Raises `Misconfigured` while a server runs, and for a new key where the environment has it.
    """
    _, directory = settings_of(config_file, data)
    if running(directory) is not None:
        raise Misconfigured("a server runs on this directory: stop it, then change the key")
    from_environment = bool(environment().get(KEY_VARIABLE))
    if new_key and from_environment:
        raise Misconfigured(
            f"the key is in {KEY_VARIABLE}: put a new one before it, a comma between, and run "
            "`tillpost keys reseal`"
        )
    with hold(directory):
        keys = read_keys(directory, environment())
        path = key_file(directory, environment())
        if new_key:
            keys = Keys(secrets.token_bytes(32), (keys.current, *keys.older))
            write_keys(path, keys)
        resealed = _reseal(directory, AesSealer(*keys))
        if not from_environment:
            keys = Keys(keys.current, keys.older[-1:])
            write_keys(path, keys)
    return {"resealed": resealed, "keys": 1 + len(keys.older)}


def _reseal(directory: Path, sealer: AesSealer) -> int:
    """Seal every box anew; returns how many. What has no bytes is no box."""

    def anew(box: bytes) -> bytes:
        return sealer.seal(sealer.open(box)) if box else box

    return sum(
        _reseal_file(directory / name, schema, name, anew) for name, schema in _FILES.items()
    )


def _reseal_file(path: Path, schema: str, name: str, anew: Any) -> int:
    def work(connection: sqlite3.Connection) -> int:
        connection.create_function("anew", 1, anew)
        return sum(
            connection.execute(
                f"UPDATE {table} SET {column} = anew({column}) WHERE {column} IS NOT NULL"
            ).rowcount
            for file, table, column in _BOXES
            if file == name
        )

    if not path.exists():
        return 0
    database = Database(path, schema)
    try:
        return database.write_now(work)
    finally:
        database.close()
