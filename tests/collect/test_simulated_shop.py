"""The simulated shop against its truth file, and what must stand still when a topic goes wrong."""

import json
import random
from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from tests.counter import SECRET, Counter

from tillpost.core.wire import CLIENT_IP
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.schedule import World, build_world
from tillpost.simulate.truth import EventTruth
from tillpost.simulate.wire import Planned, Secrets

START = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = Knobs(
    orders=60, days=4, seed=3, upsell=0.2, returning=0.2, abandoned=0.3, blocked_own=0.15,
    cancelled=0.1, refund_full=0.15, refund_partial=0.1, lost=0.02,
)  # fmt: skip
"""A small shop in which everything happens."""
SECRETS = Secrets(SECRET)
HOUR = 3600.0
SETTLED = 8 * 24 * HOUR
"""After so long nothing waits any more."""


@cache
def world(**turned: Any) -> World:
    return build_world(replace(PLAIN, **turned), START)


def played(plan: Iterable[Planned]) -> dict[str, Any]:
    """What reports are made from, and how each event ended, after all of this has come."""
    told = [row for row in plan if row.what in {"webhook", "beacon"}]
    counter = Counter()
    counter.now = told[0].at
    delivered = counter.now
    for row in told:
        counter.wait(max(row.at - counter.now, 0.0))
        if counter.now - delivered > HOUR:
            counter.take({"delivered": 1})
            delivered = counter.now
        request = row.make(SECRETS)
        headers = {name.lower(): value for name, value in request.headers}
        headers[CLIENT_IP] = headers.get("x-forwarded-for", "")
        kind = "pixel" if row.what == "beacon" else "shopify"
        taken = counter.request(kind, request.body, headers)
        assert taken.rejection is None, taken.rejection
    counter.wait(SETTLED)
    counter.take({"delivered": 1})
    tables = counter.store.tables(["orders", "refunds", "edits", "links"])
    return {
        **{name: rows for name, (_, rows) in tables.items()},
        "events": sorted(
            (end["event"], end["id"], _end(end["state"], end["reason"]))
            for end in counter.outcomes()
        ),
    }


def _end(state: str, reason: str | None) -> str:
    if state in {"delivered", "sent"}:
        return "sent"
    return "kept" if str(reason).startswith("consent_") else str(reason)


@cache
def turned(**knobs: Any) -> dict[str, Any]:
    return played(world(**knobs).plan)


def events(found: dict[str, Any], name: str) -> list[tuple[str, str]]:
    return [(event_id, end) for event, event_id, end in found["events"] if event == name]


def but(found: dict[str, Any], *names: str) -> list[Any]:
    """All events of other names."""
    return [event for event in found["events"] if event[0] not in names]


def _ends(facts: Iterable[EventTruth]) -> dict[str | None, str]:
    return {fact.event_id: "sent" if fact.sent else "kept" for fact in facts}


def test_every_checkout_that_was_told_is_one_event_and_ends_as_the_truth_says() -> None:
    facts = world().truth.checkouts
    assert {fact.sent for fact in facts} == {True, False}
    assert sorted(events(turned(), "InitiateCheckout")) == sorted(_ends(facts).items())


def test_every_account_is_one_registration_and_a_guest_is_none() -> None:
    facts = world().truth.registrations
    guests = [order for order in world().truth.orders if order.kind == "web"]
    assert 0 < len(facts) < len(guests)
    found = Tally(end for _, end in events(turned(), "CompleteRegistration"))
    assert found == Tally("sent" if fact.sent else "kept" for fact in facts)


def test_an_edited_order_is_worth_what_it_is_worth_now() -> None:
    edited = {o.order_id: o.edited for o in world().truth.orders if o.edited is not None}
    assert edited
    worth = {row[1]: row[7] for row in turned()["orders"]}
    assert {order: worth[order] for order in edited} == {
        order: int(told.replace(".", "")) for order, told in edited.items()
    }
    assert {row[2] for row in turned()["edits"]} <= edited.keys()


