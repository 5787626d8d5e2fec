"""Carrying out what people ask of their data: the worker's privacy round.

Every request is a row that stays: who asked stands there as a reference that names nobody,
what was done as counts. An erasure covers both databases before its request is closed.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from tillpost.core import privacy
from tillpost.core.books import PrivacyRow
from tillpost.core.event import Person, PrivacyAsked, PrivacyRequest
from tillpost.core.identity import identify
from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.core.shop import Shop
from tillpost.serve.receiver import ReceiverDesk
from tillpost.store.privacy_sqlite import PrivacyStore

_log = structlog.get_logger("tillpost.privacy")

ANSWER_SECONDS = 30 * 86400.0
"""How long an answer to a person's question is kept, sealed: the law's own month."""

_IN_FLIGHT_SECONDS = 30.0
"""So long an erasure waits for events that a sender holds just now."""

_MOST_REQUESTS = 20


class PrivacyDesk:
    """Takes requests, carries them out, and tells what was done."""

    def __init__(
        self,
        store: PrivacyStore,
        receiver: ReceiverDesk,
        shops: Mapping[str, Shop],
        datasets: Callable[[str], frozenset[str]],
        forget_segments: Callable[[], None],
    ) -> None:
        self._store = store
        self._receiver = receiver
        self._shops = shops
        self._datasets = datasets
        self._log_holds_erased = True
        """Whether a log may still hold what was erased; after a start nobody knows."""
        self._forget_segments = forget_segments
        self._unreadable: set[int] = set()
        """Requests whose rows are damaged, as the log was told."""

    def ask(self, shop: str, asked: PrivacyAsked, now: float, *, source: str) -> int:
        """Keep a request, to be carried out by the next round; returns its number."""
        named = privacy.reference(asked, self._shops[shop].id_key)
        return self._store.ask(PrivacyRow(shop, source, now, asked, named))

    def preview(self, shop: str, asked: PrivacyAsked) -> dict[str, int]:
        """What an erasure would forget, by kind."""
        asked = self._store.widened(shop, asked)
        trace = self._store.trace(shop, asked)
        found = self._receiver.privacy.find(asked, trace.cookies, self._datasets(shop))
        return {**trace.counts, **found.counts}

    def round(self, now: float) -> int:
        """Carry out what is asked; returns how many requests were closed."""
        closed = 0
        for number, row in self._store.open_requests(_MOST_REQUESTS):
            if row is not None:
                closed += self._carry_out(number, row, now)
            elif number not in self._unreadable:
                self._unreadable.add(number)
                _log.error("privacy_request_unreadable", number=number)
        if self._log_holds_erased:
            emptied = [self._store.empty_log(), self._receiver.privacy.empty_log()]
            self._log_holds_erased = not all(emptied)
        return closed

    def prune(self, now: float) -> int:
        """Remove answers that were kept long enough; returns how many."""
        return self._store.prune(now - ANSWER_SECONDS)

    def requests(self, after: int, limit: int) -> dict[str, Any]:
        """`{"items": [...], "next": cursor | None}` of requests and what was done."""
        items = [_shown(row) for row in self._store.requests(after, limit)]
        return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}

    def request(self, number: int) -> dict[str, Any] | None:
        """One request, with its answer if it asked what is stored."""
        row = self._store.request(number)
        return _shown(row) if row is not None else None

    def _carry_out(self, number: int, row: PrivacyRow, now: float) -> bool:
        match row.asked.request:
            case "access":
                self._answer(number, row, now)
            case "erase":
                return self._erase(number, row, now)
            case "erase_shop":
                self._erase_shop(number, row, now)
            case "uninstalled":
                self._store.close_request(number, now, self._store.stop(row.shop, now), None)
        return True

    def _answer(self, number: int, row: PrivacyRow, now: float) -> None:
        asked = self._store.widened(row.shop, row.asked)
        trace = self._store.trace(row.shop, asked)
        self._receiver.settle_all()
        found = self._receiver.privacy.find(asked, trace.cookies, self._datasets(row.shop))
        stored = self._store.stored(trace)
        stored["receiver"] = self._receiver.items(found.events)
        self._tell(number, row.shop, {**trace.damaged.counts, **found.unread})
        self._store.close_request(number, now, {**trace.counts, **found.counts}, stored)

    def _erase(self, number: int, row: PrivacyRow, now: float) -> bool:
        asked = self._store.widened(row.shop, row.asked)
        trace = self._store.trace(row.shop, asked)
        if trace.in_flight and now - row.received_at < _IN_FLIGHT_SECONDS:
            return False
        self._receiver.settle_all()
        found = self._receiver.privacy.find(asked, trace.cookies, self._datasets(row.shop))
        at_receiver = self._receiver.privacy.erase(found)
        forgotten = self._store.erase(trace, secrets.token_hex(8), now)
        self._tell(number, row.shop, {**trace.damaged.counts, **found.unread})
        self._close_erasure(number, now, {**forgotten, **at_receiver})
        return True

    def _tell(self, number: int, shop: str, unreadable: dict[str, int]) -> None:
        if unreadable:
            _log.warning("rows_unreadable", number=number, shop=shop, **unreadable)

    def _erase_shop(self, number: int, row: PrivacyRow, now: float) -> None:
        """A dataset that another shop sends to as well is not forgotten."""
        shared = {d for name in self._shops if name != row.shop for d in self._datasets(name)}
        self._receiver.settle_all()
        own = self._datasets(row.shop) - shared
        at_receiver = self._receiver.privacy.erase_datasets(own)
        self._close_erasure(number, now, {**self._store.erase_shop(row.shop), **at_receiver})

    def _close_erasure(self, number: int, now: float, counts: dict[str, int]) -> None:
        self._forget_segments()
        self._store.close_request(number, now, counts, None)
        self._log_holds_erased = True


def asked_of(given: Mapping[str, Any], country: str | None) -> PrivacyAsked:
    """What a person's raw identifiers ask for; they are hashed here and forgotten.

    `given` has `request` (`erase` or `access`) and any of `email`, `phone`, `customer_id` and
    `order_ids`. Raises `Misconfigured` if nobody is named.
    """
    known: dict[str, PrivacyRequest] = {"erase": "erase", "access": "access"}
    request = known.get(str(given.get("request", "erase")))
    orders = given.get("order_ids") or []
    if request is None or not isinstance(orders, list):
        raise Misconfigured("request is `erase` or `access`, order_ids is a list")
    customer = str(given.get("customer_id") or "")
    raw = {"em": str(given.get("email") or ""), "ph": str(given.get("phone") or "")}
    if customer:
        raw["external_id"] = customer
    found = identify({key: (value,) for key, value in raw.items() if value}, country)
    if found.findings:
        first = found.findings[0]
        raise Misconfigured(f"{first.message}: {first.fix}")
    if not (found.keys or customer or orders):
        raise Misconfigured("name a person by email, phone, customer_id or order_ids")
    ids = tuple(str(order) for order in orders)
    return PrivacyAsked(request, customer or None, ids, Person(keys=found.keys))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    done = row["done_at"]
    return {
        **row,
        "received_at": iso(row["received_at"]),
        "done_at": iso(done) if done is not None else None,
    }
