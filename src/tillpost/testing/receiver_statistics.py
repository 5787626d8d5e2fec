"""What every `ports.ReceiverStore` must count: places, spend, reach, refusals.

Inherit beside `ReceiverStoreSuite`.
"""

# ruff: noqa: S101, D102  # a suite asserts; the names of its tests tell what

import asyncio

from tillpost.core.received import Bounds, Seen, Settlement, SpendSeen
from tillpost.ports import ReceiverStore
from tillpost.testing.receiver_store import AD, AT, DAY, OTHER, touch

HOUR = AT // 3_600 * 3_600


class ReceiverStatisticsSuite:
    """Inherit, and give a fixture `store`."""

    def test_places_are_counted_by_the_hour(self, store: ReceiverStore) -> None:
        shop = Seen("1", "host", HOUR, "server", "shop.example")
        later = Seen("1", "host", HOUR + 3_600, "browser", "shop.example")
        other = Seen("2", "url", HOUR, "server", "https://shop.example/")
        store.commit(Settlement(0, seen=((shop, 2), (other, 5))))
        store.commit(Settlement(0, seen=((shop, 1), (later, 1))))
        assert sorted(store.seen("1", "host", HOUR + 60, HOUR + 9_999)) == [
            (HOUR, "server", "shop.example", 3),
            (HOUR + 3_600, "browser", "shop.example", 1),
        ]
        assert store.seen("1", "host", HOUR, HOUR + 3_600) == [(HOUR, "server", "shop.example", 3)]
        assert store.seen("1", "url", HOUR, HOUR + 9_999) == []

    def test_places_are_forgotten_when_statistics_reach_them_no_more(
        self, store: ReceiverStore
    ) -> None:
        store.commit(Settlement(0, seen=((Seen("1", "host", HOUR, "server", "x"), 2),)))
        store.prune(Bounds(), AT + 7 * DAY)
        assert store.seen("1", "host", HOUR, HOUR + 1)
        store.prune(Bounds(), AT + 9 * DAY)
        assert store.seen("1", "host", HOUR, HOUR + 1) == []

    def test_spend_told_again_replaces(self, store: ReceiverStore) -> None:
        today = AT // DAY
        rows = [SpendSeen(today, AD, "USD", 1_000), SpendSeen(today - 1, AD, "USD", 500)]
        asyncio.run(store.register_spend(rows))
        asyncio.run(store.register_spend([SpendSeen(today, AD, "USD", 1_250)]))
        (ad,) = store.ads()
        assert store.ads()[ad].names == AD.names
        assert store.spend(today, today + 1) == [(ad, today, "USD", 1_250)]
        assert len(store.spend(today - 1, today + 1)) == 2
        store.prune(Bounds(), AT + 500 * DAY)
        assert store.spend(0, today + 1) == []

    def test_an_account_is_reached_once_in_a_row(self, store: ReceiverStore) -> None:
        touches = (touch(ago=10), touch("impression", 20), touch(ago=30, keys=(OTHER,)))
        asyncio.run(store.register((), (*touches, touch(ago=2 * DAY)), float(AT)))
        (ad,) = store.ads()
        days = [(AT - 3 * DAY, AT - DAY), (AT - DAY, AT)]
        assert sorted(store.reach({ad: 7}, days)) == [
            (7, AT - 3 * DAY, 1),
            (7, AT - DAY, 2),
        ]
        assert store.reach({ad + 1: 7}, days) == []

    def test_refused_calls_are_counted_by_day(self, store: ReceiverStore) -> None:
        for at in (0, 1, 86_400):
            store.note_refused("events", "400/2804050", float(at))
        assert store.refusals() == [
            (0, "events", "400/2804050", 2),
            (1, "events", "400/2804050", 1),
        ]
