"""Shopify's refund JSON: money given back, in the shop's money and in the buyer's.

A transaction is in the buyer's currency (reference `shopify`, 1.6), and reports count in the
shop's. Lines and adjustments of the same body have their amounts in both, and so tell the
rate; where none does, the order's own rate is taken when the refund is folded.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from tillpost.collect.sources.shopify.prices import Amount, AmountSet, Id
from tillpost.core.body import decoded
from tillpost.core.event import Money, Parsed, RefundSeen
from tillpost.core.money import proportional


class Transaction(Struct):
    """A movement of money; `amount_set` is the same in both currencies, where it is told."""

    kind: str = ""
    status: str = ""
    amount: Decimal = Decimal(0)
    currency: str | None = None
    amount_set: AmountSet | None = None


class Refund(Struct):
    """A refund, inside an order or alone."""

    id: Id
    order_id: Id | None = None
    created_at: datetime | None = None
    processed_at: datetime | None = None
    transactions: list[Transaction] = msgspec.field(default_factory=list)
    refund_line_items: list[Any] = msgspec.field(default_factory=list)
    order_adjustments: list[Any] = msgspec.field(default_factory=list)


_refunds = msgspec.json.Decoder(Refund)
_PRICED = ("subtotal_set", "total_tax_set", "amount_set", "tax_amount_set")
"""What lines and adjustments have in both currencies."""


def read_refund(body: bytes, currency: str) -> list[Parsed]:
    """A refund webhook as a fact; one that moved no money is none. `currency` is the shop's."""
    refund = decoded(body, _refunds)
    return refund_facts(refund, str(refund.order_id or ""), currency)


def refund_facts(refund: Refund, order_id: str, currency: str) -> list[Parsed]:
    """The refund as a fact, or none if no money was given back; `currency` is the shop's."""
    at = refund.processed_at or refund.created_at
    given = [t for t in refund.transactions if t.kind == "refund" and t.status == "success"]
    if not given or at is None or not order_id:
        return []
    total = Money(sum((t.amount for t in given), Decimal(0)), given[0].currency or currency)
    money = _in_shop_money(refund, total, currency)
    shown = total if money is not None and total.currency != currency else None
    seen = RefundSeen(str(refund.id), order_id, int(at.timestamp()), money or total, shown)
    return [Parsed(seen, {})]


def _in_shop_money(refund: Refund, total: Money, currency: str) -> Money | None:
    """The total in the shop's money at the rate that the body itself tells; None if it does not."""
    if total.currency == currency:
        return total
    pairs = [
        (_size(prices.shop_money), _size(prices.presentment_money))
        for prices in _prices(refund)
        if prices.shop_money.currency_code == currency
        and prices.presentment_money.currency_code == total.currency
    ]
    shop = sum((pair[0] for pair in pairs), Decimal(0))
    shown = sum((pair[1] for pair in pairs), Decimal(0))
    if not shown:
        return None
    return Money(proportional(total.amount, shown, shop, currency), currency)


def _size(told: Amount) -> Decimal:
    """Adjustments are below zero."""
    return abs(told.amount or Decimal(0))


def _prices(refund: Refund) -> Iterator[AmountSet]:
    for row in (*refund.refund_line_items, *refund.order_adjustments):
        for name in _PRICED if isinstance(row, dict) else ():
            try:
                yield msgspec.convert(row.get(name), AmountSet, strict=False)
            except msgspec.ValidationError:
                continue  # a price that cannot be read tells no rate, and hides no order
    for transaction in refund.transactions:
        yield from filter(None, (transaction.amount_set,))
