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
from tillpost.cli.options import print_json, where
from tillpost.core.validation import Finding, MetaError, first_error, lint, refusal, unpack
from tillpost.core.vocabulary import REQUEST, SERVER_EVENT_NAMES

_MOST_SALES = 50
_WHO = {
    "both": "both",
    "ours": "only here",
    "theirs": "only the other tool",
    "neither": "nobody",
}
"""Who sends a sale."""
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
@click.argument("payload", metavar="[PAYLOAD|-]", required=False)
@click.option("--order", "order_file", help="The Shopify order as JSON.")
@where
@click.option("--shop", help="Which shop; needed where there are several.")
@click.option("--since", help="Without PAYLOAD: from this day or time on; default a week ago.")
@click.option("--until", help="Without PAYLOAD: before this day or time; default now.")
@json_option
def compare(
    payload: str | None,
    order_file: str | None,
    *,
    since: str | None,
    until: str | None,
    as_json: bool,
    **place: Any,
) -> None:
    """Say what another tool sends otherwise.

    With --order: which keys of PAYLOAD, a payload for that order, would not match its
    identifiers, and why. Nothing of the order is shown.

    Without: PAYLOAD is all that the tool sent, request bodies or events, one JSON document or
    one a line. Each Purchase is compared with what is built here: which sales only one has,
    and which fields differ. Without PAYLOAD too, it is what the tool sent to the dataset of
    the receiver that is named for it (beside = "SHOP").

    Exit 1 if anything differs, 2 if a file cannot be read.
    """
    if order_file is None:
        _compare_sales(payload, since, until, place, as_json=as_json)
    elif payload is None:
        _refuse("compare", "name the payload that belongs to --order")
    else:
        _compare_keys(payload, order_file, as_json=as_json)


def _compare_keys(payload: str, order_file: str, *, as_json: bool) -> None:
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


def _compare_sales(
    payload: str | None,
    since: str | None,
    until: str | None,
    place: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from tillpost.cli.backfill import moment
    from tillpost.core.moment import iso
    from tillpost.serve.commands.other_tool import Place

    there = Place(**place)
    if payload is not None:
        found = there.of_file(_read("compare", payload))
    else:
        begin = moment("--since", since) if since else iso(time.time() - 7 * 86400)
        found = there.of_dataset(begin, moment("--until", until) if until else iso(time.time()))
    if as_json:
        print_json(found)
    else:
        _show_sales(found)
    if found["orders"]:
        raise SystemExit(1)


def _show_sales(found: dict[str, Any]) -> None:
    from tillpost.serve.other_tool import WORDS

    for row in found["sales"]:
        money = f", {row['value']} {row['currency']}" if row["currency"] else ""
        click.echo(f"{_WHO[row['who']]}: {row['orders']}{money}")
    counts = [
        [row["field"], *(str(row[verdict] or "") for verdict in WORDS)] for row in found["fields"]
    ]
    _table(("field", *WORDS.values()), counts)
    for row in found["orders"][:_MOST_SALES]:
        unlike = [f"{d['field']} {WORDS[d['verdict']]}" for d in row["differences"]]
        told = [f"not sent here: {row['why']}"] if row["why"] else []
        told += [f"sent {row['copies']} times with {row['ids']} ids"] if row["ids"] > 1 else []
        name = row["name"] or row["order_id"] or "?"
        click.echo(f"{name}  {_WHO[row['who']]}  {', '.join([*told, *unlike])}".rstrip())
    left = len(found["orders"]) - _MOST_SALES + found["left"]
    if left > 0:
        click.echo(f"... and {left} more; --json has them")
    if found["unreadable"]:
        click.echo(f"{found['unreadable']} sales here are in damaged rows and were left out")
    if found["unread"]:
        click.echo(f"{found['unread']} entries are no events and were left out")


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
