"""What the golden cases of the senders say, for the pages that cog prints."""

import json
from pathlib import Path
from typing import Any

from docs.tables import code, table

CASES = Path(__file__).parents[1] / "tests" / "cases" / "sources"


def cases() -> dict[str, dict[str, Any]]:
    """Each case by its name."""
    files = sorted(CASES.glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def outcomes() -> str:
    """A table of the cases that are about an order: kind, event, value and outcome."""
    rows = [
        (code(name), case["why"], _events(case), _values(case), _ends(case))
        for name, case in cases().items()
        if any({"shopify", "woocommerce", "stripe"} & set(step) for step in case["given"])
    ]
    return table(("case", "what it shows", "event", "value", "outcome"), rows)


def by_complaint() -> dict[int, list[str]]:
    """Complaint of users -> the cases that show what happens here instead."""
    found: dict[int, list[str]] = {}
    for name, case in cases().items():
        for number in case.get("complaints", ()):
            found.setdefault(number, []).append(name)
    return found


def _events(case: dict[str, Any]) -> str:
    return ", ".join(code(end.get("event", "")) for end in case["then"]) or "none"


def _values(case: dict[str, Any]) -> str:
    told = [end for end in case["then"] if end.get("value") is not None]
    return ", ".join(f"{end['value']:.2f} {end.get('currency', 'USD')}" for end in told)


def _ends(case: dict[str, Any]) -> str:
    ends = [": ".join(filter(None, (e["state"], e.get("reason")))) for e in case["then"]]
    return ", ".join(ends) or "nothing is sent"
