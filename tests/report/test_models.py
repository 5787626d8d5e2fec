import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tillpost.cli.models import models as command
from tillpost.core.outcome import Misconfigured
from tillpost.report.models import compare, read_paths

TABLE = """path,conversions,value,null
search > email,3,30,2
direct,2,10,1
search > social > email,5,80,4
"""


def test_every_model_beside_the_others() -> None:
    found = compare(read_paths(TABLE.splitlines(keepends=True)), order=2)
    assert set(found) == {
        "first", "last", "last_non_direct", "linear", "position",
        "markov_1", "markov_2", "shapley", "shapley_rate",
    }  # fmt: skip
    assert found["last"] == {"search": 0, "email": 8, "direct": 2, "social": 0}
    assert found["markov_1"]["removal_effect"]["email"] == pytest.approx(0.8)
    assert sum(found["markov_2"]["per_journey"].values()) == pytest.approx(10)


def test_other_headings_and_delimiters_are_read() -> None:
    text = "path;total_conversions;total_conversion_value;total_null\na>b;1;2.5;3\n\n"
    (path,) = read_paths(text.splitlines(keepends=True))
    assert (path.steps, path.conversions, path.value, path.null) == (("a", "b"), 1, 2.5, 3)
    (bare,) = read_paths(["path,conversions\n", "a > b > c > d\n".replace("\n", ",4\n")])
    assert (len(bare.steps), bare.conversions, bare.null) == (4, 4, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no columns path and conversions"),
        ("path,conversions\na > > b,1\n", "line 2: an empty step"),
        ("path,conversions\na,1\nb\n", "line 3: only 1 cells"),
        ("path,conversions\na,many\n", "line 2: conversions 'many'"),
        ("path,conversions\na,-1\n", "line 2: conversions '-1'"),
        ("path,conversions\na,inf\n", "line 2: conversions 'inf'"),
        ('path,conversions\n"' + "x" * 200_000 + '",1\n', "not a CSV file"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        read_paths(text.splitlines(keepends=True))


def test_the_order_is_one_to_three() -> None:
    with pytest.raises(Misconfigured, match="order 4: use 1 to 3"):
        compare([], order=4)


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "paths.csv"
    file.write_text(TABLE, "utf-8")
    told = CliRunner().invoke(command, [str(file), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["models"]["first"]["search"] == 8
    shown = CliRunner().invoke(command, [str(file)])
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "channel", "email", "direct", "search", "social",
    ]  # fmt: skip


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "paths.csv"
    file.write_text("nothing", "utf-8")
    told = CliRunner().invoke(command, [str(file)])
    assert told.exit_code == 2
    assert told.stderr.startswith("tillpost models: ")
    assert told.stderr.count("\n") == 1
