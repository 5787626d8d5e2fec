"""Markov attribution beside two other packages, on the same journeys in one run.

    python -m bench.markov [PATHS.csv] [--journeys 88000]

Times are the processor's, of all threads. Without a file, journeys are made by dice. All get
one row a journey. The peers live in an environment of their own (`--install` makes it).
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path as File

from tillpost.core import markov
from tillpost.core.paths import Path
from tillpost.report.models import read_paths

PEERS = File(".venv-peers/bin/python")

BESIDE = """
import json, sys, time
import pandas as pd
rows = json.load(sys.stdin)
frame = pd.DataFrame({"path": [r[0] for r in rows], "won": [r[1] for r in rows]})
found = {}
from mam import MAM
began = time.process_time()
grouped = frame.groupby(["path", "won"]).size().reset_index(name="occurrences")
grouped["won"] = grouped["won"].astype(bool)
mam = MAM(grouped, "grouped_journey", "path", "won")
effects = mam.run_markov(transition_to_same_state=False).metadata["removal_effect"]
found["mam"] = time.process_time() - began, dict(effects["removal_effect"])
from ChannelAttribution import markov_model
began = time.process_time()
sums = frame.assign(lost=1 - frame.won).groupby("path").sum().reset_index()
got = markov_model(sums, "path", "won", var_null="lost", out_more=True, seed=1)
effects = got["removal_effects"]
found["ChannelAttribution"] = (
    time.process_time() - began, dict(zip(effects.iloc[:, 0], effects.iloc[:, 1]))
)
json.dump(found, open(sys.argv[1], "w"))
"""


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
    parser.add_argument("--install", action="store_true")
    args = parser.parse_args()
    if args.install:
        subprocess.run([sys.executable, "-m", "venv", ".venv-peers"], check=True)
        pip = [PEERS, "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", "requirements/peers.txt"], check=True)
    rows = journeys(args.paths, args.journeys)
    began = time.process_time()
    counted = Counter(rows)
    table = [
        Path(tuple(path.split(" > ")), won * times, 0.0, (1 - won) * times)
        for (path, won), times in counted.items()
    ]
    own = markov.removal_effects(table)
    seconds = time.process_time() - began
    print(f"{len(rows)} journeys, {len(own.removal_effect)} channels")
    print(f"  tillpost            {seconds:8.3f} s")
    for name, (spent, effects) in beside(rows).items():
        apart = max(abs(effects[c] - e) for c, e in own.removal_effect.items())
        print(f"  {name:19} {spent:8.3f} s  {spent / seconds:6.1f} x  at most {apart:.1e} apart")


def beside(rows: list[tuple[str, int]]) -> dict[str, tuple[float, dict[str, float]]]:
    if not PEERS.exists():
        print("  no peers: run with --install")
        return {}
    answer = File(".venv-peers/answer.json")
    given = json.dumps(rows).encode()
    subprocess.run([PEERS, "-W", "ignore", "-c", BESIDE, answer], input=given, check=True)
    found: dict[str, tuple[float, dict[str, float]]] = json.loads(answer.read_text("utf-8"))
    return found


if __name__ == "__main__":
    main()
