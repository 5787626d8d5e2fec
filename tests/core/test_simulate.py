"""The simulated shop: the same seed the same bytes, one knob one thing, rates as set."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import sqrt
from typing import Any

import pytest

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs, all_knobs
from tillpost.simulate.people import account_keys, customer_id, hashed, person
from tillpost.simulate.schedule import World, build_world
from tillpost.simulate.times import step_end
from tillpost.simulate.truth import Usable
from tillpost.simulate.wire import Planned, Request, Secrets

START = datetime(2026, 3, 1, tzinfo=UTC)
SECRETS = Secrets("w" * 32, "server", "access", "receiver")


@lru_cache
def world(**changes: Any) -> World:
    return build_world(replace(Knobs(orders=400, days=7), **changes), START)


def sent(given: World, what: str) -> list[Request]:
    return [row.make(SECRETS) for row in given.plan if row.what == what]


def bodies(given: World, what: str) -> list[Any]:
    return [json.loads(request.body) for request in sent(given, what)]


def header(request: Request, name: str) -> str:
    return dict(request.headers)[name]


def near(count: int, total: int, rate: float) -> bool:
    """Within four standard deviations of a binomial count."""
    return abs(count - total * rate) <= 4 * sqrt(total * rate * (1 - rate)) + 1


def test_same_seed_same_bytes() -> None:
    knobs = Knobs(orders=60, days=3)
    first, second = build_world(knobs, START), build_world(knobs, START)
    assert [(r.at, r.make(SECRETS)) for r in first.plan] == [
        (r.at, r.make(SECRETS)) for r in second.plan
    ]
    assert first.truth == second.truth


def test_another_seed_is_another_world() -> None:
    knobs = Knobs(orders=60, days=3)
    other = build_world(replace(knobs, seed=2), START)
    assert build_world(knobs, START).truth.orders != other.truth.orders


def order_facts(given: World) -> list[tuple[Any, ...]]:
    return [(o.order_id, o.person, o.at, o.value, o.reason, o.refunded) for o in given.truth.orders]


@pytest.mark.parametrize(
    "change",
    [
        {"ad_blockers": 1.0},
        {"blocked_own": 0.5},
        {"views": 0.0, "anyway": 0.0},
        {"duplicate": 0.5},
        {"tab_closed": 0.9},
        {"touches": 4.0},
        {"guest": 0.9},
        {"other_email": 0.9},
    ],
)
def test_a_knob_leaves_the_orders_alone(change: dict[str, float]) -> None:
    assert order_facts(world(**change)) == order_facts(world())


def test_ad_blockers_silence_the_browser_and_nothing_else() -> None:
    blocked = world(ad_blockers=1.0)
    assert not any(order.browser for order in blocked.truth.orders)
    assert not [r for r in blocked.plan if r.what == "direct"]
    assert len(sent(blocked, "webhook")) == len(sent(world(), "webhook"))
    assert blocked.truth.clicks == world().truth.clicks


def test_more_blockers_block_the_same_shoppers_and_more() -> None:
    few = {o.order_id for o in world(ad_blockers=0.2).truth.orders if o.browser}
    many = {o.order_id for o in world(ad_blockers=0.6).truth.orders if o.browser}
    assert many < few


def test_without_views_the_clicks_stay() -> None:
    quiet = world(views=0.0, anyway=0.0)
    actions = Counter(t["action"] for b in bodies(quiet, "touches") for t in b["touches"])
    assert set(actions) == {"link_click"}
    loud = Counter(t["action"] for b in bodies(world(), "touches") for t in b["touches"])
    assert loud["link_click"] == actions["link_click"]
    assert loud["impression"] > 50


def test_guests_lower_what_can_be_matched() -> None:
    share = [sum(o.matchable for o in world(guest=rate).truth.orders) for rate in (0.0, 0.5, 1.0)]
    assert share[0] > share[1] > share[2]


def test_every_webhook_is_signed_over_its_raw_body() -> None:
    for request in sent(world(), "webhook"):
        digest = hmac.new(b"w" * 32, request.body, hashlib.sha256).digest()
        assert header(request, "X-Shopify-Hmac-Sha256") == base64.b64encode(digest).decode()
        assert header(request, "X-Shopify-Shop-Domain") == "demo-shop.myshopify.com"


def test_money_adds_up_in_every_order() -> None:
    for request in sent(world(), "webhook"):
        body = json.loads(request.body)
        if "total_price_set" not in body:
            continue
        tax = 0 if body["taxes_included"] else float(body["total_tax"])
        shipping = float(body["total_shipping_price_set"]["shop_money"]["amount"])
        total = float(body["subtotal_price"]) + shipping + tax
        assert float(body["total_price"]) == pytest.approx(total)
        shown = body["total_price_set"]["presentment_money"]
        assert shown["currency_code"] == body["presentment_currency"]
        digits = {"JPY": 0, "KWD": 3}.get(shown["currency_code"], 2)
        assert len(shown["amount"].partition(".")[2]) == digits


def test_both_twins_carry_one_id_one_value_and_one_currency() -> None:
    told = {
        event["event_id"]: event["custom_data"]
        for body in bodies(world(), "beacon")
        for event in body["events"]
        if event["event_name"] == "Purchase"
    }
    from urllib.parse import parse_qs, urlsplit

    for request in sent(world(), "direct"):
        query = parse_qs(urlsplit(request.path).query)
        twin = told.get(query["eid"][0])
        if twin is not None:
            assert query["cd[value]"] == [twin["value"]]
            assert query["cd[currency]"] == [twin["currency"]]


def test_nothing_comes_from_the_future() -> None:
    for row in world().plan:
        if row.what != "beacon":
            continue
        body = json.loads(row.make(SECRETS).body)
        late = body.get("sent_at", step_end(row.at))
        assert all(event["event_time"] <= late for event in body["events"])


def test_no_consent_no_cookies() -> None:
    for body in bodies(world(), "beacon"):
        for event in body["events"]:
            consent = event.get("consent")
            if consent is not None and consent["marketing"] is False:
                assert event["fbp"] is event["fbc"] is event["visitor_id"] is None
                assert event["event_name"] == "Purchase"
                assert event["direct"] == "none"


@lru_cache
def big() -> World:
    return build_world(Knobs(orders=2000, days=14), START)


RATES = (
    ("pos", lambda o: o.kind == "pos", 0.05),
    ("renewal", lambda o: o.kind == "renewal", 0.05),
    ("draft", lambda o: o.kind == "draft", 0.02),
    ("account", lambda o: o.person in big().truth.accounts, 0.80),
)


@pytest.mark.parametrize(("name", "test", "rate"), RATES, ids=[row[0] for row in RATES])
def test_rates_come_out_near_their_knobs(name: str, test: Any, rate: float) -> None:
    orders = big().truth.orders
    assert near(sum(map(test, orders)), len(orders), rate), name


def test_rates_of_deliveries_come_out_near_their_knobs() -> None:
    hooks = sent(big(), "webhook")
    ids = Counter(header(request, "X-Shopify-Webhook-Id") for request in hooks)
    events = Counter(header(request, "X-Shopify-Event-Id") for request in hooks)
    assert near(sum(count == 2 for count in ids.values()), len(ids), 0.03)
    assert len(ids) - len(events) == pytest.approx(len(events) * 0.005, abs=25)
    assert near(sum(not o.server for o in big().truth.orders), 2000, 0.002)


def test_first_browser_and_blocking_come_out_near_their_knobs() -> None:
    web = [o for o in big().truth.orders if o.kind == "web"]
    assert near(sum(o.browser for o in web), len(web), 0.95 * 0.97)
    agents = Counter(
        "bot"
        if any(word in header(r, "User-Agent") for word in ("bot", "Headless", "Lighthouse"))
        else "human"
        for r in sent(big(), "beacon")
    )
    assert agents["bot"] > 500


def test_truth_agrees_with_itself() -> None:
    truth = big().truth
    usable = Usable(truth.accounts, truth.clicks)
    for order in truth.orders:
        assert order.matchable == usable.leads_to(order.keys, order.person)
        if order.attributable:
            assert order.expected == order.true
            assert order.expected.channel != "Direct"
        if order.matchable:
            assert order.person in truth.accounts
    assert set(truth.clicks.values()) <= set(truth.accounts)


def test_a_key_of_two_accounts_leads_nowhere() -> None:
    accounts = {"a": {"ph": "1", "em": "x"}, "b": {"ph": "1"}}
    usable = Usable(accounts, {"click": "b"})
    assert not usable.leads_to([("ph", "1")], "a")
    assert usable.leads_to([("ph", "1"), ("em", "x")], "a")
    assert usable.leads_to([("fbc", "click")], "b")
    assert not usable.leads_to([("fn", "mary")], "a")


def test_account_keys_are_plain_hashes_of_canonical_values() -> None:
    who = person(Dice(1), Knobs(), 3)
    keys = account_keys(who)
    assert keys["em"] == hashlib.sha256(who.email.encode()).hexdigest()
    assert keys["ph"] == hashlib.sha256(who.phone.encode()).hexdigest()
    assert keys["country"] == hashed(who.country.code.lower())
    assert customer_id(" Anna@Example.com") == customer_id("anna@example.com")


def test_every_knob_has_a_flag_an_area_and_a_description() -> None:
    rows = list(all_knobs())
    assert len({row.flag for row in rows}) == len(rows)
    assert all(row.area and row.help for row in rows)
    assert {"people", "devices", "blocking", "ads", "links", "orders", "webhooks"} <= {
        row.area for row in rows
    }


def test_faults_add_only_their_own_hits() -> None:
    def ids(given: World) -> Counter[bool]:
        paths = [request.path for request in sent(given, "direct")]
        return Counter("eid=" in path for path in paths)

    plain, theme = ids(world()), ids(world(theme_fbq=True))
    assert theme[True] == plain[True]
    assert theme[False] == plain[True]
    assert plain[False] == 0
    native = world(native_full=True)
    assert all(b["data"][0]["event_id"].startswith("sh-") for b in bodies(native, "graph"))
    assert len(sent(native, "graph")) == plain[True]
    assert order_facts(native) == order_facts(world())


def test_lanes_keep_the_requests_of_one_order_together() -> None:
    lanes: dict[str, set[str]] = {}
    row: Planned
    for row in world().plan:
        if row.what == "webhook":
            body = json.loads(row.make(SECRETS).body)
            body = body.get("order_edit", body)
            lanes.setdefault(str(body.get("order_id") or body["id"]), set()).add(row.lane)
    assert all(len(found) == 1 for found in lanes.values())
