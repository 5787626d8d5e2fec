"""What the reference pages print from the code: commands, settings, outcomes, metrics."""

import ast
import re
import tomllib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import click
import msgspec
from docs.tables import code, codes, keys, table

from tillpost.cli import cli
from tillpost.store.checks import Check

SOURCE = Path(__file__).parents[1] / "src" / "tillpost"


def commands(command: click.Command = cli, name: str = "tillpost") -> Iterator[str]:
    """A heading and the `--help` of every command, those of groups included."""
    context = click.Context(command, info_name=name, max_content_width=80, terminal_width=80)
    yield f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            if found is not None:
                yield from commands(found, f"{name} {part}")


def settings(kind: type, path: str = "", *, many: bool = False) -> Iterator[str]:
    """A heading and a table for a settings table, then for each table within it."""
    heads = f"[[{path}]]" if many else f"[{path}]"
    about = (kind.__doc__ or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
    yield f"## {code(heads if path else 'tillpost.toml')}\n\n{about}\n"
    yield f"{keys(kind)}\n"
    for field in msgspec.structs.fields(kind):
        inner = f"{path}.{field.encode_name}".removeprefix(".")
        within = list(_structs(field.type))
        if len(within) == 1:
            yield from settings(within[0], inner, many=_is_list(field.type))


def reports() -> Iterator[str]:
    """What every column is that several reports have, then each report with what it has besides."""
    from tillpost.report import columns

    yield table(("column", "is"), [(code(c), told) for c, told in columns.COLUMNS.items()]) + "\n"
    yield "## Each report\n"
    own = columns.OTHERWISE
    yield table(
        ("report", "answers", "where its columns are otherwise"),
        [
            (
                code(name),
                about,
                "; ".join(f"{code(c)}: {told}" for c, told in own.get(name, {}).items()),
            )
            for name, about in columns.ABOUT.items()
        ],
    )


def reasons() -> str:
    """A table of why an event is held, dropped, expired or dead; the words are the code's."""
    from tillpost.core import policy
    from tillpost.core.outcome import Reason

    why = {str(row.reason): row.why for row in policy.INELIGIBLE}
    told = _comments(SOURCE / "core" / "outcome.py")
    rows = [(code(str(r)), told.get(r.name) or why.get(str(r), "")) for r in Reason]
    return table(("reason", "means"), rows)


def differences() -> str:
    """A table of why platform and shop differ about an order."""
    from tillpost.report.reconcile import REASONS

    return table(("reason", "says"), [(code(name), words) for name, words in REASONS])


def states() -> str:
    """A table of where an event can stand with a destination."""
    from tillpost.core.outcome import FINAL, State

    told = _comments(SOURCE / "core" / "outcome.py")
    rows = [(code(str(s)), "yes" if s in FINAL else "no", told.get(s.name, "")) for s in State]
    return table(("state", "final", "means"), rows)


def packages() -> str:
    """A table of the packages that Tillpost names itself, with the version that is locked."""
    locked = _locked()
    names = [re.split(r"[>=;]", one)[0].strip() for one in _project()["dependencies"]]
    return table(("package", "locked"), [(code(name), locked[name]) for name in names])


def package_count() -> str:
    """How many packages an installation has beside Tillpost, those of packages included."""
    return f"{len(_project()['dependencies'])} are named, {len(_locked())} are installed."


def extras() -> str:
    """The extras by name, and what each brings."""
    found: dict[str, list[str]] = _project().get("optional-dependencies", {})
    rows = [(code(name), codes(brings)) for name, brings in found.items()]
    return table(("extra", "brings"), rows) if rows else "There are none."


class Refusal(NamedTuple):
    """One way in which a request is refused: status, reason, and the part that says so."""

    status: int
    reason: str
    part: str


def refusals() -> str:
    """A table of the reasons that an answer can name, found where the code makes them."""
    found: dict[tuple[int, str], set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if "node_modules" not in path.parts:
            for row in _refusals(path):
                found.setdefault((row.status, row.reason), set()).add(row.part)
    rows = [(status, code(why), codes(sorted(parts))) for (status, why), parts in found.items()]
    return table(("status", "reason", "said by"), sorted(rows))


def metrics() -> str:
    """A table of what `/metrics` tells."""
    from prometheus_client.parser import text_string_to_metric_families

    from tillpost.serve.http import operations

    text = operations._exposition(_node()).decode()  # noqa: SLF001  # what a scraper is told
    return table(
        ("metric", "kind", "labels", "what it is"),
        [
            (code(sample.name), family.type, codes(sample.labels), family.documentation)
            for family in text_string_to_metric_families(text)
            for sample in family.samples[:1]
        ],
    )


def _project() -> dict[str, Any]:
    text = (SOURCE.parents[1] / "pyproject.toml").read_text("utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def _locked() -> dict[str, str]:
    """Package -> version, of everything that is locked for running."""
    text = (SOURCE.parents[1] / "requirements" / "run.txt").read_text("utf-8")
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", text))


def _structs(kind: Any) -> Iterator[type]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in typing.get_args(kind):
        yield from _structs(part)


def _is_list(kind: Any) -> bool:
    parts = typing.get_args(kind) if typing.get_origin(kind) is types.UnionType else (kind,)
    return any(typing.get_origin(part) is tuple for part in parts)


def _comments(path: Path) -> dict[str, str]:
    """Name -> the comment at the end of the line that gives it a value."""
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("  # ") for line in lines if " = " in line)
    return {line.split(" = ")[0].strip(): told for line, _, told in pairs if told}


def _refusals(path: Path) -> Iterator[Refusal]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Rejection", "refusal"}:
            match node.args:
                case [ast.Constant(int(status)), ast.Constant(str(reason)), *_]:
                    yield Refusal(status, reason, ".".join(path.relative_to(SOURCE).parts[:-1]))


def _node() -> SimpleNamespace:
    """A server as far as its metrics look: one destination with one event."""
    row = {"shop": "acme", "destination": "meta:1", "reason": "", "state": "closed"}
    row |= {"lag_seconds": 0.0, "exchanges": {"delivered": 1}}
    return SimpleNamespace(
        store=SimpleNamespace(
            tallies=lambda: [("acme", "meta:1", "delivered", None, 1)],
            expiring=lambda _deadline, _due: [],
        ),
        clock=SimpleNamespace(now=lambda: 0.0),
        receiver=SimpleNamespace(people_known=lambda: 0),
        destinations=lambda: [row],
        checks=SimpleNamespace(
            all=lambda: [Check("acme", 0.0, 1.0, 1.0, 1.0, 1, 1, 0, None, 2.0)], missing=dict
        ),
    )
