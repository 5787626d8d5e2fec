"""The databases of a directory: how old their schemas are, and bringing them up to date."""

from pathlib import Path

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.serve.keeper import ACCOUNTS_FILE
from tillpost.serve.node import ALERTS_FILE, GATEWAY_FILE, RECEIVER_FILE
from tillpost.store import queries
from tillpost.store.lock import hold
from tillpost.store.sqlite import Database, version_of

FILES = {
    GATEWAY_FILE: "gateway",
    RECEIVER_FILE: "receiver",
    ACCOUNTS_FILE: "accounts",
    ALERTS_FILE: "alerts",
}
"""File -> its schema."""


class State(Struct, frozen=True):
    """A database: the number of its schema, the newest one, and what is between."""

    file: str
    schema: str
    version: int
    newest: int
    pending: tuple[str, ...]
    bytes: int


def states(directory: Path) -> list[State]:
    """Every database that is there; raises `Misconfigured` if there is none."""
    found = [_state(directory / file, schema) for file, schema in FILES.items()]
    there = [state for state in found if state is not None]
    if not there:
        raise Misconfigured(f"there is no database in {directory}: name it with --data")
    return there


def migrate(directory: Path) -> tuple[list[State], list[State]]:
    """Bring every database to the newest schema; how they were, and how they are.

    Raises `Misconfigured` while a server works on them.
    """
    before = states(directory)
    with hold(directory):
        for state in before:
            Database(directory / state.file, state.schema).close()
    return before, states(directory)


def _state(path: Path, schema: str) -> State | None:
    if not path.is_file():
        return None
    version = version_of(path, schema)
    steps = queries.migrations(schema)
    pending = tuple(name for number, name, _ in steps if number > version)
    return State(path.name, schema, version, steps[-1][0], pending, path.stat().st_size)
