"""Golden cases of the senders: what was seen, and what a platform is then sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from tests.counter import Counter

CASES = Path(__file__).parents[1] / "cases" / "sources"
FILES = sorted(CASES.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_case(file: Path) -> None:
    case = json.loads(file.read_text("utf-8"))
    counter = Counter(**case.get("shop", {}))
    taken = [counter.take(step) for step in case["given"]]
    refused = [to_builtins(one.rejection) for one in taken if one and one.rejection]
    answers = [said for said in refused if said["status"] != 200]
    assert _told(answers, case.get("refused", [])) == case.get("refused", [])
    assert _told(counter.outcomes(), case["then"]) == case["then"]
    if "orders" in case:
        assert _told(counter.orders(), case["orders"]) == case["orders"]
    for name in ("refunds", "touches", "edits"):
        if name in case:
            assert _told(_rows(counter, name), case[name]) == case[name]
    assert counter.asked == case.get("asked", [])
    if "bad_rows" in case:
        assert _told(counter.store.bad_rows(0, 9), case["bad_rows"]) == case["bad_rows"]


def _rows(counter: Counter, name: str) -> list[dict[str, Any]]:
    columns, rows = counter.store.tables([name])[name]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _told(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each row the columns that the case names; all rows count."""
    named = [*expected, *([{}] * max(len(found) - len(expected), 0))]
    return [
        {key: row.get(key) for key in wanted} or row
        for row, wanted in zip(found, named, strict=False)
    ]
