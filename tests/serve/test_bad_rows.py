"""Signed bodies that could not be read: seen, read again, and taken in once."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tillpost.cli.letters import bad_rows
from tillpost.collect.accept import accept
from tillpost.collect.sources import shopify
from tillpost.core.books import BadRow
from tillpost.core.event import OrderSeen
from tillpost.core.wire import Request
from tillpost.serve import development
from tillpost.serve.clock import SystemClock
from tillpost.serve.node import Node
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Server

CAME = 1_790_000_000.0
ORDER = {
    "id": 5500000001001,
    "created_at": "2026-09-21T13:00:00Z",
    "updated_at": "2026-09-21T13:00:00Z",
    "source_name": "web",
    "financial_status": "paid",
    "currency": "USD",
    "total_price": "59.00",
    "email": "ada@mail.example",
}


class Office:
    """A node of development and its command line; bodies come in without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = development.settings(development.read_secrets(folder), Server())
        self.node = Node(settings, folder, SystemClock(), read_keys(folder), "http://127.0.0.1:1")

    def comes(self, body: Any, topic: str = "orders/create") -> None:
        """A signed webhook comes in."""
        intake = self.node.intake("shopify", "demo")
        assert intake is not None
        headers = {"x-shopify-topic": topic, "x-shopify-hmac-sha256": "c2VjcmV0"}
        request = Request("POST", "/webhooks/shopify/demo", headers, json.dumps(body).encode())
        asyncio.run(accept(intake, request, self.node.store, self.node.sealer, CAME))

    def retried(self, ids: list[int] | None = None, shop: str | None = "demo") -> dict[str, Any]:
        return asyncio.run(self.node.bad_rows.retry(ids, shop))

    def facts(self) -> list[tuple[Any, float]]:
        return [(entry.fact, entry.received_at) for _, entry in self.node.store.unfolded(9)]

    def left(self) -> list[str]:
        return [row["reason"] for row in self.node.store.bad_rows(0, 9)]

    def typed(self, *words: str) -> Result:
        return CliRunner().invoke(bad_rows, [*words, "--data", str(self.folder)])


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(shopify, "verify", lambda *_: None)
    made = Office(tmp_path)
    yield made
    asyncio.run(made.node.close())


def _breaks(*_: Any) -> Any:
    raise KeyError("a version of before could not read it")


def test_what_could_not_be_read_is_taken_in_as_if_it_came_when_it_did(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(shopify, "parse", _breaks)
        office.comes(ORDER, topic="orders/paid")
        assert office.retried()["left"] == [
            {"id": 1, "reason": "cannot_read", "field": "body", "detail": "KeyError"}
        ]
    assert (office.left(), office.facts()) == (["cannot_read"], [])
    assert office.retried() == {"taken": 1, "facts": 1, "left": []}
    ((fact, at),) = office.facts()
    assert isinstance(fact, OrderSeen)
    assert (fact.order_id, fact.topic, at) == ("5500000001001", "orders/paid", CAME)
    assert (office.left(), office.retried()) == ([], {"taken": 0, "facts": 0, "left": []})


def test_what_says_who_sent_it_is_not_kept(office: Office) -> None:
    office.comes({"id": 1})
    found = office.node.bad_rows._store.one(1, None)  # shown nowhere else
    assert found is not None
    assert json.loads(found.headers) == {"x-shopify-topic": "orders/create"}


def test_each_row_that_stays_says_why(office: Office) -> None:
    body = office.node.sealer.seal(b"[]")
    rows = [
        BadRow(shop, source, CAME, "unexpected_shape", "", "", sealed, headers)
        for shop, source, sealed, headers in (
            ("demo", "shopify", body, "{}"),
            ("demo", "shopify", body, ""),
            ("demo", "gone", body, "{}"),
            ("demo", "shopify", body[:-2], "{}"),
            ("other", "shopify", body, "{}"),
        )
    ]
    for row in rows:
        asyncio.run(office.node.store.keep_bad(row))
    found = office.retried()
    assert [(one["id"], one["reason"]) for one in found["left"]] == [
        (1, "unexpected_shape"),
        (2, "no_body"),
        (3, "no_source"),
        (4, "unreadable"),
    ]
    assert [one["reason"] for one in office.retried([5, 6])["left"]] == ["no_row", "no_row"]
    assert len(office.left()) == len(rows)


def test_the_command_lists_retries_and_says_what_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.typed("list").output == "no bad rows\n"
    with monkeypatch.context() as before:
        before.setattr(shopify, "parse", _breaks)
        office.comes(ORDER)
    office.comes({"id": None})
    listed = office.typed("list").output.splitlines()
    assert ["cannot_read" in listed[0], "2026-09-21T" in listed[0], len(listed)] == [True, True, 2]
    (answer,) = [office.typed("retry", "1", "2").output.splitlines()]
    assert answer[0] == "1 taken in"
    assert answer[1].startswith("left 2: ")
    again = json.loads(office.typed("retry", "--all", "--json").output)
    assert (again["taken"], [one["id"] for one in again["left"]]) == (0, [2])
    assert json.loads(office.typed("list", "--json").output)["items"][0]["id"] == 2
