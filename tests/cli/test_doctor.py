"""`tillpost doctor` as its user types it."""

import json
from pathlib import Path

from click.testing import CliRunner

from tillpost.cli.doctor import doctor


def test_what_fails_is_told_as_json_and_by_the_exit_code(tmp_path: Path) -> None:
    answer = CliRunner().invoke(doctor, ["--data", str(tmp_path / "data"), "--json"])
    told = json.loads(answer.output)
    assert (answer.exit_code, told["ok"], told["worst"]) == (1, False, "fail")
    first = next(line for line in told["lines"] if line["level"] == "fail")
    assert first["check"] == "settings"
    assert "no dev-secrets.json" in first["what"]
    assert not (tmp_path / "data").exists()
    assert first["fix"]


def test_every_line_that_is_not_ok_has_its_fix(tmp_path: Path) -> None:
    wrong = tmp_path / "tillpost.toml"
    wrong.write_text("[servers]\n")
    answer = CliRunner().invoke(doctor, ["--config", str(wrong)])
    assert answer.exit_code == 1
    assert answer.output.splitlines() == [
        f"fail  settings        {wrong}:1: unknown key `servers`",
        f"{'':22}did you mean `server`?",
        "0 ok, 0 warn, 1 fail",
    ]


def test_quiet_leaves_out_what_is_in_order(tmp_path: Path) -> None:
    good = tmp_path / "tillpost.toml"
    good.write_text('[[shops]]\nname = "acme"\ndomain = "acme.example"\ncurrency = "USD"\n')
    given = ["--config", str(good), "--data", str(tmp_path / "data")]
    whole = CliRunner().invoke(doctor, given).output.splitlines()
    quiet = CliRunner().invoke(doctor, [*given, "--quiet"]).output.splitlines()
    assert quiet == [line for line in whole if not line.startswith("ok ")]
    assert quiet[-1] == whole[-1] == "3 ok, 0 warn, 1 fail"
