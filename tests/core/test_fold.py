import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tillpost.collect import fold
from tillpost.collect.fold import Context
from tillpost.core.books import EventRow
from tillpost.core.event import Consent, Device, Entry, Fact, OrderSeen, Person, Place
from tillpost.core.outcome import State
from tillpost.core.shop import PAYMENT_WAIT, UNCONFIRMED_AFTER, Route, Shop
from tillpost.store.gateway_memory import MemoryGatewayStore
from tillpost.testing import entries as make
from tillpost.testing.entries import CHECKOUT, DESTINATION, NOW, SHOP, entry

SALE = f"sale:{CHECKOUT}"
DAY = 86400


class Desk:
    """A store with folding before it, and a clock that is told the time."""

    def __init__(
        self, shop: Shop | None = None, routes: dict[str, tuple[Route, ...]] | None = None
    ) -> None:
        self.store = MemoryGatewayStore()
        self.shops = {SHOP: shop or make.shop()}
        self.routes = routes or make.routes()
        self.position = 0

    def context(self, now: float) -> Context:
        return Context(self.shops, self.routes, float(now))

    def fold(self, *entries: Entry, now: float | None = None) -> "Desk":
        """All entries in one batch, at the time the last of them was received."""
        batch = list(enumerate(entries, self.position + 1))
        self.position += len(entries)
        books = self.store.recall(fold.wanted(entries))
        at = max(e.received_at for e in entries) if now is None else now
        self.store.commit(fold.fold(batch, books, self.context(at)))
        return self

    def one_by_one(self, entries: Iterable[Entry]) -> "Desk":
        """Each entry in a batch of its own."""
        for one in entries:
            self.fold(one)
        return self

    def wait(self, until: float) -> "Desk":
        """Release every hold that has ended by then, each at its own time."""
        last = 0.0
        while (end := self.store.next_hold()) is not None and end <= until:
            rows = self.store.held(end, 100)
            assert end > last, "a hold that ends must not go on"
            last = end
            books = self.store.recall(fold.wanted_held(rows))
            self.store.commit(fold.release(rows, books, self.context(end)))
        return self

    @property
    def items(self) -> list[dict[str, Any]]:
        return self.store.event_items(0, 1000, None, None)

    def ends(self, destination: str = DESTINATION) -> list[tuple[str, str | None]]:
        """Where each event stands with the destination."""
        return [
            (outcome["state"], outcome["reason"])
            for item in self.items
            for outcome in item["outcomes"]
            if outcome["destination"] == destination
        ]

    def events(self) -> list[EventRow]:
        """Everything that is due to be sent, as it would be sent."""
        rows = self.store.lease(DESTINATION, NOW + 10.0**9, 1000, 1.0)
        return [self.store._events[item.delivery.event] for item in rows]

    def orders(self) -> list[dict[str, Any]]:
        columns, rows = self.store.tables(["orders"])["orders"]
        return [dict(zip(columns, row, strict=True)) for row in rows]


def paid_later(order: OrderSeen) -> OrderSeen:
    return structs.replace(order, version=order.version + 60, topic="orders/paid")


WAITS = ("held", "join_wait")
READY = ("pending", None)


# --- an order and its beacon --------------------------------------------------------------


def test_an_order_waits_for_its_beacon_and_goes_alone() -> None:
    desk = Desk().fold(entry(make.order()))
    assert desk.ends() == [WAITS]
    assert desk.wait(NOW + 1.9).ends() == [WAITS]
    assert desk.wait(NOW + 2.0).ends() == [READY]
    (row,) = desk.events()
    assert row.event.event_id == f"purchase.{CHECKOUT}"
    assert row.event.direct == "unknown"
    assert desk.orders()[0]["browser"] == 0


def test_an_order_then_its_beacon_go_at_once_together() -> None:
    desk = Desk().fold(entry(make.order())).fold(entry(make.beacon(), NOW + 1))
    assert desk.ends() == [READY]
    (row,) = desk.events()
    assert (row.event.person.fbc, row.event.person.fbp) == (make.FBC, make.FBP)
    assert (row.event.direct, row.event.direct_at) == ("sent", NOW + 1)
    assert row.order_id == "1001"
    assert desk.orders()[0]["browser"] == 1


