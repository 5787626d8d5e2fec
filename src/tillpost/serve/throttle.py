"""How often one address, or one shop's pages in all, may send: token buckets in memory.

A flood of beacons must not fill the disk. What is refused with 429 is kept by the script
and comes again with the shopper's next page. Signed webhooks never pass here.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable, Mapping

from msgspec import Struct

_MOST = 65_536
"""Buckets kept at once; the one that was idle longest goes first."""


class Limit(Struct, frozen=True):
    """`burst` at once, and `per_second` in the long run."""

    burst: float
    per_second: float


ADDRESS_BURST = 30
"""Seconds of one address's rate that may come at once; an address may be an office or a mast."""

SHOP_BURST = 5
"""Seconds of one shop's rate that may come at once."""


class Buckets:
    """One bucket for each key, full at first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, limit: Limit, now: float) -> bool:
        """Whether the key may send once more at `now` (Unix seconds); if so, it is counted."""
        left, at = self._left.pop(key, (limit.burst, now))
        left = min(limit.burst, left + max(0.0, now - at) * limit.per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return allowed


class Limits(Struct, frozen=True):
    """What the pages of one shop may send: from one client address, and together."""

    address: Limit
    shop: Limit


def limits(per_address: float, per_shop: float) -> Limits:
    """The limits of so many beacons a second."""
    return Limits(
        Limit(ADDRESS_BURST * per_address, per_address), Limit(SHOP_BURST * per_shop, per_shop)
    )


class Throttle:
    """The limits of beacons together; `known` are the shops there are."""

    def __init__(self, known: Mapping[str, Limits]) -> None:
        self._known = known
        self._addresses = Buckets()
        self._shops = Buckets()

    def allows(self, shop: str, address: str | None, now: float) -> bool:
        """Whether a beacon may come in; an address that is not public has no limit of its own.

        A shop that there is not has no limit either: nothing is taken for it.
        """
        limit = self._known.get(shop)
        if limit is None:
            return True
        subscriber = (shop, _subscriber(address)) if address else None
        if subscriber and not self._addresses.take(subscriber, limit.address, now):
            return False
        return self._shops.take(shop, limit.shop, now)


def _subscriber(address: str) -> str:
    """The IPv4 address, or the /64 that one subscriber of IPv6 has whole."""
    found = ipaddress.ip_address(address)
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))
