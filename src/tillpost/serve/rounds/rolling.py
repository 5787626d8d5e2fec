"""A roll-up of a large shop's facts, which follows them beside the server's work.

Below `FACTS` facts there is none: every report reads the facts as they stand. Above, reports
of sums read a roll-up, in which the days that have changed are summed again, round after round.
"""

import time
from collections.abc import Callable, Mapping
from threading import Event, Lock
from typing import Any

from tillpost.ports import Rows
from tillpost.report.catalog import Report
from tillpost.report.engine import Held
from tillpost.report.query import Query
from tillpost.report.rollup import Outdated, RollUp

FACTS = 1_000_000
"""From so many facts in segments on, reports of sums read a roll-up."""

FIRST_SECONDS = 300.0
"""Longest wait for the first roll-up after a start."""

REST = 4
"""After a round that took t seconds, the next is begun this many times t later."""


class RollUps:
    """Keeps a roll-up; `marks` change with every commit, `facts` count segments' rows."""

    def __init__(
        self,
        facts: Callable[[], int],
        marks: Callable[[], object],
        tables: Callable[[], Mapping[str, Rows]],
        zones: Mapping[str, str],
    ) -> None:
        self._facts = facts
        self._marks = marks
        self._tables = tables
        self._zones = zones
        self._lock = Lock()
        self._kept: RollUp | None = None
        self._of: object = None
        self._next = 0.0
        self._read_at = 0.0
        self._tried = Event()

    def round(self) -> int:
        """Follow the facts if they have changed and the time has come; 1 if so, else 0."""
        try:
            return self._round()
        finally:
            self._tried.set()

    def _round(self) -> int:
        marks = self._marks()
        if marks == self._of or time.monotonic() < self._next or self._facts() < FACTS:
            return 0
        began = time.monotonic()
        self._follow(self._tables())
        self._of, self._read_at = marks, began
        ended = time.monotonic()
        self._next = ended + REST * (ended - began)
        return 1

    def _follow(self, tables: Mapping[str, Rows]) -> None:
        """Sum again the days that have changed, or, where there are no sums yet, all."""
        try:
            if self._kept is not None:
                self._kept.prepare(tables)
                with self._lock:
                    self._kept.settle()
                return
        except Outdated:
            pass
        made = RollUp(tables, self._zones)
        with self._lock:
            old, self._kept = self._kept, made
            if old is not None:
                old.end()

    def answer(
        self, name: str, query: Query, report: Report, beside: Callable[[], Mapping[str, Rows]]
    ) -> list[dict[str, Any]] | None:
        """The report's rows from the newest roll-up; None if there is none that can tell.

        `beside` gives the tables that it reads as they are. The first roll-up of a large shop is
        waited for: whoever reads the facts meanwhile would take as long.
        """
        if not self._tried.is_set() and self._facts() >= FACTS:
            self._tried.wait(FIRST_SECONDS)
        with self._lock:
            if self._kept is None or not self._kept.fits(name, query):
                return None
            return report(Held(self._kept, beside()), query)

    def behind(self, name: str, query: Query) -> float:
        """By how many seconds what `answer` tells is older than the stores; 0 if it is not."""
        with self._lock:
            if self._kept is None or not self._kept.fits(name, query):
                return 0.0
            return 0.0 if self._marks() == self._of else time.monotonic() - self._read_at
