# ruff: noqa: S101 - a suite of tests says what must hold by asserting it
"""What every store of the gateway must do: one suite of pytest tests a port.

Run them over an adapter of your own: define a fixture `make_store` that returns a
callable giving a fresh, empty store, and subclass the suites with names that pytest
collects:

    class TestJournal(JournalSuite): ...
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from msgspec import structs

from tillpost.core.books import ALSO, BadRow, Link, Sighting, Touch, Visitor, Wanted
from tillpost.core.event import CartSeen, Consent
from tillpost.core.money import MoneyError
from tillpost.ports import Facts, Folder, Journal, Outbox, Retention
from tillpost.testing import entries as make
from tillpost.testing.entries import CHECKOUT, DESTINATION, NOW, SHOP

DAY = 86400


class Gateway(Journal, Folder, Outbox, Facts, Retention, Protocol):
    """A store that implements every port of the gateway."""


MakeStore: TypeAlias = Callable[[], Gateway]


def touch(at: int = NOW - 600, **changes: Any) -> Touch:
    """A landing from a newsletter."""
    texts: dict[str, Any] = dict.fromkeys(
        ("term", "content", "campaign_id", "adset_id", "ad_id", "click_kind")
    )
    plain = Touch(
        **texts,
        shop=SHOP,
        visitor_id="v1",
        at=at,
        source="news",
        medium="email",
        campaign="spring",
        channel="Email",
        direct=False,
        paid=False,
        click_id=None,
        referrer_host=None,
        landing_path="/",
        rules=1,
        url="https://demo-shop.example/?utm_source=news",
    )
    return structs.replace(plain, **changes)


class JournalSuite:
    """Facts as they came: in order, none twice, none lost."""

    def test_entries_come_back_in_the_order_they_were_appended(self, make_store: MakeStore) -> None:
        """Each entry as it was given, with rising positions."""
        store = make_store()
        given = [make.entry(make.order(str(n)), NOW + n) for n in range(5)]
        given.append(make.entry(make.beacon(custom_data={"value": Decimal("19.90")})))
        given.append(make.entry(make.server_event()))
        given += [make.entry(make.refund()), make.entry(make.edit())]
        given.append(make.entry(CartSeen("v1", NOW, "c1")))
        asyncio.run(store.append(given[:3]))
        asyncio.run(store.append(given[3:]))
        found = store.unfolded(100)
        assert [entry for _, entry in found] == given
        assert [at for at, _ in found] == sorted({at for at, _ in found})

    def test_a_limit_gives_the_oldest(self, make_store: MakeStore) -> None:
        """As many as were asked for."""
        store = make_store()
        asyncio.run(store.append([make.entry(make.order(str(n))) for n in range(5)]))
        assert [entry.fact.order_id for _, entry in store.unfolded(2)] == ["0", "1"]  # type: ignore[union-attr]

    def test_a_commit_moves_on(self, make_store: MakeStore) -> None:
        """What a commit has passed is never unfolded again; one without a position passes none."""
        store = make_store()
        asyncio.run(store.append([make.entry(make.order(str(n))) for n in range(4)]))
        positions = [at for at, _ in store.unfolded(10)]
        store.commit(make.changes(position=positions[1]))
        assert [at for at, _ in store.unfolded(10)] == positions[2:]
        store.commit(make.changes())
        assert [at for at, _ in store.unfolded(10)] == positions[2:]

    def test_bad_rows_are_listed_without_their_body(self, make_store: MakeStore) -> None:
        """Numbered from the oldest; the sealed body is not among the columns."""
        store = make_store()
        for reason in ("not_json", "no_id", "too_deep"):
            asyncio.run(store.keep_bad(make.bad_row(reason)))
        first = store.bad_rows(0, 2)
        assert [row["reason"] for row in first] == ["not_json", "no_id"]
        rest = store.bad_rows(first[-1]["id"], 10)
        assert [row["reason"] for row in rest] == ["too_deep"]
        assert set(rest[0]) == {
            *("id", "shop", "source", "received_at", "reason", "field", "detail")
        }

    def test_an_entry_set_aside_is_passed(self, make_store: MakeStore) -> None:
        """Its row is kept and its position is behind."""
        store = make_store()
        asyncio.run(store.append([make.entry(make.order(str(n))) for n in range(2)]))
        (first, _), (second, _) = store.unfolded(10)
        store.set_aside(make.bad_row("cannot_fold"), first)
        assert [at for at, _ in store.unfolded(10)] == [second]
        assert [row["reason"] for row in store.bad_rows(0, 10)] == ["cannot_fold"]


class FolderSuite:
    """What folding reads and writes."""

    def test_nothing_is_recalled_of_an_empty_store(self, make_store: MakeStore) -> None:
        """Unknown names give no rows, and events are numbered from one."""
        wanted = Wanted({(SHOP, "1")}, {(SHOP, "v")}, {(SHOP, "ev:1")}, {(SHOP, "t")})
        books = make_store().recall(wanted)
        assert not books.orders
        assert not books.events
        assert not books.visitors
        assert books.next_event == 1

    def test_rows_are_recalled_by_their_own_names(self, make_store: MakeStore) -> None:
        """Order, visitor and event with its deliveries, each as it was committed."""
        store = make_store()
        order = make.order_row(make.order(checkout_token=None), reason="draft", eligible=False)
        consent = Consent(marketing=True, source="pixel", at=NOW)
        visitor = Visitor(SHOP, "v1", NOW, "news|email||", make.FBP, make.FBC, consent)
        event = make.event_row(7, order_id=None)
        delivery = make.delivery(7)
        store.commit(
            make.changes(orders=[order], visitors=[visitor], events=[event], deliveries=[delivery])
        )
        books = store.recall(Wanted({(SHOP, "1001")}, {(SHOP, "v1")}, {(SHOP, "ev:7")}))
        assert books.orders == {(SHOP, "1001"): order}
        assert books.visitors == {(SHOP, "v1"): visitor}
        assert books.events == {(SHOP, "ev:7"): event}
        assert books.deliveries == {7: {DESTINATION: delivery}}
        assert books.next_event == 8

    def test_a_checkout_brings_its_order_sighting_and_visitor(self, make_store: MakeStore) -> None:
        """The first visitor seen with it, and the visitor that the order carries."""
        store = make_store()
        name = (SHOP, CHECKOUT)
        order = make.order_row(make.order(carried=make.carried("v3")))
        sighting = Sighting(SHOP, CHECKOUT, float(NOW), make.beacon())
        links = [Link(SHOP, "checkout", CHECKOUT, f"v{n}", NOW - n) for n in (1, 2)]
        visitors = [Visitor(SHOP, f"v{n}", NOW) for n in (1, 2, 3)]
        store.commit(
            make.changes(orders=[order], sightings=[sighting], links=links, visitors=visitors)
        )
        books = store.recall(Wanted(checkouts={name}))
        assert books.tokens == {name: "1001"}
        assert books.orders == {(SHOP, "1001"): order}
        assert books.sightings == {name: sighting}
        assert books.checkouts == {name: "v2"}
        assert set(books.visitors) == {(SHOP, "v2"), (SHOP, "v3")}

    def test_an_order_is_found_by_its_other_id(self, make_store: MakeStore) -> None:
        """As long as it has one, and in its own shop."""
        store = make_store()
        order = make.order_row(make.order(also="in_1"))
        store.commit(make.changes(orders=[order, make.order_row(shop="other")]))
        name, elsewhere = (SHOP, f"{ALSO}in_1"), ("other", f"{ALSO}in_1")
        books = store.recall(Wanted(checkouts={name, elsewhere}))
        assert books.tokens == {name: "1001"}
        assert books.orders == {(SHOP, "1001"): order}
        store.commit(make.changes(orders=[make.order_row()]))
        assert store.recall(Wanted(checkouts={name})).tokens == {}

    def test_an_order_brings_its_checkout_and_its_events(self, make_store: MakeStore) -> None:
        """A report without the token finds what came with it."""
        store = make_store()
        sighting = Sighting(SHOP, CHECKOUT, float(NOW), make.beacon())
        event = make.event_row(1, fold_key=f"sale:{CHECKOUT}", order_id="1001")
        store.commit(
            make.changes(
                orders=[make.order_row()],
                sightings=[sighting],
                links=[Link(SHOP, "checkout", CHECKOUT, "v1", NOW)],
                visitors=[Visitor(SHOP, "v1", NOW)],
                events=[event],
                deliveries=[make.delivery()],
            )
        )
        books = store.recall(Wanted(orders={(SHOP, "1001")}))
        assert books.events == {(SHOP, f"sale:{CHECKOUT}"): event}
        assert books.deliveries[1][DESTINATION] == make.delivery()
        assert books.sightings == {(SHOP, CHECKOUT): sighting}
        assert books.checkouts == {(SHOP, CHECKOUT): "v1"}
        assert set(books.visitors) == {(SHOP, "v1")}

    def test_shops_are_kept_apart(self, make_store: MakeStore) -> None:
        """The same name in another shop is another row."""
        store = make_store()
        store.commit(make.changes(orders=[make.order_row(), make.order_row(shop="other")]))
        books = store.recall(Wanted(orders={("other", "1001")}))
        assert list(books.orders) == [("other", "1001")]

    def test_a_commit_that_fails_keeps_nothing(self, make_store: MakeStore) -> None:
        """Neither rows before the bad one, nor the position."""
        store = make_store()
        asyncio.run(store.append([make.entry(make.order())]))
        bad = make.order("1002", value=make.money("1.00", "ZZZ"))
        failed = False
        try:
            store.commit(
                make.changes(
                    position=1,
                    orders=[make.order_row(), make.order_row(bad)],
                    events=[make.event_row()],
                    accepted={(SHOP, DESTINATION): 1},
                )
            )
        except MoneyError:
            failed = True
        assert failed
        assert len(store.unfolded(10)) == 1
        assert store.tables(["orders"])["orders"][1] == []
        assert store.event_items(0, 10, None, None) == []
        assert store.tallies() == []

    def test_holds_end_in_order(self, make_store: MakeStore) -> None:
        """The earliest first, and only those whose time has come."""
        store = make_store()
        assert store.next_hold() is None
        holds = [NOW + 30.0, NOW + 10.0, None, NOW + 20.0]
        rows = [make.event_row(n, hold_until=until) for n, until in enumerate(holds, 1)]
        store.commit(make.changes(events=rows))
        assert store.next_hold() == NOW + 10.0
        assert [row.id for row in store.held(NOW + 20.0, 10)] == [2, 4]
        assert [row.id for row in store.held(NOW + 99.0, 2)] == [2, 4]
        store.commit(make.changes(events=[structs.replace(rows[1], hold_until=None)]))
        assert store.next_hold() == NOW + 20.0

    def test_a_newer_row_replaces_the_older(self, make_store: MakeStore) -> None:
        """Orders, visitors and events by name; an event keeps its number."""
        store = make_store()
        store.commit(make.changes(orders=[make.order_row()], events=[make.event_row()]))
        later = make.order_row(make.order(version=NOW + 9.0), browser=True)
        moved = make.event_row(event=make.event("e1", event_time=NOW + 5))
        store.commit(make.changes(orders=[later], events=[moved]))
        books = store.recall(Wanted(orders={(SHOP, "1001")}, events={(SHOP, "ev:1")}))
        assert books.orders[SHOP, "1001"] == later
        assert books.events[SHOP, "ev:1"] == moved
        assert len(store.event_items(0, 10, None, None)) == 1

    def test_a_visitor_brings_what_waits_of_theirs(self, make_store: MakeStore) -> None:
        """Held events of the visitor, and none that has gone or is another's."""
        store = make_store()
        held = make.event_row(1, visitor_id="v1", hold_until=NOW + 9.0, order_id=None)
        rows = [
            held,
            make.event_row(2, visitor_id="v1", order_id=None),
            make.event_row(3, visitor_id="v2", hold_until=NOW + 9.0, order_id=None),
        ]
        store.commit(make.changes(events=rows))
        assert store.recall(Wanted(visitors={(SHOP, "v1")})).events == {(SHOP, "ev:1"): held}

    def test_a_visitor_leads_to_their_latest_order(self, make_store: MakeStore) -> None:
        """So that a Purchase without a checkout finds it."""
        store = make_store()
        orders = [make.order_row(make.order(str(n), checkout_token=None)) for n in (1001, 1002)]
        links = [Link(SHOP, "order", str(1000 + n), "v1", NOW + n) for n in (2, 1)]
        store.commit(make.changes(orders=orders, links=links))
        books = store.recall(Wanted(checkouts={(SHOP, "visitor:v1"), (SHOP, "visitor:v2")}))
        assert books.tokens == {(SHOP, "visitor:v1"): "1002"}
        assert (SHOP, "1002") in books.orders