def test_a_beacon_then_its_order_are_the_same_row() -> None:
    desk = Desk().fold(entry(make.beacon()))
    assert desk.ends() == [("held", "awaiting_order")]
    desk.fold(entry(make.order(), NOW + 5))
    assert desk.ends() == [READY]
    (row,) = desk.events()
    assert row.id == 1
    assert row.order_id == "1001"
    assert row.source == "shopify"
    assert row.event.custom_data["order_id"] == "1001"


def test_a_beacon_without_an_order_is_unconfirmed_until_the_order_comes() -> None:
    desk = Desk().fold(entry(make.beacon()))
    assert desk.wait(NOW + UNCONFIRMED_AFTER - 1).ends() == [("held", "awaiting_order")]
    assert desk.wait(NOW + UNCONFIRMED_AFTER).ends() == [("dropped", "unconfirmed")]
    desk.fold(entry(make.order(), NOW + 3600))
    assert desk.ends() == [READY]
    assert len(desk.items) == 1
    assert ("demo", "meta", "accepted", None, 1) in desk.store.tallies()


def test_a_beacon_after_the_wait_is_noted_and_not_sent_again() -> None:
    desk = Desk().fold(entry(make.order())).wait(NOW + 2)
    desk.fold(entry(make.beacon(), NOW + 60))
    assert desk.ends() == [READY]
    assert desk.events()[0].event.direct == "sent"
    assert desk.orders()[0]["browser"] == 1


def test_the_first_beacon_of_a_checkout_counts() -> None:
    second = make.beacon(event_id="reload", person=Person(), direct="blocked")
    desk = Desk().fold(entry(make.beacon()), entry(second, NOW + 1), entry(make.order(), NOW + 2))
    assert [item["event_id"] for item in desk.items] == [f"purchase.{CHECKOUT}"]
    assert desk.events()[0].event.direct == "sent"


def test_a_beacon_without_token_or_order_stands_alone() -> None:
    desk = Desk().fold(entry(make.beacon(checkout_token=None, event_id="lone")))
    assert desk.wait(NOW + 3600).ends() == [("dropped", "unconfirmed")]
    assert desk.items[0]["order_id"] is None


def test_what_a_browser_says_of_money_and_identity_is_not_believed() -> None:
    lying = make.beacon(
        custom_data={"value": 9999, "currency": "EUR"},
        person=Person(keys={"em": (("meta", make.hashed("mallory@example.com")),)}),
    )
    desk = Desk().fold(entry(lying), entry(make.order()))
    (row,) = desk.events()
    assert (str(row.event.custom_data["value"]), row.event.custom_data["currency"]) == (
        "42.00",
        "USD",
    )
    assert row.event.person.keys == make.KEYS


# --- webhooks --------------------------------------------------------------------------------


def test_duplicate_webhooks_fold() -> None:
    order = make.order()
    desk = Desk().fold(entry(order), entry(order)).fold(entry(order, NOW + 1)).wait(NOW + 9)
    desk.fold(entry(order, NOW + 10)).fold(entry(paid_later(order), NOW + 70))
    assert len(desk.items) == 1
    assert len(desk.events()) == 1
    assert len(desk.orders()) == 1


def test_a_report_without_the_token_makes_no_second_purchase() -> None:
    bare = make.order(checkout_token=None, version=NOW + 5.0)
    desk = Desk().fold(entry(make.order())).fold(entry(make.beacon(), NOW + 1))
    desk.fold(entry(bare, NOW + 5)).wait(NOW + 99)
    assert desk.ends() == [READY]
    other = Desk().fold(entry(bare)).fold(entry(make.order(version=NOW + 9.0), NOW + 5))
    assert other.wait(NOW + 99).ends() == [READY]
    assert other.orders()[0]["checkout_token"] == CHECKOUT


def test_two_orders_of_one_checkout_are_two_sales() -> None:
    desk = Desk().fold(entry(make.order("1")), entry(make.order("2"))).fold(entry(make.beacon()))
    assert desk.wait(NOW + 9).ends() == [READY, READY]
    one, two = desk.events()
    assert one.event.event_id == f"purchase.{CHECKOUT}"
    assert two.event.event_id.startswith("order.")
    assert (one.event.direct, two.event.direct) == ("sent", "unknown")


def test_an_order_whose_token_changes_is_one_sale() -> None:
    changed = make.order(version=NOW + 1.0, checkout_token="another")
    desk = Desk().fold(entry(make.order())).fold(entry(changed)).wait(NOW + DAY)
    assert desk.ends() == [READY]


