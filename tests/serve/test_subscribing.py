"""Webhooks that Shopify deleted after its deliveries failed are noticed, and made again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.serve.test_attention import SIGNS
from tests.serve.test_reconciling import HOUR, Wire
from tests.shopify_admin import TOKEN, AdminApi, webhook

from tillpost.serve.attention import Note, by_rule
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.rounds.reconciling import AGAIN_SECONDS
from tillpost.serve.rounds.subscribing import Subscriber, webhooks
from tillpost.serve.settings import ShopifySettings, ShopSettings
from tillpost.store.shop_webhooks import ShopWebhook, ShopWebhookStore
from tillpost.store.sqlite import Database
from tillpost.testing.entries import NOW

HERE = "https://tp.example.com"
TOPICS = ("orders/create", "refunds/create")


class Desk:
    """A shop's webhooks, and who looks at them every hour."""

    def __init__(self, directory: Path) -> None:
        self.api = AdminApi([])
        self.api.webhooks = [webhook(), webhook("REFUNDS_CREATE", name="refunds", filter="id:*")]
        self.database = Database(directory / "tillpost.db", "gateway")
        self.store = ShopWebhookStore(self.database)
        self.clock = SimulatedClock(NOW)
        self.given()

    def given(self, public_url: str | None = HERE, **told: Any) -> None:
        """The shop's settings, from here on."""
        shopify = ShopifySettings(**{"access_token": TOKEN, **told})
        self.shop = ShopSettings(name="demo", domain="demo-shop.myshopify.com", shopify=shopify)
        shops = (self.shop, ShopSettings(name="other", domain="other.example"))
        self.subscriber = Subscriber(shops, self.store, Wire(self.api), self.clock, public_url)

    def look(self, hours: float = 1.0) -> list[ShopWebhook]:
        """What is known after so many hours and one more look."""
        self.clock.set(self.clock.now() + hours * HOUR)
        assert asyncio.run(self.subscriber.round()) == 1
        return webhooks(self.store, self.shop)

    def notes(self) -> list[Note]:
        """What the owner is told."""
        now, told = self.clock.now(), webhooks(self.store, self.shop)
        signs = structs.replace(SIGNS, now=now, url=HERE, webhooks=told)
        return by_rule(signs)["shop's webhooks"]

    def state(self) -> set[tuple[str, bool]]:
        """Each topic, and whether it is gone."""
        rows = webhooks(self.store, self.shop)
        return {(row.topic, row.gone_at is not None) for row in rows}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


def test_what_the_shop_deleted_after_eight_failures_is_made_again_as_it_was(desk: Desk) -> None:
    before = [dict(row) for row in desk.api.webhooks]
    desk.look()
    desk.api.fails_to_deliver(7)
    desk.look(5)
    assert (desk.state(), desk.notes()) == ({(topic, False) for topic in TOPICS}, [])
    desk.api.fails_to_deliver(8)
    found = desk.look(5)
    assert sorted(desk.api.webhooks, key=str) == sorted(before, key=str)
    assert [(row.topic, row.made_at) for row in found] == [(t, desk.clock.now()) for t in TOPICS]
    (note,) = desk.notes()
    assert (note.level, note.title) == (
        "hint",
        "2 webhooks made again: orders/create, refunds/create",
    )
    desk.look(24)
    assert desk.notes() == []


def test_what_goes_again_before_shopify_can_have_deleted_it_is_not_wanted(desk: Desk) -> None:
    desk.look()
    desk.api.webhooks.clear()
    desk.look()
    del desk.api.webhooks[0]
    assert [row.topic for row in desk.look()] == ["refunds/create"]
    assert len(desk.api.webhooks) == 1
    desk.api.webhooks.clear()
    desk.look(4)
    assert len(desk.api.webhooks) == 1


