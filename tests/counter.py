"""A shop's requests, signed, through verify, parse, identify and fold, as far as the wire.

Nothing here is a server: the rules alone, over the store in memory, under a clock of its own.
"""

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tests.merchants import stripe_event, stripe_signature, woo_order, woo_signature
from tests.orders import order
from tillpost.collect import fold
from tillpost.collect.accept import Intake, Taken, accept
from tillpost.collect.fold import Context
from tillpost.collect.sources import generic, pixel, shopify, stripe, woocommerce
from tillpost.core import capi, validation
from tillpost.core.event import Event
from tillpost.core.outcome import FINAL, State
from tillpost.core.testers import read
from tillpost.core.wire import CLIENT_IP, RECEIVED_AT, Request
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_memory import MemoryGatewayStore
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW, SHOP

SECRET = "secret-of-the-tests"
DOMAIN = "demo-shop.myshopify.com"
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"
ADDRESS = "8.8.8.8"


class Counter:
    """Takes requests at `now`, and says what became of them."""

    def __init__(self, *, testers: Sequence[str] = (), **shop: Any) -> None:
        self.now = float(NOW)
        self.store = MemoryGatewayStore()
        self.testers = read(testers)
        self.asked: list[str] = []
        """What people asked of their data, to be carried out elsewhere."""
        self.sealer = AesSealer(b"k" * 32)
        hosts = frozenset({DOMAIN})
        made = make.shop(domain=DOMAIN, hosts=hosts, **shop)
        self.shops = {SHOP: made}
        country, secrets = made.country, (SECRET.encode(),)
        self.sources = {
            "shopify": (shopify, shopify.Settings(secrets, DOMAIN, made.currency, country)),
            "woocommerce": (woocommerce, woocommerce.Settings(secrets, DOMAIN, country)),
            "stripe": (stripe, stripe.Settings(secrets, country)),
            "pixel": (pixel, pixel.Settings(frozenset({f"https://{DOMAIN}"}), country)),
            "events": (generic, generic.Settings(country, made.id_key)),
        }

    def take(self, step: Mapping[str, Any]) -> Taken | None:
        """One step of a case: a request of a sender, or a wait."""
        step = timed(step, self.now)
        if "wait" in step:
            self.wait(step["wait"])
            return None
        if "delivered" in step:
            self._deliver()
            return None
        kind = next(name for name in self.sources if name in step)
        return self.request(kind, **self._request(kind, step))

    def request(self, kind: str, body: bytes, headers: Mapping[str, str]) -> Taken:
        """What came of a request; all it told is folded."""
        source, settings = self.sources[kind]
        told = {RECEIVED_AT: repr(self.now), CLIENT_IP: ADDRESS, **headers}
        intake = Intake(SHOP, source, settings, self.testers)
        request = Request("POST", f"/{kind}", told, body)
        taken = asyncio.run(accept(intake, request, self.store, self.sealer, self.now))
        entries = self.store.unfolded(1000)
        if entries:
            books = self.store.recall(fold.wanted(entry for _, entry in entries))
            changes = fold.fold(entries, books, self._context())
            self.asked += [row.asked.request for row in changes.privacy]
            self.store.commit(changes)
        return taken

    def wait(self, seconds: float) -> None:
        """Let time pass; holds that end are looked at again, each at its own time."""
        until = self.now + seconds
        while (end := self.store.next_hold()) is not None and end <= until:
            self.now = max(end, self.now)
            rows = self.store.held(end, 100)
            books = self.store.recall(fold.wanted_held(rows))
            self.store.commit(fold.release(rows, books, self._context()))
        self.now = until

    def outcomes(self) -> list[dict[str, Any]]:
        """Each event: what a platform is sent, or why it is not."""
        leased = self.store.lease(DESTINATION, self.now + 10.0**9, 1000, 1.0)
        numbers = [item.delivery.event for item in leased]
        ready = dict(zip(numbers, self.store.events(leased), strict=True))
        return [self._outcome(item, ready.get(item["id"])) for item in self._items()]

    def orders(self) -> list[dict[str, Any]]:
        """The rows of the orders' table."""
        columns, rows = self.store.tables(["orders"])["orders"]
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _outcome(self, item: dict[str, Any], event: Event | None) -> dict[str, Any]:
        (end,) = item["outcomes"]
        told = {"event": item["event_name"], "id": item["event_id"], "reason": end["reason"]}
        if event is None:
            return {**told, "state": end["state"]}
        sent = json.loads(capi.encode(capi.server_event(event)))
        assert validation.first_error(sent, 0, sent["event_time"]) is None, "it would be refused"
        user = sent["user_data"]
        return {
            **told,
            **sent.get("custom_data", {}),
            "state": "sent",
            "direct": event.direct,
            "time": sent["event_time"] - NOW,
            "action_source": sent["action_source"],
            "url": sent.get("event_source_url"),
            "app_data": sent.get("app_data"),
            "keys": sorted(user),
            "fbp": user.get("fbp"),
            "fbc": user.get("fbc"),
            "ip": user.get("client_ip_address"),
            "options": sent.get("data_processing_options"),
            "options_country": sent.get("data_processing_options_country"),
            "options_state": sent.get("data_processing_options_state"),
            "user_data": user,
        }

    def _deliver(self) -> None:
        """The platform takes all that is ready."""
        from tillpost.core.outcome import Outcome

        leased = self.store.lease(DESTINATION, self.now + 10.0**9, 1000, 1.0)
        self.store.settle([(item, Outcome(State.DELIVERED)) for item in leased], self.now)

    def _items(self) -> list[dict[str, Any]]:
        return self.store.event_items(0, 1000, None, None)

    def _context(self) -> Context:
        return Context(self.shops, make.routes(), self.now)

    def _request(self, kind: str, step: Mapping[str, Any]) -> dict[str, Any]:
        topic = step[kind]
        match kind:
            case "shopify":
                given = step.get("body") or order(**{**dated(self.now), **step.get("order", {})})
                return shopify_request(topic, given, step.get("headers", {}))
            case "woocommerce":
                given = step.get("body") or woo_order(**{**woo_dated(self.now), **step["order"]})
                return woo_request(topic, given)
            case "stripe":
                given = step.get("body") or stripe_event(topic, step["object"], self.now)
                return stripe_request(given, self.now)
            case "pixel":
                sent = {"events": topic, "sent_at": self.now}
                told = {"origin": f"https://{DOMAIN}", "user-agent": BROWSER}
                return {"body": _json(sent), "headers": {**told, **step.get("headers", {})}}
            case _:
                return {"body": _json(topic), "headers": {}}