def test_a_held_server_event_of_a_known_order_ends_its_own_hold() -> None:
    server = make.server_event("Purchase", order_id="1001", place=BERLIN)
    desk = Desk().fold(entry(make.order()), entry(server, source="events"))
    assert desk.wait(NOW + DAY).ends() == [READY, ("dropped", "consent_unknown")]


def test_an_earlier_version_that_comes_later_changes_nothing_but_gaps() -> None:
    late = make.order(version=NOW - 60.0, name="old", event_id="sh-1", consent=Consent(True))
    newest = make.order(
        customer_id=None, device=Device(), person=Person(), carried=make.carried(None)
    )
    desk = Desk().fold(entry(newest), entry(late))
    (order,) = desk.orders()
    assert (order["name"], order["customer_id"]) == ("#1001", "501")
    (row,) = desk.wait(NOW + 9).events()
    assert row.event.event_id == "sh-1"
    assert row.event.device == Device(make.IP, make.USER_AGENT)
    assert row.event.person.keys == make.KEYS


def test_refunds_are_kept_beside_the_order_and_once() -> None:
    desk = Desk().fold(entry(make.refund()), entry(make.order()), entry(make.refund()))
    assert desk.orders()[0]["refunded_minor"] == 1000
    assert len(desk.items) == 1


def history() -> list[Entry]:
    """What a shop and a browser tell of one order, the shop's reports all of one content."""
    steps = ("create", "paid", "updated", "updated", "updated")
    orders = [
        make.order(version=float(NOW + n), topic=f"orders/{topic}") for n, topic in enumerate(steps)
    ]
    views = [make.page_view(f"pv{n}", event_time=NOW - 600 + n) for n in range(2)]
    facts: list[Fact] = [*orders, make.refund(), make.beacon(), *views]
    return [entry(fact) for fact in facts]


def told(desk: Desk) -> tuple[Any, ...]:
    """What must not depend on the order of arrival: orders, refunds, and the sale's event."""
    desk.wait(NOW + 10 * DAY)
    events = {row.fold_key: row for row in desk.events()}
    rows = [structs.replace(row, id=0) for _, row in sorted(events.items())]
    return desk.orders(), desk.store.tables(["refunds"]), rows, sorted(desk.ends())


EXPECTED = told(Desk().one_by_one(history()))


@settings(max_examples=80, deadline=None)
@given(order=st.permutations(range(9)), together=st.booleans())
def test_any_order_of_arrival_tells_the_same(order: list[int], together: bool) -> None:
    entries = [history()[n] for n in order]
    desk = Desk().fold(*entries) if together else Desk().one_by_one(entries)
    assert told(desk) == EXPECTED


@pytest.mark.parametrize("cut", range(1, 9))
def test_any_cut_into_batches_tells_the_same(cut: int) -> None:
    entries = history()
    random.Random(cut).shuffle(entries)
    desk = Desk()
    for start in range(0, len(entries), cut):
        desk.fold(*entries[start : start + cut])
    assert told(desk) == EXPECTED


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(10)))
def test_a_cancelled_order_is_the_same_order_however_it_was_told(order: list[int]) -> None:
    last = make.order(version=NOW + 99.0, topic="orders/cancelled", cancelled_at=NOW + 90)
    entries = [*history(), entry(last)]
    desk = Desk().one_by_one([entries[n] for n in order]).wait(NOW + DAY)
    assert desk.orders() == [{**EXPECTED[0][0], "cancelled_at": NOW + 90}]
    sale = [e for e in desk.items if e["event_name"] == "Purchase"]
    assert len(sale) == 1
    assert sale[0]["outcomes"][0]["state"] in {"pending", "dropped"}
    assert sale[0]["outcomes"][0]["reason"] in {None, "cancelled"}


# --- payment ---------------------------------------------------------------------------------


UNPAID = make.order(financial_status="pending", gateway_pending=True)
PAID = structs.replace(UNPAID, financial_status="paid", version=NOW + 3600.0)


def test_a_pending_order_waits_for_its_payment() -> None:
    desk = Desk().fold(entry(UNPAID)).wait(NOW + DAY)
    assert desk.ends() == [("held", "awaiting_payment")]
    assert desk.orders()[0]["reason"] == "awaiting_payment"
    desk.fold(entry(PAID, NOW + 3600))
    assert desk.ends() == [READY]
    assert desk.orders()[0]["eligible"] == 1


