"""Every destination there is: the conformance suite, and its golden cases.

A destination's cases are files in `tests/cases/destinations/NAME`: `settings.toml` (what it
is told), `requests.toml` (events and what is sent), `answers.toml` (what an answer means)
and `refusals.toml` (what is never sent).
"""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillpost.core import capi
from tillpost.core.event import Event
from tillpost.core.wire import Response
from tillpost.deliver import catalog, contract
from tillpost.testing import entries as make
from tillpost.testing.destination import DestinationSuite
from tillpost.testing.entries import NOW

CASES = Path(__file__).parents[1] / "cases" / "destinations"
KINDS = [*catalog.members()]


def settings_of(kind: str, **changes: Any) -> contract.Settings:
    given = tomllib.loads((CASES / kind / "settings.toml").read_text("utf-8"))
    whole = {"kind": kind, "shop": make.SHOP, **given, **changes}
    made: contract.Settings = msgspec.convert(whole, catalog.members()[kind].settings)
    return made


def secrets_of(settings: contract.Settings) -> tuple[str, ...]:
    values = [getattr(settings, key) for key in contract.secret_keys(type(settings))]
    return tuple(text for v in values for text in (v if isinstance(v, tuple) else (v,)))


def suite(kind: str) -> type[DestinationSuite]:
    settings = settings_of(kind)
    parts = {
        "destination": catalog.members()[kind].destination,
        "settings": settings,
        "secrets": secrets_of(settings),
    }
    return type(f"Test{kind.title()}", (DestinationSuite,), parts)


globals().update({made.__name__: made for made in map(suite, KINDS)})


def cases(table: str) -> list[Any]:
    return [*_cases(table)]


def _cases(table: str) -> Iterator[Any]:
    for kind in KINDS:
        path = CASES / kind / f"{table}s.toml"
        if path.exists():
            found = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
            for row in found[table]:
                yield pytest.param(kind, row, id=f"{kind}: {row['title']}")


def masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_the_cases_that_show_how_it_works(kind: str) -> None:
    there = {path.name for path in (CASES / kind).iterdir()}
    assert {"settings.toml", "requests.toml", "answers.toml"} <= there


@pytest.mark.parametrize("kind", KINDS)
def test_settings_say_what_they_are_for(kind: str) -> None:
    settings = settings_of(kind)
    assert settings.kind == kind
    assert settings.account
    assert catalog.members()[kind].about.endswith((".", "`."))


@pytest.mark.parametrize(("kind", "case"), cases("request"))
def test_what_is_sent(kind: str, case: dict[str, Any]) -> None:
    member = catalog.members()[kind].destination
    settings = settings_of(kind, **case.get("settings", {}))
    given = msgspec.convert(case["events"], list[Event])
    payloads = [capi.encode(member.build(event, settings)) for event in given]
    request = member.encode(payloads, settings, case.get("now", NOW))
    secrets = secrets_of(settings)
    assert request.method == "POST"
    assert request.url == case["url"]
    headers = {name: masked(value, secrets) for name, value in request.headers.items()}
    assert headers == case.get("headers", {"content-type": "application/json"})
    body = masked(request.body.decode(), secrets)
    wanted = case["body"].strip()
    assert [msgspec.json.decode(line) for line in body.splitlines()] == (
        [msgspec.json.decode(line) for line in wanted.splitlines()]
        if case.get("lines")
        else [msgspec.json.decode(wanted)]
    )


@pytest.mark.parametrize(("kind", "case"), cases("answer"))
def test_what_an_answer_means(kind: str, case: dict[str, Any]) -> None:
    member = catalog.members()[kind].destination
    response = Response(case["status"], case.get("headers", {}), case["body"].encode())
    outcomes = member.interpret(response, [b"{}"] * case["events"])
    assert len(outcomes) == case["events"]
    told = case.get("each") or [case] * case["events"]
    for outcome, one in zip(outcomes, told, strict=True):
        assert outcome.state == one["state"]
        assert outcome.reason == one.get("reason")
        assert outcome.retry_after == one.get("wait")
        assert outcome.pauses == one.get("pauses", False)


@pytest.mark.parametrize(("kind", "case"), cases("refusal"))
def test_what_is_never_sent(kind: str, case: dict[str, Any]) -> None:
    settings = settings_of(kind, **case.get("settings", {}))
    event = make.event(**case["event"])
    member = catalog.members()[kind].destination
    end = member.refuses(event, member.build(event, settings), settings, float(NOW))
    assert (end and (end.state, end.reason)) == (
        (case["state"], case["reason"]) if "state" in case else None
    )
