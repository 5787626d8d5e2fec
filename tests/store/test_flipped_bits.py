"""A bit that the disk has flipped is found, and harms nothing but its own row."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.serve.test_worker import _worker as a_worker

from tillpost.core.event import Event, Fact, Journey, Visit
from tillpost.core.outcome import Misconfigured, Outcome, Permanent, State
from tillpost.serve.seal import AesSealer
from tillpost.store import codec
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW, SHOP

SEALER = AesSealer(b"k" * 32)
STRANGER = AesSealer(b"x" * 32)


def flipped(data: bytes) -> Iterator[bytes]:
    """The data with each of its bits the other way, one at a time."""
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)


@pytest.mark.parametrize(
    ("value", "read"),
    [(make.event("e1"), codec.readable_event), (make.order("1001"), codec.readable_fact)],
)
def test_no_flipped_bit_of_a_row_is_read_as_something_else(
    value: Event | Fact, read: Callable[..., object]
) -> None:
    text, box = codec.pack(value, SEALER)
    assert box is not None
    assert read(text, box, SEALER) == value
    told = [read(bad, box, SEALER) for bad in flipped(text)]
    assert all(one in (None, value) for one in told)
    assert told.count(None) > 8 * len(text) - 8 * len(',"crc32":""')
    assert all(read(text, bad, SEALER) is None for bad in flipped(box))


def test_damage_is_told_apart_from_another_key() -> None:
    box = SEALER.seal(b"203.0.113.9")
    for bad in flipped(box):
        with pytest.raises(Permanent):
            SEALER.open(bad)
    with pytest.raises(Misconfigured):
        STRANGER.open(box)


def test_rows_and_boxes_of_before_are_read() -> None:
    event = make.event("e1")
    text, box = codec.pack(event, SEALER)
    assert box is not None
    old_text, old_box = text[: text.rindex(b',"crc32"')] + b"}", box[4:-4]
    assert codec.readable_event(old_text, old_box, SEALER) == event
    with pytest.raises(Misconfigured):
        STRANGER.open(old_box)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatewayStore]:
    database = Database(tmp_path / "a.db", "gateway")
    yield GatewayStore(database, SEALER)
    database.close()


def damage(store: GatewayStore, table: str, column: str, where: str) -> None:
    """One bit in the middle of that value is the other way on the disk."""
    with store._db.reader() as conn:
        (data,) = conn.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
    bad = bytearray(data)
    bad[len(bad) // 2] ^= 4
    sql = f"UPDATE {table} SET {column} = ? WHERE {where}"
    store._db.write_now(lambda conn: conn.execute(sql, (bytes(bad),)) and None)


@pytest.mark.parametrize("column", ["event", "sealed"])
def test_a_damaged_event_is_told_as_none_and_the_others_go(
    store: GatewayStore, column: str
) -> None:
    store.commit(make.outgoing(3))
    damage(store, "events", column, "id = 2")
    leased = store.lease(DESTINATION, NOW + 9.0, 10, 1.0)
    assert [event is None for event in store.events(leased)] == [False, True, False]


def test_a_damaged_payload_is_built_again(store: GatewayStore) -> None:
    store.commit(make.outgoing(2))
    leased = store.lease(DESTINATION, NOW + 9.0, 10, 1.0)
    again = Outcome(State.IN_DOUBT, "no_answer", retry_after=0.0)
    sent = [replace(one, payload=b'{"a":1}') for one in leased]
    store.settle([(one, again) for one in sent], NOW + 9.0)
    damage(store, "payloads", "sealed", "event = 1")
    found = store.lease(DESTINATION, NOW + 9.0, 10, 1.0)
    assert {one.delivery.event: one.payload for one in found} == {1: None, 2: b'{"a":1}'}


def test_a_held_event_that_is_damaged_holds_up_no_other(store: GatewayStore) -> None:
    rows = [make.event_row(n, hold_until=float(NOW)) for n in (1, 2)]
    held = [make.delivery(n, state=State.HELD, reason="join_wait") for n in (1, 2)]
    accepted = {(SHOP, DESTINATION): 2}
    store.commit(make.changes(events=rows, deliveries=held, accepted=accepted))
    damage(store, "events", "event", "id = 1")
    assert [row.id for row in store.held(NOW + 1.0, 10)] == [2]
    assert [row.id for row in store.held(NOW + 1.0, 10)] == [2]
    (leased,) = store.lease(DESTINATION, NOW + 1.0, 10, 1.0)
    assert (leased.delivery.event, [*store.events([leased])]) == (1, [None])


def test_an_order_whose_row_is_damaged_holds_up_no_other(store: GatewayStore) -> None:
    store.commit(make.changes(orders=[make.order_row(make.order("1001"))]))
    damage(store, "orders", "fact", "order_id = '1001'")
    orders = [make.order("1001", version=9), make.order("1002", checkout_token="another")]
    asyncio.run(store.append([make.entry(one) for one in orders]))
    a_worker(store)._fold_once()
    assert (store.unfolded(9), [row["reason"] for row in store.bad_rows(0, 9)]) == (
        [],
        ["cannot_fold"],
    )
    assert {item["order_id"] for item in store.event_items(0, 9, None, None)} == {"1002"}


def test_reports_go_past_an_order_that_is_no_json_any_more(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", "gateway")
    store = GatewayStore(database, SEALER)
    store.add_product_costs(
        [{"shop": SHOP, "product": "SKU-1", "currency": "USD", "cost_minor": 9}]
    )
    told = Journey(last=Visit(at=NOW, source="news"))
    orders = [make.order(n, journey=told) for n in ("a", "b")]
    begun = store.followed(None).cursor
    store.commit(make.changes(orders=[make.order_row(order) for order in orders]))
    sql = "UPDATE orders SET fact = CAST(REPLACE(fact, '}', ']') AS BLOB) WHERE order_id = 'a'"
    database.write_now(lambda conn: conn.execute(sql) and None)
    for tables in (store.tables(["order_costs", "shop_journeys"]), store.followed(begun).tables):
        assert [row[1] for row in tables["order_costs"][1]] == ["b"]
        assert [row[1] for row in tables["shop_journeys"][1]] == ["b"]
    database.close()
