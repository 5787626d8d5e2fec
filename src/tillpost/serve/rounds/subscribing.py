"""Looking by the clock whether the shop's webhooks are still there; one that is gone is made again.

After an outage of four hours Shopify has deleted every webhook that an app made over its API,
and tells nobody but the app's emergency address. What a round saw the hour before is compared
with what the shop lists now.
"""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec import json, structs

from tillpost.collect.sources.shopify import subscriptions
from tillpost.collect.sources.shopify.subscriptions import Kept, Subscription
from tillpost.core.outcome import TillpostError
from tillpost.ports import Clock, Transport
from tillpost.serve.admin_api import AdminApi
from tillpost.serve.rounds.reconciling import AGAIN_SECONDS, is_asked
from tillpost.serve.rounds.turns import Turns
from tillpost.serve.settings import ShopifySettings, ShopSettings
from tillpost.store.shop_webhooks import ShopWebhook, ShopWebhookStore

_log = structlog.get_logger("tillpost.subscribing")


class Subscriber:
    """Keeps the webhooks of shops whose Admin API may be asked; one round looks at one shop."""

    def __init__(
        self,
        shops: Sequence[ShopSettings],
        store: ShopWebhookStore,
        transport: Transport,
        clock: Clock,
        public_url: str | None,
    ) -> None:
        self._shops = {shop.name: shop for shop in shops if _is_looked_at(shop)}
        self._store = store
        self._transport = transport
        self._clock = clock
        self._public_url = public_url
        self._turns = Turns(self._shops)
        self._stopping = asyncio.Event()

    @property
    def is_needed(self) -> bool:
        """Whether any shop is looked at."""
        return bool(self._turns)

    def stop(self) -> None:
        """End a wait that is under way, so that the node can end."""
        self._stopping.set()

    async def round(self) -> int:
        """Look at the first shop that is due; returns how many were looked at."""
        now = self._clock.now()
        due = self._turns.due(now)
        for name in due:
            shop = self._shops[name]
            given = shop.shopify or ShopifySettings()
            pause = given.reconcile_hours * 3600
            try:
                await self._look(shop, may_make=given.reconcile == "fetch")
            except TillpostError as error:
                _log.warning("webhooks_not_listed", shop=name, why=str(error))
                pause = min(pause, AGAIN_SECONDS)
            self._turns.put_off(name, now + pause)
        return len(due)

    async def _look(self, shop: ShopSettings, *, may_make: bool) -> None:
        api = AdminApi(shop, self._transport, self._stopping)
        version = (shop.shopify or ShopifySettings()).api_version
        nodes = await api.pulled(subscriptions.listed(version))
        found = subscriptions.ours(nodes, shop.name, self._public_url)
        kept = subscriptions.compared(await self._before(shop.name), found, self._clock.now())
        if may_make:
            kept = [await self._made(api, shop.name, one) for one in kept]
        await asyncio.to_thread(self._store.keep, shop.name, [_written(one) for one in kept])

    async def _before(self, shop: str) -> list[Kept]:
        """What was seen last; not what led to an address that this server no longer has."""
        rows = [_read(row) for row in await asyncio.to_thread(self._store.of, shop)]
        return [
            kept
            for kept in rows
            if subscriptions.leads_here(kept.subscription.uri, shop, self._public_url)
        ]

    async def _made(self, api: AdminApi, shop: str, kept: Kept) -> Kept:
        """The webhook as it stands, made again if it is gone."""
        if kept.gone_at is None:
            return kept
        topic = kept.subscription.says
        try:
            await api.pulled(subscriptions.created(kept.subscription))
        except TillpostError as error:
            _log.warning("webhook_not_made_again", shop=shop, topic=topic, why=str(error))
            return structs.replace(kept, trouble=str(error))
        _log.warning("webhook_made_again", shop=shop, topic=topic)
        return Kept(kept.subscription, made_at=self._clock.now())


def webhooks(store: ShopWebhookStore, shop: ShopSettings) -> list[ShopWebhook]:
    """The shop's webhooks as they were seen last; none if nobody looks at them any more."""
    return store.of(shop.name) if _is_looked_at(shop) else []


def _is_looked_at(shop: ShopSettings) -> bool:
    return is_asked(shop) and (
        shop.shopify is not None and shop.shopify.api_version >= subscriptions.SINCE
    )


def _read(row: ShopWebhook) -> Kept:
    one = json.decode(row.given, type=Subscription)
    return Kept(one, row.made_at, row.gone_at, row.trouble)


def _written(kept: Kept) -> ShopWebhook:
    given = json.encode(kept.subscription).decode()
    return ShopWebhook(given, kept.subscription.says, kept.made_at, kept.gone_at, kept.trouble)
