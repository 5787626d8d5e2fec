"""`make prove`: for a sceptical engineer, the same table for the real build and broken ones.

A shop sends, a platform takes, and the server between them is killed, has its power cut,
its disk filled and its answers broken off. Then the oracle (`oracle.py`, which imports
nothing of Tillpost) joins the three logs. The real build must show four zeros in every
row; each broken build must show something else in at least one.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.drills import catalog, mutants, rigged_drills
from tests.drills.oracle import Verdict

ROUNDS = {
    "kills": 20,
    "killed_at_write": 12,
    "killed_at_answer": 8,
    "power_cuts": 6,
    "disk_full": 2,
    "refused_writes": 6,
    "rough": 3,
}
HEAD = f"{'':58}{'acked':>8}{'lost':>7}{'doubled':>9}{'invented':>10}{'unexplained':>13}"


def main() -> None:
    """Print both tables; exit 1 if the real build is wrong or a broken one passes."""
    print(f"the build as it is\n{HEAD}")
    wrong = sum(_show(says, verdict) != (0, 0, 0, 0) for says, verdict in _real())
    print(f"\nbuilds that are broken on purpose\n{HEAD}")
    passed = sum(_show(says, verdict) == (0, 0, 0, 0) for says, verdict in _broken())
    print(f"\nreal build: {wrong} rows wrong; broken builds that passed: {passed}")
    sys.exit(1 if wrong or passed else 0)


def _real() -> Iterator[tuple[str, Verdict]]:
    with tempfile.TemporaryDirectory() as made:
        for name, times in ROUNDS.items():
            if (why := catalog.DRILLS[name].needs()) is not None:
                print(f"  left out: {catalog.DRILLS[name].says} ({why})")
                continue
            result = catalog.run(name, Path(made), times)
            yield result.says, result.verdict
        for name, drill in rigged_drills.DRILLS.items():
            played = asyncio.run(rigged_drills.play(name, Path(made), drill.short))
            yield played.says, played.verdict


def _broken() -> Iterator[tuple[str, Verdict]]:
    for name, mutant in mutants.MUTANTS.items():
        if (why := mutants.missing(name)) is not None:
            print(f"  left out: {mutant.says} ({why})")
            continue
        with tempfile.TemporaryDirectory() as made:
            yield mutant.says, mutants.judged(name, Path(made))


def _show(says: str, verdict: Verdict) -> tuple[int, int, int, int]:
    lost, doubled, invented, unexplained = verdict.wrong
    print(
        f"{says:58}{verdict.acked:>8}{lost:>7}{doubled:>9}{invented:>10}{unexplained:>13}",
        flush=True,
    )
    return verdict.wrong


if __name__ == "__main__":
    main()
