"""Erasing one of two people who share a browser, and what stands where they met."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.serve.test_worker import _worker as a_worker
from tests.store.test_flipped_bits import damage

from tillpost.core.books import BadRow, Changes, Link, PrivacyRow, Sighting, Visitor
from tillpost.core.event import BrowserSeen, Consent, Device, Event, Person, PrivacyAsked
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
    assert row is not None
    assert (found, row.asked) == (number, _asked())
    store.close_request(number, NOW + 1.0, {"orders": 1}, {"orders": ["x"]})
    assert store.open_requests(5) == []
    told = store.request(number)
    assert told is not None
    assert (told["counts"], told["answer"]) == ({"orders": 1}, {"orders": ["x"]})
    assert store.prune(NOW + 2.0) == 1
    (listed,) = store.requests(0, 10)
    assert (listed["answered"], listed["reference"]) == (0, "ref")


def _ben(number: int, **changes: Any) -> Event:
    return make.event(f"b{number}", person=Person(keys=BEN), **changes)


def _seen(token: str) -> BrowserSeen:
    carried: Any = {"visitor_id": "v2", "person": Person()}
    return make.beacon(checkout_token=token, event_id=f"purchase.{token}", **carried)


def _shop_of_two() -> Changes:
    """Ada's order, Purchase and visitor, and Ben's; events 3 and 4 are of no order and browser."""
    return make.changes(
        visitors=[Visitor(SHOP, "v1", NOW, fbp=FBP, consent=Consent(marketing=True, at=NOW))],
        orders=[
            make.order_row(),
            make.order_row(
                make.order("1002", person=Person(keys=BEN), customer_id="502", checkout_token=BENS)
            ),
        ],
        links=[_link("em", make.hashed("ada@example.com")), _link("order", "1001")],
        events=[
            make.event_row(1, visitor_id="v1"),
            make.event_row(2, event=_ben(2)),
            make.event_row(3, event=_ben(3), order_id=None),
            make.event_row(4, event=_ben(4), order_id=None),
        ],
        deliveries=[make.delivery(number) for number in (1, 2, 3, 4)],
        accepted={(SHOP, DESTINATION): 4},
        sightings=[
            Sighting(SHOP, token, float(NOW), _seen(token))
            for token in (make.CHECKOUT, BENS, "a" * 32)
        ],
    )


BENS = "b" * 32


def _rows(database: Database, text: str) -> list[Any]:
    with database.reader() as conn:
        return conn.execute(text).fetchall()


DAMAGES: Any = [
    ("orders", "fact", "order_id = '1001'"),
    ("orders", "sealed", "order_id = '1001'"),
    ("events", "event", "id = 1"),
    ("events", "sealed", "id = 1"),
    ("visitors", "consent", "visitor_id = 'v1'"),
    ("sightings", "fact", f"token = '{make.CHECKOUT}'"),
]


@pytest.mark.parametrize(("table", "column", "where"), DAMAGES)
def test_a_damaged_row_of_the_person_is_told_and_erased_as_far_as_it_can_be_read(
    stores: tuple[GatewayStore, PrivacyStore],
    database: Database,
    table: str,
    column: str,
    where: str,
) -> None:
    gateway, store = stores
    gateway.commit(_shop_of_two())
    money = "SELECT order_id, value_minor, tax_minor, eligible, at FROM orders ORDER BY 1"
    before = _rows(database, money)
    damage(gateway, table, column, where)
    asked = store.widened(SHOP, PrivacyAsked("erase", customer_id="501"))
    trace = store.trace(SHOP, asked)
    assert trace.counts["unreadable"] == 1
    told = store.stored(trace)
    assert told["unreadable"] == 1
    assert [order["order_id"] for order in told["orders"]] == ["1001"]
    assert [event["event_time"] for event in told["events"]] == [NOW]
    done = store.erase(trace, "t", float(NOW))
    assert (done["orders"], done["events"], done["unreadable"]) == (1, 1, 1)
    assert store.trace(SHOP, asked).counts == dict.fromkeys(
        ("orders", "events", "visitors", "sightings", "journal", "bad_rows"), 0
    )
    assert _rows(database, money) == before
    (order,) = store.stored(store.trace(SHOP, PrivacyAsked("access", order_ids=("1001",))))[
        "orders"
    ]
    assert order["erased"]
    assert {name: order[name]["amount"] for name in ("value", "presentment")} == {
        "value": "42.00",
        "presentment": "42.00",
    }
    states = {row[2:4]: row[4] for row in gateway.tallies()}
    assert states == {("accepted", None): 4, ("dropped", "erased"): 1, ("pending", None): 3}
    assert [row[0] for row in _rows(database, "SELECT token FROM sightings ORDER BY 1")] == [
        "a" * 32,
        BENS,
    ]


def test_the_shops_last_word_on_an_order_that_was_damaged_and_erased_is_taken_without_a_name(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    gateway, store = stores
    gateway.commit(_shop_of_two())
    damage(gateway, "orders", "fact", "order_id = '1001'")
    damage(gateway, "events", "event", "id = 1")
    store.erase(store.trace(SHOP, _asked()), "t", float(NOW))
    again = make.order("1001", version=NOW + 9.0, value=make.money("41.00"))
    asyncio.run(gateway.append([make.entry(again)]))
    a_worker(gateway)._fold_once()
    assert gateway.bad_rows(0, 9) == []
    (order,) = store.stored(store.trace(SHOP, PrivacyAsked("access", order_ids=("1001",))))[
        "orders"
    ]
    assert (order["value"]["amount"], order["erased"], order.get("person", {})) == (
        "41.00",
        True,
        {},
    )


def test_what_nobody_can_read_and_nothing_tells_the_person_of_is_forgotten_too(
    stores: tuple[GatewayStore, PrivacyStore], database: Database
) -> None:
    gateway, store = stores
    given = _shop_of_two()
    nobodys = make.order("1003", person=Person(), customer_id=None, checkout_token=None)
    gateway.commit(structs.replace(given, orders=[*given.orders, make.order_row(nobodys)]))
    asyncio.run(gateway.append([make.entry(make.order(str(n))) for n in (1, 2)]))
    gateway.commit(make.changes(position=2))
    bodies = [gateway._sealer.seal(body) for body in (b"of ben", b"a damaged fact", b"fine")]
    for body, reason in zip(bodies, ("not_json", "unreadable", "not_json"), strict=True):
        asyncio.run(gateway.keep_bad(BadRow(SHOP, "s", float(NOW), reason, "body", "", body)))
    for table, column, where in (
        ("orders", "fact", "order_id = '1003'"),
        ("orders", "fact", "order_id = '1002'"),
        ("events", "event", "id = 2"),
        ("events", "event", "id = 3"),
        ("sightings", "fact", f"token = '{'a' * 32}'"),
        ("sightings", "fact", f"token = '{BENS}'"),
        ("journal", "fact", "id = 1"),
        ("bad_rows", "sealed", "id = 1"),
    ):
        damage(gateway, table, column, where)
    trace = store.trace(SHOP, PrivacyAsked("erase", customer_id="501"))
    done = store.erase(trace, "t", float(NOW))
    assert (done["unreadable"], done["unreadable_of_others"]) == (6, 3)
    events = _rows(database, "SELECT id FROM events WHERE event = x'' AND sealed IS NULL")
    assert events == [(3,)]
    assert _rows(database, "SELECT id FROM bad_rows WHERE sealed IS NULL") == [(1,), (2,)]
    assert (1,) in _rows(database, "SELECT id FROM journal WHERE fact = x''")
    tokens = {row[0] for row in _rows(database, "SELECT token FROM sightings")}
    assert "a" * 32 not in tokens
    assert BENS in tokens
    left = [
        event is None for event in gateway.events(gateway.lease(DESTINATION, NOW + 9.0, 9, 1.0))
    ]
    assert left == [True, True, False]
    (blank,) = _rows(database, "SELECT value_minor, sealed FROM orders WHERE order_id = '1003'")
    assert blank == (4200, None)
    told = store.trace(SHOP, PrivacyAsked("access", order_ids=("1003",)))
    assert (told.orders[0].erased, told.orders[0].device) == (True, Device())
    assert told.counts["unreadable_of_others"] == 3


def test_a_request_or_an_answer_that_is_damaged_holds_up_no_other(
    stores: tuple[GatewayStore, PrivacyStore],
) -> None:
    gateway, store = stores
    first, second = (
        store.ask(PrivacyRow(SHOP, "api", float(NOW), _asked(), "ref")) for _ in range(2)
    )
    store.close_request(second, NOW + 1.0, {}, {"orders": ["x"]})
    damage(gateway, "privacy_requests", "answer", f"id = {second}")
    third = store.ask(PrivacyRow(SHOP, "api", float(NOW), _asked(), "ref"))
    cut = "UPDATE privacy_requests SET asked = substr(asked, 2) WHERE id = ?"
    store._db.write_now(lambda conn: conn.execute(cut, (first,)) and None)
    found = {number: row and row.asked for number, row in store.open_requests(5)}
    assert found == {first: None, third: _asked()}
    told = store.request(second)
    assert told is not None
    assert told["answer"] == {"unreadable": 1}
