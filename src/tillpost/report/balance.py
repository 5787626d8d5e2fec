"""The shop's own total, to the cent, as what each destination counts and what it does not.

Every order of the period is in exactly one part. `counted`: it was delivered, or in shadow it
would have been. `ignored`: a rule left it out, and the reason says which. `waiting`: it is on
its way. `missing`: it was refused, came too late, or never became a Purchase. The accuracy is
(counted + ignored) by all orders, those among them whose webhook never came: gaps in the
order numbers find these without asking the shop.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Reason, State
from tillpost.ports import Rows
from tillpost.report.query import Query
from tillpost.report.roas import ratio

Part: TypeAlias = Literal["counted", "ignored", "waiting", "missing"]

_SETTLE_SECONDS = 3600
"""Numbers count as missing only below an order that is older than the newest by so much."""
_LONGEST_GAP = 1000
"""A longer jump is a change of numbering, not so many lost webhooks."""
_NUMBERED = re.compile(r"(\D*)(\d{1,15})(\D*)")


class Sale(Struct, frozen=True):
    """One order, and where its Purchase stands with one destination (None: there is none)."""

    shop: str
    order_id: str
    name: str
    at: int
    value_minor: int
    currency: str
    destination: str
    state: str | None
    reason: str | None

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
    lost = {shop: len(names) for shop, names in _gaps(tables, query).items()}
    groups: dict[tuple[str, str, str], list[Sale]] = {}
    for sale in sales:
        groups.setdefault((sale.shop, sale.destination, sale.currency), []).append(sale)
    return [
        row
        for key, found in sorted(groups.items())
        for row in _parts(key, found, lost.get(key[0], 0))
    ]


def missing(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Each order that is missing with a destination, and why; then the numbers that never came."""
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
        {"shop": shop, "name": name, **nothing, "why": "webhook_never_came"}
        for shop, names in sorted(_gaps(tables, query).items())
        for name in names
    ]


def _parts(key: tuple[str, str, str], sales: Sequence[Sale], lost: int) -> Iterator[dict[str, Any]]:
    shop, destination, currency = key
    head = {"shop": shop, "destination": destination, "currency": currency}
    settled = sum(sale.part in {"counted", "ignored"} for sale in sales)
    total = sum(sale.value_minor for sale in sales)
    accuracy = ratio(settled, len(sales) + lost)
    sums = {"orders": len(sales), "value": decimal_string(total, currency)}
    yield {**head, "part": "total", "reason": None, **sums, "accuracy": accuracy, "lost": lost}
    found: dict[tuple[str, str], list[int]] = {}
    for sale in sales:
        why = "" if sale.part == "counted" else sale.reason or sale.state or "no_purchase"
        found.setdefault((sale.part, why), []).append(sale.value_minor)
    for (part, why), values in sorted(found.items()):
        sums = {"orders": len(values), "value": decimal_string(sum(values), currency)}
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
    return [
        _sale(row, destination, stands.get((row["shop"], row["order_id"], destination)))
        for row in _orders(tables, query)
        for destination in sorted(lines.get(row["shop"], ()))
    ]


def _sale(row: Mapping[str, Any], destination: str, stands: tuple[str, str | None] | None) -> Sale:
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
    series: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for row in _orders(tables, query):
        told = _NUMBERED.fullmatch(row["name"])
        if told:
            key = row["shop"], told[1], told[3]
            series.setdefault(key, []).append((int(told[2]), row["at"]))
    found: dict[str, list[str]] = {}
    for (shop, before, after), seen in sorted(series.items()):
        found.setdefault(shop, []).extend(f"{before}{n}{after}" for n in _absent(seen))
    return found


def _absent(seen: Sequence[tuple[int, int]]) -> Iterator[int]:
    newest = max(at for _, at in seen)
    settled = [number for number, at in seen if at <= newest - _SETTLE_SECONDS]
    top = max(settled, default=0)
    numbers = sorted({number for number, _ in seen if number <= top})
    for low, high in pairwise(numbers):
        if high - low <= _LONGEST_GAP:
            yield from range(low + 1, high)


def _orders(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    period = query.period
    return [
        row
        for row in _dicts(tables["orders"])
        if query.shop in {None, row["shop"]} and period.start <= row["at"] < period.stop
    ]


def _dicts(rows: Rows) -> Iterator[dict[str, Any]]:
    columns, found = rows
    return (dict(zip(columns, row, strict=True)) for row in found)
