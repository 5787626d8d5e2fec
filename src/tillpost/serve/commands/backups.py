"""One file with all of a data directory, made while the server runs, and put back from it.

The gateway's database is copied before the others: what it has not sent yet at that moment
goes again after a restore, under the same ids, and is dropped as the double it is. The other
way round the platform's side would lack what the gateway believes to be delivered.

The key that seals what rests on disk, and that event ids are made with, is no part of it
unless it is asked for: only its fingerprint is.
"""

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.serve.commands import schemas
from tillpost.serve.development import FILE as SECRETS_FILE
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.private import write_private
from tillpost.serve.rounds.rolling import FOLDER as ROLLUP_FOLDER
from tillpost.serve.seal import KEY_FILE, parse_keys, read_keys
from tillpost.store import queries
from tillpost.store.lock import hold
from tillpost.store.sqlite import version_of

MANIFEST = "manifest.json"
PRIVATE = (KEY_FILE, SECRETS_FILE)
"""What is put in only when it is asked for."""


class Manifest(Struct, frozen=True):
    """What a backup says of itself."""

    made_at: str
    key: str
    """Fingerprint of the sealing key."""
    files: dict[str, str]
    """Name -> SHA-256 of what it holds."""


def fingerprint(key: bytes) -> str:
    """What tells two keys apart and gives neither away."""
    return hashlib.sha256(b"tillpost key " + key).hexdigest()[:16]


def back_up(directory: Path, target: Path, now: float, *, with_key: bool = False) -> Manifest:
    """Write the backup, whole or not at all; raises `Misconfigured` if it cannot be."""
    if not (directory / GATEWAY_FILE).is_file():
        raise Misconfigured(f"there is no {GATEWAY_FILE} in {directory}: name it with --data")
    key = fingerprint(read_keys(directory).current)
    try:
        with tempfile.TemporaryDirectory(prefix=".tillpost-", dir=target.parent) as made:
            folder = Path(made)
            _copy(directory, folder, with_key=with_key)
            names = sorted(path.name for path in folder.iterdir())
            manifest = Manifest(iso(now), key, {name: _sha256(folder / name) for name in names})
            (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
            draft = folder / "draft"
            _pack(folder, [MANIFEST, *names], draft)
            draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise Misconfigured(f"cannot write {target} ({why}): name another file") from None
    return manifest


def restore(source: Path, directory: Path) -> Manifest:
    """Put a backup into a directory that has no databases yet.

    Raises `Misconfigured` for a file that is damaged or not ours, for a directory in use,
    and if the key that belongs to it is neither in the backup nor in the directory.
    """
    with _opened(source) as tar, hold(directory):
        manifest = _manifest(tar, source)
        there = sorted(path.name for path in directory.glob("*.db"))
        if there:
            raise Misconfigured(
                f"{directory} has {', '.join(there)}: restore into an empty directory (--data)"
            )
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=directory) as made:
            folder = Path(made)
            for name, wanted in manifest.files.items():
                _unpack(tar, name, folder / name, wanted, source)
            _check_key(folder, directory, manifest)
            for file, schema in schemas.FILES.items():
                if file in manifest.files:
                    version_of(folder / file, schema)
            shutil.rmtree(directory / ROLLUP_FOLDER, ignore_errors=True)
            _put(folder, manifest, directory)
    return manifest


def _copy(directory: Path, folder: Path, *, with_key: bool) -> None:
    first = directory / GATEWAY_FILE
    others = sorted(path for path in directory.glob("*.db") if path != first)
    for path in (first, *others):
        _copy_database(path, folder / path.name)
    for name in _segments(folder / GATEWAY_FILE):
        shutil.copyfile(directory / name, folder / name)
    for name in PRIVATE if with_key else ():
        if (directory / name).is_file():
            shutil.copyfile(directory / name, folder / name)


def _copy_database(source: Path, target: Path) -> None:
    """One snapshot of a database; whoever writes to it goes on."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)


def _segments(gateway: Path) -> list[str]:
    """The files that this copy lists; the server keeps them for a minute after it drops them."""
    with closing(sqlite3.connect(gateway)) as database:
        try:
            rows = database.execute(queries.load("segments")["manifest"]).fetchall()
        except sqlite3.OperationalError:  # a schema from before there were any
            return []
    return [Path(file).name for _, _, file in rows]


def _pack(folder: Path, names: list[str], draft: Path) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
            for name in names:
                tar.add(folder / name, name)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source) as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error):
        raise Misconfigured(f"{source} is no backup, or damaged: take another") from None
    except FileNotFoundError:
        raise Misconfigured(f"there is no {source}: name a file that `backup` made") from None


def _manifest(tar: tarfile.TarFile, source: Path) -> Manifest:
    try:
        file = tar.extractfile(MANIFEST)
        return msgspec.json.decode(file.read() if file else b"", type=Manifest)
    except (KeyError, msgspec.MsgspecError):
        raise Misconfigured(f"{source} is no backup of ours: name one that `backup` made") from None


def _unpack(tar: tarfile.TarFile, name: str, target: Path, wanted: str, source: Path) -> None:
    """Write one file of the backup, if it is plain and still what it was."""
    entry = tar.extractfile(name) if name == Path(name).name and name in tar.getnames() else None
    if entry is not None:
        with target.open("wb") as file:
            shutil.copyfileobj(entry, file)
    if entry is None or _sha256(target) != wanted:
        raise Misconfigured(f"{source}: {name} is damaged: take another backup")


def _check_key(folder: Path, directory: Path, manifest: Manifest) -> None:
    """The key must be the one: another would make new ids for sales that were sent."""
    place = next((f / KEY_FILE for f in (folder, directory) if (f / KEY_FILE).is_file()), None)
    keys = parse_keys(place.read_bytes(), str(place)) if place else None
    held = {fingerprint(key) for key in (keys.current, *keys.older)} if keys else set()
    if manifest.key not in held:
        has = "has another key" if place else "has no key"
        raise Misconfigured(
            f"{directory} {has}: put the one with the fingerprint {manifest.key} "
            f"at {directory / KEY_FILE}, or restore a backup made --with-key"
        )


def _put(folder: Path, manifest: Manifest, directory: Path) -> None:
    for name in manifest.files:
        if name in PRIVATE:
            write_private(directory / name, (folder / name).read_bytes())
        else:
            (folder / name).replace(directory / name)
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
