"""Builds that are broken on purpose, and the drill that must catch each.

A drill that cannot fail proves nothing. Every row changes a few words in a copy of the
source; a row whose words are no longer there fails, so that none is quietly out of date.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError

from tests.drills import catalog, rigged_drills
from tests.drills.nodes import NotUp
from tests.drills.oracle import Verdict

import tillpost

ROOT = Path(__file__).parents[2]
_PATIENCE = 12.0
"""Seconds that a broken build is waited for; what it has not done by then it never does."""


class Change(NamedTuple):
    """Words of a file of `tillpost`, and the words in their place."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A broken build: what is wrong, how it is made, and the drill that sees it."""

    says: str
    changes: tuple[Change, ...]
    drill: str
    times: int


_SENT = "            content=request.body,\n"
_FUZZED = "            content=__import__('re').sub({what}, {by}, request.body),\n"


def _fuzzed(what: str, by: str) -> Change:
    """What goes over the wire differs from what was built, at the same length."""
    return Change("serve/transport.py", _SENT, _FUZZED.format(what=what, by=by))


MUTANTS: dict[str, Mutant] = {
    "ack_before_commit": Mutant(
        "answers 200 before the commit",
        (
            Change(
                "collect/accept.py",
                "        await journal.append(entries)",
                "        __import__('asyncio').ensure_future(journal.append(entries))",
            ),
        ),
        "killed_at_write",
        8,
    ),
    "synchronous_normal": Mutant(
        "commits without waiting for the disk (synchronous=NORMAL)",
        (Change("store/sqlite.py", '"synchronous=FULL"', '"synchronous=NORMAL"'),),
        "power_cuts",
        2,
    ),
    "synchronous_off": Mutant(
        "never syncs at all (synchronous=OFF)",
        (Change("store/sqlite.py", '"synchronous=FULL"', '"synchronous=OFF"'),),
        "power_cuts",
        2,
    ),
    "full_disk_is_fine": Mutant(
        "answers 200 when the disk refused the write",
        (
            Change(
                "collect/accept.py",
                "        await journal.append(entries)",
                "        with __import__('contextlib').suppress(Exception):\n"
                "            await journal.append(entries)",
            ),
        ),
        "refused_writes",
        6,
    ),
    "journal_skips": Mutant(
        "goes past an entry that was not folded",
        (
            Change(
                "store/gateway_sqlite.py",
                '("set_progress", [(changes.position,)])',
                '("set_progress", [(changes.position + 1,)])',
            ),
        ),
        "broken_answers",
        1,
    ),
    "leases_outlive_a_crash": Mutant(
        "what was on its way at a crash stays there",
        (
            Change(
                "store/sql/gateway/queries.sql",
                "reason = 'restart', lease_until = NULL, updated_at = ?\nWHERE state = 'leased'",
                "reason = 'restart', lease_until = NULL, updated_at = ?\nWHERE state = 'none'",
            ),
        ),
        "killed_while_sending",
        2,
    ),
    "silence_is_success": Mutant(
        "no answer counts as delivered",
        (
            Change(
                "deliver/outbox.py", 'State.IN_DOUBT, "no_answer"', 'State.DELIVERED, "no_answer"'
            ),
        ),
        "broken_answers",
        1,
    ),
    "any_200_is_success": Mutant(
        "a 200 counts as delivered whatever it says",
        (
            Change(
                "deliver/destinations/meta.py",
                'return _DOUBT.outcome("a success without its count of events", events)',
                "return Outcome(State.DELIVERED)",
            ),
        ),
        "broken_answers",
        1,
    ),
    "errors_are_final": Mutant(
        "a 5xx is the end of an event",
        (
            Change(
                "deliver/destinations/meta.py",
                '    "1, 2, 341, 5000, 21009, `is_transient`, HTTP 5xx",\n    State.PENDING,',
                '    "1, 2, 341, 5000, 21009, `is_transient`, HTTP 5xx",\n    State.DEAD,',
            ),
        ),
        "broken_answers",
        1,
    ),
    "poison_kills_all": Mutant(
        "one bad event is the end of its whole batch",
        (
            Change(
                "deliver/contract.py",
                "        if self.event_borne and events > 1:",
                "        if self.event_borne and events < 0:",
            ),
        ),
        "poison",
        1,
    ),
    "token_kills": Mutant(
        "a revoked token is the end of every event",
        (
            Change(
                "deliver/destinations/meta.py",
                '    "102, 104, 190 (any subcode)",\n    State.PAUSED,',
                '    "102, 104, 190 (any subcode)",\n    State.DEAD,',
            ),
        ),
        "token_out",
        1,
    ),
    "new_id_on_retry": Mutant(
        "every attempt has an event_id of its own",
        (
            _fuzzed(
                """rb'"event_id":"....'""",
                """lambda _: b'"event_id":"%04x' % __import__('random').randrange(65536)""",
            ),
        ),
        "broken_answers",
        1,
    ),
    "new_time_on_retry": Mutant(
        "every attempt has an event_time of its own",
        (
            _fuzzed(
                """rb'"event_time":........'""",
                """lambda _: b'"event_time":1%07d' % __import__('random').randrange(10**7)""",
            ),
        ),
        "broken_answers",
        1,
    ),
    "no_fence": Mutant(
        "a sender whose lease is over still settles",
        (
            Change(
                "store/sql/gateway/queries.sql",
                "    AND outbox.state = 'leased' AND outbox.fence = w.value;",
                ";",
            ),
        ),
        "late_answers",
        2,
    ),
    "repeats_are_new": Mutant(
        "an event that comes again is a new event",
        (
            Change(
                "collect/fold.py",
                'return f"ev:{event_name}:{event_id}"',
                "return f\"ev:{event_name}:{event_id}:{__import__('uuid').uuid4()}\"",
            ),
        ),
        "repeats",
        1,
    ),
    "ledger_forgets": Mutant(
        "the ledger forgets what it accepted before",
        (
            Change(
                "store/sql/gateway/queries.sql",
                "UPDATE SET events = events + excluded.events",
                "UPDATE SET events = excluded.events",
            ),
        ),
        "broken_answers",
        1,
    ),
}


