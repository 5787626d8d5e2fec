"""Golden cases: tests/cases/validation/*.toml, through the command line as a user runs it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tillpost.cli.check import validate

FOLDER = Path(__file__).parent.parent / "cases" / "validation"
CASES = [
    (file.stem, case)
    for file in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(file.read_text("utf-8"))["case"]
]


@pytest.mark.parametrize(
    ("kind", "case"), CASES, ids=[f"{kind}: {case['name']}" for kind, case in CASES]
)
def test_case(kind: str, case: dict[str, Any]) -> None:
    ran = CliRunner().invoke(
        validate, ["-", "--json", "--now", "1790000000"], input=case["payload"]
    )
    answer = json.loads(ran.stdout)
    found = [f"{f['event']} {f['level']} {f['rule']} {f['path']}" for f in answer["findings"]]
    assert found == case["findings"]
    assert answer["ok"] is (kind == "taken")
    assert ran.exit_code == (0 if answer["ok"] else 1)
    error = answer["error"] or {}
    assert error.get("error_subcode") == case.get("subcode")
    assert str(error.get("message", "")).startswith(case.get("message", ""))
    assert "jane" not in ran.stdout
