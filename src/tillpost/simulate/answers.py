"""Reads from a server all that the truth is compared with."""

from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tillpost.simulate.play import Target, Unreachable, ask_json

PAGE = 1_000
REPORTS = ("orders", "channels", "campaigns", "ads")


class Answers(Struct, frozen=True):
    """The server's own account: its events, the platform's, the ledger and the reports."""

    events: list[dict[str, Any]]
    received: list[dict[str, Any]]
    ledger: dict[str, Any]
    reports: dict[str, list[dict[str, Any]]]
    findings: list[dict[str, Any]] = []
    """Faults of the set-up that the server names."""


async def read_answers(target: Target) -> Answers:
    """Everything, page by page; raises `Unreachable` where the server refuses."""
    reports = {}
    for name in REPORTS:
        reports[name] = (await _object(target, f"/api/v1/reports/{name}?format=json"))["rows"]
    return Answers(
        events=await _all(target, "/api/v1/events"),
        received=await _all(target, "/api/v1/receiver/events"),
        ledger=await _object(target, "/api/v1/ledger"),
        reports=reports,
        findings=(await _object(target, "/api/v1/findings"))["findings"],
    )


async def _all(target: Target, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: object = None
    while True:
        after = f"&after={quote(str(cursor))}" if cursor is not None else ""
        page = await _object(target, f"{path}?limit={PAGE}{after}")
        rows += page["items"]
        cursor = page.get("next")
        if cursor is None or not page["items"]:
            return rows


async def _object(target: Target, path: str) -> dict[str, Any]:
    status, value = await ask_json(target, path)
    if status >= 300 or not isinstance(value, dict):
        raise Unreachable(f"GET {path} answered {status}: check the server key and the server")
    return value
