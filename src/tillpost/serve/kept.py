"""Keeps what was read from the stores until they change: one look serves all who ask.

A look that takes long is not waited for again: what it found last is shown, with its age,
while it is taken anew behind the page. Looks behind pages are taken one at a time, and whoever
waits for a look of their own does not stand in line with them.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

_OLDEST_SECONDS = 30.0
_REST = 4.0
"""After a look that took t seconds, the next one waits this many times t."""
LONG_SECONDS = 1.0
"""Whoever asks does not wait for a look that took longer, but sees the one before."""
_STALEST = 60.0
_SHOWN_SECONDS = 300.0
"""What took t seconds is shown at most this many times t later, or so many seconds if that is more.

After that the new look is waited for: nobody has asked for so long that none was taken.
"""
_MOST = 64
"""Looks that are kept; the one that nobody asked for longest goes first."""

_LINE = threading.Lock()
_IS_BEHIND: ContextVar[bool] = ContextVar("behind", default=False)


@contextmanager
def behind() -> Iterator[None]:
    """Work that nobody waits for, as long as the block lasts: one such piece at a time."""
    with _LINE:
        told = _IS_BEHIND.set(True)
        try:
            yield
        finally:
            _IS_BEHIND.reset(told)


def is_behind() -> bool:
    """Whether nobody waits for what is done here."""
    return _IS_BEHIND.get()


class _Look(NamedTuple):
    """What was found, of which state of the stores, when it was begun, and seconds it took."""

    found: Any
    marks: tuple[int, ...]
    began: float
    took: float

    def serves(self, marks: tuple[int, ...], now: float) -> bool:
        """Whether it is as good as new."""
        age = now - self.began
        return age < self.took * (1 + _REST) or (marks == self.marks and age < _OLDEST_SECONDS)

    def bridges(self, now: float, long: float) -> bool:
        """Whether it is shown while a new one is taken."""
        lasts = max(self.took * (1 + _STALEST), _SHOWN_SECONDS)
        return self.took >= long and now - self.began < lasts


class Seen(NamedTuple):
    """What a look found, and by how many seconds it is older than the stores; 0 if it is not."""

    found: Any
    age: float


class Kept:
    """Looks at the files of a directory; of one key at most one at a time.

    `long` says which looks are long, in seconds, at that moment, and `fits` whether what was
    found is small enough to be kept.
    """

    def __init__(
        self,
        directory: Path,
        files: tuple[str, ...],
        long: Callable[[], float] = lambda: LONG_SECONDS,
        fits: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        self._long = long
        self._fits = fits
        self._paths = paths_of(directory, files)
        self._lock = threading.Lock()
        self._looks: dict[Hashable, _Look] = {}
        self._taking: dict[Hashable, threading.Lock] = {}
        self._due: set[Hashable] = set()

    def get(self, key: Hashable, look: Callable[[], T]) -> T:
        """What `look` finds as the files stand, or found a moment ago under the same key."""
        found: T = self.see(key, look).found
        return found

    def see(self, key: Hashable, look: Callable[[], Any]) -> Seen:
        """As `get`, with how old it is if something was written since."""
        with self._lock:
            kept = self._looks.get(key)
            taking = self._taking.setdefault(key, threading.Lock())
        if kept is None or not self._is_new(kept):
            kept = self._renewed(key, look, kept, taking)
        with self._lock:
            if self._fits(kept.found):
                self._looks[key] = kept = self._looks.pop(key, kept)
            while len(self._looks) > _MOST:
                oldest = next(iter(self._looks))
                del self._looks[oldest]
                self._taking.pop(oldest, None)
        same = kept.marks == marks_of(self._paths)
        return Seen(kept.found, 0.0 if same else time.monotonic() - kept.began)

    def _is_new(self, kept: _Look) -> bool:
        return kept.serves(marks_of(self._paths), time.monotonic())

    def _renewed(
        self, key: Hashable, look: Callable[[], Any], kept: _Look | None, taking: threading.Lock
    ) -> _Look:
        """A new look; or the kept one, if that may be shown while the new one is taken."""
        if kept is not None and kept.bridges(time.monotonic(), self._long()):
            self._renew_behind(key, look, taking)
            return kept
        return self._taken(key, look, taking)

    def _taken(self, key: Hashable, look: Callable[[], Any], taking: threading.Lock) -> _Look:
        """A new look, or the one that was taken while this one waited for its turn."""
        with taking:
            with self._lock:
                meanwhile = self._looks.get(key)
            if meanwhile is not None and self._is_new(meanwhile):
                return meanwhile
            return self._take(key, look)

    def _renew_behind(self, key: Hashable, look: Callable[[], Any], taking: threading.Lock) -> None:
        """Take a new look when its turn comes, unless one is due already."""

        def take() -> None:
            with behind():
                with self._lock:
                    self._due.discard(key)
                self._taken(key, look, taking)

        with self._lock:
            if key in self._due or taking.locked():
                return
            self._due.add(key)
        threading.Thread(target=take, daemon=True).start()

    def _take(self, key: Hashable, look: Callable[[], Any]) -> _Look:
        marks, began = marks_of(self._paths), time.monotonic()
        made = _Look(look(), marks, began, time.monotonic() - began)
        if self._fits(made.found):
            with self._lock:
                self._looks[key] = made
        return made


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
