# ruff: noqa: S101 - a suite of tests says what must hold by asserting it
"""The suite of `Facts`: what reports read, told alike by each gateway store."""

from decimal import Decimal
from typing import Any

from tillpost.core import spend
from tillpost.core.books import EditRow, Link, RefundRow
from tillpost.core.event import Item, Journey, Visit
from tillpost.core.exchange import Rate
from tillpost.core.outcome import Reason, State
from tillpost.testing import entries as make
from tillpost.testing.entries import CHECKOUT, DESTINATION, NOW, SHOP
from tillpost.testing.gateway_store import Gateway, MakeStore, touch


class FactsSuite:
    """What reports are made from."""

    def test_events_are_paged_and_found(self, make_store: MakeStore) -> None:
        """After a number, by event id and by order id, with every outcome."""
        store = make_store()
        store.commit(make.outgoing(3))
        store.commit(make.changes(deliveries=[make.delivery(2, "other", state=State.HELD)]))
        first = store.event_items(0, 2, None, None)
        assert [item["id"] for item in first] == [1, 2]
        assert [item["id"] for item in store.event_items(2, 2, None, None)] == [3]
        assert [item["id"] for item in store.event_items(0, 9, "e2", None)] == [2]
        assert [item["id"] for item in store.event_items(0, 9, None, "1003")] == [3]
        assert store.event_items(0, 9, "e2", "1003") == []
        assert [o["destination"] for o in first[1]["outcomes"]] == [DESTINATION, "other"]
        assert {k: v for k, v in first[0].items() if k != "outcomes"} == {
            "id": 1,
            "received_at": float(NOW),
            "source": "shopify",
            "shop": SHOP,
            "event_name": "Purchase",
            "event_id": "e1",
            "event_time": NOW,
            "order_id": "1001",
        }

    def test_an_event_for_no_destination_has_no_outcome(self, make_store: MakeStore) -> None:
        """It is listed all the same."""
        store = make_store()
        store.commit(make.changes(events=[make.event_row()]))
        assert store.event_items(0, 9, None, None)[0]["outcomes"] == []

    def test_orders_are_told_in_minor_units_with_what_was_refunded(
        self, make_store: MakeStore
    ) -> None:
        """Refunds in the order's currency only, parts in the buyer's; yes and no as 1 and 0."""
        store = make_store()
        order = make.order(
            presentment=make.money("6300", "JPY"),
            presentment_subtotal=make.money("6000", "JPY"),
            presentment_tax=make.money("300", "JPY"),
            returning=True,
        )
        refunds = [
            RefundRow(SHOP, "r1", "1001", NOW, 1000, "USD"),
            RefundRow(SHOP, "r2", "1001", NOW, 150, "USD"),
            RefundRow(SHOP, "r3", "1001", NOW, 99, "EUR"),
        ]
        store.commit(make.changes(orders=[make.order_row(order)], refunds=refunds))
        store.commit(make.changes(refunds=refunds[:1]))
        columns, rows = store.tables(["orders"])["orders"]
        row = dict(zip(columns, rows[0], strict=True))
        assert row == {
            "shop": SHOP,
            "order_id": "1001",
            "name": "#1001",
            "at": NOW,
            "kind": "web",
            "eligible": 1,
            "reason": None,
            "value_minor": 4200,
            "currency": "USD",
            "checkout_token": CHECKOUT,
            "customer_id": "501",
            "returning": 1,
            "cancelled_at": None,
            "refunded_minor": 1150,
            "browser": 0,
            "server": 1,
            "presentment_minor": 6300,
            "presentment_currency": "JPY",
            "subtotal_minor": 6000,
            "tax_minor": 300,
            "shipping_minor": None,
        }
        assert len(store.tables(["refunds"])["refunds"][1]) == 3

    def test_an_order_is_found_by_all_its_keys(self, make_store: MakeStore) -> None:
        """Also by those that a later report no longer tells."""
        store = make_store()
        store.commit(make.changes(orders=[make.order_row()]))
        store.commit(make.changes(orders=[make.order_row(make.order(checkout_token=None))]))
        columns, rows = store.tables(["order_keys"])["order_keys"]
        assert columns == ["shop", "order_id", "kind", "value"]
        assert sorted(row[2:] for row in rows) == [
            ("checkout", CHECKOUT),
            ("customer", "501"),
            ("em", make.hashed("ada@example.com")),
            ("order", "1001"),
        ]

    def test_a_link_counts_from_its_earliest_time(self, make_store: MakeStore) -> None:
        """However the times arrive."""
        store = make_store()
        for at in (NOW, NOW - 50, NOW + 50):
            store.commit(make.changes(links=[Link(SHOP, "customer", "501", "v1", at)]))
        columns, rows = store.tables(["links"])["links"]
        assert columns == ["shop", "kind", "value", "visitor_id", "at"]
        assert rows == [(SHOP, "customer", "501", "v1", NOW - 50)]

    def test_a_landing_is_one_touch(self, make_store: MakeStore) -> None:
        """The same again is ignored; another time, page or channel is another."""
        store = make_store()
        store.commit(make.changes(touches=[touch(), touch()]))
        store.commit(make.changes(touches=[touch(), touch(NOW), touch(url=None, paid=True)]))
        columns, rows = store.tables(["touches"])["touches"]
        assert columns == [
            *("id", "shop", "visitor_id", "at", "source", "medium", "campaign", "term", "content"),
            *("campaign_id", "adset_id", "ad_id", "channel", "direct", "paid", "click_kind"),
            *("click_id", "referrer_host", "landing_path", "rules"),
        ]
        assert [row[3] for row in rows] == [NOW - 600, NOW, NOW - 600]
        assert [row[columns.index("paid")] for row in rows] == [0, 0, 1]

    def test_spend_again_replaces_spend(self, make_store: MakeStore) -> None:
        """An ad of a day is known by its id, or else its name; what stands beside it stays."""
        store = make_store()
        other = make.spend_row(ad_id="", ad="ad 2")
        assert store.add_spend([make.spend_row(), other]) == 2
        renamed = make.spend_row(
            ad="ad 1, renamed", spend_minor=999, clicks=1, claims_micro=1_500_000
        )
        assert store.add_spend([renamed]) == 1
        assert self._spend(store) == [spend.complete(other), spend.complete(renamed)]

    def test_a_campaigns_day_is_told_at_one_level(self, make_store: MakeStore) -> None:
        """Ads after their campaign, or the campaign after its ads: the later telling counts."""
        store = make_store()
        whole = make.spend_row(adset_id="", adset="", ad_id="", ad="", spend_minor=5000)
        other = make.spend_row(campaign_id="c 2", campaign="other")
        yesterday = make.spend_row(day="2026-01-30")
        for told in ([whole, other, yesterday], [make.spend_row()], [whole]):
            store.add_spend(told)
        found = self._spend(store)
        assert len(found) == 3
        assert spend.complete(whole) in found
        assert all(spend.complete(row) in found for row in (other, yesterday))

    @staticmethod
    def _spend(store: Gateway) -> list[dict[str, Any]]:
        columns, rows = store.tables(["spend"])["spend"]
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def test_a_rate_again_replaces_the_rate(self, make_store: MakeStore) -> None:
        """By day and pair of currencies; a decimal stays as it was written."""
        store = make_store()
        first = Rate("2026-01-31", "EUR", "USD", Decimal("1.0840"))
        assert store.add_rates([first, Rate("2026-01-31", "EUR", "JPY", Decimal(160))]) == 2
        store.add_rates([Rate("2026-01-31", "EUR", "USD", Decimal("1.09"))])
        assert store.tables(["rates"])["rates"] == (
            ["day", "currency", "quote", "rate"],
            [("2026-01-31", "EUR", "JPY", "160"), ("2026-01-31", "EUR", "USD", "1.09")],
        )

    def test_an_orders_way_and_the_shops_own_view(self, make_store: MakeStore) -> None:
        """Where each Purchase stands, and what the shop system says led to the order."""
        store = make_store()
        visit = Visit(NOW, source="google", utm_source="news", utm_campaign="May")
        order = make.order(journey=Journey(ready=True, visits=3, last=visit))
        store.commit(
            make.changes(
                orders=[make.order_row(order), make.order_row(make.order("1002"))],
                events=[make.event_row(1, order_id="1001"), make.event_row(2, order_id=None)],
                deliveries=[
                    make.delivery(1, state=State.DROPPED, reason=Reason.CONSENT_DENIED),
                    make.delivery(2),
                ],
                accepted={(SHOP, DESTINATION): 2},
            )
        )
        tables = store.tables(["deliveries", "shop_journeys"])
        assert tables["deliveries"][1] == [(SHOP, "1001", DESTINATION, "dropped", "consent_denied")]
        assert tables["shop_journeys"] == (
            ["shop", "order_id", "source", "medium", "campaign", "visits"],
            [(SHOP, "1001", "news", None, "May", 3)],
        )

    def test_what_an_orders_goods_cost(self, make_store: MakeStore) -> None:
        """By SKU before variant before product; a line of which nothing is told is counted."""
        store = make_store()
        tea = Item(product_id="p1", variant_id="v1", sku="TEA", quantity=3)
        items = (tea, Item(product_id="p2", variant_id="v2"), Item(product_id="p9"))
        store.commit(make.changes(orders=[make.order_row(make.order(items=items))]))
        assert store.tables(["order_costs"])["order_costs"][1] == []
        told = (("TEA", 450), ("p1", 1), ("v2", 200), ("p2", 2))
        plain = {"shop": SHOP, "currency": "USD"}
        rows = [plain | {"product": name, "cost_minor": cost} for name, cost in told]
        assert store.add_product_costs(rows) == 4
        assert store.tables(["order_costs"])["order_costs"] == (
            ["shop", "order_id", "currency", "goods_minor", "pieces_unknown"],
            [(SHOP, "1001", "USD", 1550, 1)],
        )

    def test_an_edit_is_kept_once_as_it_was_first_told(self, make_store: MakeStore) -> None:
        """One row an edit, whether its order is known or not."""
        store = make_store()
        for added in (2, 9):
            store.commit(make.changes(edits=[EditRow(SHOP, "e1", "1001", NOW, added, 1)]))
        assert store.tables(["edits"])["edits"][1] == [(SHOP, "e1", "1001", NOW, 2, 1)]

    def test_empty_tables_have_their_columns(self, make_store: MakeStore) -> None:
        """A report over nothing still knows what it asks for."""
        names = ("orders", "order_keys", "links", "touches", "refunds", "edits", "spend")
        tables = make_store().tables(names)
        assert set(tables) == set(names)
        assert all(columns and rows == [] for columns, rows in tables.values())
