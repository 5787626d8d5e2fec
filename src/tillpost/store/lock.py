"""One server a data directory: a lock that dies with its process, and a note of who holds it."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured

LOCK_FILE = "lock"
NOTE_FILE = "server.json"


def make(directory: Path) -> None:
    """Make a data directory, its owner's alone; raises `Misconfigured` if it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {directory} ({error.strerror}): choose another directory with --data"
        ) from None


@contextmanager
def hold(
    directory: Path, url: str | None = None, config_file: Path | None = None
) -> Iterator[None]:
    """Hold the directory; raises `Misconfigured` if another process does or it cannot be written.

    With a `url` the directory says where its server is, so that commands can reach it, and
    which settings it reads.
    """
    make(directory)
    handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            where = running(directory) or "another process"
            raise Misconfigured(
                f"{directory} is in use by {where}: stop it, or choose another with --data"
            ) from None
        if url is not None:
            note = {"url": url, "pid": os.getpid(), "config": _absolute(config_file)}
            (directory / NOTE_FILE).write_text(json.dumps(note), "utf-8")
        yield
    finally:
        if url is not None:
            with suppress(OSError):
                (directory / NOTE_FILE).unlink()
        os.close(handle)


def server_of(directory: Path) -> str:
    """The address of the server that works on this directory; `Misconfigured` if none does."""
    url = running(directory)
    if url is None:
        raise Misconfigured(f"no server runs on {directory}: start `tillpost serve` first")
    return url


def running(directory: Path) -> str | None:
    """The address of the server that says it works on this directory, if one does."""
    note = _note(directory)
    return None if note is None else str(note["url"])


def tell_to_read_again(directory: Path, config_file: Path) -> str | None:
    """Have the server of this directory read these settings again: its address.

    None if none runs, if it has other settings, or if it is another user's.
    """
    note = _note(directory)
    if note is None or note.get("config") != _absolute(config_file):
        return None
    try:
        os.kill(int(note["pid"]), signal.SIGHUP)
    except OSError:
        return None
    return str(note["url"])


def _note(directory: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((directory / NOTE_FILE).read_text("utf-8"))
        os.kill(int(note["pid"]), 0)
        return {"url": str(note["url"]), **note}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
