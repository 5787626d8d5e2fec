"""The developer's tools at a running server: trigger, listen, send."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.live import Live, wait_for


def _run(live: Live, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tillpost", *arguments, "--data", str(live.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def listening(one_server: Live) -> Iterator[Any]:
    """Start `tillpost listen`; what it printed so far, as JSON lines."""
    started: list[subprocess.Popen[str]] = []
    lines: list[dict[str, Any]] = []

    def start(*flags: str) -> list[dict[str, Any]]:
        command = ["listen", "--json", "--data", str(one_server.data), *flags]
        process = subprocess.Popen(
            [sys.executable, "-um", "tillpost", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline().startswith("listening at http://127.0.0.1:")
        started.append(process)

        def read() -> None:
            lines.extend(map(json.loads, process.stdout or ()))

        threading.Thread(target=read, daemon=True).start()
        return lines

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def test_a_triggered_purchase_is_matched_and_counted_once(one_server: Live) -> None:
    answer = _run(one_server, "trigger", "Purchase", "--json")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    told = json.loads(answer.stdout)
    assert [step["what"] for step in told["steps"]] == [
        "the ad's click",
        "the shopper's pages",
        "the shop's order",
        "the thank-you page",
    ]
    (received,) = told["received"]
    assert received["matched"]
    assert received["conversion"]["ad_id"] == "122"
    order_id = told["event"]["order_id"]
    rows = one_server.get("/api/v1/reports/orders")["rows"]
    (row,) = [row for row in rows if row["order_id"] == order_id]
    assert (row["browser"], row["server"], row["value"]) == (True, True, "63.90")
    assert row["channel"] == "Paid Social"


def test_an_override_changes_the_order(one_server: Live) -> None:
    changes = ("--override", "total_price=10.00", "--override", "line_items.0.quantity=1")
    told = json.loads(_run(one_server, "trigger", "Purchase", *changes, "--json").stdout)
    order_id = told["event"]["order_id"]
    rows = one_server.get("/api/v1/reports/orders")["rows"]
    assert [row["value"] for row in rows if row["order_id"] == order_id] == ["10.00"]


def test_a_test_order_is_told_to_be_dropped(one_server: Live) -> None:
    answer = _run(one_server, "trigger", "Purchase", "--override", "test=true")
    assert answer.returncode == 1
    assert "dropped (test_order)" in answer.stdout


def test_a_triggered_refund_is_in_the_books(one_server: Live) -> None:
    told = json.loads(_run(one_server, "trigger", "refund", "--json").stdout)
    order_id = told["event"]["order_id"]

    def refunded() -> list[str]:
        rows = one_server.get("/api/v1/reports/orders")["rows"]
        return [row["refunded"] for row in rows if row["order_id"] == order_id]

    wait_for(lambda: refunded() == ["63.90"])
    assert refunded() == ["63.90"]


def test_every_step_is_heard_as_it_happens(one_server: Live, listening: Any) -> None:
    lines = listening("--events", "Purchase", "--steps", "accepted,delivered,received,matched")
    assert _run(one_server, "trigger", "Purchase").returncode == 0
    wait_for(lambda: {line["step"] for line in lines} >= {"accepted", "delivered", "matched"})
    assert {line["event_name"] for line in lines} == {"Purchase"}
    assert len({line["event_id"] for line in lines if line["step"] == "accepted"}) == 1


def test_what_is_heard_can_be_forwarded(one_server: Live, listening: Any) -> None:
    bodies: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        listening("--forward-to", f"http://127.0.0.1:{hook.server_port}/", "--steps", "rejected")
        assert one_server.signed(b"{").status == 200
        wait_for(lambda: bodies)
        hook.shutdown()
    assert bodies[0]["step"] == "rejected"
    assert "not_json" in bodies[0]["detail"]


def test_a_file_is_sent_and_the_lines_that_are_wrong_are_told(
    one_server: Live, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    lead = {"event_name": "Lead", "user_data": {"em": "ada@mail.example"}}
    rows = [json.dumps({**lead, "event_id": f"lead-{n}"}) for n in range(20)]
    rows[4] = json.dumps({"event_name": "Purchase", "event_id": "x"})
    rows[7] = "{"
    rows[9] = "[]"
    file.write_text("\n".join(rows))
    answer = _run(one_server, "send", str(file), "--json")
    told = json.loads(answer.stdout)
    assert (answer.returncode, told["accepted"]) == (1, 17)
    assert [row["line"] for row in told["refused"]] == [5, 8, 10]
    assert "custom_data.value" in told["refused"][0]["why"]
    found = wait_for(lambda: one_server.get("/api/v1/events?event_id=lead-19")["items"])
    assert found[0]["source"] == "events"
