"""The front door's limits, without a network."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tillpost.collect.accept import accept
from tillpost.core.wire import Request, Response
from tillpost.serve import development
from tillpost.serve.clock import SystemClock
from tillpost.serve.http import front as module
from tillpost.serve.http.front import Front
from tillpost.serve.node import Node
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Server


def _node(folder: Path) -> Node:
    settings = development.settings(development.read_secrets(folder), Server())
    return Node(settings, folder, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")


async def _never(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("a hot route went to the pages")


def _answers(folder: Path, body: list[bytes], *, ends: bool) -> list[dict[str, Any]]:
    """What the front sends for a beacon whose body comes in these parts."""

    async def run() -> list[dict[str, Any]]:
        node = _node(folder)
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


@pytest.mark.parametrize(
    ("path", "reason"), [("/px/demo", "internal"), ("/v26.0/1234567890123456/events", None)]
)
def test_an_error_that_nobody_expected_is_a_500_without_its_words(
    tmp_path: Path, path: str, reason: str | None
) -> None:
    async def run() -> Response:
        node = _node(tmp_path)
        front = Front(node, _never)
        hot = front.hot("POST", path)
        assert hot is not None

        async def breaks(_request: Request, _peer: str) -> Response:
            raise KeyError("ada@mail.example")

        answer = await front.answered(
            hot._replace(handler=breaks), Request("POST", path, {}, b""), ""
        )
        await node.close()
        return answer

    answer = asyncio.run(run())
    error = json.loads(answer.body)["error"]
    assert (answer.status, b"ada" in answer.body) == (500, False)
    assert (error.get("reason"), error.get("code")) == (reason, None if reason else 1)


def test_a_signed_body_that_our_own_code_breaks_on_is_kept_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its shop would send it eight times and then delete the webhook."""

    async def run() -> list[dict[str, Any]]:
        node = _node(tmp_path)
        intake = node.intake("shopify", "demo")
        assert intake is not None
        request = Request("POST", "/webhooks/shopify/demo", {}, b"{}")
        taken = await accept(intake, request, node.store, node.sealer, 1.0)
        assert taken.rejection is not None
        assert taken.rejection.status == 200
        with pytest.raises(KeyError):
            await accept(replace(intake, is_signed=False), request, node.store, node.sealer, 1.0)
        rows = node.store.bad_rows(0, 9)
        await node.close()
        return rows

    def breaks(*_: Any) -> Any:
        raise KeyError("ada@mail.example")

    monkeypatch.setattr("tillpost.collect.sources.shopify.verify", lambda *_: None)
    monkeypatch.setattr("tillpost.collect.sources.shopify.parse", breaks)
    (row,) = asyncio.run(run())
    assert (row["reason"], row["detail"]) == ("cannot_read", "KeyError")