def test_one_that_may_only_be_listed_or_is_refused_is_told_with_the_fix(desk: Desk) -> None:
    desk.look()
    desk.api.webhooks.pop()
    desk.given(reconcile="list")
    desk.look()
    assert desk.state() == {("orders/create", False), ("refunds/create", True)}
    (note,) = desk.notes()
    assert (note.level, note.title) == ("bad", "The shop has deleted 1 webhook: refunds/create")
    assert 'reconcile = "fetch"' in note.fix
    desk.given()
    desk.api.unwanted = "You cannot create a webhook subscription with the specified topic"
    desk.look()
    assert "specified topic" in desk.notes()[0].detail
    assert len(desk.api.webhooks) == 1
    desk.api.unwanted = None
    desk.look()
    assert len(desk.api.webhooks) == 2
    desk.given(reconcile="off")
    assert (desk.notes(), desk.subscriber.is_needed) == ([], False)


def test_only_what_leads_to_this_shop_here_is_looked_at(desk: Desk) -> None:
    odd = ["https://elsewhere.example/webhooks/shopify/demo", f"{HERE}/webhooks/shopify/other"]
    desk.api.webhooks += [webhook(uri=uri) for uri in [*odd, "pubsub://project:topic", "https://["]]
    assert len(desk.look()) == 2
    desk.given(public_url="https://moved.example")
    desk.api.webhooks.clear()
    assert (desk.look(), desk.api.webhooks) == ([], [])
    desk.given(public_url=None)
    desk.api.webhooks = [webhook(uri=uri) for uri in odd]
    assert len(desk.look()) == 1


def test_a_shop_that_does_not_answer_keeps_no_other_waiting(desk: Desk) -> None:
    shopify = ShopifySettings(access_token=TOKEN)
    other = ShopSettings(name="other", domain="other.example", shopify=shopify)
    desk.api.webhooks.append(webhook(uri=f"{HERE}/webhooks/shopify/other"))
    wire = Wire(desk.api)
    subscriber = Subscriber([desk.shop, other], desk.store, wire, desk.clock, HERE)
    desk.api.trouble = [502]
    assert [asyncio.run(subscriber.round()) for _ in range(3)] == [1, 1, 0]
    assert webhooks(desk.store, desk.shop) == []
    assert [row.topic for row in webhooks(desk.store, other)] == ["orders/create"]
    desk.clock.set(desk.clock.now() + AGAIN_SECONDS)
    assert [asyncio.run(subscriber.round()) for _ in range(2)] == [1, 0]
    desk.api.webhooks.clear()
    desk.clock.set(desk.clock.now() + HOUR)
    assert [asyncio.run(subscriber.round()) for _ in range(3)] == [1, 1, 0]
    assert sorted(row["uri"] for row in desk.api.webhooks) == [
        *[f"{HERE}/webhooks/shopify/demo"] * 2,
        f"{HERE}/webhooks/shopify/other",
    ]


def test_one_that_was_changed_or_is_there_already_is_not_made_twice(desk: Desk) -> None:
    desk.look()
    desk.api.webhooks[0] = webhook(includeFields=["id", "updated_at"])
    desk.look()
    assert [row["includeFields"] for row in desk.api.webhooks] == [["id", "updated_at"], []]
    listed, desk.api.webhooks = desk.api.webhooks, []
    answer = desk.api.answer

    def late(path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        if "Create(" in body["query"]:
            desk.api.webhooks = listed
        return answer(path, body, token)

    desk.api.answer = late  # type: ignore[method-assign]
    desk.look()
    assert {row for _, row in desk.state()} == {False}
    assert len(desk.api.webhooks) == 2


@pytest.mark.parametrize("trouble", [401, 502, "ACCESS_DENIED"])
def test_a_list_that_does_not_come_changes_nothing_and_is_asked_for_again(
    desk: Desk, trouble: int | str
) -> None:
    before = desk.look()
    desk.api.trouble = [trouble]
    assert desk.look() == before
    assert asyncio.run(desk.subscriber.round()) == 0
    assert desk.look(AGAIN_SECONDS / HOUR) == before


def test_an_odd_list_is_refused_whole_and_an_old_version_is_never_asked(desk: Desk) -> None:
    before = desk.look()
    desk.api.webhooks = [{"topic": 7}]
    assert desk.look() == before
    desk.given(api_version="2025-10")
    assert not desk.subscriber.is_needed
