"""The drills in which time passes, as a table and as a command.

    python -m tests.drills.rigged_drills NAME TIMES DIRECTORY

prints the verdict as one line of JSON: so that a drill can run on another build.
"""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import NamedTuple

from tests.drills import patience
from tests.drills.catalog import Result
from tests.drills.patience import Trial
from tests.drills.rig import DAY, rigged


class Drill(NamedTuple):
    """A row of the table of figures; `short` and `full` say how much of it is done."""

    says: str
    trial: Trial
    short: int
    full: int


DRILLS: dict[str, Drill] = {
    "every_mode": Drill("every way that the platform answers", patience.every_mode, 1, 20),
    "broken_answers": Drill("answers that break off", patience.broken_answers, 1, 20),
    "poison": Drill("poison events at random", patience.poison, 2, 50),
    "token_out": Drill("the token is revoked for six days", patience.token_out, 1, 20),
    "clock_jumps": Drill("the clock jumps back and ahead", patience.clock_jumps, 6, 120),
    "late_answers": Drill("a sender outlives its lease", patience.late_answers, 2, 20),
    "repeats": Drill("every order is sent four times", patience.repeats, 3, 60),
}


async def play(name: str, directory: Path, times: int, most: float = 2 * DAY) -> Result:
    """Do one drill so many times; everything may take `most` seconds to come to an end."""
    drill = DRILLS[name]
    async with rigged(directory / name) as rig:
        await drill.trial(rig, times)
        return Result(drill.says, await rig.verdict(most), rig.figures)


def main() -> None:
    """Play a drill and print its verdict."""
    name, times, directory = sys.argv[1:]
    result = asyncio.run(play(name, Path(directory), int(times), most=DAY / 4))
    print(json.dumps(dataclasses.asdict(result.verdict)))


if __name__ == "__main__":
    main()
