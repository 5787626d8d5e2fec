"""Every drill on a server process: what it does, how much of it, and what it needs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.drills import trials, volume
from tests.drills.oracle import Verdict
from tests.drills.scene import staged
from tests.drills.trials import (
    ANSWERS,
    READS,
    SYNCS,
    WRITES,
    Trial,
    failing_at,
    killed_at,
    killed_starting,
)


class Drill(NamedTuple):
    """A row of the table of figures; `short` and `full` say how much of it is done."""

    says: str
    trial: Trial
    short: int
    full: int
    needs: Callable[[], str | None] = lambda: None
    disk: bool = False


class Result(NamedTuple):
    """What came of a drill."""

    says: str
    verdict: Verdict
    figures: dict[str, object]


def _no_strace() -> str | None:
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    return None if os.geteuid() == 0 else "only root may trace a process that runs"


def _on_disk(says: str, trial: Trial, short: int, full: int) -> Drill:
    return Drill(says, trial, short, full, volume.missing, disk=True)


def _traced(says: str, trial: Trial, short: int, full: int) -> Drill:
    return Drill(says, trial, short, full, _no_strace)


DRILLS: dict[str, Drill] = {
    "kills": Drill("kill -9 at random moments, under load", trials.kills, 20, 1000),
    "killed_at_sync": _traced("kill -9 in the n-th fdatasync", killed_at(SYNCS), 8, 60),
    "killed_at_write": _traced("kill -9 in the n-th pwrite", killed_at(WRITES), 8, 60),
    "killed_at_answer": _traced("kill -9 in the n-th write to a socket", killed_at(ANSWERS), 8, 60),
    "killed_at_read": _traced("kill -9 in the n-th read", killed_at(READS), 6, 60),
    "killed_starting": _traced("kill -9 in the n-th step of a start", killed_starting, 8, 80),
    "killed_while_sending": Drill(
        "kill -9 while the platform has not answered yet", trials.killed_while_sending, 3, 100
    ),
    "failed_syncs": _traced("the n-th fdatasync fails (EIO)", failing_at(SYNCS, "EIO"), 5, 40),
    "failed_writes": _traced("the n-th pwrite fails (EIO)", failing_at(WRITES, "EIO"), 5, 40),
    "refused_writes": _traced(
        "the n-th pwrite finds a full disk (ENOSPC)", failing_at(WRITES, "ENOSPC"), 5, 40
    ),
    "power_cuts": _on_disk(
        "power cut, unsynced pages lost or torn, under load", trials.power_cuts, 6, 200
    ),
    "disk_full": _on_disk("the disk is full, and has room again", trials.disk_full, 2, 20),
    "disk_slow": _on_disk("a slow disk, then a stuck one", trials.disk_slow, 1, 10),
    "sync_fails": _on_disk("syncs fail, then the power goes", trials.sync_fails, 2, 20),
    "few_files": Drill("out of file descriptors, under load", trials.few_files, 2, 20),
    "little_memory": Drill("no memory is left, large bodies come", trials.little_memory, 2, 20),
    "stops": Drill("SIGTERM under load", trials.stops, 3, 50),
    "frozen": Drill("stopped for a while (SIGSTOP), then killed", trials.frozen, 2, 20),
    "rough": Drill("half answers, 5xx, resets, poison, kills", trials.rough_platform, 2, 60),
}


def run(
    name: str,
    directory: Path,
    times: int,
    *,
    source: Path | None = None,
    patience: float = 60.0,
) -> Result:
    """Do one drill so many times, on the tree's own code or on what is in `source`.

    What has come no nearer to its end for `patience` seconds of health counts as it stands.
    """
    drill = DRILLS[name]
    with staged(directory / name, source=source, disk=drill.disk) as scene:
        scene.patience = patience
        drill.trial(scene, times)
        return Result(drill.says, scene.verdict(), scene.figures)
