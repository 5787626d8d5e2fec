"""One sale as it really goes, from the ad's click to the order: requests in their order.

It speaks to a server from outside, as the platform, the shopper's browser and the shop do.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tillpost.simulate.wire import Request, iso, post_json, sign

EVENTS = ("PageView", "ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Refund")
"""In the order of a sale; triggering one triggers all before it."""

AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
PRICE, SHIPPING = Decimal("29.50"), Decimal("4.90")
QUANTITY = 2
_AD = {"campaign_id": "120", "adset_id": "121", "ad_id": "122", "account_id": "1"}


class Place(Struct, frozen=True):
    """The shop that is played, and what its server knows of it."""

    shop: str
    domain: str
    origin: str
    currency: str
    country: str
    pixel_path: str
    server_key: str | None = None
    webhook_secret: str | None = None
    """Of its Shopify webhooks; without one the order comes by /events."""
    receiver_token: str | None = None
    """Without one the platform knows of no click."""

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Place(shop={self.shop!r})"


class Step(Struct, frozen=True):
    """One request, and what it plays."""

    what: str
    request: Request


class Sale(Struct, frozen=True):
    """What makes this sale this one: its number, its moment, and what differs from the usual."""

    number: int
    now: float
    overrides: Mapping[str, Any] = {}

    @property
    def order_id(self) -> int:
        """The shop's id of its order."""
        return 5_600_000_000_000 + self.number

    @property
    def token(self) -> str:
        """The checkout's, which the browser and the order both tell."""
        return hashlib.sha256(str(self.order_id).encode()).hexdigest()[:32]

    @property
    def email(self) -> str:
        """The buyer's."""
        return f"mila.keller.{self.number}@mail.example"

    @property
    def visitor(self) -> str:
        """The pixel's id of the browser."""
        return f"v{self.token[:20]}"

    @property
    def fbp(self) -> str:
        """The browser's cookie."""
        return f"fb.1.{int(self.now * 1000) - 60_000}.{self.number}"

    @property
    def fbclid(self) -> str:
        """The id of the click."""
        return f"IwAR{self.token}"

    @property
    def total(self) -> Decimal:
        """What the buyer paid."""
        return PRICE * QUANTITY + SHIPPING


def chain(event: str, place: Place, sale: Sale) -> list[Step]:
    """The requests up to this event, each plausible after the one before."""
    told = EVENTS[: EVENTS.index(event) + 1]
    steps = [_touch(place, sale)] if place.receiver_token else []
    page = [name for name in told if name not in {"Purchase", "Refund"}]
    steps.append(_beacon("the shopper's pages", place, sale, page))
    if "Purchase" in told:
        steps.append(_order(place, sale))
        steps.append(_beacon("the thank-you page", place, sale, ["Purchase"]))
    if "Refund" in told and place.webhook_secret is not None:
        steps.append(_webhook("the refund", "refunds/create", place, _refund(sale, place)))
    return steps


def _touch(place: Place, sale: Sale) -> Step:
    hashed = hashlib.sha256(sale.email.encode()).hexdigest()
    touch = {
        "action": "link_click",
        "time": iso(sale.now - 60),
        **_AD,
        "names": {"campaign": "Triggered"},
        "click_id": sale.fbclid,
        "user_data": {"em": [hashed]},
    }
    body = {"touches": [touch]}
    return Step("the ad's click", post_json("/receiver/touches", place.receiver_token or "", body))


def _beacon(what: str, place: Place, sale: Sale, names: Sequence[str]) -> Step:
    events = [_browser_event(name, n, place, sale) for n, name in enumerate(names)]
    headers = (
        ("Content-Type", "text/plain"),
        ("Origin", place.origin),
        ("User-Agent", AGENT),
    )
    body = json.dumps({"events": events}).encode()
    return Step(what, Request("POST", f"{place.pixel_path}/{place.shop}", headers, body))


def _browser_event(name: str, number: int, place: Place, sale: Sale) -> dict[str, Any]:
    landing = (
        f"/?utm_source=facebook&utm_medium=paid_social&utm_campaign=Triggered&fbclid={sale.fbclid}"
    )
    landing += "&" + "&".join(f"{key}={value}" for key, value in _AD.items())
    event = {
        "event_name": name,
        "event_id": f"{name}.{sale.order_id}.{number}",
        "event_time": int(sale.now) - 45 + 10 * number,
        "event_source_url": place.origin + (landing if name == "PageView" else "/products/tea"),
        "referrer_url": "https://l.facebook.com/" if name == "PageView" else f"{place.origin}/",
        "custom_data": {} if name == "PageView" else _custom(place),
        "fbp": sale.fbp,
        "fbc": f"fb.1.{int(sale.now * 1000) - 50_000}.{sale.fbclid}",
        "visitor_id": sale.visitor,
        "direct": "none",
        "consent": {"marketing": True, "analytics": True},
    }
    if name in {"InitiateCheckout", "Purchase"}:
        event["checkout_token"] = sale.token
    if name == "Purchase":
        event["event_time"] = int(sale.now)
        event["event_source_url"] = f"{place.origin}/checkouts/cn/{sale.token}/thank-you"
        event["custom_data"] = {**_custom(place), "value": float(sale.total)}
    return event


