"""Roll-ups of a large shop's facts, made again beside the server's work when facts change.

Below `FACTS` facts there is none: every report reads the facts as they stand. Above, reports
of sums read a roll-up, which is behind by as long as one takes to make, and a rest.
"""

import time
from collections.abc import Callable, Mapping
from threading import Event, Lock
from typing import Any

from tillpost.ports import Rows
from tillpost.report.catalog import Report
from tillpost.report.engine import Held
from tillpost.report.query import Query
from tillpost.report.rollup import RollUp

FACTS = 1_000_000
"""From so many facts in segments on, reports of sums read a roll-up."""

FIRST_SECONDS = 300.0
"""Longest wait for the first roll-up after a start."""

REST = 4
"""After one that took t seconds, the next is begun this many times t later."""


class RollUps:
    """Keeps the newest roll-up; `marks` change with every commit, `facts` count segments' rows."""

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
        """Make a roll-up if there is none of the facts as they stand, and its time has come."""
        try:
            return self._round()
        finally:
            self._tried.set()

    def _round(self) -> int:
        marks = self._marks()
        if marks == self._of or time.monotonic() < self._next or self._facts() < FACTS:
            return 0
        began = time.monotonic()
        made = RollUp(self._tables(), self._zones)
        with self._lock:
            old, self._kept, self._of = self._kept, made, marks
            self._read_at = began
            if old is not None:
                old.end()
        ended = time.monotonic()
        self._next = ended + REST * (ended - began)
        return 1

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
