"""`tillpost hash`: its answers, its exit codes, and one line for wrong input."""

import json
from hashlib import sha256
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tillpost.cli.identifiers import hash_identifier


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(hash_identifier, args, input=stdin)


def batch(*rows: Any, country: str | None = None) -> list[dict[str, Any]]:
    extra = ["--country", country] if country else []
    answer = run("--batch", "-", *extra, stdin="".join(json.dumps(row) + "\n\n" for row in rows))
    assert answer.exit_code == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_every_form_with_its_rule_its_hash_and_its_platforms() -> None:
    answer = run("--field", "em", "J.Doe+x@Gmail.com")
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [
        "meta: trimmed, lower case",
        "  j.doe+x@gmail.com",
        f"  {digest('j.doe+x@gmail.com')}",
        "  sent to meta, tiktok, pinterest, snap, linkedin, x, microsoft, openai",
        "gmail: no dots before @gmail.com and @googlemail.com",
        "  jdoe+x@gmail.com",
        f"  {digest('jdoe+x@gmail.com')}",
        "  sent to google",
        "untagged: no dots and no +tag before any @",
        "  jdoe@gmail.com",
        f"  {digest('jdoe@gmail.com')}",
        "  sent to reddit",
    ]


def test_one_json_document() -> None:
    answer = run("--field", "ph", "--country", "US", "--json", "(212) 555-0147")
    assert json.loads(answer.stdout) == {
        "field": "ph",
        "input": "(212) 555-0147",
        "values": [{"normalized": "12125550147", "sha256": digest("12125550147")}],
        "findings": [],
        "forms": [
            {
                "form": "meta",
                "rule": "E.164 digits without the plus",
                "normalized": "12125550147",
                "sha256": digest("12125550147"),
                "platforms": ["meta", "pinterest", "snap", "microsoft"],
            },
            {
                "form": "plus",
                "rule": "E.164 with the plus",
                "normalized": "+12125550147",
                "sha256": digest("+12125550147"),
                "platforms": ["tiktok", "google", "reddit", "x"],
            },
        ],
    }


def test_an_unusable_value_is_told_and_is_exit_1() -> None:
    answer = run("--field", "ph", "(212) 555-0147")
    assert answer.exit_code == 1
    assert answer.stdout == (
        "ph cannot be placed in a country; send +country code, or the country beside it\n"
    )


def test_an_id_that_is_never_hashed() -> None:
    answer = run("--field", "madid", "38400000-8CF0-11BD-B23E-10B96E40000D")
    assert answer.exit_code == 0
    assert "38400000-8cf0-11bd-b23e-10b96e40000d\n  sent as it is, never hashed" in answer.stdout


def test_a_value_that_is_a_hash_already() -> None:
    answer = run("--field", "em", "--json", digest("a").upper() + ".AQQCAQMC")
    told = json.loads(answer.stdout)
    assert told["values"] == [{"normalized": digest("a"), "sha256": digest("a")}]
    assert [row["form"] for row in told["forms"]] == ["given"]


def test_lines_in_lines_out() -> None:
    told = batch(
        {"field": "fn", "input": "Mary-Ann"},
        {"field": "ph", "input": "020 7946 0018", "country": "UK"},
        {"field": "ge", "input": None},
        {"field": "shoe", "input": 42},
        {"field": "em", "input": "\ud800@example.org"},
        {"field": "fbp", "input": "fb.1.1596403881668.1116446470"},
    )
    assert [[value["normalized"] for value in row["values"]] for row in told] == [
        ["maryann", "mary-ann"],
        ["442079460018"],
        [],
        [],
        [],
        ["fb.1.1596403881668.1116446470"],
    ]
    assert told[0] == {
        "field": "fn",
        "input": "Mary-Ann",
        "values": [
            {"normalized": "maryann", "sha256": digest("maryann")},
            {"normalized": "mary-ann", "sha256": digest("mary-ann")},
        ],
        "findings": [],
    }
    assert told[2]["findings"] == [
        {
            "code": "empty",
            "message": "ge is empty",
            "fix": "leave ge out; an empty value is never hashed",
        }
    ]
    assert told[5]["values"][0]["sha256"] is None


def test_a_country_for_all_lines_that_name_none() -> None:
    number = {"field": "ph", "input": "020 7946 0018"}
    told = batch(number, number | {"country": "DE"}, country="GB")
    assert told[0]["values"] == [{"normalized": "442079460018", "sha256": digest("442079460018")}]
    assert told[1]["values"] != told[0]["values"]


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        ((), None, "give a field and a value: tillpost hash --field em john@example.com"),
        (("x",), None, "give a field and a value: tillpost hash --field em john@example.com"),
        (("--field", "country_", "x"), None, "no such match key; did you mean country?"),
        (("--field", "~", "x"), None, "no such match key; use one of em, ph, fn, ln, db"),
        (("--field", "ph", "--country", "Oz", "1"), None, "give its ISO 3166-1 code, such as US"),
        (("--batch", "-", "x"), "", "leave out VALUE and --field"),
        (("--batch", "-"), "{}\n", 'line 1 needs "field" and "input"'),
        (("--batch", "-"), '\n{"field":1,"input":2}', 'line 2 needs "field" and "input"'),
        (("--batch", "-"), "[]", 'line 1 needs "field" and "input"'),
        (("--batch", "-"), "em,a@example.org", "line 1 is not JSON; give one object a line"),
        (("--batch", "-"), b"\xff", "line 1 is not JSON"),
        (("--batch", "-"), "[" * 100_000, "line 1 is not JSON"),
        (("--batch", "-"), '{"field":"em","input":"","country":1}', 'line 1: "country" is not'),
        (("--batch", "-", "--country", "Oz"), "", "give its ISO 3166-1 code, such as US"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    args: tuple[str, ...], stdin: str | bytes | None, says: str
) -> None:
    answer = run(*args, stdin=stdin)
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
