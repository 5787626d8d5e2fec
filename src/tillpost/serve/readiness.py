"""Whether a node can take an order now: the disk, the writer and the rounds beside it."""

import shutil
from pathlib import Path

from tillpost.core.outcome import TillpostError
from tillpost.serve.worker import Worker
from tillpost.store.sqlite import Database

LEAST_FREE = 100 << 20
"""Bytes; with less, a write may fail at any time."""


def troubles(database: Database, worker: Worker) -> list[str]:
    """What stands in the way, in words; nothing if all is well. A commit is really made."""
    found = []
    free = _free(database.path)
    if free < LEAST_FREE:
        found.append(f"{free >> 20} MiB are free on the disk, at least 100 are needed")
    try:
        database.write_now(lambda _: None)
    except TillpostError as error:
        found.append(str(error))
    return [*found, *(f"the round `{name}` has ended" for name in worker.ended())]


def _free(path: Path) -> int:
    return shutil.disk_usage(path.parent).free
