"""Moves what is committed from the write-ahead log into the file, beside the writer.

A checkpoint waits for the disk. Were it the writer's own, every answer would wait with it;
here another connection does it a few times a second, if anything was written: while much
is moved at once, commits wait for the same disk. SQLite's own checkpoint at `LOG_PAGES`
stays as the bound: then little is left to move.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress

LOG_PAGES = 65_536
"""Pages (of 4 KiB) in the log at which the writer itself moves what is left."""

_EVERY_SECONDS = 0.25


class Checkpoints:
    """A thread that keeps the log of one database short; `close` it before the writer ends."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._connect = connect
        self._written = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def written(self) -> None:
        """Something was committed."""
        self._written.set()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._written.set()
        self._thread.join()

    def _run(self) -> None:
        self._written.wait()
        with closing(self._connect()) as connection:
            while not self._ending.wait(_EVERY_SECONDS):
                self._written.wait()
                self._written.clear()
                with suppress(sqlite3.Error):  # a disk that is full or stuck: the log keeps all
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
