"""Shopify: signed webhooks of orders, refunds, checkouts, customers and privacy.

The signature is base64 of HMAC-SHA256 over the raw body (reference `shopify`, 1.3).
A shop has several secrets: the app's, the notification page's, and after a rotation
the previous one. Topics that we do not use are answered 200 and leave nothing.
"""

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from tillpost.collect.sources.shopify import order, privacy, visit
from tillpost.core.body import check_depth
from tillpost.core.event import Parsed
from tillpost.core.money import MoneyError
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

name = "shopify"

_ORDER_TOPICS = frozenset(
    {"orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled"}
)
_CHECKOUT_TOPICS = frozenset({"checkouts/create", "checkouts/update"})


class Settings(Struct, frozen=True):
    """What the shop's webhooks are checked against; any one of the secrets may sign."""

    webhook_secrets: tuple[bytes, ...]
    domain: str
    currency: str
    country: str | None = None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Settings(domain={self.domain!r})"


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
        facts = _read(request.body, topic, settings)
        for parsed in facts:
            order.check(parsed.fact)
    except (msgspec.ValidationError, MoneyError, ArithmeticError) as error:
        return Rejection(200, "unexpected_shape", topic, str(error), keep=True)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Rejection(200, "not_json", topic, f"the body is not JSON: {error}", keep=True)
    return facts


def _read(body: bytes, topic: str, settings: Settings) -> list[Parsed]:
    domain, country = settings.domain, settings.country
    if topic in _ORDER_TOPICS:
        return order.read_order(body, topic, domain, country)
    if topic in _CHECKOUT_TOPICS:
        return visit.read_checkout(body, domain, country)
    if topic in privacy.TOPICS:
        return privacy.read_privacy(body, topic, country)
    if topic == "refunds/create":
        return order.read_refund(body, settings.currency)
    if topic == "customers/create":
        return visit.read_customer(body, domain, country, settings.webhook_secrets[0])
    return []


def header(headers: Mapping[str, str], tail: str) -> str | None:
    """A Shopify header of either family: `x-shopify-` or, for Events, `shopify-`."""
    return headers.get(f"x-shopify-{tail}") or headers.get(f"shopify-{tail}")


def _signed(secret: bytes, body: bytes, given: str) -> bool:
    expected = base64.b64encode(hmac.new(secret, body, sha256).digest())
    return hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))
