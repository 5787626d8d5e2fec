"""What every `ports.ReceiverStore` must do: a suite to inherit from in a store's tests.

class TestMine(ReceiverStoreSuite):
    @pytest.fixture
    def store(self): ...
"""

# ruff: noqa: S101, D102  # a suite asserts; the names of its tests tell what

import asyncio
from typing import Any

from msgspec.structs import replace

from tillpost.core import dedup
from tillpost.core.match_key import Code, Key, of_value
from tillpost.core.matching import learned_key
from tillpost.core.received import (
    AccountSeen,
    Action,
    Ad,
    Attributed,
    Bound,
    Bounds,
    Credit,
    KeptCall,
    Match,
    ReceivedEvent,
    Settled,
    Settlement,
    Touch,
    TouchSeen,
)
from tillpost.ports import ReceiverStore

AT = 1_790_000_000
DAY = 86_400
EM, PH, OTHER = (of_value(Code.em, "a"), of_value(Code.ph, "1"), of_value(Code.em, "b"))
CLICK = of_value(Code.fbc, "IwAR1")
AD = Ad("act_9", "c1", "s1", "ad1", {"campaign": "Spring", "adset": "Set", "ad": "Blue"})
EVENT = ReceivedEvent(
    dataset_id="1",
    source="server",
    event_name="Purchase",
    event_id="o1",
    event_time=AT,
    received_at=float(AT),
    keys=(EM, PH),
    action_source="website",
    value=1999,
    currency="USD",
    order_id="1001",
    test_event_code="TEST1",
    traits=3,
    unusable=("zp",),
)


CALL = KeptCall(
    float(AT), "POST", "/1/events", 400, 0, "400/2804050", "TEST1", '{"error":{}}', b"sealed"
)


def touch(action: Action = "link_click", ago: int = 3600, **more: Any) -> TouchSeen:
    """A touch of the ad by the account with `EM`, `ago` seconds before `AT`."""
    return TouchSeen(action, AT - ago, more.pop("ad", AD), **{"keys": (EM,), **more})


def settled(seq: int, event: ReceivedEvent = EVENT, **more: Any) -> Settled:
    """An event as settling left it."""
    return Settled(seq, event, more.pop("opened_at", event.received_at), **more)


def numbers(groups: list[list[dict[str, Any]]]) -> list[list[int]]:
    """The numbers of the events of each group."""
    return [[item["id"] for item in group] for group in groups]


