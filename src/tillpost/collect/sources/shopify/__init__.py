"""Shopify: signed webhooks of orders, refunds, carts, checkouts, customers and privacy.

The signature is base64 of HMAC-SHA256 over the raw body (reference `shopify`, 1.3).
A shop has several secrets: the app's, the notification page's, and after a rotation
the previous one. Topics that we do not use are answered 200 and leave nothing.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Struct, structs

from tillpost.collect.sources.shopify import edit, order, privacy, refund, visit
from tillpost.core.body import check_depth
from tillpost.core.event import OrderSeen, Parsed
from tillpost.core.money import MoneyError
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

name = "shopify"


class Settings(Struct, frozen=True):
    """What the shop's webhooks are checked against; any one of the secrets may sign."""

    webhook_secrets: tuple[bytes, ...]
    domain: str
    currency: str
    country: str | None = None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Settings(domain={self.domain!r})"


Reader: TypeAlias = Callable[[bytes, str, Settings], list[Parsed]]


def verify(request: Request, settings: Settings) -> Rejection | None:
    """None if one of the secrets signed exactly these bytes for this shop."""
    given = header(request.headers, "hmac-sha256")
    if not given:
        return Rejection(401, "no_signature", "X-Shopify-Hmac-Sha256", "the header is missing")
    if not any(_signed(secret, request.body, given) for secret in settings.webhook_secrets):
        return Rejection(
            401,
            "bad_signature",
            "X-Shopify-Hmac-Sha256",
            "no secret of this shop signs this body: compare shops.shopify.webhook_secrets with "
            "the secret at the bottom of Settings > Notifications > Webhooks",
        )
    domain = header(request.headers, "shop-domain")
    if domain and domain.lower() != settings.domain.lower():
        return Rejection(
            401, "other_shop", "X-Shopify-Shop-Domain", f"this address is for {settings.domain}"
        )
    return None


def parse(request: Request, settings: Settings) -> list[Parsed] | Rejection:
    """The facts of one webhook; none for a topic that tells nothing we keep."""
    topic = header(request.headers, "topic") or "orders/create"
    try:
        check_depth(request.body)
        read = _READERS.get(topic)
        facts = read(request.body, topic, settings) if read else []
        for parsed in facts:
            order.check(parsed.fact)
        if header(request.headers, "test") == "true":
            facts = _tried(facts)
    except (msgspec.ValidationError, MoneyError, ArithmeticError) as error:
        return Rejection(200, "unexpected_shape", topic, str(error), keep=True)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(200, "not_json", topic, f"the body is not JSON: {error}", keep=True)
    return facts


def header(headers: Mapping[str, str], tail: str) -> str | None:
    """A Shopify header of either family: `x-shopify-` or, for Events, `shopify-`."""
    return headers.get(f"x-shopify-{tail}") or headers.get(f"shopify-{tail}")


def _tried(facts: list[Parsed]) -> list[Parsed]:
    """What "Send test notification" in the admin tells: a test order, and else nothing."""
    return [
        structs.replace(parsed, fact=structs.replace(parsed.fact, test=True))
        for parsed in facts
        if isinstance(parsed.fact, OrderSeen)
    ]


def _signed(secret: bytes, body: bytes, given: str) -> bool:
    expected = base64.b64encode(hmac.new(secret, body, sha256).digest())
    return hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))


def _orders(body: bytes, topic: str, settings: Settings) -> list[Parsed]:
    return order.read_order(body, topic, settings.domain, settings.country)


def _checkouts(body: bytes, _: str, settings: Settings) -> list[Parsed]:
    return visit.read_checkout(body, settings.domain, settings.country)


def _customers(body: bytes, topic: str, settings: Settings) -> list[Parsed]:
    key = settings.webhook_secrets[0]
    return visit.read_customer(body, topic, settings.domain, settings.country, key)


def _privacy(body: bytes, topic: str, settings: Settings) -> list[Parsed]:
    return privacy.read_privacy(body, topic, settings.country)


class Told(NamedTuple):
    """Topics that tell the same, how they are read, and what becomes of them, for the pages."""

    topics: tuple[str, ...]
    read: Reader
    becomes: str


TOPICS: tuple[Told, ...] = (
    Told(
        ("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled"),
        _orders,
        "the order as it stands: a `Purchase` by its kind",
    ),
    Told(
        ("orders/edited",),
        lambda body, *_: edit.read_edit(body),
        "a note on the order; its new total comes with `orders/updated`",
    ),
    Told(
        ("refunds/create",),
        lambda body, _, settings: refund.read_refund(body, settings.currency),
        "money back in the reports; a `Refund` where the shop wants one",
    ),
    Told(
        ("checkouts/create", "checkouts/update"),
        _checkouts,
        "`InitiateCheckout` once an e-mail or a phone is named, value: subtotal where the shop's "
        "money is the buyer's; joins its visitor",
    ),
    Told(
        ("carts/create", "carts/update"),
        lambda body, *_: visit.read_cart(body),
        "nothing is sent; joins the visitor that the cart carries",
    ),
    Told(
        ("customers/create", visit.ENABLED),
        _customers,
        "`CompleteRegistration` of a customer with an account, no value",
    ),
    Told(("customers/data_request",), _privacy, "what is stored of the person is told"),
    Told(("customers/redact",), _privacy, "the person is erased"),
    Told(("shop/redact",), _privacy, "all of the shop is erased"),
    Told(("app/uninstalled",), _privacy, "what waits to be sent is dropped: `uninstalled`"),
)
"""What the shop may tell; any other topic is answered 200 and leaves nothing."""

_READERS = {topic: row.read for row in TOPICS for topic in row.topics}
