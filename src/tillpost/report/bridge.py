"""From all that the shop took to what the platform credits: where each order ends, and why.

Every order of the period ends at exactly one step of `STEPS`, with a reason code, so the
steps add up to the whole and each can be opened as its list of orders. The last steps are
those that the platform credits, by the touch that it counts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from msgspec import structs

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.steps import ATTRIBUTION, LISTED, PAGE, RECONCILED

Order: TypeAlias = Mapping[str, Any]
"""An order with all the evidence, or a group of orders that have the same."""


class Step(NamedTuple):
    """Where orders end: `ends` says whether this one does, `code` why."""

    step: str
    title: str
    ends: Callable[[Order], bool]
    code: Callable[[Order], str]


def _told(order: Order) -> str:
    return str(order["why"] or order["state"] or "unknown").upper()


def _why(order: Order) -> str:
    """Why the platform's figure is another, as `reconcile` has it."""
    return str(order["reason_code"])


STEPS: tuple[Step, ...] = (
    Step(
        "not_counted",
        "the shop's policy does not count them",
        lambda o: not o["eligible"],
        lambda o: str(o["reason"] or "ORDER_TYPE_EXCLUDED").upper(),
    ),
    Step(
        "given_back",
        "cancelled, or wholly given back; platforms are not told",
        lambda o: o["cancelled"] or o["given_back"],
        lambda o: "CANCELLED" if o["cancelled"] else "REFUNDED",
    ),
    Step(
        "not_sent",
        "not sent, by policy or because a consent was missing",
        lambda o: o["state"] == "dropped" and not o["received"],
        _told,
    ),
    Step(
        "failed",
        "refused by the platform, or too old for it",
        lambda o: o["state"] in {"dead", "expired"} and not o["received"],
        _told,
    ),
    Step(
        "waiting",
        "not sent yet",
        lambda o: o["state"] not in {None, "delivered"} and not o["received"],
        _told,
    ),
    Step(
        "not_received",
        "the platform has not told of them",
        lambda o: not o["received"],
        _why,
    ),
    Step(
        "unmatched",
        "the platform knew nobody by these identifiers",
        lambda o: o["window_name"] is None and not o["matched"],
        _why,
    ),
    Step(
        "not_credited",
        "known to the platform, and no ad of it counts for them",
        lambda o: o["window_name"] is None,
        _why,
    ),
    Step("by_view", "credited for a view", lambda o: "view" in o["window_name"], _why),
    Step(
        "by_engagement",
        "credited for another click, or for a video that was watched",
        lambda o: "engage" in o["window_name"],
        _why,
    ),
    Step("by_click", "credited for a click", lambda _: True, _why),
)
"""In the order in which an order is asked; the first that holds is where it ends."""

CREDITED = ("by_view", "by_engagement", "by_click")


def placed(order: Order) -> tuple[str, str]:
    """The step at which an order ends, and the code of its reason."""
    step = next(step for step in STEPS if step.ends(order))
    return step.step, step.code(order)


