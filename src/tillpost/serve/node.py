"""A node: every part of one process, put together from its settings."""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from tillpost.collect.accept import Intake
from tillpost.collect.sources import generic, pixel, shopify, stripe, woocommerce
from tillpost.collect.sources.shopify import history
from tillpost.core import testers
from tillpost.core.event_id import of_order
from tillpost.core.moment import iso
from tillpost.core.shop import Route, Shop
from tillpost.deliver import catalog
from tillpost.deliver.contract import Settings as DestinationSettings
from tillpost.deliver.destinations import meta
from tillpost.deliver.outbox import Line, Sender
from tillpost.ports import Clock, Transport
from tillpost.report.spend.meta_insights import Account
from tillpost.serve.access import Access
from tillpost.serve.answers import Answers
from tillpost.serve.bad_rows import BadRowDesk
from tillpost.serve.clock import SystemClock
from tillpost.serve.http.exchange import Networks
from tillpost.serve.keeper import Keeper
from tillpost.serve.kept import marks_of, paths_of
from tillpost.serve.letters import LetterDesk
from tillpost.serve.memory import Memory
from tillpost.serve.readiness import troubles
from tillpost.serve.reading import Reading, ShopBasis
from tillpost.serve.receiver import ReceiverDesk
from tillpost.serve.rounds.alerting import Alerter, Channels
from tillpost.serve.rounds.privacy import PrivacyDesk
from tillpost.serve.rounds.pulling import Puller, Reader
from tillpost.serve.rounds.reclassifying import Reclassifier
from tillpost.serve.rounds.reconciling import Door, Reconciler
from tillpost.serve.rounds.rolling import FOLDER as ROLLUP_FOLDER
from tillpost.serve.rounds.rolling import RollUps
from tillpost.serve.rounds.subscribing import Subscriber, webhooks
from tillpost.serve.seal import AesSealer, Keys
from tillpost.serve.settings import AdAccountSettings, Settings, ShopSettings
from tillpost.serve.telemetry import Telemetry
from tillpost.serve.throttle import Throttle, limits
from tillpost.serve.tokens import Watch
from tillpost.serve.transport import HttpTransport
from tillpost.serve.worker import Worker
from tillpost.store.alerts import AlertStore
from tillpost.store.bad_rows import BadRowStore
from tillpost.store.checks import CheckStore
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.letters_sqlite import LetterStore
from tillpost.store.privacy_sqlite import PrivacyStore
from tillpost.store.pulls import PullStore
from tillpost.store.segments import SegmentWriter
from tillpost.store.shop_webhooks import ShopWebhook, ShopWebhookStore
from tillpost.store.sqlite import Database
from tillpost.store.touches import TouchStore

GATEWAY_FILE = "tillpost.db"
RECEIVER_FILE = "receiver.db"
ALERTS_FILE = "alerts.db"


