"""`tillpost hash`: what each platform is told about one identifier, or about many."""

import json
import sys
from hashlib import sha256
from typing import Any, BinaryIO, NoReturn

import click

from tillpost.core import identity


@click.command("hash")
@click.argument("value", required=False)
@click.option("--field", "-f", help="Match key of VALUE: em, ph, fn, ln, db, ge, ct, st, zp ...")
@click.option("--country", help="Where a phone, state or postcode is read: US, Germany ...")
@click.option(
    "--batch",
    type=click.File("rb"),
    help="JSON lines {field, input, country?} from a file, or - for standard input.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def hash_identifier(
    value: str | None,
    field: str | None,
    country: str | None,
    batch: BinaryIO | None,
    *,
    as_json: bool,
) -> None:
    """Show how VALUE is spelled and hashed for each platform.

    Nothing is sent or kept. With --batch, one JSON object a line in, one a line out, with
    the spellings Meta is sent. Exit 1 if VALUE cannot be used, 2 if the input is wrong.
    """
    if batch:
        if value is not None or field is not None:
            _refuse("--batch takes field and input from its lines; leave out VALUE and --field")
        _hash_lines(batch, country)
        return
    if value is None or field is None:
        _refuse("give a field and a value: tillpost hash --field em john@example.com")
    _check(field, country)
    answer = explain(field, value, country)
    click.echo(json.dumps(answer) if as_json else _shown(answer))
    if not answer["values"]:
        raise SystemExit(1)


def answer(field: str, value: object, country: str | None) -> dict[str, Any]:
    """`{"field","input","values":[{"normalized","sha256"}],"findings"}`: what Meta is sent.

    `sha256` is null for ids that are never hashed.
    """
    normal = identity.normalize(field, value, country)
    return {
        "field": field,
        "input": value,
        "values": [
            {"normalized": text, "sha256": _digest(field, text, hashed=normal.hashed)}
            for text in normal.values
        ],
        "findings": [
            {"code": found.code, "message": found.message, "fix": found.fix}
            for found in normal.findings
        ],
    }


def explain(field: str, value: object, country: str | None) -> dict[str, Any]:
    """As `answer`, with every form, its rule and the platforms that are sent it."""
    rows = identity.spellings(field, value, country)
    hashed = tuple(
        (form, _digest(field, text, hashed=form == "given") or "") for form, text in rows
    )
    return answer(field, value, country) | {
        "forms": [
            {
                "form": form,
                "rule": identity.rule(field, form),
                "normalized": text,
                "sha256": digest or None,
                "platforms": _platforms(field, hashed, digest),
            }
            for (form, text), (_, digest) in zip(rows, hashed, strict=True)
        ]
    }


def _digest(field: str, text: str, *, hashed: bool) -> str | None:
    if field in identity.PLAIN:
        return None
    return text if hashed else sha256(text.encode()).hexdigest()


def _platforms(field: str, rows: tuple[tuple[str, str], ...], digest: str) -> list[str]:
    if field in identity.PLAIN:
        return ["meta"]
    return [
        platform
        for platform in identity.PLATFORMS
        if digest in identity.choose({field: rows}, platform).get(field, ())
    ]


def _shown(answer: dict[str, Any]) -> str:
    lines = []
    for row in answer["forms"]:
        lines += [f"{row['form']}: {row['rule']}", f"  {row['normalized']}"]
        lines.append(f"  {row['sha256'] or 'sent as it is, never hashed'}")
        lines.append(f"  sent to {', '.join(row['platforms']) or 'no platform'}")
    lines += [f"{found['message']}; {found['fix']}" for found in answer["findings"]]
    return "\n".join(lines)


def _hash_lines(lines: BinaryIO, country: str | None) -> None:
    _check(None, country)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(line, number)
        own = row.get("country")
        click.echo(json.dumps(answer(row["field"], row["input"], own or country)))


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        _refuse(f"line {number} is not JSON; give one object a line")
    if not isinstance(row, dict) or "input" not in row or not isinstance(row.get("field"), str):
        _refuse(f'line {number} needs "field" and "input"; give {{"field":"em","input":"..."}}')
    if not isinstance(row.get("country"), str | None):
        _refuse(f'line {number}: "country" is not text; give a code such as "US" or leave it out')
    return row


def _check(field: str | None, country: str | None) -> None:
    if field is not None and field not in identity.NAMES:
        from difflib import get_close_matches

        near = get_close_matches(field, identity.NAMES, 1)
        known = f"did you mean {near[0]}?" if near else f"use one of {', '.join(identity.NAMES)}"
        _refuse(f"--field {field}: no such match key; {known}")
    if country is not None and identity.country_code(country) is None:
        _refuse(f"--country {country}: no such country; give its ISO 3166-1 code, such as US")


def _refuse(message: str) -> NoReturn:
    click.echo(f"tillpost hash: {message}", err=True)
    sys.exit(2)
