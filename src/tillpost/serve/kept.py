"""Keeps what was read from the stores until they change: one look serves all who ask."""

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

T = TypeVar("T")

_OLDEST_SECONDS = 30.0
_REST = 4.0
"""After a look that took t seconds, the next one waits this many times t."""
_MOST = 64
"""Looks that are kept; the one that nobody asked for longest goes first."""


class _Look(Struct, frozen=True):
    found: Any
    marks: tuple[int, ...]
    began: float
    took: float

    def serves(self, marks: tuple[int, ...], now: float) -> bool:
        age = now - self.began
        return age < self.took * (1 + _REST) or (marks == self.marks and age < _OLDEST_SECONDS)


class Kept:
    """Looks at the files of a directory, at most one at a time."""

    def __init__(self, directory: Path, files: tuple[str, ...]) -> None:
        self._paths = paths_of(directory, files)
        self._lock = threading.Lock()
        self._looks: dict[Hashable, _Look] = {}

    def get(self, key: Hashable, look: Callable[[], T]) -> T:
        """What `look` finds as the files stand, or found a moment ago under the same key."""
        with self._lock:
            kept = self._looks.pop(key, None)
            marks = marks_of(self._paths)
            if kept is None or not kept.serves(marks, time.monotonic()):
                began = time.monotonic()
                found = look()
                kept = _Look(found, marks, began, time.monotonic() - began)
            self._looks[key] = kept
            while len(self._looks) > _MOST:
                del self._looks[next(iter(self._looks))]
            result: T = kept.found
            return result


def paths_of(directory: Path, files: Iterable[str]) -> list[Path]:
    """Databases and their logs."""
    return [directory / f"{name}{end}" for name in files for end in ("", "-wal")]


def marks_of(paths: Iterable[Path]) -> tuple[int, ...]:
    """What every commit changes: times and sizes of databases and their logs."""
    found: list[int] = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found += [stat.st_mtime_ns, stat.st_size]
    return tuple(found)