class Node:
    """What routes reach: stores, access, clock and worker. `close` it when the server ends."""

    def __init__(
        self, settings: Settings, directory: Path, clock: Clock, keys: Keys, own_url: str
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.own_url = own_url
        """The address that the server reaches itself at."""
        self.clock = clock
        self.sealer = AesSealer(*keys)
        self.access = Access(settings, SystemClock())
        self.keeper = Keeper(
            directory, self.access.sessions, SystemClock(), settings.admin_password
        )
        self.shops = {shop.name: _shop(shop, keys.root) for shop in settings.shops}
        self.trusted = networks(settings.server.trusted_proxies)
        self.throttle = _throttle(settings)
        self._intakes = _intakes(settings, keys.root)
        self._database = Database(directory / GATEWAY_FILE, "gateway")
        self.store = GatewayStore(self._database, self.sealer)
        self.memory = Memory()
        self.receiver = ReceiverDesk(
            settings.receiver, directory / RECEIVER_FILE, clock, self.sealer
        )
        self.reading = Reading(self.store, self.receiver, bases(settings))
        self.segments = SegmentWriter(self._database, time.monotonic)
        self.rollups = RollUps(
            self.segments.facts,
            lambda: marks_of(paths_of(directory, (GATEWAY_FILE, RECEIVER_FILE))),
            partial(self.reading.rolled, {"gateway": self.store, "platform": self.receiver}),
            {shop.name: shop.timezone for shop in settings.shops},
            directory / ROLLUP_FOLDER,
        )
        self.reading.rollups = self.rollups
        self.answers = Answers(
            self.reading, directory, (GATEWAY_FILE, RECEIVER_FILE), self.segments.facts
        )
        self.privacy = self._privacy()
        self.transport = HttpTransport(own_url, networks(settings.server.private_networks))
        self.telemetry = told = Telemetry.of(settings.telemetry)
        self.sending: Transport = told.sending(self.transport) if told else self.transport
        is_told = settings.alerts.names_somebody
        self._alerts = Database(directory / ALERTS_FILE, "alerts") if is_told else None
        self.pulls = PullStore(self._database)
        readers = [_reader(a, settings, own_url) for a in settings.ad_accounts]
        self.puller = Puller(readers, self.store, self.pulls, self.sending, clock)
        self.checks = CheckStore(self._database)
        self.reconciler = self._reconciler(clock)
        self._shop_webhooks = ShopWebhookStore(self._database)
        self._subscriber = Subscriber(
            settings.shops, self._shop_webhooks, self.sending, clock, settings.server.public_url
        )
        self.lines = _lines(settings, own_url)
        """The destinations of each shop."""
        lines = [line for own in self.lines.values() for line in own]
        bad = BadRowStore(self._database)
        self.bad_rows = BadRowDesk(bad, self.intake, self.store, self.sealer)
        letters = LetterStore(self._database, self.sealer)
        self.letters = LetterDesk(letters, self.store.transitions, lines, clock)
        self.worker = self._worker(lines)

    def _privacy(self) -> PrivacyDesk:
        """Who tells a person what is kept of them, and forgets it."""
        return PrivacyDesk(
            PrivacyStore(self._database, self.sealer),
            self.receiver,
            self.shops,
            lambda shop: self.datasets(shop) or frozenset(),
            self._forget_facts,
        )

    def _reconciler(self, clock: Clock) -> Reconciler:
        """Who compares the shops' own lists of orders with ours."""
        door = Door(self.intake, self.store, self.sealer, self._wake)
        return Reconciler(self.settings.shops, self.checks, door, self.sending, clock)

    def _wake(self) -> None:
        self.worker.wake()

    def _worker(self, lines: list[Line]) -> Worker:
        """The worker of everything that this node has."""
        return Worker(
            store=self.store,
            shops=self.shops,
            routes=_routes(self.settings),
            lines=lines,
            transport=self.sending,
            sealer=self.sealer,
            clock=self.clock,
            receiver=self.receiver,
            others=self._others(self.clock),
            privacy=self.privacy,
        )

    def _others(self, clock: Clock) -> list[tuple[str, Callable[[], Awaitable[int]]]]:
        """Rounds beside the path of an event."""
        again = Reclassifier(self.shops.values(), TouchStore(self._database), clock)
        pulling = [("ad_accounts", self.puller.round)] if self.settings.ad_accounts else []
        asking = [("shop_orders", self.reconciler.round)] if self.reconciler.is_needed else []
        if self._subscriber.is_needed:
            asking.append(("shop_webhooks", self._subscriber.round))
        alerting = [("alerts", self._alerter(self._alerts, clock).round)] if self._alerts else []
        return [
            ("reclassify", again.round),
            ("segments", _beside(self.segments.round)),
            ("rollups", _beside(self.rollups.round)),
            *pulling,
            *asking,
            *alerting,
        ]

    def _alerter(self, told: Database, clock: Clock) -> Alerter:
        """Who looks for what its owner is to be told."""
        return Alerter(
            self.settings.alerts,
            self.shops,
            (self.directory / GATEWAY_FILE, self.directory / RECEIVER_FILE),
            AlertStore(told),
            Channels(self.settings.alerts, self.sending),
            clock,
            Watch(self.sending, _with_tokens(self.settings)),
        )

    def _forget_facts(self) -> None:
        """Once facts were erased: rewrite or remove the files that reports read."""
        self.segments.forget()
        self.rollups.forget()

    def troubles(self) -> list[str]:
        """Why no order could be taken now; it makes a commit, so call it in a thread."""
        return troubles(self._database, self.worker)

    def intake(self, kind: str, shop: str) -> Intake | None:
        """Where requests of this kind for this shop go, if there is such a shop."""
        return self._intakes.get((kind, shop))

    def destinations(self) -> list[dict[str, Any]]:
        """How every destination is: its breaker, what it was asked, and who waits longest."""
        now = self.clock.now()
        oldest = {name: at for _, name, at in self.store.oldest()}
        return [_health(sender, now, oldest) for sender in self.worker.senders]

    def webhooks(self, shop: str) -> list[ShopWebhook]:
        """The shop's webhooks as its Admin API listed them last."""
        given = next((one for one in self.settings.shops if one.name == shop), None)
        return webhooks(self._shop_webhooks, given) if given else []

    def datasets(self, shop: str | None) -> frozenset[str] | None:
        """The datasets that a shop sends to; None for all, if no shop is named."""
        if shop is None:
            return None
        return frozenset(d.account for d in self.settings.destinations if d.shop == shop)

    async def close(self) -> None:
        """End the rounds, then close connections and databases."""
        self.puller.stop()
        self.reconciler.stop()
        self._subscriber.stop()
        await self.worker.stop()
        await self.transport.close()
        await asyncio.to_thread(self.rollups.close)
        self._database.close()
        self.receiver.close()
        self.keeper.close()
        if self._alerts is not None:
            self._alerts.close()
        if self.telemetry is not None:
            await asyncio.to_thread(self.telemetry.close)


def _beside(round_: Callable[[], int]) -> Callable[[], Awaitable[int]]:
    """A round that works in a thread of its own."""

    async def once() -> int:
        return await asyncio.to_thread(round_)

    return once


def destination_name(given: DestinationSettings, settings: Settings) -> str:
    """The name a destination has in the outbox and the ledger: its kind and its account.

    Shops that share an account have lines of their own, each under its own token.
    """
    name = f"{given.kind}:{given.account}"
    same = [d for d in settings.destinations if (d.kind, d.account) == (given.kind, given.account)]
    return name if len(same) == 1 else f"{name}@{given.shop}"


def _with_tokens(settings: Settings) -> dict[tuple[str, str], meta.Settings]:
    """(shop, name) -> each destination at Meta, whose token may end."""
    return {
        (given.shop, destination_name(given, settings)): given
        for given in settings.destinations
        if isinstance(given, meta.Settings) and not given.is_embedded
    }


def _health(sender: Sender, now: float, oldest: Mapping[str, float]) -> dict[str, Any]:
    line, breaker = sender.line, sender.breaker
    waits = oldest.get(line.name)
    return {
        "shop": line.settings.shop,
        "destination": line.name,
        "kind": line.destination.name,
        "mode": "shadow" if line.shadow else "live",
        "state": breaker.state(now),
        "reason": breaker.reason,
        "detail": breaker.detail,
        "since": None if breaker.since is None else iso(breaker.since),
        "asked_again_at": None if breaker.until is None else iso(breaker.until),
        "lag_seconds": 0.0 if waits is None else max(now - waits, 0.0),
        "exchanges": dict(sender.exchanges),
    }


def networks(texts: tuple[str, ...]) -> Networks:
    """Networks as the settings write them."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def bases(settings: Settings) -> dict[str, ShopBasis]:
    """What each shop's reports are told in."""
    accounts: dict[str, set[str]] = {}
    for given in settings.destinations:
        accounts.setdefault(given.shop, set()).add(given.account)
    return {
        shop.name: ShopBasis(
            shop.timezone,
            shop.currency,
            frozenset(accounts.get(shop.name, ())),
            shop.costs,
        )
        for shop in settings.shops
    }


def _shop(given: ShopSettings, key: bytes) -> Shop:
    hosts = {given.domain, *(urlsplit(origin).hostname or "" for origin in given.origins)}
    return Shop(
        name=given.name,
        domain=given.domain,
        currency=given.currency,
        timezone=given.timezone,
        country=given.country,
        hosts=frozenset(hosts - {""}),
        id_key=_id_key(given, key),
        purchase_on=given.orders.purchase_on,
        value_base=given.orders.value,
        join_wait=given.orders.join_wait,
        kinds={str(name): policy for name, policy in given.orders.channels.items()},
        refunds=given.orders.refunds,
        native=given.shopify.native if given.shopify else "off",
        consent_unknown=given.consent.unknown,
        content_id=given.catalogue.content_id,
        channels=given.channels,
        coupons=given.coupons,
    )


def _id_key(given: ShopSettings, key: bytes) -> bytes:
    return of_order(key, given.name).encode()


def _intakes(settings: Settings, key: bytes) -> dict[tuple[str, str], Intake]:
    """Every door by source and shop, each with the shop's own testers."""
    own = {shop.name: testers.read(shop.orders.testers) for shop in settings.shops}
    return {
        door: structs.replace(intake, testers=own[door[1]])
        for door, intake in _doors(settings, key).items()
    }


def _doors(settings: Settings, key: bytes) -> dict[tuple[str, str], Intake]:
    made: dict[tuple[str, str], Intake] = {}
    for shop in settings.shops:
        name = shop.name
        origins = frozenset({*shop.origins, f"https://{shop.domain}"})
        made["pixel", name] = Intake(name, pixel, pixel.Settings(origins, shop.country))
        own = generic.Settings(shop.country, _id_key(shop, key))
        made["events", name] = Intake(name, generic, own)
        if shop.shopify is not None:
            secrets = _bytes(shop.shopify.webhook_secrets)
            given = shopify.Settings(secrets, shop.domain, shop.currency, shop.country)
            made["shopify", name] = Intake(name, shopify, given, is_signed=True)
            made["backfill", name] = Intake(name, history, given)
        if shop.woocommerce is not None:
            secrets = _bytes(shop.woocommerce.webhook_secrets)
            woo = woocommerce.Settings(secrets, shop.domain, shop.country)
            made["woocommerce", name] = Intake(name, woocommerce, woo, is_signed=True)
        if shop.stripe is not None:
            secrets = _bytes(shop.stripe.webhook_secrets)
            card = stripe.Settings(secrets, shop.country)
            made["stripe", name] = Intake(name, stripe, card, is_signed=True)
    return made


def _throttle(settings: Settings) -> Throttle:
    pixels = {shop.name: shop.pixel for shop in settings.shops}
    return Throttle({name: limits(p.per_address, p.per_shop) for name, p in pixels.items()})


def _bytes(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(secret.encode() for secret in secrets)


def _routes(settings: Settings) -> dict[str, tuple[Route, ...]]:
    made: dict[str, tuple[Route, ...]] = {}
    for given in settings.destinations:
        horizon = catalog.members()[given.kind].destination.limits.horizon
        route = Route(destination_name(given, settings), frozenset(given.events), horizon)
        made[given.shop] = (*made.get(given.shop, ()), route)
    return made


def _reader(given: AdAccountSettings, settings: Settings, own_url: str) -> Reader:
    shop = next(shop for shop in settings.shops if shop.name == given.shop)
    account = Account(
        account_id=given.account_id,
        access_token=given.access_token,
        version=given.version,
        currency=given.currency or (shop.currency if given.url == "embedded" else None),
    )
    if given.url is not None:
        account = structs.replace(account, url=own_url if given.url == "embedded" else given.url)
    return Reader(given.shop, account, given.every_hours * 3600)


def _lines(settings: Settings, own_url: str) -> dict[str, list[Line]]:
    made: dict[str, list[Line]] = {}
    for given in settings.destinations:
        made.setdefault(given.shop, []).append(_line(given, settings, own_url))
    return made


def _line(given: DestinationSettings, settings: Settings, own_url: str) -> Line:
    made = given
    if given.is_embedded:
        made = structs.replace(given, url=own_url)
    destination = catalog.members()[given.kind].destination
    shadow = "shadow" in {settings.server.mode, given.mode}
    return Line(destination_name(given, settings), destination, made, shadow)
