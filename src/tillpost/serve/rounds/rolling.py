"""A roll-up of a large shop's facts, which follows them beside the server's work.

Below `FACTS` facts there is none: every report reads the facts as they stand. Above, reports
read a roll-up, in which the days that have changed are made again, round after round. It lies
in a file, so that after a restart it answers at once, as of the moment at which it was left.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

from tillpost.ports import Rows
from tillpost.report.query import Query
from tillpost.report.rollup import Outdated, RollUp, left
from tillpost.serve.kept import is_behind

T = TypeVar("T")

FOLDER = "rollup"
"""Where a roll-up lies in the data directory: made of the other files, and no part of a backup."""

FACTS = 1_000_000
"""From so many facts in segments on, reports of sums read a roll-up."""

FIRST_SECONDS = 300.0
"""Longest wait for the first roll-up after a start."""

REST = 4
"""After a round that took t seconds, the next is begun this many times t later."""

BEHIND = "behind"
"""The turn of questions that nobody waits for."""


class RollUps:
    """Keeps a roll-up; `marks` change with every commit, `facts` count segments' rows.

    `tables` gives what it keeps, as far as that has changed since the cursors that it is asked
    with. `folder` is where it lies, else in memory. `close` it when the server ends.
    """

    def __init__(
        self,
        facts: Callable[[], int],
        marks: Callable[[], object],
        tables: Callable[[Mapping[str, str]], Mapping[str, Rows]],
        zones: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self._facts = facts
        self._marks = marks
        self._tables = tables
        self._zones = zones
        self._folder = folder
        self._turns = {name: Lock() for name in ("days", "orders", "facts", BEHIND)}
        """One question of each mode at a time: those of sums never wait for the others.

        Nobody waits for those that nobody waits for, which have a turn of their own.
        """
        self._changing = Lock()
        self._kept: RollUp | None = None
        self._of: object = None
        self._next = 0.0
        self._read_at = time.monotonic()
        self._tried = Event()
        self._is_forgotten = False

    def round(self) -> int:
        """Follow the facts if they have changed and the time has come; 1 if so, else 0."""
        try:
            with self._changing:
                return self._round()
        finally:
            self._tried.set()

    def _round(self) -> int:
        marks = self._marks()
        if marks == self._of or time.monotonic() < self._next or self._facts() < FACTS:
            return 0
        began = time.monotonic()
        self._resume()
        self._follow()
        self._of, self._read_at = marks, began
        ended = time.monotonic()
        self._next = ended + REST * (ended - began)
        return 1

    def _resume(self) -> None:
        """Answer from what was left before the start, until the facts have been looked at."""
        if self._kept is not None:
            return
        for file in self._files("*.duckdb"):
            written = max(path.stat().st_mtime for path in self._files(f"{file.name}*"))
            self._kept = left(self._zones, file)
            self._read_at = time.monotonic() - max(0.0, time.time() - written)
        if self._kept is not None:
            self._tried.set()

    def _files(self, pattern: str) -> list[Path]:
        return list(self._folder.glob(pattern)) if self._folder is not None else []

    def _follow(self) -> None:
        """Make the days again that have changed, or, where nothing is kept yet, all."""
        if self._kept is not None and not self._is_forgotten:
            try:
                self._kept.prepare(self._tables(self._kept.cursors))
            except Outdated:
                pass
            else:
                self._kept.settle()
                return
        self._make(self._tables({}))

    def _make(self, tables: Mapping[str, Rows]) -> None:
        """Keep all anew; what was kept before answers meanwhile, though its file is gone."""
        self._remove()
        file = None
        if self._folder is not None:
            self._folder.mkdir(exist_ok=True)
            file = self._folder / f"{time.time_ns()}.duckdb"
        made = RollUp(tables, self._zones, file)
        self._is_forgotten = False
        self._put(made)

    def _put(self, made: RollUp | None) -> None:
        with ExitStack() as turns:
            for turn in self._turns.values():
                turns.enter_context(turn)
            old, self._kept = self._kept, made
            if old is not None:
                old.close()

    def _remove(self) -> None:
        for path in self._files("*"):
            path.unlink(missing_ok=True)

    def wait(self) -> None:
        """Return when there is a roll-up, or when it has turned out that there is none."""
        self._tried.wait(FIRST_SECONDS)

    def forget(self) -> None:
        """Once facts were erased: remove the file that holds them; the next round makes another."""
        self._is_forgotten = True
        self._of = None
        self._next = 0.0
        self._remove()

    def answer(
        self,
        name: str,
        query: Query,
        report: Callable[[Mapping[str, Rows], Query], list[T]],
        beside: Callable[[], Mapping[str, Rows]],
    ) -> list[T] | None:
        """The report's rows from the newest roll-up; None if there is none that can tell.

        `beside` gives the tables that it reads as they are. The first roll-up of a large shop is
        waited for: whoever reads the facts meanwhile would take as long.
        """
        if not self._tried.is_set() and self._facts() >= FACTS:
            self.wait()
        kept = self._kept
        if kept is None:
            return None
        more = beside()
        with self._turns[BEHIND if is_behind() else kept.mode(name, query)]:
            if self._kept is None:
                return None
            held = self._kept.question(name, query, more)
            try:
                return report(held, query)
            finally:
                held.engine.close()

    def behind(self) -> float:
        """By how many seconds what `answer` tells is older than the stores; 0 if it is not."""
        if self._kept is None or self._marks() == self._of:
            return 0.0
        return time.monotonic() - self._read_at

    def close(self) -> None:
        """Leave what is kept in its file."""
        with self._changing:
            self._put(None)