class RetentionSuite:
    """What may not be kept for ever goes, and what is still needed stays."""

    def test_old_bad_rows_go_and_fresh_ones_stay(self, make_store: MakeStore) -> None:
        """Seven days are the longest that a body which could not be read is kept."""
        store = make_store()
        for at in (NOW - 8 * DAY, NOW):
            row = BadRow(SHOP, "shopify", float(at), "not_json", "body", "why", b"box")
            asyncio.run(store.keep_bad(row))
        store.prune(NOW - 7 * DAY)
        assert [row["received_at"] for row in store.bad_rows(0, 10)] == [NOW]

    def test_what_still_waits_for_a_platform_keeps_its_address(self, make_store: MakeStore) -> None:
        """An event that is not settled is sent with its device, however old it is."""
        store = make_store()
        store.commit(make.outgoing(1))
        store.prune(NOW + 100 * DAY)
        (leased,) = store.lease(DESTINATION, NOW + 100.0 * DAY, 10, 1.0)
        event = next(store.events([leased]))
        assert event is not None
        assert event.device == make.event().device

    def test_facts_that_come_after_a_quiet_week_are_folded(self, make_store: MakeStore) -> None:
        """Positions go on from the last one, also when everything before it was removed."""
        store = make_store()
        asyncio.run(store.append([make.entry(make.order(str(n))) for n in range(3)]))
        last = store.unfolded(10)[-1][0]
        store.commit(make.changes(position=last))
        store.prune(NOW + 8 * DAY)
        asyncio.run(store.append([make.entry(make.order("1009"))]))
        ((position, entry),) = store.unfolded(10)
        assert position > last
        assert entry.fact == make.order("1009")
