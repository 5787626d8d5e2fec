"""Markov attribution beside other packages, on the same journeys in one run.

    python -m bench.markov [PATHS.csv] [--journeys 88000] [--install]

Two times of each: over a table with one row a journey, as a shop has them, and over a table
where the same paths were counted before; both lie in memory, in the package's own form. Seconds
are the processor's, of all threads, the best of some rounds. Without a file, journeys are made by
dice. The peers live in environments of their own (`--install` makes them): both releases of
`marketing_attribution_models`, in polars and in pandas, and `ChannelAttribution`.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

from tillpost.core import markov
from tillpost.core.markov import Removal
from tillpost.core.paths import Path, counted
from tillpost.report.models import read_paths

ROUNDS = 5

SHARED = """
import json, sys, time
import pandas as pd
asked = json.load(sys.stdin)
frame = pd.DataFrame({"path": asked["paths"], "won": asked["won"]})
frame["n"], frame["id"] = 1, range(len(frame))
table = frame.groupby(["path", "won"], as_index=False)["n"].sum()
table["id"] = range(len(table))
found = {}
def timed(name, given, action):
    seconds = []
    for _ in range(asked["rounds"]):
        began = time.process_time()
        effects = action(given)
        seconds.append(time.process_time() - began)
    found.setdefault(name, {})["rows" if given is frame else "counted"] = min(seconds)
    found[name]["effects"] = dict(effects)
"""
"""What the scripts beside begin with: the journeys as a frame, and the same counted."""

POLARS = """
import polars as pl
from mam import MAM
def polars(given):
    model = MAM(given, "grouped_journey", "path", "won", occurrences_colname="n")
    return model.run_markov().metadata["removal_effect"]["removal_effect"]
frame, table = pl.from_pandas(frame), pl.from_pandas(table)
timed("mam 2.1.1", frame, polars)
timed("mam 2.1.1", table, polars)
from ChannelAttribution import markov_model
def simulated(given):
    told = markov_model(given, "path", "won", var_null="lost", out_more=True, seed=1, verbose=0)
    effects = told["removal_effects"]
    return zip(effects.iloc[:, 0], effects.iloc[:, 1])
rows = table.to_pandas()
sums = pd.DataFrame({"path": rows.path, "won": rows.n * rows.won, "lost": rows.n * ~rows.won})
timed("ChannelAttribution", sums.groupby("path", as_index=False).sum(), simulated)
"""

PANDAS = """
from marketing_attribution_models import MAM
def pandas(given):
    model = MAM(
        given, channels_colname="path", journey_with_conv_colname="won",
        group_channels_by_id_list=["id"], conversion_value="n",
    )
    return model.attribution_markov()[3]["removal_effect"]
timed("mam 1.0.10", frame, pandas)
timed("mam 1.0.10", table, pandas)
"""
PEERS = {"peers": POLARS, "peers-classic": PANDAS}
"""What runs in which environment."""


def journeys(file: File | None, count: int) -> list[tuple[str, int]]:
    """One (path, converted) a journey: of a table of counted paths, or by dice."""
    if file is not None:
        with file.open(encoding="utf-8-sig") as lines:
            table = read_paths(lines)
        return [
            (" > ".join(row.steps), won)
            for row in table
            for won, times in ((1, row.conversions), (0, row.null))
            for _ in range(round(times))
        ]
    dice = random.Random(7)
    channels = [f"channel {letter}" for letter in "abcdefghijkl"]
    made = []
    for _ in range(count):
        steps = dice.choices(channels, range(12, 0, -1), k=1 + int(dice.expovariate(0.4)))
        made.append((" > ".join(steps), int(dice.random() < 0.22)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="?", type=File)
    parser.add_argument("--journeys", type=int, default=88_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--install", action="store_true")
    args = parser.parse_args()
    if args.install:
        install()
    rows = journeys(args.paths, args.journeys)
    ways, won = [path for path, _ in rows], [converted for _, converted in rows]
    counts = [(" > ".join(path.steps), path.conversions, path.null) for path in counted(ways, won)]
    one_by_one, own = best(args.rounds, lambda: markov.removal_effects(counted(ways, won)))
    together, _ = best(
        args.rounds,
        lambda: markov.removal_effects(
            Path(tuple(path.split(" > ")), sold, 0.0, lost) for path, sold, lost in counts
        ),
    )
    print(f"{len(rows)} journeys, {len(counts)} paths, {len(own.removal_effect)} channels")
    print(f"{'':20} {'a row a journey':>24} {'counted before':>24} {'apart':>9}")
    print(f"{'tillpost':20} {one_by_one:22.4f} s {together:22.4f} s")
    for name, told in beside(ways, won, args.rounds):
        cells = " ".join(
            f"{told[how]:10.4f} s {told[how] / ours:8.1f} x" if how in told else f"{'-':>24}"
            for how, ours in (("rows", one_by_one), ("counted", together))
        )
        apart = max(abs(told["effects"][c] - e) for c, e in own.removal_effect.items())
        print(f"{name:20} {cells} {apart:9.1e}")


def best(rounds: int, action: Callable[[], Removal]) -> tuple[float, Removal]:
    """The least processor time of some rounds, and the answer."""
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        answer = action()
        seconds.append(time.process_time() - began)
    return min(seconds), answer


def install() -> None:
    """The environments of the peers, from their locked requirements."""
    for name in PEERS:
        subprocess.run([sys.executable, "-m", "venv", f".venv-{name}"], check=True)
        pip = [f".venv-{name}/bin/pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", f"requirements/{name}.txt"], check=True)


def beside(ways: list[str], won: list[int], rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """By package what its environment measured; an environment that is not there is said so."""
    asked = json.dumps({"paths": ways, "won": [bool(w) for w in won], "rounds": rounds})
    for name, script in PEERS.items():
        if not File(f".venv-{name}").exists():
            print(f"no .venv-{name}: run with --install")
            continue
        answer = File(f".venv-{name}/answer.json")
        code = f"{SHARED}{script}json.dump(found, open(sys.argv[1], 'w'))"
        python = [f".venv-{name}/bin/python", "-W", "ignore", "-c", code, str(answer)]
        subprocess.run(python, input=asked.encode(), stdout=subprocess.DEVNULL, check=True)
        yield from json.loads(answer.read_text("utf-8")).items()


if __name__ == "__main__":
    main()
