"""Orders in WooCommerce's shape and events in Stripe's, made here, with their signatures."""

import base64
import hmac
import json
import time
import urllib.request
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


def woo_order(**changes: Any) -> dict[str, Any]:
    """A paid order of 2 x 12.00, with shipping 10.00 and tax 5.00: 39.00 EUR."""
    prefix = "_wc_order_attribution_"
    entry = "https://shop.example/tea/?fbclid=IwAR0aBcDeFgHiJkLmN"
    made = {
        "id": 723,
        "number": "723",
        "created_via": "checkout",
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": "2026-01-02T10:00:00",
        "date_modified_gmt": "2026-01-02T10:00:05",
        "date_paid_gmt": None,
        "total": "39.00",
        "total_tax": "5.00",
        "shipping_total": "10.00",
        "customer_id": 26,
        "customer_ip_address": "8.8.4.4",
        "customer_user_agent": "Mozilla/5.0 (Test)",
        "billing": {
            "first_name": "Ada",
            "last_name": "Fischer",
            "city": "Kiel",
            "state": "SH",
            "postcode": "24103",
            "country": "DE",
            "email": "ada@mail.example",
            "phone": "0431 555014",
        },
        "line_items": [
            {
                "product_id": 87,
                "variation_id": 0,
                "name": "Tea",
                "sku": "",
                "quantity": 2,
                "total": "24.00",
                "price": 12,
            }
        ],
        "coupon_lines": [{"code": "ten"}],
        "refunds": [],
        "meta_data": [
            {"key": f"{prefix}source_type", "value": "utm"},
            {"key": f"{prefix}utm_source", "value": "facebook"},
            {"key": f"{prefix}utm_medium", "value": "paid_social"},
            {"key": f"{prefix}utm_campaign", "value": "Spring Sale"},
            {"key": f"{prefix}session_entry", "value": entry},
            {"key": f"{prefix}referrer", "value": "https://www.facebook.com/"},
        ],
    }
    return {**made, **changes}


def fresh_woo_order(**changes: Any) -> dict[str, Any]:
    """The same order, made just now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return woo_order(date_created_gmt=now, date_modified_gmt=now, **changes)


def woo_signature(secret: str, body: bytes) -> str:
    """As `X-WC-Webhook-Signature` has it."""
    return base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()


def session(**changes: Any) -> dict[str, Any]:
    """A paid checkout session of 59.00 USD, 5.00 of it shipping."""
    made = {
        "id": "cs_live_1",
        "object": "checkout.session",
        "amount_total": 5900,
        "amount_subtotal": 5400,
        "currency": "usd",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "customer": "cus_1",
        "customer_details": {
            "email": "ada@mail.example",
            "name": "Ada Maria Fischer",
            "phone": None,
            "address": {"city": "Boise", "state": "ID", "postal_code": "83702", "country": "US"},
        },
        "total_details": {"amount_tax": 0, "amount_shipping": 500, "amount_discount": 0},
        "metadata": {
            "_fbp": "fb.1.1700000000000.123",
            "_tillpost_visitor": "v1",
            "ip": "8.8.4.4",
            "ua": "Mozilla/5.0 (Test)",
        },
    }
    return {**made, **changes}


def stripe_event(
    kind: str, made: dict[str, Any], created: float | None = None, *, live: bool = True
) -> dict[str, Any]:
    """The envelope of an event."""
    at = int(time.time() if created is None else created)
    return {"id": "evt_1", "type": kind, "created": at, "livemode": live, "data": {"object": made}}


def stripe_signature(secret: str, body: bytes, at: int) -> str:
    """As `Stripe-Signature` has it."""
    made = hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()
    return f"t={at},v1={made}"


def signed_shopify(url: str, secret: str, domain: str, order: dict[str, Any]) -> int:
    """Post a Shopify webhook as the shop would; the answer's status."""
    body = json.dumps(order).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-Hmac-Sha256": signature,
    }
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        status: int = answer.status
        return status
