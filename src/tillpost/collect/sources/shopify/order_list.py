"""The shop's own list of its orders beside ours: which never came, and which differ.

Pure: what the shop told in short, and what is known of the same orders, become differences.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from tillpost.core import money
from tillpost.core.money import MoneyError
from tillpost.core.outcome import Permanent

Why: TypeAlias = Literal["webhook_never_came", "total_differs", "refund_never_came", "unreadable"]
"""What is wrong with an order; `unreadable` is one that came late and could not be read."""


class _Amount(Struct, rename="camel"):
    amount: Decimal
    currency_code: str


class _Prices(Struct, rename="camel"):
    shop_money: _Amount


class _Short(Struct, rename="camel"):
    legacy_resource_id: str
    created_at: datetime
    updated_at: datetime
    total_price_set: _Prices
    name: str = ""
    processed_at: datetime | None = None
    total_refunded_set: _Prices | None = None


class Told(Struct, frozen=True):
    """An order as the shop's list has it; money in the shop's currency, times in Unix seconds."""

    order_id: str
    name: str
    at: int
    created_at: int
    updated_at: int
    value_minor: int
    currency: str
    refunded_minor: int


class Known(Struct, frozen=True):
    """The same order as we have it."""

    value_minor: int
    currency: str
    refunded_minor: int


class Difference(Struct, frozen=True):
    """An order that the shop has and we have not, or not so; money as the shop tells it."""

    order_id: str
    name: str
    at: int
    value_minor: int
    currency: str
    refunded_minor: int
    why: Why


class Reach(Struct, frozen=True):
    """Which orders must be here: those made from `since` on; what is later than `until` may come.

    An older one is the past of a shop that began with us later, and no loss.
    """

    since: float
    until: float


def told(nodes: Sequence[Any]) -> list[Told]:
    """The orders of a list in short; raises `Permanent` for one that is not as documented."""
    try:
        return [_told(order) for order in msgspec.convert(nodes, list[_Short], strict=False)]
    except (msgspec.ValidationError, MoneyError, ArithmeticError) as error:
        raise Permanent(f"the Admin API told an order in another shape: {error}") from None


def _told(order: _Short) -> Told:
    total = order.total_price_set.shop_money
    back = order.total_refunded_set
    refunded = Decimal(0) if back is None else back.shop_money.amount
    return Told(
        order_id=order.legacy_resource_id,
        name=order.name,
        at=int((order.processed_at or order.created_at).timestamp()),
        created_at=int(order.created_at.timestamp()),
        updated_at=int(order.updated_at.timestamp()),
        value_minor=money.to_minor(total.amount, total.currency_code),
        currency=total.currency_code,
        refunded_minor=money.to_minor(refunded, total.currency_code),
    )


def due(orders: Sequence[Told], ours: Mapping[str, Known], reach: Reach) -> list[Told]:
    """Of these orders, those that must be here and as the shop has them."""
    return [
        order
        for order in orders
        if order.created_at <= reach.until
        and (order.order_id in ours or order.created_at >= reach.since)
    ]


def differences(
    orders: Sequence[Told], ours: Mapping[str, Known], reach: Reach
) -> list[Difference]:
    """What is missing or other than the shop says, in the shop's order."""
    found = ((o, _why(o, ours.get(o.order_id), reach)) for o in due(orders, ours, reach))
    return [
        Difference(o.order_id, o.name, o.at, o.value_minor, o.currency, o.refunded_minor, why)
        for o, why in found
        if why is not None
    ]


def _why(order: Told, known: Known | None, reach: Reach) -> Why | None:
    if known is None:
        return "webhook_never_came"
    if order.updated_at > reach.until or order.currency != known.currency:
        return None
    if order.value_minor != known.value_minor:
        return "total_differs"
    return "refund_never_came" if order.refunded_minor > known.refunded_minor else None
