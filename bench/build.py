"""Build a Purchase from raw values to CAPI JSON, beside Meta's Python and Node SDKs.

Every person is distinct. All three read the same people from one file, a hundred at a
time with the clock stopped; what counts is CPU seconds of the building process, the best
of some rounds that take turns.

    python -m bench.build [--people 20000] [--rounds 5]

The SDKs live in environments of their own: `tests/oracles/run.sh --install-only` makes
`.venv-oracles`, and `npm ci --prefix bench/sdk` the other. One that is missing is left out.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.people import people
from tillpost.core import capi
from tillpost.core.event import Device, Event, Person
from tillpost.core.identity import identify

HERE = Path(__file__).parent
ORACLES = HERE.parent / ".venv-oracles" / "bin" / "python"
MODULES = HERE / "sdk" / "node_modules"
RAW = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country", "external_id")
CHUNK = 100
"""People a line of the file: read before the clock starts, and still at hand when it runs."""
HASHED = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country")


def build(person: dict[str, Any]) -> bytes:
    user = person["user"]
    items = person["items"]
    raw = {name: (user[name],) for name in RAW}
    found = identify(raw, "US")
    event = Event(
        shop="demo",
        event_name="Purchase",
        event_time=person["time"],
        event_id=person["id"],
        event_source_url=person["url"],
        action_source="website",
        person=Person(keys=found.keys, fbc=person["fbc"], fbp=user["fbp"]),
        device=Device(person["ip"], person["agent"]),
        custom_data={
            "value": person["value"],
            "currency": person["currency"],
            "content_type": "product",
            "order_id": person["id"],
            "content_ids": [sku for sku, _, _ in items],
            "contents": [
                {"id": sku, "quantity": quantity, "item_price": price}
                for sku, quantity, price in items
            ],
            "num_items": len(items),
        },
    )
    return capi.encode(capi.server_event(event))


def ours(path: str) -> None:
    """The measured process: as the peers' programs, `{"seconds", "sample"}` on one line."""
    sample: list[Any] = []
    seconds = 0.0
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            chunk = json.loads(line)
            for person in chunk:
                person["value"] = Decimal(person["value"])
                person["items"] = [(sku, n, Decimal(price)) for sku, n, price in person["items"]]
            sample = sample or [json.loads(build(person)) for person in chunk]
            start = time.process_time()
            for person in chunk:
                build(person)
            seconds += time.process_time() - start
    print(json.dumps({"seconds": seconds, "sample": sample}))


def contenders(path: str) -> dict[str, list[str]]:
    found = {"Tillpost": [sys.executable, "-m", "bench.build", "--ours", path]}
    if ORACLES.exists():
        found["Meta's Python SDK"] = [str(ORACLES), str(HERE / "sdk" / "build.py"), path]
    if MODULES.exists():
        found["Meta's Node SDK"] = ["node", str(HERE / "sdk" / "build.cjs"), path, str(MODULES)]
    return found


def measure(count: int, rounds: int) -> dict[str, float]:
    """Events per CPU second of each contender, the best round."""
    best: dict[str, float] = {}
    samples: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "people.json")
        everyone = people(count)
        chunks = [everyone[at : at + CHUNK] for at in range(0, count, CHUNK)]
        Path(path).write_text("\n".join(map(json.dumps, chunks)), encoding="utf-8")
        for _ in range(rounds):
            for name, command in contenders(path).items():
                answer = json.loads(subprocess.run(command, check=True, stdout=-1).stdout)
                best[name] = max(best.get(name, 0), count / answer["seconds"])
                samples[name] = answer["sample"]
    agree(samples)
    return best


def agree(samples: dict[str, Any]) -> None:
    """All must have built the same events: the same hashes, ids and contents."""
    for name, theirs in samples.items():
        for mine, other in zip(samples["Tillpost"], theirs, strict=True):
            for key in HASHED:
                other_hash = other["user_data"][key]
                other_hash = other_hash if isinstance(other_hash, list) else [other_hash]
                assert set(other_hash) <= set(mine["user_data"][key]), (name, key)
            assert other["event_id"] == mine["event_id"], name
            assert len(other["custom_data"]["contents"]) == 3, name


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--people", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--ours", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.ours:
        ours(chosen.ours)
        return
    best = measure(chosen.people, chosen.rounds)
    print("| program | events per CPU second | microseconds each | Tillpost is |")
    print("| --- | ---: | ---: | ---: |")
    for name, rate in best.items():
        ratio = "" if name == "Tillpost" else f"{best['Tillpost'] / rate:.1f} x"
        print(f"| {name} | {rate:,.0f} | {1e6 / rate:.1f} | {ratio} |")


if __name__ == "__main__":
    main()
