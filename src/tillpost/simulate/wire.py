"""Requests as plain values, and the secrets they are signed with."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct, json

SHOP_DOMAIN = "demo-shop.myshopify.com"
ORIGIN = f"https://{SHOP_DOMAIN}"
DATASET = "1234567890123456"
API_VERSION = "2026-07"

encode = json.encode


class Secrets(Struct, frozen=True):
    """What the shop, the platform and the owner sign with; as in `dev-secrets.json`."""

    webhook_secret: str = ""
    server_key: str = ""
    access_token: str = ""
    receiver_token: str = ""
    admin_password: str = ""


class Request(NamedTuple):
    """One HTTP request; header names as they go over the wire."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Planned(NamedTuple):
    """A request and when it arrives. Requests of one lane keep their order.

    The body is made when it is sent, so that a large world stays small in memory.
    """

    at: float
    lane: str
    what: str
    """webhook, beacon, direct, graph, people, touches, spend or token: for counting."""
    make: Callable[[Secrets], Request]


def iso(at: float) -> str:
    """ISO 8601 in UTC to the millisecond, with a Z."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sign(secret: str, body: bytes) -> str:
    """Shopify's signature: base64 of the HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def post_json(path: str, token: str, value: Any) -> Request:
    """A POST of JSON with a bearer token."""
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {token}"))
    return Request("POST", path, headers, encode(value))
