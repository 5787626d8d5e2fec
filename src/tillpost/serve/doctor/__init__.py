"""The checks that support people do by hand, in the order in which they do them.

A check that needs another is left out while that one fails, so that the first line which
is not ok names the cause and not what follows from it.
"""

from tillpost.serve.doctor.bench import Bench
from tillpost.serve.doctor.books import CHECKS as BOOKS
from tillpost.serve.doctor.doors import CHECKS as DOORS
from tillpost.serve.doctor.line import Check, Line, fail
from tillpost.serve.doctor.machine import CHECKS as MACHINE
from tillpost.serve.doctor.outside import CHECKS as OUTSIDE

CHECKS: tuple[Check, ...] = (*MACHINE, *OUTSIDE, *DOORS, *BOOKS)
"""From the machine outwards: each may need those above it."""


async def examine(bench: Bench) -> list[Line]:
    """The lines of every check whose needs are met."""
    lines: list[Line] = []
    failed: set[str] = set()
    for check in CHECKS:
        if failed & set(check.needs):
            failed.add(check.name)
            continue
        found = await check.look(bench)
        if any(line.level == "fail" for line in found):
            failed.add(check.name)
        lines += found
    return lines


__all__ = ["CHECKS", "Bench", "Check", "Line", "examine", "fail"]
