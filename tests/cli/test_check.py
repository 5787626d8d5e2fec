"""`tillpost validate` and `tillpost compare`: answers, exit codes, one line for wrong input."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tillpost.cli.check import compare, judge, validate

NOW = 1_790_000_000


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def event(**changes: Any) -> dict[str, Any]:
    return {
        "event_name": "Lead",
        "event_time": NOW - 60,
        "action_source": "other",
        "user_data": {"em": digest("jane@example.com")},
    } | changes


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(validate, ["--now", str(NOW), *args], input=stdin)


def one_line(ran: Result) -> str:
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    return ran.stderr


@pytest.mark.parametrize(
    "payload",
    [
        {"data": [event()]},
        {"data": json.dumps([event()]), "access_token": "x"},
        {"data": [json.dumps(event())]},
        [event()],
        event(),
    ],
)
def test_every_shape_of_a_payload(payload: object) -> None:
    ran = run("-", "--json", stdin=json.dumps(payload))
    assert ran.exit_code == 0
    answer = json.loads(ran.stdout)
    assert {k: answer[k] for k in ("ok", "events", "error", "findings")} == {
        "ok": True,
        "events": 1,
        "error": None,
        "findings": [],
    }
    assert answer["quality"]["estimate"] == 5.5


def test_json_lines_may_be_more_than_one_request(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lines = [json.dumps(event(event_id=str(i))) for i in range(1200)]
    file.write_text("\ufeff" + "\n\n".join(lines), "utf-8")
    ran = run(str(file), "--json")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["events"] == 1200


def test_json_lines_with_a_bad_event_and_a_line_that_is_none() -> None:
    lines = [json.dumps(event()), json.dumps(event(action_source="web")), "[]", "7"]
    answer = json.loads(run("-", "--json", stdin="\n".join(lines)).stdout)
    assert answer["error"]["message"].startswith("(#100) Param data[1]['action_source']")
    told = [(f["event"], f["rule"]) for f in answer["findings"]]
    assert told == [
        (1, "action_source.unknown"),
        (2, "event.not_object"),
        (3, "event.not_object"),
    ]


def test_a_line_without_an_event_is_refused() -> None:
    answer = json.loads(run("-", "--json", stdin=f"{json.dumps(event())}\n[]").stdout)
    assert answer["error"]["message"] == "(#100) Param data[0] must be an object"


def test_the_table_for_people() -> None:
    ran = run("-", stdin=json.dumps([event(event_time=NOW - 8 * 86_400)]))
    assert ran.exit_code == 1
    assert "2804003" in ran.stdout
    assert "Meta would refuse all of it: 100/2804003 Event Timestamp Too Old" in ran.stdout
    good = run("-", stdin=json.dumps(event()))
    assert good.exit_code == 0
    assert "1 events: Meta would take them, 0 warnings" in good.stdout
    assert "5.5 of 10" in good.stdout


def test_an_error_without_subcode_is_told_once() -> None:
    ran = run("-", stdin="[]")
    assert "refuse all of it: (#100) The parameter data is required" in ran.stdout


@pytest.mark.parametrize("payload", ["null", "{}", "7", '"x"', '{"access_token":"x"}'])
def test_a_document_without_events_is_refused(payload: str) -> None:
    ran = run("-", "--json", stdin=payload)
    assert ran.exit_code == 1
    answer = json.loads(ran.stdout)
    assert answer["events"] == 0
    assert "data is required" in answer["error"]["message"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe", b'{"data": NaN}', b"{} {}", b"[" * 100_000],
)
def test_what_is_not_json_is_one_line(payload: bytes) -> None:
    line = one_line(run("-", stdin=payload))
    assert line.startswith("tillpost validate: - is ")
    assert "; give " in line


def test_a_broken_line_is_named() -> None:
    line = one_line(run("-", stdin=f"{json.dumps(event())}\n{{bad\n"))
    assert "line 2 is not JSON" in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in one_line(run(str(tmp_path / "none.json")))
    assert "cannot be read" in one_line(run(str(tmp_path)))


def test_the_time_may_be_written_out() -> None:
    body = json.dumps([event()])
    for moment in ("2026-09-21T14:13:20Z", "2026-09-21T14:13:20", "1790000000.5"):
        assert CliRunner().invoke(validate, ["-", "--now", moment], input=body).exit_code == 0
    ran = CliRunner().invoke(validate, ["-", "--now", "noon"], input=body)
    assert "--now noon: no time" in one_line(ran)


def test_without_a_time_the_clock_is_asked() -> None:
    old = CliRunner().invoke(validate, ["-", "--json"], input=json.dumps([event(event_time=1)]))
    assert json.loads(old.stdout)["error"]["error_subcode"] == 2804003


def test_judge_is_the_json_answer() -> None:
    assert judge([event()], NOW)["ok"]
    assert not judge("[]", NOW)["ok"]


ORDER = {
    "email": "Jane@Example.com",
    "billing_address": {"phone": "(650) 555-1212", "country_code": "US", "first_name": "Jane"},
}


def agree(tmp_path: Path, payload: object, order: object, *args: str) -> Result:
    file = tmp_path / "order.json"
    file.write_text(order if isinstance(order, str) else json.dumps(order), "utf-8")
    return CliRunner().invoke(
        compare, ["-", "--order", str(file), *args], input=json.dumps(payload)
    )


def test_compare_names_the_key_and_the_mistake(tmp_path: Path) -> None:
    keys = {"em": digest("Jane@Example.com"), "ph": digest("16505551212")}
    ran = agree(tmp_path, {"data": [event(user_data=keys)]}, ORDER, "--json")
    assert ran.exit_code == 1
    answer = json.loads(ran.stdout)
    assert not answer["ok"]
    assert answer["events"] == 1
    rows = {row["key"]: row for row in answer["keys"]}
    assert (rows["em"]["verdict"], rows["em"]["reason"]) == ("mismatch", "capitals")
    assert rows["ph"]["verdict"] == "match"
    assert rows["fn"]["verdict"] == "missing"
    assert "jane" not in ran.stdout.lower()


def test_compare_for_people(tmp_path: Path) -> None:
    keys = {"em": digest("jane@example.com"), "ph": digest("6505551212")}
    ran = agree(tmp_path, event(user_data=keys), {"order": ORDER})
    assert ran.exit_code == 1
    assert "without its country code" in ran.stdout
    assert "1 of 4 keys would not match" in ran.stdout


def test_compare_finds_nothing_wrong(tmp_path: Path) -> None:
    ran = agree(tmp_path, event(), ORDER, "--json")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["ok"]


@pytest.mark.parametrize(
    ("payload", "order", "says"),
    [([], ORDER, "data is required"), (event(), "[]", "is not an order"), (event(), "{", "JSON")],
)
def test_compare_refuses_what_it_cannot_read(
    tmp_path: Path, payload: object, order: object, says: str
) -> None:
    assert says in one_line(agree(tmp_path, payload, order))
