"""Two shops whose orders have the same numbers: what the receiver got of one is not the other's."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import structs
from tests.live import TWO_SHOPS

from tillpost.core.event import Person
from tillpost.core.match_key import Code, Key, of_value
from tillpost.core.outcome import State
from tillpost.core.received import AccountSeen
from tillpost.report.newest import Chosen
from tillpost.serve import configure
from tillpost.serve.clock import SystemClock
from tillpost.serve.doctor import Bench
from tillpost.serve.doctor.bench import Room
from tillpost.serve.doctor.books import CHECKS
from tillpost.serve.doctor.line import Line
from tillpost.serve.node import Node, bases
from tillpost.serve.reading import Asked, Reading
from tillpost.serve.rounds import rolling
from tillpost.serve.seal import Keys
from tillpost.serve.summary import SummaryDesk
from tillpost.testing import entries as make
from tillpost.testing.receiver_store import AT, EM, EVENT, touch

NUMBERS = [str(1001 + number) for number in range(12)]
STRANGER = of_value(Code.em, "nobody@example.com")


class Seen(NamedTuple):
    """Orders of a shop that the platform knew the buyer of, got, and claims; how often."""

    known: int
    received: int
    copies: int
    claimed: int
    doubles: int


class World:
    """A node with orders of two shops, each delivered to the dataset of its shop.

    The platform knows one buyer, who clicked an ad.
    """

    def __init__(self, folder: Path, dataset: str = "2", others: Sequence[str] = NUMBERS) -> None:
        """Shop `b` has orders of these numbers, and sends them to this dataset."""
        path = folder / "tillpost.toml"
        path.write_text(TWO_SHOPS.format(second=dataset))
        self.settings = configure.load(path, {})
        self.folder = folder
        self.is_large = False
        keys = Keys(b"k" * 32)
        self.node = Node(self.settings, folder, SystemClock(), keys, "http://127.0.0.1:1")
        self._store = self.node.receiver._store
        asyncio.run(self._store.register((AccountSeen((EM,), "p1"),), (touch(),), float(AT)))
        self.sells("a", NUMBERS, 1)
        self.sells("b", others, 101)

    def sells(self, shop: str, order_ids: Sequence[str], first: int) -> None:
        """The shop has these orders, and their Purchases were delivered."""
        (line,) = self.node.lines[shop]
        orders, events, sent = [], [], []
        for number, order_id in enumerate(order_ids, first):
            order = make.order(order_id, checkout_token=None, processed_at=AT, created_at=AT)
            orders.append(make.order_row(structs.replace(order, person=Person()), shop=shop))
            event = make.event(f"{shop}-{order_id}", shop=shop)
            told = {"order_id": order_id, "fold_key": f"{shop}:{order_id}"}
            events.append(make.event_row(number, event=event, **told))
            sent.append(make.delivery(number, line.name, shop=shop, state=State.DELIVERED))
        self.node.store.commit(make.changes(orders=orders, events=events, deliveries=sent))

    def gets(self, dataset: str, key: Key, *order_ids: str) -> None:
        """The platform gets Purchases of one buyer for a dataset, and settles them."""
        told = {"dataset_id": dataset, "keys": (key,)}
        events = [
            structs.replace(EVENT, order_id=name, event_id=f"{dataset}-{key!r}-{name}", **told)
            for name in order_ids
        ]
        asyncio.run(self._store.receive(events))
        self.node.receiver.settle_all()

    def told(self, name: str, shop: str | None = None) -> list[dict[str, Any]]:
        """A report's rows; those of a roll-up are those of the facts."""
        found = self.node.reading.report(name, Asked(shop=shop))
        if self.is_large:
            facts = Reading(self.node.store, self.node.receiver, bases(self.settings))
            assert found == facts.report(name, Asked(shop=shop)), (name, shop)
        return found

    def seen(self) -> list[Seen]:
        """What reports say of each shop's orders, the same by itself and among all shops'."""
        rows = self.told("reconcile")
        assert rows == sorted(
            self.told("reconcile", "a") + self.told("reconcile", "b"), key=itemgetter("at", "shop")
        )
        known = Counter(row["shop"] for row in rows if row["matched"])
        assert known == Counter(row["shop"] for row in self.told("orders") if row["matched"])
        covered = {row["shop"]: row["matched"] for row in self.told("coverage")}
        assert covered == {shop: known[shop] for shop in ("a", "b")}
        return [
            Seen(
                known=known[shop],
                received=sum(row["received"] for row in own),
                copies=sum(row["server_copies"] for row in own),
                claimed=sum(row["platform_window"] is not None for row in own),
                doubles=sum(row["doubles"] for row in own),
            )
            for shop in ("a", "b")
            for own in ([row for row in rows if row["shop"] == shop],)
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    asyncio.run(made.node.close())


def test_an_order_shows_what_came_of_its_own_shop(world: World) -> None:
    world.gets("1", EM, *NUMBERS)
    world.gets("2", STRANGER, *NUMBERS[:10])
    assert world.seen() == [
        Seen(known=12, received=12, copies=12, claimed=12, doubles=0),
        Seen(known=0, received=10, copies=10, claimed=0, doubles=0),
    ]
    of_nobody = Chosen(reason="UNMATCHED_IDENTITY")
    found = [world.node.reading.newest(Asked(shop=shop), of_nobody) for shop in ("a", "b")]
    assert [len(ids) for ids in found] == [0, 10]


def test_a_roll_up_follows_each_shop_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "FACTS", 0)
    monkeypatch.setattr(rolling, "REST", 0)
    world.is_large = True
    world.gets("1", EM, *NUMBERS)
    world.gets("2", STRANGER, *NUMBERS[:10])
    assert world.node.rollups.round() == 1
    ours = Seen(known=12, received=12, copies=12, claimed=12, doubles=0)
    assert world.seen() == [ours, Seen(known=0, received=10, copies=10, claimed=0, doubles=0)]
    world.gets("2", EM, "1001")
    assert world.node.rollups.round() == 1
    assert world.seen() == [ours, Seen(known=1, received=10, copies=11, claimed=1, doubles=0)]


