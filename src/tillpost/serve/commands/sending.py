"""Events of a file to a running server: many at a time, and those that are refused told by line."""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.store.lock import server_of

AT_ONCE = 500


class Refused(Struct, frozen=True):
    """A line that was not taken, and why."""

    line: int
    why: str


class Sent(Struct, frozen=True):
    """How many events were taken, and the lines that were not."""

    accepted: int
    refused: tuple[Refused, ...]


def send(file: Path, config_file: Path | None, data: Path | None, shop: str | None) -> Sent:
    """Post a file of JSON lines to `/events/SHOP`; raises `Misconfigured` if no server runs."""
    rows, unread = _rows(file)
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    url = server_of(directory)
    remote = Remote(url, settings, name, "events")
    accepted, refused = 0, list(unread)
    for begun in range(0, len(rows), AT_ONCE):
        part = rows[begun : begun + AT_ONCE]
        taken, wrong = _post(remote, f"/events/{name}", part)
        accepted += taken
        refused += wrong
    return Sent(accepted, tuple(sorted(refused, key=lambda one: one.line)))


def _post(remote: Remote, path: str, part: list[tuple[int, Any]]) -> tuple[int, list[Refused]]:
    """Post all at once; if one of them is refused, one by one."""
    try:
        remote.post(path, json.dumps([event for _, event in part]))
    except Misconfigured as error:
        if len(part) == 1:
            return 0, [Refused(part[0][0], str(error).removeprefix("the server refused it: "))]
        halves = len(part) // 2
        first, second = _post(remote, path, part[:halves]), _post(remote, path, part[halves:])
        return first[0] + second[0], first[1] + second[1]
    return len(part), []


def _rows(file: Path) -> tuple[list[tuple[int, Any]], list[Refused]]:
    """The events by line, and the lines that are no JSON objects."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Misconfigured(f"{file} cannot be read ({why}): give a file of JSON lines") from None
    rows: list[tuple[int, Any]] = []
    wrong: list[Refused] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            wrong.append(Refused(number, f"not JSON: {error}"))
            continue
        if isinstance(event, dict):
            rows.append((number, event))
        else:
            wrong.append(Refused(number, "not an event: give one JSON object a line"))
    return rows, wrong
