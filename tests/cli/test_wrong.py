"""Every command, typed wrong: one line that says what, where and how to mend it, and exit 2."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tillpost import cli
from tillpost.serve import development

_CASES = Path(__file__).parent.parent / "cases/cli/wrong.toml"
CASES: list[dict[str, Any]] = tomllib.loads(_CASES.read_text("utf-8"))["case"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the cases are typed in."""
    monkeypatch.chdir(tmp_path)
    for name in ("TILLPOST_DATA", "TILLPOST_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    development.read_secrets(tmp_path / "dev")
    for name, text in {
        "bad.toml": '[server]\nhots = "x"\n',
        "bad.json": "{",
        "good.json": '{"data": [{"event_name": "Lead"}]}',
        "good.jsonl": '{"event_name": "Lead"}\n',
        "good.toml": '[[shops]]\nname = "acme"\ndomain = "acme.example"\ncurrency = "USD"\n',
        "good.csv": "x,y\n1,2\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=[case["type"] for case in CASES])
def test_it_is_told_on_one_line(
    case: dict[str, Any],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {*folder.rglob("*")}
    monkeypatch.setattr("sys.argv", ["tillpost", *case["type"].split()])
    with pytest.raises(SystemExit) as left:
        cli.main()
    told = capsys.readouterr()
    assert left.value.code == 2, told
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("tillpost")
    for word in case["words"]:
        assert word in line
    left_behind = sorted({*folder.rglob("*")} - before)
    assert [path.name for path in left_behind] == case.get("leaves", [])


def test_every_command_is_among_them() -> None:
    typed = {case["type"].split()[0] for case in CASES}
    assert set(cli.COMMANDS) - typed == set()
