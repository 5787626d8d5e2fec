"""Every golden case of the rules (tests/cases/validation), as a call of the events edge."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tillpost.core.received import Dataset
from tillpost.core.wire import Request
from tillpost.receive import accept

FOLDER = Path(__file__).parent.parent / "cases" / "validation"
DATASETS = {"1001": Dataset("1001", "TOKEN")}
NOW = 1_790_000_000.0
CASES = [
    pytest.param(file.stem, case, id=f"{file.stem}: {case['name']}")
    for file in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(file.read_text("utf-8"))["case"]
    # A bare event and JSON lines are forms of the command line alone.
    if file.stem == "refused" or case["payload"].startswith('{"data":')
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_case(kind: str, case: dict[str, Any]) -> None:
    url = "/v26.0/1001/events?access_token=TOKEN"
    headers = {"content-type": "application/json"}
    request = Request("POST", url, headers, case["payload"].encode())
    found = accept.graph_events(request, DATASETS, NOW, lambda: "Atrace")
    answer = json.loads(found.response.body)
    if kind == "taken":
        assert answer["events_received"] == len(found.rows) > 0
        return
    assert found.response.status == 400
    assert found.rows == ()
    assert answer["error"]["code"] == 100
    assert answer["error"].get("error_subcode") == case.get("subcode")