def build(mutant: Mutant, directory: Path) -> Path:
    """A copy of the source with the mutant's changes; fails if it no longer has their words."""
    source = directory / "src"
    shutil.copytree(
        Path(tillpost.__file__).parent,
        source / "tillpost",
        ignore=shutil.ignore_patterns("node_modules"),
    )
    for change in mutant.changes:
        path = source / "tillpost" / change.file
        text = path.read_text("utf-8")
        if change.old not in text:
            raise AssertionError(f"{change.file} no longer says {change.old!r}: mend the mutant")
        path.write_text(text.replace(change.old, change.new), "utf-8")
    return source


def judged(name: str, directory: Path) -> Verdict:
    """What the oracle says of this mutant after its drill."""
    mutant = MUTANTS[name]
    source = build(mutant, directory)
    if mutant.drill in catalog.DRILLS:
        try:
            found = catalog.run(
                mutant.drill, directory, mutant.times, source=source, patience=_PATIENCE
            )
        except NotUp:
            return Verdict(0, 0, 0, 0, 0, 0, 1, ("what it left does not start again",))
        except HTTPError as refused:
            return Verdict(0, 0, 0, 0, 0, 0, 1, (f"its books cannot be read: {refused.code}",))
        return found.verdict
    return _apart(mutant, source, directory)


def _apart(mutant: Mutant, source: Path, directory: Path) -> Verdict:
    """A drill on the rig, in a process that imports the broken build."""
    done = subprocess.run(
        [sys.executable, "-m", rigged_drills.__name__, mutant.drill, str(mutant.times), directory],
        env={**os.environ, "PYTHONPATH": f"{source}:{ROOT}"},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Verdict(**json.loads(done.stdout.splitlines()[-1]))


def drill_of(name: str) -> str:
    """What the drill does that is to catch this mutant."""
    drill = MUTANTS[name].drill
    found = catalog.DRILLS.get(drill)
    return found.says if found else rigged_drills.DRILLS[drill].says


def missing(name: str) -> str | None:
    """Why this mutant cannot be tried on this machine; None if it can."""
    found = catalog.DRILLS.get(MUTANTS[name].drill)
    return found.needs() if found else None
