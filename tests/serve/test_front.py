"""The front door's limits, without a network."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tillpost.serve import development
from tillpost.serve.clock import SystemClock
from tillpost.serve.http import front as module
from tillpost.serve.http.front import Front
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Server


async def _never(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("a hot route went to the pages")


def _answers(folder: Path, body: list[bytes], *, ends: bool) -> list[dict[str, Any]]:
    """What the front sends for a beacon whose body comes in these parts."""

    async def run() -> list[dict[str, Any]]:
        settings = development.settings(development.read_secrets(folder), Server())
        node = Node(settings, folder, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")
        parts = list(body)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not parts:
                await asyncio.sleep(60)
            more = len(parts) > 1 or not ends
            return {"type": "http.request", "body": parts.pop(0), "more_body": more}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/px/demo",
            "headers": [],
            "client": ("127.0.0.1", 1),
        }
        await Front(node, _never)(scope, receive, send)
        await node.close()
        return sent

    return asyncio.run(run())


def test_a_body_that_does_not_come_is_408(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_SECONDS", 0.05)
    start, body = _answers(tmp_path, [b"{"], ends=False)
    assert start["status"] == 408
    assert b"too_slow" in body["body"]


def test_a_body_in_parts_is_read_whole(tmp_path: Path) -> None:
    parts = [b'{"events": [', b'{"event_name": "PageView", "event_id": "1"}', b"]}"]
    assert _answers(tmp_path, parts, ends=True)[0]["status"] == 204


def test_a_body_over_its_limit_is_413_and_drained(tmp_path: Path) -> None:
    parts = [b" " * 40_000, b" " * 40_000]
    assert _answers(tmp_path, parts, ends=True)[0]["status"] == 413