def shopify_request(
    topic: str, body: Any, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A webhook as Shopify signs it."""
    text = _json(body)
    signature = base64.b64encode(hmac.new(SECRET.encode(), text, sha256).digest()).decode()
    told = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": DOMAIN,
        "x-shopify-hmac-sha256": signature,
    }
    return {"body": text, "headers": {**told, **(headers or {})}}


def woo_request(topic: str, body: Any) -> dict[str, Any]:
    """A webhook as WooCommerce signs it."""
    text = _json(body)
    told = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": woo_signature(SECRET, text)}
    return {"body": text, "headers": told}


def stripe_request(body: Any, now: float) -> dict[str, Any]:
    """An event as Stripe signs it."""
    text = _json(body)
    return {
        "body": text,
        "headers": {"stripe-signature": stripe_signature(SECRET, text, int(now))},
    }


def dated(now: float) -> dict[str, str]:
    """The times of an order made just now."""
    return {
        "created_at": iso(now - 5),
        "processed_at": iso(now - 5),
        "updated_at": iso(now - 4),
    }


def woo_dated(now: float) -> dict[str, str]:
    """The same, as WooCommerce writes them."""
    text = iso(now - 5).removesuffix("+00:00")
    return {"date_created_gmt": text, "date_modified_gmt": text}


def iso(moment: float) -> str:
    """An ISO time."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def timed(value: Any, now: float) -> Any:
    """The value with `@-60` replaced by the ISO time a minute ago, and `#-60` by its seconds."""
    if isinstance(value, Mapping):
        return {key: timed(one, now) for key, one in value.items()}
    if isinstance(value, list):
        return [timed(one, now) for one in value]
    if isinstance(value, str) and value[:1] in {"@", "#"} and _is_number(value[1:]):
        moment = now + float(value[1:])
        return iso(moment) if value[0] == "@" else int(moment)
    return value


def _is_number(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def ended(state: str) -> bool:
    """Whether nothing more will become of an event by itself."""
    return state == "sent" or state in FINAL
