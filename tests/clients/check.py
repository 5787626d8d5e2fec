"""Start a receiver, let Meta's clients send to it, and hold what they got to what Meta answers.

What Meta answers stands in expected.toml, with the evidence beside each call.

Run by `make test-clients`; not collected by pytest, for it needs the clients' own environment.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.docs.pages import DOCS, blocks
from tests.live import Live, free_port, wait_for, wait_until_up

HERE = Path(__file__).parent
_ENDINGS = {"python": "py", "js": "cjs"}
GUIDE = DOCS / "guides/testing-a-capi-integration.md"
CLIENTS = {
    "facebook-business": (".venv-clients/bin/python", str(HERE / "send.py")),
    "facebook-nodejs-business-sdk": ("node", str(HERE / "send.cjs")),
}
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "expected.toml").read_text("utf-8"))


def wanted(expected: dict[str, Any]) -> dict[str, Any]:
    """What a client has to report of a call: a success, rows, or all of an error."""
    if "rows" in expected:
        return {"rows": expected["rows"]}
    if "received" in expected:
        return {"received": expected["received"], "trace": 23}
    error = {"status": 400, "subcode": None, "transient": False, **expected}
    return {k: error[k] for k in ("status", "code", "subcode", "type", "transient")} | (
        {"title": expected["title"]} if "title" in expected else {}
    )


def got(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What the client reported, without a title that nothing is said of."""
    told = dict(found.get(name, {}))
    if "title" not in EXPECTED[name]:
        told.pop("title", None)
    return told


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


def register_ads(receiver: Live) -> None:
    """Three ads that somebody clicked, for Insights."""
    ad = {"action": "link_click", "time": int(time.time()), "account_id": "77"}
    ad |= {"campaign_id": "c", "adset_id": "s", "user_data": {"external_id": "joe"}}
    touches = [{**ad, "ad_id": f"ad-{n}"} for n in (1, 2, 3)]
    assert receiver.post("/receiver/touches", {"touches": touches}, "receiver").status == 200


def check_answers(receiver: Live) -> None:
    """Run each client and compare, call by call."""
    for name, command in CLIENTS.items():
        asked = [*command, receiver.url, receiver.secrets["receiver"]]
        run = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(run.stdout)
        assert found.keys() == EXPECTED.keys(), found.keys() ^ EXPECTED.keys()
        pairs = {call: (got(found, call), wanted(told)) for call, told in EXPECTED.items()}
        wrong = {call: pair for call, pair in pairs.items() if pair[0] != pair[1]}
        if wrong:
            raise SystemExit(f"{name}: (found, wanted) {json.dumps(wrong, indent=2)}")
        sys.stdout.write(f"{name}: {len(found)} calls, each answered as Meta answers\n")


def check_guide(receiver: Live) -> None:
    """Run what the guide on testing shows of each client, against this receiver."""
    shown = {block.kind: block.text for block in blocks(GUIDE) if "facebook" in block.text}
    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        for (name, (program, _)), kind in zip(CLIENTS.items(), ("python", "js"), strict=True):
            file = Path(folder) / f"guide.{_ENDINGS[kind]}"
            here = shown[kind].replace("http://127.0.0.1:8484", receiver.url)
            file.write_text(here.replace("1234567890123456", "1001"), "utf-8")
            environment = {**os.environ, "TOKEN": "TOKEN-OPEN"}
            run = subprocess.run(
                [program, str(file)], check=True, stdout=subprocess.PIPE, text=True, env=environment
            )
            assert run.stdout.split() == ["1"], run.stdout
            sys.stdout.write(f"{name}: what the guide shows arrives\n")


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
            register_ads(receiver)
            check_answers(receiver)
            check_guide(receiver)
            check_received(receiver)
        finally:
            receiver.process.terminate()
            receiver.process.communicate(timeout=20)


if __name__ == "__main__":
    main()
