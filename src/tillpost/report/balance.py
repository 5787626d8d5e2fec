"""The shop's own total, to the cent, as what each destination counts and what it does not.

Every order of the period is in exactly one part. `counted`: it was delivered, or in shadow it
would have been. `ignored`: a rule left it out, and the reason says which. `waiting`: it is on
its way. `missing`: it was refused, came too late, or never became a Purchase. The accuracy is
(counted + ignored) by all orders, those among them whose webhook never came. These the shop's
own list tells, with their totals, where it may be asked; elsewhere gaps in the order numbers
find them without asking.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Reason, State
from tillpost.ports import Rows
from tillpost.report.query import Query
from tillpost.report.roas import ratio

Standing: TypeAlias = tuple[str | None, str | None]
Part: TypeAlias = Literal["counted", "ignored", "waiting", "missing"]

TABLES = ("sales", "deliveries", "shop_orders", "shop_checks")
"""What both reports are made from."""

NEVER_CAME = "webhook_never_came"
_LOST = frozenset({NEVER_CAME, "unreadable"})

_SETTLE_SECONDS = 3600
"""Numbers count as missing only below an order that is older than the newest by so much."""
_LONGEST_GAP = 1000
"""A longer jump is a change of numbering, not so many lost webhooks."""
_NUMBERED = re.compile(r"(\D*)(\d{1,15})(\D*)")


class Sale(Struct, frozen=True):
    """One order, and where its Purchase stands with one destination (None: there is none).

    With `orders` 0 it is no order, but by how much the shop's total of one differs from ours.
    """

    shop: str
    order_id: str
    name: str
    at: int
    value_minor: int
    currency: str
    destination: str
    state: str | None
    reason: str | None
    orders: int = 1

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
    sales = _sales(tables, query)
    gaps = {shop: len(names) for shop, names in _gaps(tables, query).items()}
    groups: dict[tuple[str, str, str], list[Sale]] = {}
    for sale in sales:
        groups.setdefault((sale.shop, sale.destination, sale.currency), []).append(sale)
    return [
        row
        for key, found in sorted(groups.items())
        for row in _parts(key, found, gaps.get(key[0], 0))
    ]


def missing(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Each order that is missing with a destination, and why; then the numbers that never came.

    Of an order whose total differs, the value is the difference.
    """
    rows = [
        {
            "shop": sale.shop,
            "name": sale.name,
            "order_id": sale.order_id,
            "at": iso(sale.at),
            "value": decimal_string(sale.value_minor, sale.currency),
            "currency": sale.currency,
            "destination": sale.destination,
            "why": sale.reason or sale.state or "no_purchase",
        }
        for sale in _sales(tables, query)
        if sale.part == "missing"
    ]
    nothing = dict.fromkeys(("order_id", "at", "value", "currency", "destination"))
    return rows + [
        {"shop": shop, "name": name, **nothing, "why": NEVER_CAME}
        for shop, names in sorted(_gaps(tables, query).items())
        for name in names
    ]


def _parts(key: tuple[str, str, str], sales: Sequence[Sale], gaps: int) -> Iterator[dict[str, Any]]:
    shop, destination, currency = key
    head = {"shop": shop, "destination": destination, "currency": currency}
    settled = sum(sale.orders for sale in sales if sale.part in {"counted", "ignored"})
    orders = sum(sale.orders for sale in sales)
    lost = gaps + sum(sale.reason in _LOST for sale in sales)
    total = sum(sale.value_minor for sale in sales)
    sums = {"orders": orders, "value": decimal_string(total, currency)}
    accuracy = ratio(settled, orders + gaps)
    yield {**head, "part": "total", "reason": None, **sums, "accuracy": accuracy, "lost": lost}
    found: dict[tuple[str, str], list[Sale]] = {}
    for sale in sales:
        why = "" if sale.part == "counted" else sale.reason or sale.state or "no_purchase"
        found.setdefault((sale.part, why), []).append(sale)
    for (part, why), own in sorted(found.items()):
        minor = sum(sale.value_minor for sale in own)
        sums = {
            "orders": sum(sale.orders for sale in own),
            "value": decimal_string(minor, currency),
        }
        yield {**head, "part": part, "reason": why or None, **sums, "accuracy": None, "lost": None}


def _sales(tables: Mapping[str, Rows], query: Query) -> list[Sale]:
    """Every order of the period with every destination that its shop sends to."""
    stands = {
        (row["shop"], row["order_id"], row["destination"]): (row["state"], row["reason"])
        for row in _dicts(tables["deliveries"])
    }
    lines: dict[str, set[str]] = {}
    for shop, _, destination in stands:
        lines.setdefault(shop, set()).add(destination)
    ours = [
        _sale(row, destination, stands.get((row["shop"], row["order_id"], destination)))
        for row in _orders(tables["sales"], query)
        for destination in sorted(lines.get(row["shop"], ()))
    ]
    theirs = [
        _told(row, destination)
        for row in _orders(tables["shop_orders"], query)
        for destination in sorted(lines.get(row["shop"], ()))
    ]
    return ours + theirs


def _told(row: Mapping[str, Any], destination: str) -> Sale:
    """What only the shop's list has: an order, or the rest of one's total (of a refund, none)."""
    if row["own_minor"] is None:
        return _sale(row, destination, (None, row["why"]))
    rest = {**row, "value_minor": row["value_minor"] - row["own_minor"]}
    return structs.replace(_sale(rest, destination, (None, row["why"])), orders=0)


def _sale(row: Mapping[str, Any], destination: str, stands: Standing | None) -> Sale:
    state, reason = stands or (None, None)
    return Sale(
        row["shop"],
        row["order_id"],
        row["name"],
        row["at"],
        row["value_minor"],
        row["currency"],
        destination,
        state,
        reason,
    )


def _gaps(tables: Mapping[str, Rows], query: Query) -> dict[str, list[str]]:
    """Shop -> the order numbers between the first and the last settled one that never came."""
    told = {row["shop"]: (row["since"], row["until"]) for row in _dicts(tables["shop_checks"])}
    series: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for row in _orders(tables["sales"], query):
        numbered = _NUMBERED.fullmatch(row["name"])
        if numbered:
            key = row["shop"], numbered[1], numbered[3]
            series.setdefault(key, []).append((int(numbered[2]), row["at"]))
    found: dict[str, list[str]] = {}
    for (shop, before, after), seen in sorted(series.items()):
        numbers = _absent(seen, told.get(shop, (0.0, 0.0)))
        found.setdefault(shop, []).extend(f"{before}{n}{after}" for n in numbers)
    return found


def _absent(seen: Sequence[tuple[int, int]], told: tuple[float, float]) -> Iterator[int]:
    """Numbers that nobody had; of the time that the shop's own list was read for, it knows best."""
    newest = max(at for _, at in seen)
    settled = [number for number, at in seen if at <= newest - _SETTLE_SECONDS]
    top = max(settled, default=0)
    times = dict(sorted(pair for pair in seen if pair[0] <= top))
    for low, high in pairwise(times):
        is_told = told[0] <= times[low] and times[high] <= told[1]
        if high - low <= _LONGEST_GAP and not is_told:
            yield from range(low + 1, high)


def _orders(rows: Rows, query: Query) -> list[dict[str, Any]]:
    period = query.period
    return [
        row
        for row in _dicts(rows)
        if query.shop in {None, row["shop"]} and period.start <= row["at"] < period.stop
    ]


def _dicts(rows: Rows) -> Iterator[dict[str, Any]]:
    columns, found = rows
    return (dict(zip(columns, row, strict=True)) for row in found)