class ReceiverStoreSuite:
    """Inherit, and give a fixture `store`."""

    def register(
        self, store: ReceiverStore, *accounts: AccountSeen, touches: tuple[TouchSeen, ...] = ()
    ) -> None:
        """Register and wait."""
        asyncio.run(store.register(accounts, touches, float(AT)))

    def keep(self, store: ReceiverStore, *events: Settled, **more: Any) -> None:
        """Commit these events with their marks."""
        marks = tuple((mark, e.seq) for e in events for mark in dedup.marks(e.event).written)
        store.commit(Settlement(more.pop("upto", 0), settled=events, marks=marks, **more))

    def owners(self, store: ReceiverStore, *keys: Key) -> dict[Key, set[int]]:
        """Key -> accounts."""
        return {key: set(several) for key, several in store.known(keys, ()).owners.items()}

    def test_nothing_is_there_at_first(self, store: ReceiverStore) -> None:
        batch = store.unsettled(10)
        assert batch.events == ()
        assert store.earlier([1, 2]) == {}
        assert store.settled_items(0, 10, None) == []
        assert store.conversions(0, AT * 2) == []
        assert store.people_known() == 0

    def test_events_come_back_as_they_were_in_order(self, store: ReceiverStore) -> None:
        other = replace(EVENT, event_id=None, value=None, currency=None, keys=())
        asyncio.run(store.receive([EVENT]))
        asyncio.run(store.receive([other, EVENT]))
        asyncio.run(store.receive([]))
        assert store.unsettled(10).events == (EVENT, other, EVENT)

    def test_a_batch_is_of_whole_requests(self, store: ReceiverStore) -> None:
        for _ in range(3):
            asyncio.run(store.receive([EVENT] * 3))
        assert len(store.unsettled(7).events) == 6
        assert len(store.unsettled(1).events) == 3

    def test_committing_passes_the_inbox(self, store: ReceiverStore) -> None:
        asyncio.run(store.receive([EVENT]))
        first = store.unsettled(10)
        asyncio.run(store.receive([EVENT]))
        self.keep(store, settled(first.first_seq), upto=first.upto)
        second = store.unsettled(10)
        assert second.events == (EVENT,)
        assert second.first_seq == first.first_seq + 1
        self.keep(store, settled(second.first_seq), upto=second.upto)
        assert store.unsettled(10).events == ()
        assert store.unsettled(10).first_seq == second.first_seq + 1

    def test_settled_events_are_found_by_their_marks(self, store: ReceiverStore) -> None:
        event = settled(
            1,
            held=(OTHER,),
            absorbed=2,
            opened_at=AT - 5.5,
            match=Match(None, (), 0.0, "em unknown to every account"),
            joint=Match(None, (), 0.0, "em unknown to every account"),
            apart="ids differ",
        )
        self.keep(store, event)
        mark = dedup.id_mark("1", "Purchase", "o1")
        assert store.earlier([mark, 17]) == {mark: [event]}

    def test_a_duplicate_leads_to_the_event_that_counts(self, store: ReceiverStore) -> None:
        root, middle = settled(1), settled(2, twin=1)
        last = settled(3, replace(EVENT, event_id="o9", order_id=None), twin=2)
        self.keep(store, root, middle, last)
        mark = dedup.id_mark("1", "Purchase", "o9")
        assert store.earlier([mark]) == {mark: [last, middle, root]}

    def test_only_the_latest_under_a_mark_are_recalled(self, store: ReceiverStore) -> None:
        self.keep(store, settled(1), *(settled(seq, twin=1) for seq in range(2, 40)))
        mark = dedup.id_mark("1", "Purchase", "o1")
        found = store.earlier([mark])[mark]
        assert {event.seq for event in found} >= {1, 39}
        assert len(found) < 20

    def test_a_changed_event_is_replaced(self, store: ReceiverStore) -> None:
        self.keep(store, settled(1))
        changed = settled(1, absorbed=1, held=(OTHER,))
        store.commit(Settlement(0, settled=(settled(2, twin=1),), changed=(changed,)))
        mark = dedup.id_mark("1", "Purchase", "o1")
        assert store.earlier([mark])[mark] == [changed]
        assert len(store.settled_items(0, 10, None)) == 2

    def test_an_account_grows_and_keeps_its_id(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"), AccountSeen((EM, PH), "p1"))
        known = store.known([EM, PH, OTHER], ())
        assert known.owners[EM] == known.owners[PH]
        assert known.accounts == {known.owners[EM][0]: frozenset({EM, PH})}
        assert store.people_known() == 1

    def test_a_shared_key_has_two_owners(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM, PH), "p1"), AccountSeen((OTHER, PH), "p2"))
        known = store.known([PH], ())
        assert len(known.owners[PH]) == 2
        assert set(known.accounts.values()) == {frozenset({EM, PH}), frozenset({OTHER, PH})}

    def test_an_account_without_id_is_found_by_its_keys(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,)), AccountSeen((EM, PH)), AccountSeen((OTHER,)))
        assert store.people_known() == 2
        assert self.owners(store, EM)[EM] == self.owners(store, PH)[PH]

    def test_a_touch_registers_its_account(self, store: ReceiverStore) -> None:
        self.register(store, touches=(touch(), touch("impression", 60)))
        assert store.people_known() == 1
        (person,) = store.known([EM], ()).owners[EM]
        found = store.touches([(person, AT)])[person, AT]
        assert [(t.at, t.action) for t in sorted(found)] == [
            (AT - 3600, "link_click"),
            (AT - 60, "impression"),
        ]

    def test_a_touch_can_name_its_account(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"))
        self.register(store, touches=(touch(keys=(), person="p1"),))
        (person,) = store.known([EM], ()).owners[EM]
        assert len(store.touches([(person, AT)])[person, AT]) == 1

    def test_touches_are_the_latest_of_each_action_until_then(self, store: ReceiverStore) -> None:
        day = 86_400
        self.register(
            store,
            touches=(
                touch(ago=2 * day),
                touch(ago=day),
                touch(ago=-60),
                touch("other_click", 29 * day),
                touch("video_5s", day),
                touch("impression", day + 1),
            ),
        )
        (person,) = store.known([EM], ()).owners[EM]
        found = store.touches([(person, AT), (person, AT - 30 * day), (99, AT)])
        assert {(AT - t.at, t.action) for t in found[person, AT]} == {
            (day, "link_click"),
            (day, "video_5s"),
        }
        assert not found[person, AT - 30 * day]
        assert not found[99, AT]

    def test_a_click_leads_to_its_account(self, store: ReceiverStore) -> None:
        self.register(store, touches=(touch(click=CLICK),))
        known = store.known([EM, CLICK], ())
        assert known.owners[CLICK] == known.owners[EM]
        assert known.clicks[CLICK].touch.at == AT - 3600

    def test_a_click_of_nobody_known_opens_an_account(self, store: ReceiverStore) -> None:
        self.register(store, touches=(touch(keys=(), click=CLICK),))
        (person,) = store.known([CLICK], ()).owners[CLICK]
        assert len(store.touches([(person, AT)])[person, AT]) == 1
        assert store.people_known() == 1

    def test_a_click_of_two_accounts_is_nobodys(self, store: ReceiverStore) -> None:
        self.register(store, touches=(touch(click=CLICK), touch(click=CLICK, keys=(OTHER,))))
        known = store.known([CLICK], ())
        assert CLICK not in known.owners
        assert known.clicks[CLICK].person is None

    def test_a_click_by_somebody_of_several_is_nobodys(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM, PH), "p1"), AccountSeen((OTHER, PH), "p2"))
        self.register(store, touches=(touch(click=CLICK, keys=(PH,)),))
        assert store.known([CLICK], ()).clicks[CLICK].person is None
        assert store.people_known() == 2

    def test_lessons_are_kept(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"), AccountSeen((OTHER,), "p2"))
        (one,), (two,) = (store.known([k], ()).owners[k] for k in (EM, OTHER))
        first, second, third = (learned_key("1", key) for key in (EM, PH, OTHER))
        store.commit(Settlement(0, taught=((first, one), (second, one))))
        store.commit(Settlement(0, taught=((first, one), (second, two))))
        known = store.known((), [first, second, third])
        assert (known.learned[first], third in known.learned) == ((one,), False)
        assert set(known.learned[second]) == {one, two}
        assert known.accounts[two] == frozenset({OTHER})

    def test_a_conversion_is_shown_and_reported(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"), touches=(touch(),))
        self._convert(store, settled(1, joint=self._matched(store)))
        (item,) = store.settled_items(0, 10, None)
        assert (item["matched"], item["matched_by"], item["person"]) == (True, ["em"], "p1")
        assert item["conversion"] == {
            "ad_id": "ad1",
            "adset_id": "s1",
            "campaign_id": "c1",
            "window": "7d_click",
            "value": "19.99",
            "currency": "USD",
        }
        (row,) = store.conversions(AT, AT + 1)
        assert (row.campaign_name, row.adset_name, row.ad_name) == ("Spring", "Set", "Blue")
        assert (row.value, row.currency, row.at, row.touched_at) == (1999, "USD", AT, AT - 3600)
        assert (row.order_id, row.event_name, row.action) == ("1001", "Purchase", "link_click")
        assert store.conversions(AT + 1, AT + 9) == []

    def test_a_conversion_falls_when_its_event_becomes_a_duplicate(
        self, store: ReceiverStore
    ) -> None:
        self.register(store, AccountSeen((EM,), "p1"), touches=(touch(),))
        matched = self._matched(store)
        self._convert(store, settled(1, joint=matched))
        credit = Credit(self._touch(store), "7d_click")
        store.commit(
            Settlement(
                0,
                settled=(settled(2, joint=matched),),
                changed=(settled(1, twin=2, joint=matched),),
                attributed=(Attributed(1), Attributed(2, credit, (credit.touch,))),
            )
        )
        assert [row.seq for row in store.conversions(0, AT + 1)] == [2]
        assert [i["duplicate_of"] for i in store.settled_items(0, 9, None)] == [2, None]

    def test_a_renamed_campaign_has_its_latest_name(self, store: ReceiverStore) -> None:
        renamed = replace(AD, names={"campaign": "Summer"})
        late = touch(ago=60, ad=renamed)
        self.register(store, touches=(late, touch()))
        self._convert(store, settled(1, joint=self._matched(store)))
        assert store.conversions(AT, AT + 1)[0].campaign_name == "Summer"

    def test_items_come_in_pages_and_by_id(self, store: ReceiverStore) -> None:
        other = replace(EVENT, event_name="Lead", event_id="O1")
        self.keep(store, settled(1), settled(2, other), settled(3, twin=1))
        assert [i["id"] for i in store.settled_items(0, 2, None)] == [1, 2]
        assert [i["id"] for i in store.settled_items(2, 2, None)] == [3]
        assert [i["id"] for i in store.settled_items(0, 9, "o1")] == [1, 3]
        assert [i["id"] for i in store.settled_items(1, 9, "o1")] == [3]
        assert store.settled_items(0, 9, "nobody") == []

    def test_events_of_a_test_code(self, store: ReceiverStore) -> None:
        plain = replace(EVENT, test_event_code=None)
        self.keep(store, settled(1), settled(2, plain), settled(3))
        assert [i["id"] for i in store.tested_items("TEST1", 0, 9)] == [1, 3]
        assert [i["id"] for i in store.tested_items("TEST1", 1, 9)] == [3]
        assert store.tested_items("TEST2", 0, 9) == []

    def test_orders_are_matched_if_one_of_their_events_is(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"))
        (person,) = store.known([EM], ()).owners[EM]
        learned = replace(EVENT, order_id="1002")
        nobody = replace(EVENT, order_id=None)
        self.keep(
            store,
            settled(1),
            settled(2, joint=Match(person, ("em",), 0.95)),
            settled(3, learned, joint=Match(person, ("fbp",), 0.7, merged=True)),
            settled(4, nobody, joint=Match(person, ("em",), 0.95)),
            settled(5, replace(EVENT, dataset_id="2")),
        )
        assert sorted(store.matched_orders()) == [
            ("1", "1001", True), ("1", "1002", False), ("2", "1001", False),
        ]  # fmt: skip

    def test_an_orders_copies_are_counted_with_their_doubles(self, store: ReceiverStore) -> None:
        server = replace(EVENT, source="server")
        self.keep(
            store,
            settled(1, replace(EVENT, source="browser", order_id=None)),
            settled(2, server, twin=1, absorbed=True),
            settled(3, server, twin=1, absorbed=True),
            settled(4, replace(server, order_id="1002")),
            settled(5, replace(server, order_id=None)),
            settled(6, replace(server, event_name="Lead")),
            settled(7, replace(server, dataset_id="2")),
        )
        assert store.order_copies() == [
            ("1", "1001", 1, 2, 2), ("2", "1001", 0, 1, 0), ("1", "1002", 0, 1, 0),
        ]  # fmt: skip

    def test_candidates_have_their_touches_and_ads_their_names(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"), touches=(touch(), touch("impression", 60)))
        (person,) = store.known([EM], ()).owners[EM]
        touches = tuple(sorted(store.touches([(person, AT)])[person, AT]))
        matched = self._matched(store)
        self.keep(
            store,
            settled(1, joint=matched),
            settled(2),
            settled(3, twin=1),
            attributed=(Attributed(1, None, touches), Attributed(3)),
        )
        (found,) = store.candidates(AT, AT + 1)
        assert (found.seq, found.event_name, found.at) == (1, "Purchase", AT)
        assert (found.value, found.currency) == (1999, "USD")
        assert tuple(sorted(found.touches)) == touches
        assert store.ads()[touches[0].ad] == AD
        assert store.candidates(AT + 1, AT + 2) == []
        assert sorted(store.touch_counts(AT - 86_400, AT)) == sorted(
            (touches[0].ad, t.action, t.at // 86_400, 1) for t in touches
        )

    def test_tallies_count_what_is_alike(self, store: ReceiverStore) -> None:
        other = replace(EVENT, source="browser", event_id=None, keys=(), unusable=())
        self.keep(store, settled(1), settled(2, twin=1), settled(3, twin=1), settled(4, other))
        found = {(t.source, t.duplicate): t for t in store.tallies("1", AT, AT + 1)}
        assert {key: t.events for key, t in found.items()} == {
            ("server", False): 1,
            ("server", True): 2,
            ("browser", False): 1,
        }
        assert found["server", True].mask == 1 << Code.em | 1 << Code.ph
        assert found["server", True].unusable
        assert not found["browser", False].with_id
        assert store.tallies("1", AT + 1, AT + 9) == store.tallies("2", AT, AT + 1) == []

    def test_tallies_tell_what_joined_the_two_sides(self, store: ReceiverStore) -> None:
        hit = replace(EVENT, source="browser")
        self.keep(store, settled(1), settled(2, hit, twin=1, joined_by="event_id"))
        self.keep(store, settled(3, hit), settled(4, twin=3, joined_by="fbp"))
        self.keep(store, settled(5, hit, twin=3, joined_by="event_id"), settled(6, hit))
        joined = {(t.source, t.duplicate, t.joined_by) for t in store.tallies("1", AT, AT + 1)}
        assert joined == {
            ("server", False, "event_id"),
            ("browser", True, "event_id"),
            ("browser", False, "fbp"),
            ("server", True, "fbp"),
            ("browser", True, None),
            ("browser", False, None),
        }

    def test_kept_calls_come_back_in_order(self, store: ReceiverStore) -> None:
        for at in (AT, AT + 1):
            asyncio.run(store.keep_call(replace(CALL, at=float(at)), 99))
        first, second = store.calls(0, 9)
        assert (first, second) == (replace(CALL, id=first.id), replace(second, at=AT + 1.0))
        assert store.calls(first.id, 9) == [second]
        assert store.calls(0, 1) == [first]

    def test_only_so_many_calls_are_kept(self, store: ReceiverStore) -> None:
        assert store.newest() == (0, 0)
        for at in range(5):
            asyncio.run(store.keep_call(replace(CALL, at=float(at)), 2))
        kept = store.calls(0, 9)
        assert [call.at for call in kept] == [3.0, 4.0]
        assert store.newest() == (0, kept[-1].id)

    def test_kept_calls_are_pruned_by_age_and_number(self, store: ReceiverStore) -> None:
        for at in range(AT, AT + 10):
            asyncio.run(store.keep_call(replace(CALL, at=float(at)), 99))
        assert store.prune(Bounds(calls=Bound(1, 100)), AT + 2.0 + DAY) == 2
        assert store.prune(Bounds(calls=Bound(7, 5)), AT + 2.0) == 3
        assert [call.at for call in store.calls(0, 99)] == [float(AT + n) for n in range(5, 10)]

    def test_events_are_pruned_by_age_with_all_that_belongs_to_them(
        self, store: ReceiverStore
    ) -> None:
        self.register(store, touches=(touch(),))
        later = replace(EVENT, received_at=AT + 2.0 * DAY, event_time=AT + 2 * DAY)
        self._convert(store, settled(1, joint=self._matched(store)))
        self.keep(store, settled(2, later, opened_at=float(AT), twin=1))
        self.keep(store, settled(3, replace(later, event_id="o2")))
        assert store.prune(Bounds(events=Bound(1, 100)), AT + 2.0 * DAY) == 2
        assert [item["id"] for item in store.settled_items(0, 9, None)] == [3]
        assert store.conversions(0, 2 * AT) == []
        assert store.candidates(0, 2 * AT) == []
        assert store.earlier(dedup.marks(EVENT).written[:1]) == {}
        assert store.prune(Bounds(events=Bound(1, 100)), 2.0 * AT) == 1, "its touch"
        assert [item["id"] for item in store.settled_items(0, 9, None)] == [3]

    def test_events_are_pruned_by_number(self, store: ReceiverStore) -> None:
        for seq in range(1, 11):
            event = replace(EVENT, event_id=str(seq), received_at=float(AT + seq))
            self.keep(store, settled(seq, event))
        assert store.prune(Bounds(events=Bound(400, 4)), float(AT)) == 6
        assert [item["id"] for item in store.settled_items(0, 99, None)] == [7, 8, 9, 10]

    def test_touches_and_clicks_are_pruned_by_age_and_number(self, store: ReceiverStore) -> None:
        old = touch(ago=30 * DAY, click=CLICK)
        self.register(store, touches=(old, *(touch(ago=ago) for ago in range(5))))
        assert store.prune(Bounds(touches=Bound(29, 100)), float(AT)) == 2
        assert store.known([CLICK], ()).clicks == {}
        assert store.prune(Bounds(touches=Bound(29, 2)), float(AT)) == 3
        assert sum(count for *_, count in store.touch_counts(0, AT + 1)) == 2
        assert store.people_known() == 1

    def test_nothing_is_pruned_within_the_bounds(self, store: ReceiverStore) -> None:
        assert store.prune(Bounds(), float(AT)) == 0
        self.register(store, touches=(touch(click=CLICK),))
        self.keep(store, settled(1))
        asyncio.run(store.keep_call(CALL, 99))
        assert store.prune(Bounds(), float(AT)) == 0

    def test_an_event_is_shown_with_its_duplicates(self, store: ReceiverStore) -> None:
        hit = replace(EVENT, source="browser", order_id=None)
        self.keep(store, settled(1), settled(2, hit, twin=1, joined_by="event_id"))
        self.keep(store, settled(3, replace(hit, event_id="x", order_id="7")))
        self.keep(store, settled(4, replace(hit, event_id="O-1")))
        assert numbers(store.groups(0, 9, None)) == [[1, 2], [3], [4]]
        assert numbers(store.groups(1, 1, None)) == [[3]]
        assert store.groups(0, 1, None)[0][1]["joined_by"] == "event_id"
        assert numbers(store.groups(0, 9, "1001")) == [[1, 2], [4]], "an id like it is shown too"
        assert numbers(store.groups(0, 9, "8")) == []

    def test_reset_forgets_everything(self, store: ReceiverStore) -> None:
        self.register(store, AccountSeen((EM,), "p1"), touches=(touch(click=CLICK),))
        asyncio.run(store.receive([EVENT]))
        asyncio.run(store.keep_call(CALL, 99))
        self._convert(store, settled(1, joint=self._matched(store)))
        store.reset()
        assert store.unsettled(9).events == ()
        assert store.known([EM, CLICK], ()).owners == {}
        assert not store.settled_items(0, 9, None)
        assert not store.conversions(0, AT + 1)
        assert not store.candidates(0, AT + 1)
        assert not store.calls(0, 9)
        assert store.people_known() == 0

    def _touch(self, store: ReceiverStore) -> Touch:
        (person,) = store.known([EM], ()).owners[EM]
        return max(store.touches([(person, AT)])[person, AT])

    def _matched(self, store: ReceiverStore) -> Match:
        return Match(store.known([EM], ()).owners[EM][0], ("em",), 0.95)

    def _convert(self, store: ReceiverStore, event: Settled) -> None:
        credit = Credit(self._touch(store), "7d_click")
        attributed = (Attributed(event.seq, credit, (credit.touch,)),)
        self.keep(store, event, attributed=attributed)
