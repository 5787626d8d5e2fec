"""Comparing with the shop's own orders by the clock, and taking in what a lost webhook told.

Shopify tries a webhook for four hours and then gives it up; an outage of ours that is longer
loses orders, unless somebody asks. A round asks for what was made or changed since the last
one in short, compares, and takes missing orders in through the same door as past orders: a
young one is sent, one that the platform would refuse for its age feeds the reports only.
"""

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct, json, structs

from tillpost.collect.accept import Intake, accept
from tillpost.collect.sources.shopify import order_list, pull
from tillpost.collect.sources.shopify.order_list import Difference, Known, Reach, Told
from tillpost.core import wire
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Misconfigured, TillpostError
from tillpost.ports import Clock, Journal, Sealer, Transport
from tillpost.serve.admin_api import AdminApi
from tillpost.serve.clock import unix
from tillpost.serve.rounds.turns import Turns
from tillpost.serve.settings import ShopifySettings, ShopSettings
from tillpost.store.checks import Check, CheckStore

GRACE_SECONDS = 4 * 3600.0
"""Shopify tries a webhook for so long: of a younger order it may still come."""
OVERLAP_SECONDS = 3600.0
"""A round asks again for so much of what the one before it saw."""
AGAIN_SECONDS = 900.0
WEEK_SECONDS = 7 * 86400.0
"""How far back is looked, unless told otherwise: a platform takes nothing older."""
AT_ONCE = 10
"""Orders that are asked for in full by one query: its answer must stay below 1 MiB."""

_log = structlog.get_logger("tillpost.reconciling")


class Wish(Struct, forbid_unknown_fields=True):
    """Which orders to compare, and whether to take in the missing ones.

    Orders made between `since` and `until` (ISO times with a zone), by default from a week ago
    to four hours ago; with `reports_only` no platform is told of those that are taken in.
    """

    since: str | None = None
    until: str | None = None
    fetch: bool = False
    reports_only: bool = False


class Found(Struct, frozen=True):
    """What a comparison found: how many orders must be here, what differs, what was fetched."""

    orders: int
    right_orders: int
    differences: tuple[Difference, ...]
    fetched: int


class Door(Struct, frozen=True):
    """Where orders are taken in, and who is told that there are some."""

    intake: Callable[[str, str], Intake | None]
    journal: Journal
    sealer: Sealer
    wake: Callable[[], None]


