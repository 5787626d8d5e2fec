"""The shop's own orders against ours: what a lost webhook told is found, listed and taken in."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.shopify_admin import TOKEN, AdminApi, graphql_order

from tillpost.collect.sources.shopify.order_list import Reach
from tillpost.core.outcome import Misconfigured, Permanent, Retryable
from tillpost.core.wire import Request, Response
from tillpost.deliver import catalog
from tillpost.report.alerts import Limits
from tillpost.report.query import FOREVER
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, Node
from tillpost.serve.reading import Asked
from tillpost.serve.rounds.alerting import vitals
from tillpost.serve.rounds.reconciling import AGAIN_SECONDS, AT_ONCE, Door, Reconciler, is_asked
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Settings, ShopifySettings, ShopSettings
from tillpost.store.checks import Check
from tillpost.store.glance import Glance
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW

HOUR = 3600.0
DAY = 24 * HOUR


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def prices(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": "USD"}
    return {"shopMoney": money, "presentmentMoney": money}


class Wire:
    """The network, with the stand-in of the Admin API at its end."""

    def __init__(self, api: AdminApi) -> None:
        self.api = api
        self.asked: list[str] = []

    async def send(self, request: Request, seconds: float) -> Response:
        assert seconds < 60
        self.asked.append(request.url.removeprefix("https://demo-shop.myshopify.com"))
        token = request.headers.get("x-shopify-access-token")
        status, told = self.api.answer(self.asked[-1], json.loads(request.body), token)
        return Response(status, {}, json.dumps(told).encode())


class Office:
    """A node that delivers, its clock, and a reconciler before the stand-in."""

    def __init__(self, directory: Path) -> None:
        self.runner = asyncio.Runner()
        self.api = AdminApi([])
        self.wire = Wire(self.api)
        self.clock = SimulatedClock(NOW)
        self.directory = directory
        self.given(access_token=TOKEN)

    def given(self, **told: Any) -> None:
        """The shop's settings, from here on."""
        shopify = ShopifySettings(**told)
        shop = ShopSettings(name="demo", domain="demo-shop.myshopify.com", shopify=shopify)
        faulty = catalog.members()["faulty"].settings(shop="demo")
        settings = Settings(shops=(shop,), destinations=(faulty,))
        if not hasattr(self, "node"):
            key = Keys(b"k" * 32)
            self.node = Node(settings, self.directory, self.clock, key, "http://127.0.0.1:1")
        door = Door(self.node.intake, self.node.store, self.node.sealer, self.node.worker.wake)
        self.reconciler = Reconciler(settings.shops, self.node.checks, door, self.wire, self.clock)

    def webhook(self, number: int, seconds_ago: float, **changes: Any) -> dict[str, Any]:
        """An order that the shop has and whose webhook came; as the Admin API tells it."""
        at = NOW - int(seconds_ago)
        total = make.money("59.00")
        when = {"created_at": at, "processed_at": at, "version": float(at)}
        fact = make.order(str(number), **when, value=total, presentment=total)
        entry = make.entry(fact, at=float(at), source="shopify")
        self.runner.run(self.node.store.append([entry]))
        return self.lost(number, seconds_ago, **changes)

    def lost(self, number: int, seconds_ago: float, **changes: Any) -> dict[str, Any]:
        """An order that the shop has and whose webhook never came."""
        made = graphql_order(number, ago(seconds_ago), **changes)
        self.api.orders.append(made)
        return made

    def round(self) -> Check:
        """Settle what came, compare by the clock, and settle what that took in."""
        self.runner.run(self.node.worker.drain())
        self.runner.run(self.reconciler.round())
        self.clock.set(self.clock.now() + 200)
        self.runner.run(self.node.worker.drain())
        found = self.node.checks.of("demo")
        assert found is not None
        return found

    def missing(self) -> list[tuple[str, str]]:
        rows = self.node.reading.report("missing", Asked(shop="demo"))
        return [(row["name"], row["why"]) for row in rows]

    def state(self, order_id: int) -> tuple[str, str | None]:
        (item,) = self.node.store.event_items(0, 9, None, str(order_id))
        (outcome,) = item["outcomes"]
        return outcome["state"], outcome["reason"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.runner.run(made.node.close())
    made.runner.close()


def test_an_order_whose_webhook_never_came_is_taken_in_and_sent(office: Office) -> None:
    office.webhook(1001, 20 * HOUR)
    office.lost(1002, 10 * HOUR)
    office.webhook(1003, 9 * HOUR)
    check = office.round()
    assert (check.orders, check.right_orders, check.fetched, check.trouble) == (3, 2, 1, None)
    assert office.state(1002) == ("delivered", None)
    assert office.missing() == []
    office.clock.set(check.next_at)
    again = office.round()
    assert (again.fetched, again.until) == (1, check.next_at - 4 * HOUR)
    total = office.node.reading.report("balance", Asked(shop="demo"))[0]
    assert (total["orders"], total["value"], total["accuracy"]) == (3, "177.00", 1.0)


def test_listing_tells_and_takes_nothing_in(office: Office) -> None:
    office.given(access_token=TOKEN, reconcile="list")
    office.webhook(1001, 20 * HOUR)
    office.lost(1002, 10 * HOUR)
    check = office.round()
    assert (check.orders, check.right_orders, check.fetched) == (2, 1, 0)
    assert office.missing() == [("#1002", "webhook_never_came")]
    assert office.node.checks.missing() == {"demo": 1}
    paths = [office.directory / name for name in (GATEWAY_FILE, RECEIVER_FILE)]
    files = Database(paths[0], "gateway", readonly=True), Database(paths[1], "receiver")
    with Glance(*files, "demo", 0, FOREVER) as glance:
        assert (glance.missing(), glance.purchase_states()) == (1, {"delivered": 1, "unsent": 1})
        assert vitals(glance, NOW, 9000.0, Limits()).missing == 1
    total, *parts = office.node.reading.report("balance", Asked(shop="demo"))
    assert (total["value"], total["accuracy"], total["lost"]) == ("118.00", 0.5, 1)
    assert sum(float(row["value"]) for row in parts) == 118.0


def test_what_was_only_listed_is_taken_in_once_it_may_be(office: Office) -> None:
    office.given(access_token=TOKEN, reconcile="list")
    office.webhook(1001, 70 * HOUR)
    office.lost(1002, 60 * HOUR)
    office.lost(1003, 59 * HOUR)
    office.lost(1004, 58 * HOUR)
    check = office.round()
    assert len(office.missing()) == 3
    office.clock.set(check.next_at + 20 * HOUR)
    office.round()
    office.api.orders.pop()
    office.api.orders[1]["lineItems"] = "two"
    office.given(access_token=TOKEN)
    office.clock.set(office.clock.now() + HOUR)
    check = office.round()
    assert (check.fetched, office.state(1003)) == (1, ("delivered", None))
    assert office.missing() == [("#1002", "unreadable")]
    office.clock.set(check.next_at)
    asked = len(office.api.asked)
    assert office.round().fetched == 1
    assert len(office.api.asked) == asked + 1


def test_what_may_still_come_and_what_was_before_us_is_not_missing(office: Office) -> None:
    office.lost(1000, 60 * HOUR, updatedAt=ago(5 * HOUR))
    office.webhook(1001, 20 * HOUR)
    office.lost(1002, 3 * HOUR)
    check = office.round()
    assert (check.orders, check.fetched, office.missing()) == (1, 0, [])


def test_an_order_that_no_platform_takes_any_more_feeds_the_reports(office: Office) -> None:
    office.webhook(1001, 20 * DAY)
    office.lost(1002, 10 * DAY)
    office.round()
    assert office.state(1002) == ("expired", "too_old")
    orders = office.node.reading.report("orders", Asked(shop="demo"))
    assert {row["order_id"] for row in orders} == {"1001", "1002"}


def test_a_total_and_a_refund_that_were_never_told_are_fetched(office: Office) -> None:
    office.webhook(1001, 20 * HOUR, totalPriceSet=prices("61.50"))
    back = {"legacyResourceId": "7", "createdAt": ago(6 * HOUR), "totalRefundedSet": prices("5.00")}
    office.webhook(1002, 19 * HOUR, totalRefundedSet=prices("5.00"), refunds=[back])
    office.given(access_token=TOKEN, reconcile="list")
    check = office.round()
    assert sorted(office.missing()) == [("#1001", "total_differs"), ("#1002", "refund_never_came")]
    office.given(access_token=TOKEN)
    for told in office.api.orders:
        told["updatedAt"] = ago(5 * HOUR)
    office.clock.set(check.next_at)
    office.round()
    assert office.missing() == []
    rows = {row["order_id"]: row for row in office.node.reading.report("orders", Asked())}
    assert (rows["1001"]["value"], rows["1002"]["refunded"]) == ("61.50", "5.00")


def test_many_are_asked_for_a_few_at_a_time_and_an_odd_one_is_named(office: Office) -> None:
    office.webhook(1000, 30 * HOUR)
    for number in range(1001, 1001 + AT_ONCE + 2):
        office.lost(number, 10 * HOUR)
    office.api.orders[1]["lineItems"] = "two"
    office.api.page = 50
    check = office.round()
    assert check.fetched == AT_ONCE + 1
    assert [len(body["variables"].get("ids", ())) for body in office.api.asked] == [0, AT_ONCE, 2]
    assert office.missing() == [("#1001", "unreadable")]
    (bad,) = office.node.store.bad_rows(0, 9)
    assert bad["source"] == "backfill"


@pytest.mark.parametrize(
    ("trouble", "why"), [(401, "access_token"), (502, "502"), ("ACCESS_DENIED", "read_orders")]
)
def test_a_try_that_fails_is_told_and_comes_again_soon(
    office: Office, trouble: int | str, why: str
) -> None:
    office.webhook(1001, 20 * HOUR)
    before = office.round()
    office.clock.set(before.next_at)
    office.api.trouble = [trouble]
    now = office.clock.now()
    check = office.round()
    assert check.trouble is not None
    assert why in check.trouble
    assert (check.until, check.orders, check.next_at) == (before.until, 1, now + AGAIN_SECONDS)


def test_a_throttled_shop_is_waited_for_and_the_end_of_the_server_ends_the_wait(
    office: Office,
) -> None:
    office.webhook(1001, 20 * HOUR)
    office.api.trouble = ["THROTTLED"]
    office.reconciler.stop()
    assert office.round().trouble == "the server ends"


def test_a_token_is_asked_for_where_there_is_none(office: Office) -> None:
    office.given(client_id="c", client_secret="s")
    office.webhook(1001, 20 * HOUR)
    assert office.round().orders == 1
    assert office.wire.asked[0] == "/admin/oauth/access_token"


def test_comparing_now_looks_where_it_is_told_to(office: Office) -> None:
    office.lost(1001, 5 * DAY)
    reach = Reach(NOW - 6 * DAY, NOW - HOUR)

    def compare(shop: str = "demo", **flags: bool) -> Any:
        wish = {"fetch": False, "reports_only": False, **flags}
        return office.runner.run(office.reconciler.compare(shop, reach, **wish))

    assert compare().differences[0].why == "webhook_never_came"
    assert compare(fetch=True, reports_only=True).fetched == 1
    office.runner.run(office.node.worker.drain())
    assert office.state(1001) == ("dropped", "reports_only")
    with pytest.raises(Misconfigured, match="no shop"):
        compare("mugs")
    office.api.orders[0]["createdAt"] = "long ago"
    with pytest.raises(Permanent, match="another shape"):
        compare()


def test_an_order_that_the_shop_deleted_is_not_missing_any_more(office: Office) -> None:
    office.given(access_token=TOKEN, reconcile="list")
    office.webhook(1001, 20 * HOUR)
    office.lost(1002, 10 * HOUR)
    office.round()
    assert office.missing() == [("#1002", "webhook_never_came")]
    office.api.orders.pop()
    reach = Reach(NOW - DAY, NOW - HOUR)
    office.runner.run(office.reconciler.compare("demo", reach, fetch=False, reports_only=False))
    assert office.missing() == []


def test_without_a_token_or_a_wish_nobody_is_asked() -> None:
    def shop(**told: Any) -> ShopSettings:
        return ShopSettings(name="demo", domain="d.example", shopify=ShopifySettings(**told))

    assert not is_asked(ShopSettings(name="demo", domain="d.example"))
    assert not is_asked(shop())
    assert not is_asked(shop(access_token="t", reconcile="off"))
    assert is_asked(shop(client_id="c", client_secret="s"))


@pytest.mark.parametrize(
    "odd",
    [
        {"data": {"orders": {}}},
        {"data": {"orders": {"pageInfo": 1}}},
        {"errors": 5},
        {"data": {"orders": {"nodes": [7], "pageInfo": {"hasNextPage": False, "endCursor": ""}}}},
    ],
)
def test_an_answer_in_another_shape_is_told_and_asked_again_later(
    office: Office, odd: dict[str, Any]
) -> None:
    office.webhook(1001, 20 * HOUR)
    office.api.answer = lambda *_: (200, odd)  # type: ignore[method-assign]
    check = office.round()
    assert check.trouble is not None
    assert "another shape" in check.trouble
    assert check.next_at == NOW + AGAIN_SECONDS


def test_an_answer_that_is_no_json_is_tried_again(office: Office) -> None:
    class Odd:
        async def send(self, _request: Request, _seconds: float) -> Response:
            return Response(200, {}, b"<html>")

    office.reconciler._transport = Odd()
    with pytest.raises(Retryable, match="no JSON"):
        office.runner.run(
            office.reconciler.compare("demo", Reach(0, 1), fetch=False, reports_only=False)
        )
