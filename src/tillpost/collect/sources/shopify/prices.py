"""Ids and prices as Shopify's bodies have them."""

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import Struct

Id: TypeAlias = int | str


class Amount(Struct):
    """One money value."""

    amount: Decimal | None = None
    currency_code: str | None = None


class AmountSet(Struct):
    """One price in the shop's and in the buyer's money."""

    shop_money: Amount = msgspec.field(default_factory=Amount)
    presentment_money: Amount = msgspec.field(default_factory=Amount)