class Reconciler:
    """Compares shops whose Admin API may be asked; one round compares one shop."""

    def __init__(
        self,
        shops: Sequence[ShopSettings],
        checks: CheckStore,
        door: Door,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self._shops = {shop.name: shop for shop in shops}
        self._checks = checks
        self._door = door
        self._transport = transport
        self._clock = clock
        self._turns = Turns(shop.name for shop in shops if is_asked(shop))
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def is_needed(self) -> bool:
        """Whether any shop is compared by the clock."""
        return bool(self._turns)

    def stop(self) -> None:
        """End a wait that is under way, so that the node can end."""
        self._stopping.set()

    async def round(self) -> int:
        """Compare the first shop that is due; returns how many were compared."""
        due = self._turns.due(self._clock.now())
        for name in due:
            await self._by_the_clock(self._shops[name])
        return len(due)

    async def answer(self, shop: str, wish: Wish) -> dict[str, Any]:
        """What comparing a shop's orders now found, and what was taken in.

        `{"shop", "since", "until", "orders", "right", "accuracy", "fetched", "missing": [{"name",
        "order_id", "at", "value", "currency", "why"}]}`; `right` are here as the shop has them
        and delivered or left out by a rule, `accuracy` is their share. Raises as `compare`.
        """
        now = self._clock.now()
        reach = Reach(
            unix(wish.since, "since") if wish.since else now - WEEK_SECONDS,
            unix(wish.until, "until") if wish.until else now - GRACE_SECONDS,
        )
        if not 0 <= reach.since < reach.until:
            raise Misconfigured("since: it must be before `until`, which by default is 4 hours ago")
        found = await self.compare(shop, reach, fetch=wish.fetch, reports_only=wish.reports_only)
        return {"shop": shop, "since": iso(reach.since), "until": iso(reach.until), **_shown(found)}

    async def compare(self, shop: str, reach: Reach, *, fetch: bool, reports_only: bool) -> Found:
        """Compare a shop's orders of that time now; with `fetch`, take in what is missing.

        Raises `Misconfigured` with the fix, or `Retryable` when the shop did not answer.
        """
        given = self._shops.get(shop)
        if given is None:
            raise Misconfigured(f"there is no shop {shop[:50]!r} here")
        return await self._compare(given, reach.since, reach, fetch=fetch, reports=reports_only)

    async def _by_the_clock(self, shop: ShopSettings) -> None:
        now = self._clock.now()
        before = await asyncio.to_thread(self._checks.of, shop.name)
        since = before.since if before else await self._begin(shop.name, now)
        reach = Reach(since, now - GRACE_SECONDS)
        last = before.until if before else None
        asked = max(since, (since if last is None else last) - OVERLAP_SECONDS)
        given = shop.shopify or ShopifySettings()
        pause = given.reconcile_hours * 3600
        check = Check(shop.name, since, reach.until, now, now, 0, 0, 0, None, now + pause)
        try:
            fetch = given.reconcile == "fetch"
            found = await self._compare(shop, asked, reach, fetch=fetch, reports=False)
            just = {row.order_id for row in found.differences}
            earlier = await self._fetch_listed(shop, just) if fetch else 0
            check = structs.replace(
                check,
                orders=found.orders,
                right_orders=found.right_orders,
                fetched=found.fetched + earlier,
            )
        except TillpostError as error:
            _log.warning("shop_not_compared", shop=shop.name, why=str(error))
            again = now + min(pause, AGAIN_SECONDS)
            check = structs.replace(
                check, until=None, read_at=None, trouble=str(error), next_at=again
            )
        self._turns.put_off(shop.name, check.next_at)
        await asyncio.to_thread(self._checks.note, check)

    async def _begin(self, shop: str, now: float) -> float:
        """From when on orders must be here: the first webhook, or now if none came yet."""
        heard = await asyncio.to_thread(self._checks.first_heard, shop)
        return now if heard is None else heard

    async def _compare(
        self, shop: ShopSettings, since: float, reach: Reach, *, fetch: bool, reports: bool
    ) -> Found:
        async with self._turn:
            api = AdminApi(shop, self._transport, self._stopping)
            told = order_list.told(await api.pulled(pull.changed(iso(since))))
            ours = await self._known(shop.name, told)
            due = order_list.due(told, ours, reach)
            found = order_list.differences(told, ours, reach)
            fetched = 0
            if fetch and found:
                kept, found = await self._fetched(api, shop, found, reports=reports)
                fetched = len(kept)
            rows = [structs.astuple(row) for row in found]
            names = [order.order_id for order in due]
            await asyncio.to_thread(self._checks.keep, shop.name, names, rows, since)
            wrong = {row.order_id for row in found}
            good = [name for name in names if name not in wrong]
            right = await asyncio.to_thread(self._checks.settled, shop.name, good)
            return Found(len(due), right, tuple(found), fetched)

    async def _known(self, shop: str, told: Sequence[Told]) -> Mapping[str, Known]:
        names = [order.order_id for order in told]
        rows = await asyncio.to_thread(self._checks.known, shop, names)
        return {name: Known(total, currency, back) for name, total, currency, back in rows}

    async def _fetched(
        self, api: AdminApi, shop: ShopSettings, found: Sequence[Difference], *, reports: bool
    ) -> tuple[set[str], list[Difference]]:
        """Take these orders in: which were, and the list with those marked that could not be read.

        What the shop no longer has is on it no more.
        """
        version = shop.shopify.api_version if shop.shopify else ""
        kept: set[str] = set()
        there: set[str] = set()
        for start in range(0, len(found), AT_ONCE):
            names = [row.order_id for row in found[start : start + AT_ONCE]]
            orders = await api.pulled(pull.whole(names, version))
            told = [str(o.get("legacyResourceId")) for o in orders if isinstance(o, dict)]
            there.update(told if {*told} <= {*names} and len(told) == len(orders) else names)
            for order in orders:
                if await self._taken(shop.name, order, reports=reports):
                    kept.add(str(order.get("legacyResourceId")))
        self._door.wake()
        _log.info("orders_fetched", shop=shop.name, missing=len(found), fetched=len(kept))
        marked = [
            row if row.order_id in kept else structs.replace(row, why="unreadable")
            for row in found
            if row.order_id in there
        ]
        return kept, marked

    async def _fetch_listed(self, shop: ShopSettings, just: Container[str]) -> int:
        """Take in what an earlier round only listed and is missing still; returns how many."""
        rows = await asyncio.to_thread(self._checks.listed, shop.name)
        listed = [Difference(*row) for row in rows if row[0] not in just]
        if not listed:
            return 0
        async with self._turn:
            api = AdminApi(shop, self._transport, self._stopping)
            kept, left = await self._fetched(api, shop, listed, reports=False)
            gone = {row.order_id for row in listed} - {row.order_id for row in left}
            marked = [structs.astuple(row) for row in left]
            await asyncio.to_thread(self._checks.correct, shop.name, gone, marked)
        return len(kept)

    async def _taken(self, shop: str, order: Any, *, reports: bool) -> bool:
        intake = self._door.intake("backfill", shop)
        if intake is None or not isinstance(order, dict):
            return False
        body = json.encode({"orders": [order], "reports_only": reports})
        request = wire.Request("POST", "", {}, body)
        now = self._clock.now()
        taken = await accept(intake, request, self._door.journal, self._door.sealer, now)
        return taken.rejection is None


def is_asked(shop: ShopSettings) -> bool:
    """Whether the shop's own list is asked for by the clock: there is a token, and a wish."""
    given = shop.shopify
    if given is None or given.reconcile == "off":
        return False
    return bool(given.access_token or (given.client_id and given.client_secret))


def _shown(found: Found) -> dict[str, Any]:
    return {
        "orders": found.orders,
        "right": found.right_orders,
        "accuracy": round(found.right_orders / found.orders, 4) if found.orders else None,
        "fetched": found.fetched,
        "missing": [
            {
                "name": row.name,
                "order_id": row.order_id,
                "at": iso(row.at),
                "value": decimal_string(row.value_minor, row.currency),
                "currency": row.currency,
                "why": row.why,
            }
            for row in found.differences
        ],
    }


def shown(check: Check) -> dict[str, Any]:
    """How a shop's list was read, as `GET /api/v1/reconcile` tells it."""
    share = round(check.right_orders / check.orders, 4) if check.orders else None
    return {
        "shop": check.shop,
        "since": iso(check.since),
        "until": None if check.until is None else iso(check.until),
        "tried_at": iso(check.tried_at),
        "read_at": None if check.read_at is None else iso(check.read_at),
        "orders": check.orders,
        "accuracy": share,
        "fetched": check.fetched,
        "trouble": check.trouble,
        "next_at": iso(check.next_at),
    }
