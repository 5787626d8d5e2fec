"""Start a receiver, let Meta's clients send to it, and hold what they got to what Meta answers.

Run by `make test-clients`; not collected by pytest, for it needs the clients' own environment.
"""

import json
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.live import Live, free_port, wait_for, wait_until_up

HERE = Path(__file__).parent
CLIENTS = {
    "facebook-business": (".venv-clients/bin/python", str(HERE / "send.py")),
    "facebook-nodejs-business-sdk": ("node", str(HERE / "send.cjs")),
}
TAKEN = {"one": 1, "again": 1, "many": 50, "async": 1, "tested": 1, "proven": 1}
REFUSED: dict[str, tuple[int, int, int | None, str]] = {
    "no_name": (400, 100, None, "OAuthException"),
    "too_old": (400, 100, 2804003, "OAuthException"),
    "no_money": (400, 100, 2804010, "OAuthException"),
    "nobody": (400, 100, 2804050, "OAuthException"),
    "nothing": (400, 100, None, "OAuthException"),
    "no_dataset": (400, 100, 33, "GraphMethodException"),
    "wrong_token": (401, 190, None, "OAuthException"),
    "no_proof": (400, 100, None, "GraphMethodException"),
    "wrong_proof": (400, 100, None, "GraphMethodException"),
}


def wanted() -> dict[str, dict[str, Any]]:
    """What both clients have to report of each of their calls."""
    taken = {name: {"received": events, "trace": 23} for name, events in TAKEN.items()}
    refused = {
        name: {"status": status, "code": code, "subcode": sub, "type": kind, "transient": False}
        for name, (status, code, sub, kind) in REFUSED.items()
    }
    return {**taken, **refused}


def started(data: str) -> Live:
    """A receiver with the datasets of receiver.toml."""
    port = free_port()
    command = [sys.executable, "-m", "tillpost", "serve", f"--data={data}", f"--port={port}"]
    process = subprocess.Popen(
        [*command, f"--config={HERE / 'receiver.toml'}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    wait_until_up(url, process)
    return Live(url, Path(data), {"receiver": "clients-receiver-token"}, process)


def register_jane(receiver: Live) -> None:
    """Make the buyer of all events known to the platform."""
    user = {"em": sha256(b"jane.doe@example.com").hexdigest()}
    body = {"people": [{"id": "jane", "user_data": user}]}
    assert receiver.post("/receiver/people", body, "receiver").status == 200


def check_answers(receiver: Live) -> None:
    """Run each client and compare, call by call."""
    for name, command in CLIENTS.items():
        run = subprocess.run([*command, receiver.url], check=True, capture_output=True, text=True)
        found = json.loads(run.stdout)
        wrong = {k: (found.get(k), v) for k, v in wanted().items() if found.get(k) != v}
        if wrong:
            raise SystemExit(f"{name}: (found, wanted) {json.dumps(wrong, indent=2)}")
        sys.stdout.write(f"{name}: {len(found)} calls, each answered as Meta answers\n")


def check_received(receiver: Live) -> None:
    """What arrived: the tested event of each client, and every event that was not refused."""

    def told(path: str) -> Any:
        reply = receiver.ask("GET", path, authorization=f"Bearer {receiver.secrets['receiver']}")
        return reply.json()

    def tested() -> Any:
        items = told("/receiver/test-events?code=TEST1")["items"]
        return items if len(items) == len(CLIENTS) else None

    assert [item["matched_by"] for item in wait_for(tested)] == [["em"]] * len(CLIENTS)
    wait_for(lambda: told("/receiver/summary")["datasets"]["1002"]["events"] == len(CLIENTS))


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        receiver = started(data)
        try:
            register_jane(receiver)
            check_answers(receiver)
            check_received(receiver)
        finally:
            receiver.process.terminate()
            receiver.process.communicate(timeout=20)


if __name__ == "__main__":
    main()
