"""What the rules need to know of a shop: its policies, as frozen values."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from tillpost.core.channel import Coupon, OwnRule
from tillpost.core.retry import META, Horizon

DEFAULT_JOIN_WAIT = 90.0
"""Seconds that a Purchase waits for its beacon in production (domain rule 3)."""

UNCONFIRMED_AFTER = 1800.0
"""Seconds after which a browser Purchase without an order is `unconfirmed` (domain rule 3)."""

CONSENT_WAIT = 1800.0
"""Seconds that an event waits for a consent where the law asks for one (domain rule 20)."""

PAYMENT_WAIT = 7 * 86400.0
"""Seconds that an order waits for its payment; after that no platform takes its Purchase."""


OrderPolicy: TypeAlias = Literal["send", "report", "drop"]
"""What becomes of a kind of order: sent and counted, counted only, or neither."""


class Shop(Struct, frozen=True):
    """One shop and its policies; `hosts` are its own host names, whose links are internal."""

    name: str
    domain: str
    currency: str
    timezone: str = "UTC"
    country: str | None = None
    hosts: frozenset[str] = frozenset()
    id_key: bytes = b""
    """Key of the ids of orders without a browser side; not guessable, never sent."""
    purchase_on: Literal["created", "paid"] = "created"
    value_base: Literal["total", "less_tax", "subtotal"] = "total"
    join_wait: float = DEFAULT_JOIN_WAIT
    kinds: Mapping[str, OrderPolicy] = {}
    """Kind of order, or condition of `core.policy` -> what the owner wants instead of the rule."""
    refunds: Literal["report", "event"] = "report"
    native: Literal["off", "pixel", "full"] = "off"
    """What the shop system's own channel sends to Meta (domain rule 8)."""
    consent_unknown: str = "region"
    content_id: Literal["product", "variant", "sku", "shopify"] = "product"
    channels: tuple[OwnRule, ...] = ()
    """The merchant's own channel rules, which come before the built-in ones."""
    coupons: tuple[Coupon, ...] = ()
    """Discount codes that stand for a touch."""


class Route(Struct, frozen=True):
    """A destination that a shop's events go to; empty `events` means all of them."""

    destination: str
    events: frozenset[str] = frozenset()
    horizon: Horizon = META

    def takes(self, event_name: str) -> bool:
        """Whether the destination is sent events of this name."""
        return not self.events or event_name in self.events
