"""How often one address, or one shop's pages in all, may send: token buckets in memory.

A flood of beacons must not fill the disk. What is refused with 429 is kept by the script
and comes again with the shopper's next page. Signed webhooks never pass here.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable

from msgspec import Struct

_MOST = 65_536
"""Buckets kept at once; the one that was idle longest goes first."""


class Limit(Struct, frozen=True):
    """`burst` at once, and `per_second` in the long run."""

    burst: float
    per_second: float


PER_ADDRESS = Limit(burst=300, per_second=10)
"""For one client address, which may be an office or a phone network."""

PER_SHOP = Limit(burst=10_000, per_second=2_000)
"""For all pages of one shop."""


class Buckets:
    """One bucket for each key, full at first."""

    def __init__(self, limit: Limit, most: int = _MOST) -> None:
        self._limit = limit
        self._most = most
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Whether the key may send once more at `now` (Unix seconds); if so, it is counted."""
        left, at = self._left.pop(key, (self._limit.burst, now))
        left = min(self._limit.burst, left + max(0.0, now - at) * self._limit.per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return allowed


class Throttle:
    """The limits of beacons together."""

    def __init__(self, address: Limit = PER_ADDRESS, shop: Limit = PER_SHOP) -> None:
        self._addresses = Buckets(address)
        self._shops = Buckets(shop)

    def allows(self, shop: str, address: str | None, now: float) -> bool:
        """Whether a beacon may come in; an address that is not public has no limit of its own."""
        if address and not self._addresses.take((shop, _subscriber(address)), now):
            return False
        return self._shops.take(shop, now)


def _subscriber(address: str) -> str:
    """The IPv4 address, or the /64 that one subscriber of IPv6 has whole."""
    found = ipaddress.ip_address(address)
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))
