"""`tillpost validate` and `tillpost compare`: check payloads before a platform does."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from tillpost.cli.options import as_json as json_option
from tillpost.cli.options import print_json
from tillpost.core.validation import Finding, MetaError, first_error, lint, refusal, unpack
from tillpost.core.vocabulary import REQUEST, SERVER_EVENT_NAMES

_REQUEST_NAMES = frozenset(row.name for row in REQUEST)


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--now", "moment", help="Judge as of this time: ISO 8601 or Unix seconds.")
@json_option
def validate(file: str, moment: str | None, *, as_json: bool) -> None:
    """Lint the events of FILE (or - for standard input) with Meta's own codes.

    FILE is a Conversions API request body, a list of events, one event, or JSON lines of
    them. Exit 1 if Meta would refuse it, 2 if it cannot be read.
    """
    data, lines = _events("validate", file)
    answer = judge(data, _moment(moment), one_request=not lines)
    if as_json:
        print_json(answer)
    else:
        _show_findings(answer)
    if not answer["ok"]:
        raise SystemExit(1)


@click.command()
@click.argument("payload", metavar="PAYLOAD|-")
@click.option("--order", "order_file", required=True, help="The Shopify order as JSON.")
@json_option
def compare(payload: str, order_file: str, *, as_json: bool) -> None:
    """Say which keys of PAYLOAD would not match the order's identifiers, and why.

    PAYLOAD is another tool's Conversions API payload for the same order. Nothing of the
    order is shown. Exit 1 if a key would not match, 2 if a file cannot be read.
    """
    from tillpost.core.agreement import compare as agree

    data, _ = _events("compare", payload)
    events = unpack(data)
    if isinstance(events, MetaError):
        _refuse("compare", f"{payload}: {events.message}; give a request body or its events")
    order = _document("compare", order_file, _read("compare", order_file))
    if not isinstance(order, dict):
        _refuse("compare", f"{order_file} is not an order; give one Shopify order as an object")
    found = agree(events, order)
    wrong = [row for row in found if row.verdict == "mismatch"]
    if as_json:
        print_json({"ok": not wrong, "events": len(events), "keys": msgspec.to_builtins(found)})
    else:
        _table(
            ("event", "key", "verdict", "why", "fix"),
            [(str(r.event), r.key, r.verdict, r.message, r.fix) for r in found],
        )
        click.echo(f"{len(wrong)} of {len(found)} keys would not match")
    if wrong:
        raise SystemExit(1)


def judge(data: object, now: float, *, one_request: bool = True) -> dict[str, Any]:
    """`{"ok","events","error","findings","quality"}` for a request's data; `now` is Unix seconds.

    `error` is what Meta would answer, or None. Lines of a file are no one request: they may
    be more than 1,000, and the first that would be refused gives the error. `quality` is our
    own estimate of how well the events can be matched.
    """
    from tillpost.core.quality import coverage

    events = data if not one_request and isinstance(data, list) else unpack(data)
    error: MetaError | None
    if isinstance(events, MetaError):
        error, events = events, list(data) if isinstance(data, list) else []
    else:
        error = refusal(events, now) if one_request else _first(events, now)
    findings = lint(events, now)
    people = [e["user_data"] for e in events if isinstance(e, dict) and _has_person(e)]
    return {
        "ok": error is None,
        "events": len(events),
        "error": msgspec.to_builtins(error),
        "findings": msgspec.to_builtins(findings),
        "quality": msgspec.to_builtins(coverage(people)),
    }


def _has_person(event: dict[str, Any]) -> bool:
    return isinstance(event.get("user_data"), dict)


def _first(events: Sequence[Any], now: float) -> MetaError | None:
    for index, event in enumerate(events):
        error = first_error(event, index, now) if isinstance(event, dict) else refusal([event], now)
        if error is not None:
            return error
    return None


def _events(command: str, file: str) -> tuple[object, bool]:
    """The data of a file, and whether it came as JSON lines."""
    text = _read(command, file)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _decoded(lines[0]) is not None and _decoded(text) is None:
        rows = [unpack(_data(_line(command, file, n, line))) for n, line in enumerate(lines, 1)]
        return [e for row in rows for e in ([None] if isinstance(row, MetaError) else row)], True
    return _data(_document(command, file, text)), False


def _data(document: object) -> object:
    """The data of a request body; a list is data itself, an object without `data` one event."""
    if not isinstance(document, dict):
        return document
    if "data" in document:
        return document["data"]
    is_event = document.keys() & SERVER_EVENT_NAMES or not document.keys() & _REQUEST_NAMES
    return [document] if document and is_event else None


def _line(command: str, file: str, number: int, line: bytes) -> object:
    row = _decoded(line)
    if row is None:
        _refuse(command, f"{file}, line {number} is not JSON; give one event a line")
    return row


def _document(command: str, file: str, text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        _refuse(command, f"{file} is not JSON: {error}; give UTF-8 JSON, or JSON lines")
    except RecursionError:
        _refuse(command, f"{file} is nested too deeply; give a request body or its events")


def _decoded(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _read(command: str, file: str) -> bytes:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        _refuse(command, f"{file} cannot be read: {reason}; give a file, or - for standard input")
    return text.removeprefix(b"\xef\xbb\xbf")


def _moment(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse("validate", f"--now {text}: no time; give 2026-09-21T12:00:00Z or Unix seconds")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _show_findings(answer: dict[str, Any]) -> None:
    found = [msgspec.convert(row, Finding) for row in answer["findings"]]
    if found:
        _table(
            ("event", "level", "code", "path", "what", "fix"),
            [
                (str(f.event), f.level, str(f.subcode or f.code or ""), f.path, f.message, f.fix)
                for f in found
            ],
        )
    error = answer["error"]
    if error:
        click.echo(f"Meta would refuse all of it: {_words(error)}")
    else:
        click.echo(f"{answer['events']} events: Meta would take them, {len(found)} warnings")
    click.echo(f"estimated match quality (ours): {answer['quality']['estimate']} of 10")


def _words(error: dict[str, Any]) -> str:
    if "error_subcode" not in error:
        return str(error["message"])
    return f"{error['code']}/{error['error_subcode']} {error['error_user_title']}"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in {"level", "path", "key"})
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _refuse(command: str, message: str) -> NoReturn:
    click.echo(f"tillpost {command}: {message}", err=True)
    sys.exit(2)
