"""The shop's own total, to the cent, as what each destination counts and what it does not.

Every order of the period is in exactly one part. `counted`: it was delivered, or in shadow it
would have been. `ignored`: a rule left it out, and the reason says which. `waiting`: it is on
its way. `missing`: it was refused, came too late, or never became a Purchase. The accuracy is
(counted + ignored) by all orders, those among them whose webhook never came. These the shop's
own list tells, with their totals, where it may be asked; elsewhere gaps in the order numbers
find them without asking.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Reason, State
from tillpost.ports import Rows
from tillpost.report.engine import Engine, opened
from tillpost.report.query import Query
from tillpost.report.roas import ratio

Part: TypeAlias = Literal["counted", "ignored", "waiting", "missing"]

TABLES = ("orders", "deliveries", "shop_orders", "shop_checks")
"""What both reports are made from."""

NEVER_CAME = "webhook_never_came"
_LOST = frozenset({NEVER_CAME, "unreadable"})


class Standing(Struct, frozen=True):
    """Orders whose Purchases stand alike with one destination (None: there is none), summed.

    With no `orders` it is by how much the shop's total of one differs from ours.
    """

    shop: str
    destination: str
    currency: str
    state: str | None
    reason: str | None
    orders: int
    value_minor: int

    @property
    def part(self) -> Part:
        """Which part of the total it is in."""
        if self.state == State.DELIVERED or self.reason == Reason.SHADOW:
            return "counted"
        if self.state == State.DROPPED:
            return "ignored"
        return "missing" if self.state in {None, State.DEAD, State.EXPIRED} else "waiting"


def balance(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by shop, destination and currency: the `total`, then each part of it by its reason.

    The values of the parts add up to that of the total; the total's row has the `accuracy`
    and `lost`, the orders that never came.
    """
    with opened(tables) as engine:
        ours = [Standing(**row) for row in engine.run((), "balance", query)]
        told = _told(tables, query, _lines(engine))
        gaps = {shop: len(names) for shop, names in _gaps(engine, tables, query).items()}
    groups: dict[tuple[str, str, str], list[Standing]] = {}
    for stands in (*ours, *(_standing(row) for row in told)):
        key = (stands.shop, stands.destination, stands.currency)
        groups.setdefault(key, []).append(stands)
    return [
        row
        for key, found in sorted(groups.items())
        for row in _parts(key, found, gaps.get(key[0], 0))
    ]


def missing(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Each order that is missing with a destination, and why; then the numbers that never came.

    Of an order whose total differs, the value is the difference.
    """
    with opened(tables) as engine:
        ours = engine.run((), "missing", query)
        told = _told(tables, query, _lines(engine))
        gaps = _gaps(engine, tables, query)
    rows = [
        {
            "shop": row["shop"],
            "name": row["name"],
            "order_id": row["order_id"],
            "at": iso(row["moment"]),
            "value": decimal_string(row["value_minor"], row["currency"]),
            "currency": row["currency"],
            "destination": row["destination"],
            "why": row["reason"] or row["state"] or "no_purchase",
        }
        for row in (*ours, *told)
    ]
    nothing = dict.fromkeys(("order_id", "at", "value", "currency", "destination"))
    return rows + [
        {"shop": shop, "name": name, **nothing, "why": NEVER_CAME}
        for shop, names in sorted(gaps.items())
        for name in names
    ]


def _parts(
    key: tuple[str, str, str], groups: Sequence[Standing], gaps: int
) -> Iterator[dict[str, Any]]:
    shop, destination, currency = key
    head = {"shop": shop, "destination": destination, "currency": currency}
    settled = sum(found.orders for found in groups if found.part in {"counted", "ignored"})
    orders = sum(found.orders for found in groups)
    lost = gaps + sum(found.orders for found in groups if found.reason in _LOST)
    total = sum(found.value_minor for found in groups)
    sums = {"orders": orders, "value": decimal_string(total, currency)}
    accuracy = ratio(settled, orders + gaps)
    yield {**head, "part": "total", "reason": None, **sums, "accuracy": accuracy, "lost": lost}
    parts: dict[tuple[str, str], list[Standing]] = {}
    for found in groups:
        why = "" if found.part == "counted" else found.reason or found.state or "no_purchase"
        parts.setdefault((found.part, why), []).append(found)
    for (part, why), own in sorted(parts.items()):
        minor = sum(found.value_minor for found in own)
        sums = {
            "orders": sum(found.orders for found in own),
            "value": decimal_string(minor, currency),
        }
        yield {**head, "part": part, "reason": why or None, **sums, "accuracy": None, "lost": None}


def _lines(engine: Engine) -> dict[str, list[str]]:
    """Shop -> the destinations that it sends to."""
    found: dict[str, list[str]] = {}
    for row in engine.run((), "lines", Query()):
        found.setdefault(row["shop"], []).append(row["destination"])
    return found


def _told(
    tables: Mapping[str, Rows], query: Query, lines: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """What only the shop's list has, with each destination: orders, or the rest of one's total."""
    columns, rows = tables["shop_orders"]
    told = (dict(zip(columns, row, strict=True)) for row in rows)
    return [
        {
            **row,
            "moment": row["at"],
            "value_minor": row["value_minor"] - (row["own_minor"] or 0),
            "destination": destination,
            "state": None,
            "reason": row["why"],
        }
        for row in told
        if query.shop in {None, row["shop"]} and query.period.start <= row["at"] < query.period.stop
        for destination in lines.get(row["shop"], ())
    ]


def _standing(told: Mapping[str, Any]) -> Standing:
    """An order that only the shop's list has; of the rest of one's total, no order."""
    names = ("shop", "destination", "currency", "state", "reason", "value_minor")
    return Standing(orders=int(told["own_minor"] is None), **{name: told[name] for name in names})


def _gaps(engine: Engine, tables: Mapping[str, Rows], query: Query) -> dict[str, list[str]]:
    """Shop -> the order numbers between the first and the last settled one that never came.

    Of the time that the shop's own list was read for, it knows best.
    """
    known = {shop: (since, until) for shop, since, until in tables["shop_checks"][1]}
    found: dict[str, list[str]] = {}
    for jump in engine.run((), "gaps", query):
        since, until = known.get(jump["shop"], (0.0, 0.0))
        if not (since <= jump["low_moment"] and jump["high_moment"] <= until):
            numbers = range(jump["low"] + 1, jump["high"])
            names = (f"{jump['head']}{number}{jump['tail']}" for number in numbers)
            found.setdefault(jump["shop"], []).extend(names)
    return found
