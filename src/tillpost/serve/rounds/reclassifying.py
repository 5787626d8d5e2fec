"""Landings that were kept under other rules are classified again, a batch a round.

So a change of the built-in rules or of the merchant's own repairs history too. What
happened is never changed; what it was called before is kept.
"""

import asyncio
from collections.abc import Iterable

from tillpost.core import channel, session
from tillpost.core.shop import Shop
from tillpost.ports import Clock
from tillpost.store.touches import TouchStore

BATCH = 1000


class Reclassifier:
    """Brings the landings of these shops under today's rules; then it has nothing to do."""

    def __init__(self, shops: Iterable[Shop], touches: TouchStore, clock: Clock) -> None:
        self._left = list(shops)
        self._touches = touches
        self._clock = clock

    async def round(self) -> int:
        """Classify one batch; returns how many landings."""
        return await asyncio.to_thread(self.once)

    def once(self) -> int:
        """As `round`, on this thread."""
        while self._left:
            shop = self._left[0]
            rules = channel.version(shop.channels)
            stale = self._touches.stale(shop.name, rules, BATCH)
            if stale:
                renamed = [(number, touch, session.again(touch, shop)) for number, touch in stale]
                self._touches.rename(renamed, rules, self._clock.now())
                return len(stale)
            self._left.pop(0)
        return 0