def test_an_order_that_is_never_paid_was_no_sale() -> None:
    desk = Desk().fold(entry(UNPAID)).wait(NOW + PAYMENT_WAIT)
    assert desk.ends() == [("dropped", "never_paid")]


def test_a_payment_after_a_week_counts_when_it_came() -> None:
    desk = Desk().fold(entry(UNPAID)).wait(NOW + PAYMENT_WAIT)
    late = structs.replace(PAID, version=NOW + 9.0 * DAY)
    desk.fold(entry(late, NOW + 9 * DAY))
    assert desk.ends() == [READY]
    assert desk.events()[0].event.event_time == NOW + 9 * DAY


def test_a_cancelled_unpaid_order_was_never_paid() -> None:
    desk = Desk().fold(entry(structs.replace(UNPAID, cancelled_at=NOW)))
    assert desk.ends() == [("dropped", "never_paid")]


def test_a_shop_may_wait_for_every_payment() -> None:
    desk = Desk(make.shop(purchase_on="paid"))
    desk.fold(entry(make.order(financial_status="authorized")))
    assert desk.ends() == [("held", "awaiting_payment")]


def test_an_old_order_that_changes_is_no_sale_of_today() -> None:
    old = make.order(version=NOW + 30.0 * DAY)
    desk = Desk().fold(entry(old, NOW + 30 * DAY)).wait(NOW + 31 * DAY)
    assert desk.events()[0].event.event_time == NOW


# --- consent ---------------------------------------------------------------------------------


BERLIN = Place("DE")


def test_a_denied_consent_drops_the_sale() -> None:
    order = make.order(consent=Consent(marketing=False), place=BERLIN)
    assert Desk().fold(entry(order)).ends() == [("dropped", "consent_denied")]


def test_an_unknown_consent_in_the_eea_holds_and_then_drops() -> None:
    desk = Desk().fold(entry(make.order(place=BERLIN))).wait(NOW + 10)
    assert desk.ends() == [("held", "awaiting_consent")]
    assert desk.wait(NOW + 1800).ends() == [("dropped", "consent_unknown")]


def test_a_consent_that_comes_with_the_beacon_lets_the_sale_go() -> None:
    desk = Desk().fold(entry(make.order(place=BERLIN))).wait(NOW + 10)
    desk.fold(entry(make.beacon(consent=Consent(marketing=True)), NOW + 20))
    assert desk.ends() == [READY]


def test_the_visitors_last_answer_counts_for_the_sale() -> None:
    """A yes that arrives after a later no does not outweigh it."""
    denied = make.page_view("pv2", event_time=NOW - 100, consent=Consent(marketing=False))
    granted = make.page_view("pv1", event_time=NOW - 600, consent=Consent(marketing=True))
    order = make.order(place=BERLIN, carried=make.carried("v1"))
    desk = Desk().fold(entry(denied), entry(granted), entry(order))
    assert desk.items[-1]["outcomes"][0]["reason"] == "consent_denied"


def test_an_opt_out_in_california_is_sent_limited() -> None:
    order = make.order(
        consent=Consent(sale_of_data=False), place=Place("US", "CA"), checkout_token=None
    )
    (row,) = Desk().fold(entry(order)).events()
    assert row.event.data_processing_options == ("LDU",)
    assert row.event.data_processing_options_country == 0
    assert row.event.data_processing_options_state == 0
    (row,) = Desk().fold(entry(structs.replace(order, device=Device()))).events()
    assert row.event.data_processing_options_country == 1
    assert row.event.data_processing_options_state == 1000


def test_a_page_view_of_unknown_place_obeys_the_shops_own_strict_law() -> None:
    german = Desk(make.shop(country="DE")).fold(entry(make.page_view()))
    assert german.ends() == [("held", "awaiting_consent")]
    assert german.wait(NOW + 1800).ends() == [("dropped", "consent_unknown")]
    assert Desk().fold(entry(make.page_view())).ends() == [READY]


# --- what is no Purchase -----------------------------------------------------------------------


GIFT = structs.replace(make.order().items[0], gift_card=True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"test": True}, "test_order"),
        ({"kind": "draft"}, "draft"),
        ({"kind": "renewal"}, "renewal"),
        ({"kind": "exchange"}, "exchange"),
        ({"presentment": make.money("0")}, "zero_value"),
        ({"items": (GIFT,)}, "gift_card"),
    ],
)
def test_ineligible_orders_are_items_with_their_reason(
    changes: dict[str, Any], reason: str
) -> None:
    desk = Desk().fold(entry(make.order(**changes)))
    assert desk.ends() == [("dropped", reason)]
    assert desk.orders()[0]["reason"] == reason
    assert desk.items[0]["order_id"] == "1001"


