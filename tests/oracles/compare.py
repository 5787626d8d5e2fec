"""Our spellings beside those of Meta's own packages, field by field, on 10,000 people.

    tests/oracles/run.sh [--people 10000] [--seed 7]

Agreement: the package's hash is among ours, or both send nothing. Each other case has a
reason in `REASONS`; one without a reason is printed and makes the exit code 1.
"""
# ruff: noqa: T201

import argparse
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from tests.oracles.people import people

from tillpost.core import click, identity
from tillpost.core.spelling import CLICK_COOKIE

HERE = Path(__file__).parent
ORACLE = HERE.parent.parent / ".venv-oracles" / "bin" / "python"
FIELDS = [row.name for row in identity.FIELDS]
NOTHING = sha256(b"").hexdigest()


class Case(NamedTuple):
    """One value: what was typed, what the package sends, what we send."""

    field: str
    value: str
    theirs: str | None
    ours: tuple[str, ...]


class Reason(NamedTuple):
    """Why the package and we differ, and how such a case is known."""

    field: str
    words: str
    applies: Callable[[Case], bool]


REASONS = (
    Reason(
        "em",
        "the SDK takes addresses with inner spaces or a second @; we send none",
        lambda case: not case.ours and bool(re.search(r"\S\s+\S|@.*@", case.value)),
    ),
    Reason(
        "ph",
        "the SDK refuses dots and extensions; we drop them",
        lambda case: case.theirs is None and bool(re.search(r"\.|ext", case.value)),
    ),
    Reason(
        "ph",
        "the SDK keeps the trunk zero in brackets; it is not dialled from abroad",
        lambda case: "(0)" in case.value,
    ),
    Reason(
        "ph",
        "the SDK adds no country code to a national number; we add that of the person's country",
        lambda case: not re.match(r"\s*(\+|00)", case.value) and bool(case.ours),
    ),
    Reason(
        "ph",
        "no number of that plan has this length; we send none",
        lambda case: not case.ours,
    ),
    Reason(
        "db",
        "the SDK hashes a date as it is written; the documented form is YYYYMMDD",
        lambda case: bool(case.ours) and not re.fullmatch("[0-9]{8}", case.value),
    ),
    Reason("db", "the SDK hashes what is no date; we send none", lambda case: not case.ours),
    Reason(
        "ct",
        "the SDK sends the SHA-256 of nothing for a city of digits; we send none",
        lambda case: case.theirs == NOTHING and not case.ours,
    ),
    Reason(
        "st",
        "the SDK keeps the country after the comma",
        lambda case: ", " in case.value,
    ),
    Reason(
        "country",
        "the SDK refuses names of countries, and `uk`; we know them",
        lambda case: case.theirs is None and bool(case.ours),
    ),
    Reason(
        "external_id",
        "the SDK sends it as it is, unhashed; the page's pixel hashes it, and so do we",
        lambda case: case.theirs == case.value,
    ),
)


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """What the packages say."""
    done = subprocess.run(
        [str(ORACLE), str(HERE / "sdk.py")],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def cases(everyone: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[Case]:
    """Every value beside what became of it on either side."""
    found = []
    for one, theirs in zip(everyone, told, strict=True):
        raw = {name: (one[name],) for name in FIELDS}
        sent = identity.choose(identity.identify(raw, one["home"]).keys)
        found += [Case(f, one[f], theirs[f], tuple(sent.get(f, ()))) for f in FIELDS]
    return found


def agrees(case: Case) -> bool:
    """The package's hash is among ours, or neither sends anything."""
    return case.theirs in case.ours or (case.theirs is None and not case.ours)


def report(found: list[Case]) -> int:
    """Print the tables; the number of cases nobody can explain."""
    total, good, why = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    strange = []
    for case in found:
        total[case.field] += 1
        if agrees(case):
            good[case.field] += 1
            continue
        reason = next((r for r in REASONS if r.field == case.field and r.applies(case)), None)
        if reason:
            why[case.field, reason.words] += 1
        else:
            strange.append(case)
    print("| field | agree | explained | unexplained |\n| --- | ---: | ---: | ---: |")
    for name in FIELDS:
        told = sum(count for (field, _), count in why.items() if field == name)
        left = total[name] - good[name] - told
        print(f"| `{name}` | {percent(good[name], total)} | {percent(told, total)} | {left} |")
    print("\n| field | why we differ | of all |\n| --- | --- | ---: |")
    for (field, words), count in why.items():
        print(f"| `{field}` | {words} | {percent(count, total)} |")
    for case in strange[:20]:
        print(f"unexplained: {case}", file=sys.stderr)
    return len(strange)


def percent(count: int, total: Counter[str]) -> str:
    """`count` of the people, with one decimal."""
    return f"{100 * count / max(total['em'], 1):.1f} %"


def visits(count: int, seed: int) -> list[dict[str, str | None]]:
    """Page views with and without a click, an old cookie and a builder's suffix."""
    dice = random.Random(seed)
    ends = ["", ".AQICAQMC", ".Bg", ".ZZ", ".AQICAQMC.BA"]
    clicks = [None, "IwAR0abc", "IwY2_x-9", "PAaBc"]
    found: list[dict[str, str | None]] = []
    for _ in range(count):
        old = f"fb.1.{1_700_000_000_000 + dice.randrange(10**9)}.{dice.choice(clicks[1:])}"
        cookie = dice.choice([None, old + dice.choice(ends), old + dice.choice(ends), "fb.1.X"])
        found.append({"cookie": cookie, "fbclid": dice.choice(clicks)})
    return found


def cookies_agree(asked: list[dict[str, str | None]], told: list[str | None]) -> int:
    """Print and count the page views after which the builder and we hold another click."""
    wrong = 0
    for visit, theirs in zip(asked, told, strict=True):
        url = f"https://www.example.com/?fbclid={visit['fbclid'] or ''}"
        mine = click.newer_fbc(visit["cookie"], url, 1_760_000_000)
        if _click(mine) != _click(theirs):
            wrong += 1
            print(f"unexplained: {visit} builder {theirs!r} we {mine!r}", file=sys.stderr)
        elif mine and visit["cookie"] and mine.startswith(visit["cookie"]):
            assert theirs is not None
            assert mine.split(".")[2] == theirs.split(".")[2], "the first time must be kept"
    print(f"\nfbc after a page view: {len(asked) - wrong} of {len(asked)} agree")
    return wrong


def _click(fbc: str | None) -> str | None:
    found = CLICK_COOKIE.fullmatch(fbc or "")
    return found["value"] if found else None


def main() -> None:
    """Ask, compare, print; exit 1 if something is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    everyone, views = people(chosen.people, chosen.seed), visits(2_000, chosen.seed)
    told = ask({"people": everyone, "visits": views})
    wrong = report(cases(everyone, told["people"])) + cookies_agree(views, told["visits"])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
