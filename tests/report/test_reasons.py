"""Each order has the reason that is true of it, and the bridge says the same."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tillpost.core.outcome import FINAL, Reason, State
from tillpost.ports import Rows
from tillpost.report import catalog
from tillpost.report.query import Query
from tillpost.report.reconcile import REASONS
from tillpost.report.zones import offsets_of

Tables = dict[str, Rows]

DAY = 86_400
HOUR = 3600
NOON = 1_780_056_000
"""Noon of a day of UTC."""


NOTHING: Mapping[str, Any] = MappingProxyType({})


class Case(NamedTuple):
    """What is known of one order, and its reason."""

    code: str
    order: Mapping[str, Any] = NOTHING
    came: str | None = None
    """How its buyer came, a day before."""
    ways: tuple[tuple[str, str, str | None], ...] = ()
    """Destination, state and reason."""
    claims: tuple[dict[str, Any], ...] = ()
    matched: int | None = None


def sent(code: str, state: str, reason: str | None = None) -> Case:
    return Case(code, ways=(("meta:1", state, reason),))


def credited(
    code: str,
    *claims: dict[str, Any],
    came: str = "meta",
    order: Mapping[str, Any] = NOTHING,
) -> Case:
    """An order that the platform credits for a click, with what is said otherwise."""
    return Case(code, order, came, (("meta:1", "delivered", None),), claims or ({},), matched=1)


TAXED = {
    "value_minor": 12_000, "presentment_minor": 12_000, "presentment_currency": "USD",
    "subtotal_minor": 9_500, "tax_minor": 1_500, "shipping_minor": 1_000,
}  # fmt: skip
FOREIGN = {
    "value_minor": 12_000, "presentment_minor": 11_000, "presentment_currency": "EUR",
    "tax_minor": 1_000,
}  # fmt: skip

CASES: dict[str, Case] = {
    "denied": sent("CONSENT_DENIED", "dropped", "consent_denied"),
    "unasked": sent("CONSENT_UNKNOWN", "dropped", "consent_unknown"),
    "nobody": sent("NO_MATCH_KEYS", "dropped", "no_match_keys"),
    "shadow": sent("SHADOW", "dropped", "shadow"),
    "native": sent("NATIVE", "dropped", "native"),
    "past": sent("REPORTS_ONLY", "dropped", "reports_only"),
    "channel": sent("NOT_SENT", "dropped", "channel"),
    "asked": sent("WAITING", "held", "awaiting_consent"),
    "paused": sent("WAITING", "paused"),
    "refused": sent("DELIVERY_FAILED", "dead", "refused"),
    "old": sent("DELIVERY_FAILED", "expired", "too_old"),
    "untold": sent("NOT_TOLD", "delivered"),
    "nowhere": Case("NO_DESTINATION"),
    "one_of_two": Case(
        "NOT_TOLD",
        ways=(("meta:1", "dropped", "not_subscribed"), ("meta:2", "delivered", None)),
    ),
    "elsewhere": Case(
        "WAITING", ways=(("meta:1", "pending", None), ("a-hook", "delivered", None))
    ),
    "unpaid": Case("AWAITING_PAYMENT", {"eligible": 0, "reason": "awaiting_payment"}),
    "draft": Case("ORDER_TYPE_EXCLUDED", {"eligible": 0, "reason": "draft"}),
    "free": Case("AGREED_NOT_THE_PLATFORMS", {"value_minor": 0}, matched=1),
    "browser_only": Case("AGREED_NOT_THE_PLATFORMS", ways=(("meta:1", "dropped", "native"),),
                         matched=1),
    "uncredited": Case("NOT_CREDITED", came="meta", matched=1),
    "of_tiktok": Case("AGREED_NOT_THE_PLATFORMS", came="tiktok", matched=1),
    "agreed": credited("AGREED"),
    "tiktok": credited("OTHER_CHANNEL_LAST", came="tiktok"),
    "twice": credited("DUPLICATE", {}, {}),
    "two_datasets": credited("AGREED", {"dataset_id": "1"}, {"dataset_id": "2"}),
    "less_tax": credited("VALUE_BASIS", {"value_minor": 10_500}, order=TAXED),
    "less_shipping": credited("VALUE_BASIS", {"value_minor": 11_000}, order=TAXED),
    "goods": credited("VALUE_BASIS", {"value_minor": 9_500}, order=TAXED),
    "odd": credited("VALUE_DIFFERS", {"value_minor": 9_999}, order=TAXED),
    "no_parts": credited("VALUE_DIFFERS", {"value_minor": 9_000}),
    "buyers_money": credited("AGREED", {"value_minor": 11_000, "currency": "EUR"}, order=FOREIGN),
    "buyers_less_tax": credited("VALUE_BASIS", {"value_minor": 10_000, "currency": "EUR"},
                                order=FOREIGN),
    "other_money": credited("VALUE_DIFFERS", {"currency": "GBP"}),
    "partly": credited("PARTLY_REFUNDED", order={"refunded_minor": 2_500}),
    "partly_told": credited("AGREED", {"value_minor": 7_500}, order={"refunded_minor": 2_500}),
    "late_evening": credited("TZ_SHIFT", order={"at": NOON + 11 * HOUR}),
    "told_next_day": credited("DAY_SHIFT", {"at": NOON + DAY}),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    """A shop in Berlin with an order for each case."""
    from tests.report.conftest import CAME, Shop

    CAME.setdefault("tiktok", {**CAME["meta"], "source": "tiktok", "campaign": "Dance"})
    zones = [dict(zip(("shop", "since", "until", "seconds"), row, strict=True))
             for row in offsets_of({"demo": "Europe/Berlin"})]  # fmt: skip
    came = {name: case.came for name, case in CASES.items() if case.came}
    return {
        **Shop.senders(),
        "zones": Shop.table("zones", *zones),
        "orders": Shop.orders(*({"order_id": n, "at": NOON, **c.order} for n, c in CASES.items())),
        "order_keys": Shop.order_keys(*((name, "visitor", f"v-{name}") for name in came)),
        "touches": Shop.touches(*((f"v-{name}", NOON - DAY, how) for name, how in came.items())),
        "deliveries": Shop.table(
            "deliveries",
            *(
                {"order_id": n, "destination": to, "state": state, "reason": reason}
                for n, case in CASES.items()
                for to, state, reason in case.ways
            ),
            shop="demo",
        ),
        "matches": Shop.table(
            "matches",
            *(
                {"order_id": name, "matched": case.matched}
                for name, case in CASES.items()
                if case.matched is not None
            ),
        ),
        "conversions": Shop.table(
            "conversions",
            *(
                {
                    "order_id": name,
                    "value_minor": case.order.get("value_minor", 10_000),
                    "at": case.order.get("at", NOON),
                    **claim,
                }
                for name, case in CASES.items()
                for claim in case.claims
            ),
            window="7d_click",
            campaign_id="c1",
            currency="USD",
        ),
    }


def test_each_order_has_the_reason_that_is_true(tables: Tables) -> None:
    rows = catalog.REPORTS["reconcile"](tables, Query())
    assert {row["order_id"]: row["reason"] for row in rows} == {
        name: case.code for name, case in CASES.items()
    }
    found = {row["order_id"]: row for row in rows}
    evidence = ("platform_value", "platform_currency", "platform_basis", "doubles")
    assert [found["less_tax"][name] for name in evidence] == ["105.00", "USD", "less_tax", 0]
    assert found["goods"]["platform_basis"] == "less_tax_and_shipping"
    assert [found["untold"][name] for name in evidence] == [None, None, None, 0]
    assert (found["twice"]["doubles"], found["two_datasets"]["doubles"]) == (1, 0)
    assert found["told_next_day"]["platform_at"] == "2026-05-30T12:00:00Z"


def test_the_reasons_are_those_of_the_orders(tables: Tables) -> None:
    rows = catalog.REPORTS["reasons"](tables, Query())
    assert {row["reason"]: row["orders"] for row in rows} == Counter(c.code for c in CASES.values())


def test_the_bridge_gives_no_other_reason(tables: Tables) -> None:
    rows = catalog.REPORTS["bridge_orders"](tables, Query())
    finer = {"not_counted", "given_back", "not_sent", "failed", "waiting"}
    told = {row["order_id"]: row["code"] for row in rows if row["step"] not in finer}
    assert told == {name: CASES[name].code for name in told}
    steps = {row["order_id"]: row["step"] for row in rows}
    assert (steps["denied"], steps["untold"], steps["twice"]) == (
        *("not_sent", "not_received", "by_click"),
    )


@pytest.mark.parametrize("state", State)
def test_whatever_became_of_a_delivery_has_a_reason_in_words(shop: Any, state: State) -> None:
    reasons = [None] if state in FINAL - {State.DROPPED} else [None, *Reason]
    tables = {
        "orders": shop.orders(*({"order_id": str(number)} for number in range(len(reasons)))),
        "deliveries": shop.table(
            "deliveries",
            *(
                {"order_id": str(number), "state": state, "reason": reason}
                for number, reason in enumerate(reasons)
            ),
            shop="demo",
            destination="meta:1",
        ),
    }
    rows = catalog.REPORTS["reasons"](tables, Query())
    assert sum(row["orders"] for row in rows) == len(reasons)
    assert {row["reason"] for row in rows} <= dict(REASONS).keys()