def test_what_was_given_back_is_counted_in_the_shops_money_to_the_cent() -> None:
    """Transactions are in the buyer's money, whole refunds and parts of one."""
    mixed = {"other_currency": 0.5, "refund_full": 0.3, "refund_partial": 0.3, "cancelled": 0.0}
    found: Tally[str] = Tally()
    for _, _, order_id, _, minor, currency in turned(**mixed)["refunds"]:
        assert currency == "USD"
        found[order_id] += minor
    told = [o for o in world(**mixed).truth.orders if o.refunded is not None and o.server]
    paid = {row[1]: row[17] for row in turned(**mixed)["orders"]}
    assert {paid[o.order_id] for o in told} > {"USD"}
    assert found == {o.order_id: int(str(o.refunded).replace(".", "")) for o in told}


def test_nothing_but_what_was_told_is_sent() -> None:
    names = {event[0] for event in turned()["events"]}
    assert names == {
        "PageView", "ViewContent", "AddToCart", "InitiateCheckout", "Purchase",
        "CompleteRegistration",
    }  # fmt: skip
    purchases = [event_id for event_id, _ in events(turned(), "Purchase")]
    assert len(set(purchases)) == len(purchases)


@pytest.mark.parametrize(
    "change", [{"duplicate": 1.0}, {"duplicate_new_id": 1.0}, {"disordered": 1.0}], ids=str
)
def test_repeats_and_disorder_change_nothing(change: dict[str, float]) -> None:
    assert turned(**change) == turned()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_order_webhooks_come_in_the_books_are_the_same(seed: int) -> None:
    plan = list(world().plan)
    places = [n for n, row in enumerate(plan) if row.what == "webhook"]
    shuffled = random.Random(seed).sample(places, len(places))
    mixed = list(plan)
    for place, other in zip(places, shuffled, strict=True):
        mixed[place] = plan[other]._replace(at=plan[place].at)
    found = played(mixed)
    for name in ("orders", "refunds", "edits"):
        assert found[name] == turned()[name], name
    for name in ("InitiateCheckout", "CompleteRegistration"):
        assert [i for i, _ in events(found, name)] == [i for i, _ in events(turned(), name)]


def test_without_cart_webhooks_nothing_is_missing() -> None:
    found = turned(unsent="carts")
    assert {n: v for n, v in found.items() if n != "links"} == {
        n: v for n, v in turned().items() if n != "links"
    }


def test_without_edit_webhooks_only_the_notes_are_missing() -> None:
    found = turned(unsent="edits")
    assert found["edits"] == []
    assert {**found, "edits": turned()["edits"]} == turned()


def test_without_customer_webhooks_only_registrations_are_missing() -> None:
    found = turned(unsent="customers")
    assert events(found, "CompleteRegistration") == []
    assert found["events"] == but(turned(), "CompleteRegistration")
    assert found["orders"] == turned()["orders"]


def test_without_checkout_webhooks_only_what_no_browser_told_is_missing() -> None:
    found = turned(unsent="checkouts")
    facts = world(unsent="checkouts").truth.checkouts
    assert 0 < len(facts) < len(world().truth.checkouts)
    assert sorted(events(found, "InitiateCheckout")) == sorted(_ends(facts).items())
    assert but(found, "InitiateCheckout") == but(turned(), "InitiateCheckout")
    assert found["orders"] == turned()["orders"]


def test_bodies_have_the_keys_of_shopifys_own() -> None:
    """What the reference of these topics always has; a body that lacks it would prove nothing."""
    wanted = {
        "carts/create": {"id", "token", "line_items", "note", "created_at", "updated_at"},
        "checkouts/create": {
            "abandoned_checkout_url", "cart_token", "completed_at", "currency", "email", "token",
            "line_items", "note_attributes", "presentment_currency", "subtotal_price", "user_id",
        },
        "customers/create": {"id", "email", "state", "created_at", "updated_at", "addresses"},
        "orders/edited": {"order_edit"},
    }  # fmt: skip
    seen = set()
    for row in world().plan:
        if row.what == "webhook":
            request = row.make(SECRETS)
            topic = dict(request.headers)["X-Shopify-Topic"]
            if topic in wanted:
                seen.add(topic)
                assert wanted[topic] <= json.loads(request.body).keys(), topic
    assert seen == wanted.keys()
