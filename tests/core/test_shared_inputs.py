"""Vectors and corpora of others, where they are at hand: nothing raises, nothing leaks."""

import json
from typing import Any

import pytest
from tests.oracles import vectors
from tests.shared import SHARED, needs_shared

from tillpost.core import identity, validation
from tillpost.core.match_key import find
from tillpost.core.rule import EMPTY_SHA256

NOW = 1_790_000_000.0
NAUGHTY = SHARED / "corpora" / "blns" / "blns.json"
SUITE = SHARED / "corpora" / "JSONTestSuite" / "test_parsing"


@needs_shared
def test_documented_and_agreed_identifiers_are_ours_too_and_each_difference_is_explained() -> None:
    missed = [row for row in vectors.rows() if not vectors.covered(row)]
    assert [row for row in missed if row["documented"]] == []
    assert [row for row in missed if not vectors.explained(row)] == []
    assert len(missed) <= 10


def naughty() -> list[str]:
    found: list[str] = json.loads(NAUGHTY.read_text()) if SHARED.is_dir() else []
    return found


@needs_shared
@pytest.mark.parametrize("field", identity.NAMES)
def test_naughty_identifiers_are_hashed_or_refused_and_never_shown(field: str) -> None:
    for value in naughty():
        found = identity.identify({field: (value,)}, "US")
        hashes = [digest for rows in found.keys.values() for _, digest in rows]
        assert all(len(digest) == 64 and digest != EMPTY_SHA256 for digest in hashes)
        if len(value.strip()) > 8 and not identity.normalize(field, value).hashed:
            assert value not in repr((found.keys, found.findings))


@needs_shared
def test_naughty_events_are_judged_and_never_shown() -> None:
    for value in naughty():
        event: dict[str, Any] = {
            "event_name": value,
            "event_time": value,
            "event_source_url": value,
            "action_source": value,
            "user_data": {"em": value, value: value, "client_ip_address": value, "fbc": value},
            "custom_data": {"value": value, "currency": value, value: value, "contents": [value]},
        }
        findings = validation.lint([event], NOW)
        assert validation.first_error(event, 0, NOW) is not None
        assert len(value) < 40 or value not in repr(findings)
        find(event["user_data"])


@needs_shared
def test_every_json_of_the_test_suite_is_judged() -> None:
    files = sorted(SUITE.glob("*.json"))
    assert len(files) > 300
    for file in files:
        body = file.read_bytes()
        for data in (body, [body.decode("utf-8", "replace")]):
            assert isinstance(validation.refusal(data, NOW), validation.MetaError), file.name