def bridge(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows of `step, code, orders, value, left_orders, left_value, currency, title`.

    The first row, `gross`, is all that was taken; each further one takes its orders and their
    value away, as far as `given_back`, where what was partly given back goes too
    (`PARTLY_REFUNDED`, of no order), `left_*` is what remains after it. The last rows,
    `by_view` to `by_click`, are what the platform credits. `bridge_orders` lists the orders.
    """
    currencies: dict[str, list[Order]] = defaultdict(list)
    for alike in _found(tables, query, LISTED, "bridge"):
        currencies[alike["currency"]].append(alike)
    return [row for code, alike in sorted(currencies.items()) for row in _rows(code, alike)]


def _rows(currency: str, groups: list[Order]) -> list[dict[str, Any]]:
    """The rows of one currency, whose orders come in groups of such that end alike."""
    counted: dict[tuple[str, str], list[Order]] = defaultdict(list)
    for alike in groups:
        counted[placed(alike)].append(alike)
    left, value = _sum(groups, "orders"), _sum(groups, "value_minor")
    rows = [_row("gross", "", left, value, left, value, currency, "all that the shop took")]
    for step in STEPS:
        for (_, code), ended in sorted(item for item in counted.items() if item[0][0] == step.step):
            orders, gone = _sum(ended, "orders"), _sum(ended, "value_minor")
            if step.step not in _WHOLE:
                gone -= _sum(ended, "refunded_minor")
            left, value = left - orders, value - gone
            rows.append(_row(step.step, code, orders, gone, left, value, currency, step.title))
        if step.step == "given_back":
            kept = (o for key, some in counted.items() for o in some if key[0] not in _WHOLE)
            partly = _sum(kept, "refunded_minor")
            value -= partly
            if partly:
                title = "given back in part; platforms are not told"
                rows.append(
                    _row(step.step, "PARTLY_REFUNDED", 0, partly, left, value, currency, title)
                )
    return rows


_WHOLE = frozenset({"not_counted", "given_back"})


def _sum(groups: Iterable[Order], name: str) -> int:
    return sum(int(alike[name]) for alike in groups)


def _row(  # noqa: PLR0913, PLR0917  # a row has that many cells
    step: str,
    code: str,
    orders: int,
    value: int,
    left: int,
    left_value: int,
    currency: str,
    title: str,
) -> dict[str, Any]:
    return {
        "step": step,
        "code": code,
        "orders": orders,
        "value": decimal_string(value, currency),
        "left_orders": left,
        "left_value": decimal_string(left_value, currency),
        "currency": currency,
        "title": title,
    }


def bridge_orders(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """A row an order, with its `step` and `code` in the bridge and all the evidence for it.

    `browser` and `server` are what was seen here; `browser_copies`, `server_copies` and
    `absorbed` are what the receiver got and removed as doubles; `journey_*` is the shop
    system's own view, where it told one.
    """
    return [_evidence(order) for order in _found(tables, query, PAGE, "sides")]


def _found(
    tables: Mapping[str, Rows], query: Query, listed: str, report: str
) -> list[dict[str, Any]]:
    with opened(tables) as engine:
        plain = structs.replace(query, basis="cash", refunds="restate")
        return engine.run((*ATTRIBUTION, listed, *RECONCILED), report, plain)


def sightings(order: Order) -> dict[str, Any]:
    """What each side saw of an order, how far it came on its way, and the shop system's view."""
    plain = ("browser_copies", "server_copies", "absorbed")
    claimed, at = order["claimed_currency"], order["claimed_at"]
    journey = ("journey_source", "journey_medium", "journey_campaign", "journey_visits")
    return {
        "browser": bool(order["browser"]),
        "server": bool(order["server"]),
        "delivery": order["state"],
        "delivery_reason": order["why"],
        "received": bool(order["received"]),
        "matched": bool(order["matched"]),
        "platform_window": order["window_name"],
        "platform_campaign_id": order["claimed_campaign_id"],
        "platform_value": claimed and decimal_string(order["claimed_minor"], claimed),
        "platform_currency": claimed,
        "platform_basis": order["claimed_basis"],
        "platform_at": None if at is None else iso(at),
        "doubles": order["doubles"],
        **{name: order[name] for name in (*plain, *journey)},
    }


def _evidence(order: Order) -> dict[str, Any]:
    step, code = placed(order)
    currency = order["currency"]
    own = ("channel", "source", "medium", "campaign", "campaign_id", "adset_id", "ad_id")
    return {
        "order_id": order["order_id"],
        "name": order["name"],
        "at": iso(order["moment"]),
        "step": step,
        "code": code,
        "value": decimal_string(order["value_minor"], currency),
        "refunded": decimal_string(order["refunded_minor"], currency),
        "currency": currency,
        **sightings(order),
        **{name: order[name] for name in own},
        "shop": order["shop"],
    }
