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
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench import native
from bench.native import RAW
from bench.people import people
from tillpost.core import capi
from tillpost.core.event import Device, Event, Person
from tillpost.core.identity import identify

HERE = Path(__file__).parent
ORACLES = HERE.parent / ".venv-oracles" / "bin" / "python"
MODULES = HERE / "sdk" / "node_modules"
CHUNK = 100
"""People a line of the file: read before the clock starts, and still at hand when it runs."""
NATIVE = {"step": "the identifiers by a native step", "whole": "all in one native call"}
"""Measurements of what could be, not the product."""
HASHED = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country")


def build(person: dict[str, Any]) -> bytes:
    user = person["user"]
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
        custom_data=custom_data(person),
    )
    return capi.encode(capi.server_event(event))


def custom_data(person: dict[str, Any]) -> dict[str, Any]:
    items = person["items"]
    return {
        "value": person["value"],
        "currency": person["currency"],
        "content_type": "product",
        "order_id": person["id"],
        "content_ids": [sku for sku, _, _ in items],
        "contents": [
            {"id": sku, "quantity": quantity, "item_price": price} for sku, quantity, price in items
        ],
        "num_items": len(items),
    }


def builder(how: str, library: str | None) -> Callable[[dict[str, Any]], bytes]:
    """The product's way, or one of the two with a native step."""
    if how == "pure" or library is None:
        return build
    module = native.loaded(library)
    if how == "step":
        return lambda person: native.with_step(module, person, custom_data(person))
    return lambda person: native.whole(module, person)


def ours(path: str, how: str, library: str | None) -> None:
    """The measured process: as the peers' programs, `{"seconds", "sample"}` on one line."""
    make = builder(how, library)
    sample: list[Any] = []
    seconds = 0.0
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            chunk = json.loads(line)
            for person in chunk:
                person["value"] = Decimal(person["value"])
                person["items"] = [(sku, n, Decimal(price)) for sku, n, price in person["items"]]
            sample = sample or [json.loads(make(person)) for person in chunk]
            if make is not build:
                for person in chunk:
                    native.verify(make(person), build(person))
            start = time.process_time()
            for person in chunk:
                make(person)
            seconds += time.process_time() - start
    print(json.dumps({"seconds": seconds, "sample": sample}))


def contenders(path: str, library: Path | None) -> dict[str, list[str]]:
    own = [sys.executable, "-m", "bench.build", "--ours", path]
    found = {"Tillpost": own}
    if library:
        for how, name in NATIVE.items():
            found[name] = [*own, "--how", how, "--library", str(library)]
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
        library = native.compiled(Path(folder))
        if library is None:
            print("No gcc or no Python.h: the native rows are left out.")
        for _ in range(rounds):
            for name, command in contenders(path, library).items():
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
    options.add_argument("--how", default="pure", help=argparse.SUPPRESS)
    options.add_argument("--library", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.ours:
        ours(chosen.ours, chosen.how, chosen.library)
        return
    best = measure(chosen.people, chosen.rounds)
    peers = [name for name in best if name.startswith("Meta")]
    columns = " | ".join(f"x {name}" for name in peers)
    print(f"| program | events per CPU second | microseconds each | {columns} |")
    print("| --- | ---: | ---: |" + " ---: |" * len(peers))
    for name, rate in best.items():
        ratios = " | ".join(f"{rate / best[peer]:.1f}" for peer in peers)
        print(f"| {name} | {rate:,.0f} | {1e6 / rate:.1f} | {ratios} |")


if __name__ == "__main__":
    main()