def test_a_cancelled_order_is_dropped_but_stays_eligible() -> None:
    desk = Desk().fold(entry(make.order(cancelled_at=NOW)))
    assert desk.ends() == [("dropped", "cancelled")]
    assert desk.orders()[0]["eligible"] == 1


def test_an_order_by_nobody_known_is_dropped() -> None:
    walk_in = make.order(
        kind="pos", checkout_token=None, person=Person(), device=Device(), customer_id=None
    )
    assert Desk().fold(entry(walk_in)).ends() == [("dropped", "no_match_keys")]


# --- event ids -----------------------------------------------------------------------------------


def test_the_pages_own_id_wins() -> None:
    desk = Desk().fold(entry(make.order()), entry(make.beacon(event_id="page-77")))
    assert desk.events()[0].event.event_id == "page-77"


def test_without_a_browser_the_id_is_keyed() -> None:
    desk = Desk().fold(entry(make.order(checkout_token=None)))
    event_id = desk.events()[0].event.event_id
    assert event_id.startswith("order.")
    assert "1001" not in event_id


# --- other events ------------------------------------------------------------------------------


def test_a_page_view_is_sent_with_the_browsers_id_and_is_a_touch() -> None:
    desk = Desk().fold(entry(make.page_view(), NOW - 599))
    (row,) = desk.events()
    assert row.event.event_id == "pv1"
    assert row.event.direct_at == NOW - 599
    columns, touches = desk.store.tables(["touches"])["touches"]
    assert touches[0][columns.index("source")] == "news"


def test_the_same_event_again_is_one() -> None:
    desk = Desk().fold(entry(make.page_view())).fold(entry(make.page_view(), NOW + 5))
    assert len(desk.items) == 1


def test_bots_are_dropped_and_touch_nothing() -> None:
    desk = Desk().fold(entry(make.page_view(bot=True)))
    assert desk.ends() == [("dropped", "bot")]
    assert desk.store.tables(["touches"])["touches"][1] == []


def test_a_server_event_goes_as_it_came() -> None:
    given_event = make.server_event(custom_data={"lead_type": "b2b"}, order_id="77")
    desk = Desk().fold(entry(given_event, source="events"))
    (row,) = desk.events()
    assert (row.source, row.order_id) == ("events", "77")
    assert row.event.custom_data == {"lead_type": "b2b"}
    assert row.event.person.keys == make.KEYS


def test_a_visitor_ties_touches_to_the_order() -> None:
    view = make.page_view()
    checkout = make.beacon("InitiateCheckout", event_id="ic", checkout_token=CHECKOUT)
    desk = Desk().fold(entry(make.order())).fold(entry(view)).fold(entry(checkout, NOW + 1))
    _, links = desk.store.tables(["links"])["links"]
    assert {(kind, value) for _, kind, value, _, _ in links} == {
        ("checkout", CHECKOUT),
        ("order", "1001"),
        ("customer", "501"),
        ("em", make.hashed("ada@example.com")),
    }
    desk.wait(NOW + 9)
    sale = next(r for r in desk.events() if r.event.event_name == "Purchase")
    assert sale.event.person.fbc == make.FBC


def test_the_landing_that_an_order_carries_is_a_touch() -> None:
    url = "https://demo-shop.example/?utm_source=google&utm_medium=cpc"
    desk = Desk().fold(entry(make.order(carried=make.carried(None, url))))
    columns, touches = desk.store.tables(["touches"])["touches"]
    assert touches[0][columns.index("visitor_id")] == "order:1001"
    assert touches[0][columns.index("channel")] == "Paid Search"


# --- shops, destinations, the ledger ----------------------------------------------------------


def test_an_unknown_shop_changes_nothing_but_the_position() -> None:
    desk = Desk().fold(entry(make.order(), name="other"), entry(make.refund(), name="other"))
    assert desk.items == []
    assert desk.store.unfolded(9) == []