def _custom(place: Place) -> dict[str, Any]:
    return {
        "content_ids": ["9001"],
        "content_type": "product",
        "value": float(PRICE),
        "currency": place.currency,
    }


def _order(place: Place, sale: Sale) -> Step:
    if place.webhook_secret is None:
        return _server_event(place, sale)
    return _webhook("the shop's order", "orders/create", place, _order_json(place, sale))


def _webhook(what: str, topic: str, place: Place, value: dict[str, Any]) -> Step:
    body = json.dumps(value).encode()
    headers = (
        ("Content-Type", "application/json"),
        ("X-Shopify-Topic", topic),
        ("X-Shopify-Shop-Domain", place.domain),
        ("X-Shopify-Hmac-Sha256", sign(place.webhook_secret or "", body)),
    )
    return Step(what, Request("POST", f"/webhooks/shopify/{place.shop}", headers, body))


def _server_event(place: Place, sale: Sale) -> Step:
    event = {
        "event_name": "Purchase",
        "event_id": f"Purchase.{sale.order_id}.0",
        "event_time": int(sale.now),
        "action_source": "website",
        "event_source_url": f"{place.origin}/thank-you",
        "user_data": {"em": [sale.email], "fbp": sale.fbp, "client_user_agent": AGENT},
        "custom_data": {
            **_custom(place),
            "value": str(sale.total),
            "order_id": str(sale.order_id),
        },
    }
    changed = _changed(event, sale.overrides)
    path = f"/events/{place.shop}"
    return Step("the back end's order", post_json(path, place.server_key or "", changed))


def _order_json(place: Place, sale: Sale) -> dict[str, Any]:
    moment = datetime.fromtimestamp(sale.now, UTC).isoformat(timespec="seconds")
    who = {"first_name": "Mila", "last_name": "Keller"}
    address = {**who, "city": "Boise", "zip": "83702", "country_code": place.country}
    line = {
        "id": sale.order_id * 10,
        "product_id": 9001,
        "variant_id": 90011,
        "sku": "TEA-1",
        "title": "Tea",
        "quantity": QUANTITY,
        "price": str(PRICE),
    }
    order = {
        "id": sale.order_id,
        "name": f"#T{sale.number}",
        "created_at": moment,
        "processed_at": moment,
        "updated_at": moment,
        "source_name": "web",
        "financial_status": "paid",
        "currency": place.currency,
        "total_price": str(sale.total),
        "subtotal_price": str(PRICE * QUANTITY),
        "email": sale.email,
        "checkout_token": sale.token,
        "landing_site": "/?utm_source=facebook&utm_medium=paid_social&utm_campaign=Triggered",
        "client_details": {"browser_ip": "203.0.113.7", "user_agent": AGENT},
        "customer": {"id": 7_000_000 + sale.number, **who},
        "billing_address": address,
        "line_items": [line],
    }
    return _changed(order, sale.overrides)


def _refund(sale: Sale, place: Place) -> dict[str, Any]:
    moment = datetime.fromtimestamp(sale.now + 1, UTC).isoformat(timespec="seconds")
    money = {"amount": str(sale.total), "currency": place.currency, "kind": "refund"}
    return {
        "id": sale.order_id * 10 + 1,
        "order_id": sale.order_id,
        "created_at": moment,
        "processed_at": moment,
        "refund_line_items": [],
        "transactions": [{"id": sale.order_id * 10 + 2, "status": "success", **money}],
    }


def _changed(value: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The value with dotted keys set, e.g. `line_items.0.price`; a number is a list's place.

    Raises `LookupError` with the step that is not there.
    """
    made: dict[str, Any] = json.loads(json.dumps(value))
    for dotted, given in overrides.items():
        place: Any = made
        *above, last = dotted.split(".")
        for step in above:
            place = _inside(place, step)
        if isinstance(place, list):
            place[int(last)] = given
        else:
            place[last] = given
    return made


def _inside(place: Any, step: str) -> Any:
    if isinstance(place, list) and step.isdigit() and int(step) < len(place):
        return place[int(step)]
    if isinstance(place, dict) and isinstance(place.get(step), dict | list):
        return place[step]
    raise LookupError(step)
