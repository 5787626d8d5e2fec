"""`make drills`: the full form of every drill, with its figures in docs/reference/reliability.md.

    python -m tests.drills.report [--share PERCENT] [NAME ...]

`--share 0` does as much as `make test` does. Names are of drills, or `broken` for the builds
that are broken on purpose: then only their rows of the tables are made anew. The tables stand
between two marks in the page; what is around them is written by hand. Each row says on which
day it was made, and if that was less than the full form, how much of it.
"""

import argparse
import asyncio
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.drills import catalog, mutants, rigged_drills
from tests.drills.catalog import Result

PAGE = Path(__file__).parents[2] / "docs/reference/reliability.md"
BEGIN, END = "<!-- figures: made by `make drills` -->\n", "<!-- end of figures -->\n"
BROKEN = "broken"
_PATIENCE = 60.0 + 15 * 60
"""Longer than the longest wait of an event for its next attempt (15 minutes)."""
_ROW = re.compile(r"^\| ([^|]+) \|.*\n", re.MULTILINE)
_HEAD = (
    "| what is done | on | figures | acknowledged | over the wire again "
    "| lost | doubled | invented | unexplained |\n"
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def main() -> None:
    """Run the drills and write the page; exit 1 if one of them found anything."""
    asked = argparse.ArgumentParser(prog="make drills")
    asked.add_argument("--share", type=int, default=100, help="percent of the full form")
    asked.add_argument("names", nargs="*", help="only these drills")
    given = asked.parse_args()
    known = {*catalog.DRILLS, *rigged_drills.DRILLS, BROKEN}
    if strange := set(given.names) - known:
        asked.error(f"no drill: {', '.join(strange)}; there are {', '.join(sorted(known))}")
    bad = [r.says for r in _real(given.names, given.share) if r.verdict.wrong != (0, 0, 0, 0)]
    caught = _broken() if not given.names or BROKEN in given.names else ()
    passed = [r.says for r in caught if r.verdict.wrong == (0, 0, 0, 0)]
    for says in (*bad, *passed):
        print(f"not as it must be: {says}")
    sys.exit(1 if bad or passed else 0)


def _real(names: Sequence[str], share: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as made:
        for name, drill in catalog.DRILLS.items():
            if names and name not in names:
                continue
            if (why := drill.needs()) is not None:
                print(f"left out: {drill.says}: {why}")
                if os.environ.get("TILLPOST_ALL"):
                    sys.exit(1)
                continue
            times = max(drill.short, drill.full * share // 100)
            result = catalog.run(name, Path(made), times, patience=_PATIENCE)
            yield _told(result, _made(times, drill.full))
        for name, patient in rigged_drills.DRILLS.items():
            if names and name not in names:
                continue
            times = max(patient.short, patient.full * share // 100)
            played = asyncio.run(rigged_drills.play(name, Path(made), times))
            yield _told(played, _made(times, patient.full))


def _broken() -> Iterator[Result]:
    for name, mutant in mutants.MUTANTS.items():
        if (why := mutants.missing(name)) is not None:
            print(f"left out: {mutant.says}: {why}")
            continue
        with tempfile.TemporaryDirectory() as made:
            verdict = mutants.judged(name, Path(made))
        caught: dict[str, object] = {"caught by": mutants.drill_of(name)}
        yield _told(Result(mutant.says, verdict, caught), _made())


def _made(times: int = 1, full: int = 1) -> str:
    """Today, and how much of the full form was done if not all of it."""
    today = datetime.now(UTC).date().isoformat()
    return today if times >= full else f"{today}, {times} of {full}"


def _told(result: Result, made: str) -> Result:
    row = _row(result, made)
    print(row, end="", flush=True)
    _write(result.says, row)
    return result


def _row(result: Result, made: str) -> str:
    verdict = result.verdict
    figures = ", ".join(f"{name}: {value}" for name, value in result.figures.items())
    counts = (verdict.acked, verdict.again, *verdict.wrong)
    return f"| {result.says} | {made} | {figures} | " + " | ".join(map(str, counts)) + " |\n"


def _write(says: str, row: str) -> None:
    """Put a row into the page, in the place of its older one."""
    page = PAGE.read_text("utf-8")
    between = re.compile(re.escape(BEGIN) + "(.*)" + re.escape(END), re.DOTALL)
    found = between.search(page)
    rows = {row[1]: row[0] for row in _ROW.finditer(found[1] if found else "")}
    rows[says] = row
    drills = [drill.says for drill in catalog.DRILLS.values()]
    drills += [drill.says for drill in rigged_drills.DRILLS.values()]
    tables = (
        f"\nMade on {_machine()}; a row that is less than the full form says so.\n"
        f"\n### The build as it is\n\n{_table(rows, drills)}"
        f"\n### Builds that are broken on purpose\n\n"
        f"{_table(rows, (mutant.says for mutant in mutants.MUTANTS.values()))}\n"
    )
    PAGE.write_text(between.sub(lambda _: BEGIN + tables + END, page), "utf-8")


def _machine() -> str:
    models = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text("utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (
        f"{os.cpu_count()} threads of {models[0] if models else platform.machine()}, "
        f"{memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )


def _table(rows: Mapping[str, str], names: Iterable[str]) -> str:
    return _HEAD + "".join(rows[name] for name in names if name in rows)


if __name__ == "__main__":
    main()