def test_the_overview_and_the_doctor_count_the_shops_own_buyers(world: World) -> None:
    world.gets("1", EM, *NUMBERS)
    world.gets("2", STRANGER, *NUMBERS[:10])
    overview = SummaryDesk(world.node)
    told = {shop: overview.read(shop, 0).matching for shop in ("a", "b")}
    assert [(m.delivered, m.matched) for m in told.values()] == [(12, 12), (12, 0)]
    words = [line.what for line in _books(world) if "are known" in line.what]
    assert words == [
        "a: 12 of 12 buyers are known to the platform",
        "b: 0 of 10 buyers are known to the platform",
    ]


def _books(world: World) -> list[Line]:
    room = Room(50 << 30, 100 << 30)
    url = world.node.own_url
    transport = world.node.transport
    bench = Bench(world.settings, None, world.folder, None, url, float(AT), room, transport)
    (check,) = (check for check in CHECKS if check.name == "books")

    async def looked() -> list[Line]:
        return await check.look(bench)

    return asyncio.run(looked())


def test_of_a_dataset_that_two_shops_share_an_order_has_what_was_told_of_its_number(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, "1", ["1012", "2001", "2002"])
    world.gets("1", EM, *NUMBERS[:11], "2001")
    world.gets("1", STRANGER, "2002")
    assert world.seen() == [
        Seen(known=11, received=11, copies=11, claimed=11, doubles=0),
        Seen(known=1, received=2, copies=2, claimed=1, doubles=0),
    ]
    world.gets("1", EM, "1012")
    assert [shop.known for shop in world.seen()] == [12, 2]
    asyncio.run(world.node.close())


def test_what_came_for_a_dataset_of_nobody_is_of_no_order(world: World) -> None:
    world.gets("3", EM, *NUMBERS)
    assert world.seen() == 2 * [Seen(known=0, received=0, copies=0, claimed=0, doubles=0)]
