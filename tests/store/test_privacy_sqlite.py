"""Erasing one of two people who share a browser, and what stands where they met."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tillpost.core.books import Link, PrivacyRow, Visitor
from tillpost.core.event import Person, PrivacyAsked
from tillpost.core.outcome import State
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.privacy_sqlite import PrivacyStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, FBP, NOW, SHOP

BEN: Any = {"em": (("meta", make.hashed("ben@example.com")),)}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "gateway.db", "gateway")
    yield opened
    opened.close()


@pytest.fixture
def stores(database: Database) -> tuple[GatewayStore, PrivacyStore]:
    sealer = AesSealer(b"k" * 32)
    return GatewayStore(database, sealer), PrivacyStore(database, sealer)


def _asked(**changes: Any) -> PrivacyAsked:
    return structs.replace(PrivacyAsked("erase", person=Person(keys=make.KEYS)), **changes)


def _link(kind: str, value: str) -> Link:
    return Link(SHOP, kind, value, "v1", NOW)


def test_an_event_on_its_way_is_seen_and_a_waiting_one_is_stopped(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    gateway, store = stores
    gateway.commit(make.outgoing(1))
    gateway.lease(DESTINATION, NOW + 1.0, 1, 60.0)
    assert store.trace(SHOP, _asked()).in_flight
    gateway.free(NOW + 2.0)
    trace = store.trace(SHOP, _asked())
    assert not trace.in_flight
    store.erase(trace, "t", float(NOW))
    assert (SHOP, DESTINATION, "dropped", "erased", 1) in gateway.tallies()
    assert gateway.lease(DESTINATION, NOW + 10.0, 10, 1.0) == []


def test_who_shares_a_browser_keeps_the_order_and_loses_the_cookie(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    gateway, store = stores
    gateway.commit(
        make.changes(
            visitors=[Visitor(SHOP, "v1", NOW, fbp=FBP)],
            orders=[make.order_row(), make.order_row(make.order("1002", person=Person(keys=BEN)))],
            links=[_link("em", make.hashed("ada@example.com")), _link("order", "1002")],
            events=[
                make.event_row(1, event=make.event("a", person=Person(keys=make.KEYS, fbp=FBP))),
                make.event_row(2, event=make.event("b", person=Person(keys=BEN, fbp=FBP))),
            ],
            deliveries=[make.delivery(1, state=State.DELIVERED), make.delivery(2)],
        )
    )
    store.erase(store.trace(SHOP, _asked()), "t", float(NOW))
    told = store.stored(store.trace(SHOP, _asked(person=Person(keys=BEN))))
    (order,) = told["orders"]
    assert order["order_id"] == "1002"
    (event,) = told["events"]
    assert "fbp" not in event["person"]
    assert event["outcomes"][0]["state"] == "pending"
    assert store.trace(SHOP, _asked()).counts == dict.fromkeys(
        ("orders", "events", "visitors", "sightings", "journal", "bad_rows"), 0
    )


def test_who_is_named_by_a_number_is_found_by_the_e_mail_of_the_order(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    gateway, store = stores
    by_email = make.event_row(
        1, order_id=None, event=make.event("a", person=Person(keys=make.KEYS))
    )
    gateway.commit(make.changes(orders=[make.order_row()], events=[by_email]))
    asked = PrivacyAsked("erase", customer_id="501")
    assert store.trace(SHOP, asked).counts["events"] == 0
    widened = store.widened(SHOP, asked)
    assert store.trace(SHOP, widened).counts["events"] == 1
    assert store.widened(SHOP, PrivacyAsked("erase", customer_id="502")).person == Person()


def test_a_closed_request_keeps_counts_and_a_sealed_answer_for_its_time(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    _, store = stores
    number = store.ask(PrivacyRow(SHOP, "api", float(NOW), _asked(), "ref"))
    ((found, row),) = store.open_requests(5)
    assert (found, row.asked) == (number, _asked())
    store.close_request(number, NOW + 1.0, {"orders": 1}, {"orders": ["x"]})
    assert store.open_requests(5) == []
    told = store.request(number)
    assert told is not None
    assert (told["counts"], told["answer"]) == ({"orders": 1}, {"orders": ["x"]})
    assert store.prune(NOW + 2.0) == 1
    (listed,) = store.requests(0, 10)
    assert (listed["answered"], listed["reference"]) == (0, "ref")