def test_a_held_event_of_a_shop_that_left_stays_held() -> None:
    desk = Desk().fold(entry(make.order()))
    rows = desk.store.held(NOW + 99.0, 9)
    desk.shops = {}
    books = desk.store.recall(fold.wanted_held(rows))
    assert fold.release(rows, books, desk.context(NOW + 99)).events == []


def test_what_was_settled_in_the_meantime_is_not_released_again() -> None:
    desk = Desk().fold(entry(make.order()))
    rows = desk.store.held(NOW + 99.0, 9)
    desk.fold(entry(make.beacon(), NOW + 1))
    books = desk.store.recall(fold.wanted_held(rows))
    assert fold.release(rows, books, desk.context(NOW + 99)).events == []


def test_each_destination_gets_what_it_takes() -> None:
    routes: dict[str, tuple[Route, ...]] = {
        SHOP: (Route("meta"), Route("sales", frozenset({"Purchase"})))
    }
    desk = Desk(routes=routes).fold(entry(make.page_view()), entry(make.order()))
    assert desk.ends("meta") == [READY, WAITS]
    assert desk.ends("sales") == [WAITS]


facts = st.one_of(
    st.builds(
        make.order,
        st.sampled_from(["1", "2"]),
        version=st.sampled_from([NOW, NOW + 60, NOW + 120]).map(float),
        checkout_token=st.sampled_from([None, "t1", "t2"]),
        financial_status=st.sampled_from(["pending", "paid", "refunded"]),
        gateway_pending=st.booleans(),
        cancelled_at=st.sampled_from([None, None, NOW]),
        test=st.sampled_from([False, False, True]),
        place=st.sampled_from([Place(), BERLIN, Place("US", "CA")]),
        consent=st.sampled_from([None, Consent(marketing=True), Consent(marketing=False)]),
    ),
    st.builds(
        make.beacon,
        st.sampled_from(["Purchase", "PageView", "InitiateCheckout"]),
        event_id=st.sampled_from(["a", "b", "c"]),
        visitor_id=st.sampled_from([None, "v1", "v2"]),
        checkout_token=st.sampled_from([None, "t1", "t2"]),
        bot=st.booleans(),
    ),
    st.builds(make.refund, st.sampled_from(["r1", "r2"])),
    st.builds(make.server_event, event_id=st.sampled_from(["s1", "s2"])),
)


@settings(max_examples=80, deadline=None)
@given(
    batches=st.lists(st.lists(facts, min_size=1, max_size=5), max_size=5), gap=st.integers(0, 3000)
)
def test_the_ledger_balances_and_no_sale_is_doubled(batches: list[list[Any]], gap: int) -> None:
    desk = Desk()
    now = float(NOW)
    for batch in batches:
        desk.fold(*(entry(fact, now) for fact in batch))
        desk.wait(now)
        now += gap
    desk.wait(now + 30 * DAY)
    rows = desk.store.tallies()
    accepted = sum(n for *_, state, _, n in rows if state == "accepted")
    assert accepted == sum(n for *_, state, _, n in rows if state != "accepted")
    assert accepted == len(desk.items)
    assert "held" not in {state for *_, state, _, _ in rows}
    sold = [i["order_id"] for i in desk.items if i["event_name"] == "Purchase" and i["order_id"]]
    assert len(desk.orders()) == len(set(sold)) == len(sold)
    assert all(State(state) for *_, state, _, _ in rows if state != "accepted")


def test_a_beacon_after_the_release_moves_the_last_call_of_what_still_waits() -> None:
    desk = Desk().fold(entry(make.order())).wait(NOW + DAY)
    (before,) = desk.events()
    assert before.event.direct == "unknown"
    late = entry(
        make.beacon("Purchase", event_id=before.event.event_id, direct="sent"), at=NOW + DAY
    )
    desk.store.free(NOW + DAY)
    desk.fold(late)
    (after,) = desk.events()
    assert (after.event.direct, after.event.direct_at) == ("sent", NOW + DAY)
    assert after.event.event_id == before.event.event_id
    assert [state for state, _ in desk.ends()] == ["leased"]


def test_what_is_only_recorded_tells_of_the_visitor_and_is_never_delivered() -> None:
    url = "https://demo-shop.example/?utm_source=news&utm_medium=email"
    view = make.page_view(recorded=True, event_source_url=url, visitor_id="v9")
    desk = Desk().fold(entry(view))
    assert desk.items == []
    names, rows = desk.store.tables(["touches"])["touches"]
    assert [row[names.index("visitor_id")] for row in rows] == ["v9"]
