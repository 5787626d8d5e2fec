"""What is wrong in a file that somebody gave us."""

from typing import NamedTuple


class Problem(NamedTuple):
    """What is wrong in which line (1 is the first) and column of the file, and how to fix it."""

    line: int
    column: str
    what: str
    fix: str
