"""The shop's server: order and refund JSON in Shopify's shape, and its signed webhooks."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from tillpost.simulate.devices import Cookies
from tillpost.simulate.journeys import Visit
from tillpost.simulate.people import Person, customer_id
from tillpost.simulate.sales import Line, Sale, presented
from tillpost.simulate.times import DAY
from tillpost.simulate.wire import (
    ORIGIN,
)

EDITED_AFTER = 150.0
"""Seconds from the sale to the line that is added to it."""

ZONE = ZoneInfo("America/New_York")
SHOP_CURRENCY = "USD"
STAFF_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36"
APPS = {"web": 580111, "pos": 129785, "draft": 1354745, "renewal": 294517, "api": 755357713}
SOURCES = {
    "web": "web",
    "pos": "pos",
    "draft": "shopify_draft_order",
    "renewal": "subscription_contract",
    "api": "755357713",
}


class Checkout(Struct, frozen=True):
    """The browser's side of one order: its visit, its cookies, what it told the cart."""

    sale: Sale
    visit: Visit | None
    cookies: Cookies | None
    express: bool
    attributes: tuple[tuple[str, str], ...]


class State(NamedTuple):
    """How far an order has come when a webhook is made."""

    at: float
    status: str
    upsold: bool = False
    fulfilled: bool = False
    cancelled: bool = False
    refunded: bool = False


def shop_time(at: float) -> str:
    """ISO 8601 in the shop's zone, to the second, as Shopify writes it."""
    return datetime.fromtimestamp(int(at), ZONE).isoformat()


def landing_site(checkout: Checkout) -> str | None:
    """Path and query of the session's first page, cut as Shopify cuts it."""
    if checkout.visit is None or checkout.express:
        return None
    return checkout.visit.link.url.removeprefix(ORIGIN)[:255]


def order_json(checkout: Checkout, state: State) -> dict[str, Any]:
    """The order as it stands, in the shape of the REST API of 2026-07."""
    sale = checkout.sale
    lines = sale.lines + ((sale.extra,) if state.upsold and sale.extra else ())
    return {
        **_names(sale),
        **_standing(sale, state),
        **_session(checkout),
        "line_items": [_line(sale, n, line) for n, line in enumerate(lines)],
        "discount_codes": _codes(sale),
        "shipping_lines": _shipping(sale),
        "payment_gateway_names": _gateways(sale),
        "refunds": [refund_json(sale)] if state.refunded else [],
        **EMPTY,
        **_amounts(sale, state, lines),
        **who_json(checkout),
        **_client(checkout),
    }


EMPTY: dict[str, Any] = {
    "client_details": None,
    "browser_ip": None,
    "note": None,
    "source_identifier": None,
    "source_url": None,
    "device_id": None,
    "tax_exempt": False,
    "total_weight": 0,
    "total_tip_received": "0.00",
    "discount_applications": [],
    "tax_lines": [],
    "fulfillments": [],
    "landing_site_ref": None,
    "payment_terms": None,
    "merchant_of_record_app_id": None,
}
"""What an order of the API also has, and this shop never uses."""


def _names(sale: Sale) -> dict[str, Any]:
    return {
        "id": sale.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{sale.id}",
        "app_id": APPS[sale.kind],
        "name": sale.name,
        "number": sale.index + 1,
        "order_number": 1001 + sale.index,
        "confirmation_number": f"C{sale.index:08d}",
        "token": f"{sale.id:032x}",
        "order_status_url": f"{ORIGIN}/77/orders/{sale.id:032x}/authenticate?key={sale.id:040x}",
        "source_name": SOURCES[sale.kind],
        "location_id": 44_001 if sale.kind == "pos" else None,
        "user_id": 31_337 if sale.kind in {"pos", "draft"} else None,
        "tags": "Subscription Recurring Order" if sale.kind == "renewal" else "",
        "test": sale.test,
    }


def _standing(sale: Sale, state: State) -> dict[str, Any]:
    total = sale.total(upsold=state.upsold)
    return {
        "confirmed": True,
        "created_at": shop_time(sale.at + 1),
        "processed_at": shop_time(sale.at),
        "updated_at": shop_time(state.at),
        "cancel_reason": "customer" if state.cancelled else None,
        "cancelled_at": _when(sale.cancelled_at, hit=state.cancelled),
        "financial_status": state.status,
        "fulfillment_status": "fulfilled" if state.fulfilled else None,
        "total_outstanding": "0.00" if state.status != "pending" else str(total),
    }


def _session(checkout: Checkout) -> dict[str, Any]:
    sale = checkout.sale
    return {
        "cart_token": sale.cart_token,
        "checkout_id": sale.id - 5_000 if sale.checkout_token else None,
        "checkout_token": sale.checkout_token,
        "note_attributes": [{"name": n, "value": v} for n, v in checkout.attributes],
        "landing_site": landing_site(checkout),
        "referring_site": _referring(checkout),
    }


def _amounts(sale: Sale, state: State, lines: Sequence[Line]) -> dict[str, Any]:
    money = partial(_money, sale.currency)
    out: dict[str, Any] = {
        "currency": SHOP_CURRENCY,
        "presentment_currency": sale.currency,
        "taxes_included": sale.buyer.country.eea,
        "total_shipping_price_set": money(sale.shipping),
    }
    for name, amount in (
        ("total_price", sale.total(upsold=state.upsold)),
        ("subtotal_price", sale.subtotal(upsold=state.upsold)),
        ("total_tax", sale.tax(upsold=state.upsold)),
        ("total_discounts", sale.discount),
        ("total_line_items_price", sum((x.price * x.quantity for x in lines), Decimal(0))),
    ):
        out[name], out[f"{name}_set"] = str(amount), money(amount)
        if name != "total_line_items_price":
            out[f"current_{name}"], out[f"current_{name}_set"] = str(amount), money(amount)
    return out


def refund_json(sale: Sale) -> dict[str, Any]:
    """The refund of an order; its transaction is in the buyer's money, as Shopify's are."""
    at = shop_time(sale.refund_at or sale.at)
    amount = sale.refund()
    lines = sale.lines if not sale.refund_lines else sale.lines[:1]
    worths = [x.price * (x.quantity if not sale.refund_lines else 1) for x in lines]
    return {
        "id": sale.id + 7,
        "admin_graphql_api_id": f"gid://shopify/Refund/{sale.id + 7}",
        "order_id": sale.id,
        "created_at": at,
        "processed_at": at,
        "note": None,
        "user_id": 31_337,
        "restock": True,
        "duties": [],
        "order_adjustments": [],
        "refund_shipping_lines": [],
        "return": None,
        "refund_line_items": [
            {
                "id": sale.id + 20 + n,
                "line_item_id": sale.id + 100 + n,
                "quantity": line.quantity if not sale.refund_lines else 1,
                "restock_type": "return",
                "subtotal": float(worth),
                "subtotal_set": _money(sale.currency, worth),
                "total_tax": 0.0,
                "total_tax_set": _money(sale.currency, Decimal("0.00")),
                "line_item": _line(sale, n, line),
            }
            for n, (line, worth) in enumerate(zip(lines, worths, strict=True))
        ],
        "transactions": [
            {
                "id": sale.id + 8,
                "order_id": sale.id,
                "kind": "refund",
                "status": "success",
                "amount": str(presented(amount, sale.currency)),
                "currency": sale.currency,
                "gateway": "shopify_payments",
                "test": sale.test,
                "created_at": at,
                "processed_at": at,
            }
        ],
    }


def edit_json(sale: Sale) -> dict[str, Any]:
    """That a line was added to the order; what it is worth now, this tells nobody."""
    return {
        "order_edit": {
            "id": sale.id + 9,
            "app_id": None,
            "created_at": shop_time(sale.at + EDITED_AFTER),
            "notify_customer": False,
            "order_id": sale.id,
            "staff_note": "",
            "user_id": 31_337,
            "line_items": {
                "additions": [{"id": sale.id + 100 + len(sale.lines), "delta": 1}],
                "removals": [],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }


def _when(at: float | None, *, hit: bool) -> str | None:
    return shop_time(at) if hit and at is not None else None


def _money(currency: str, amount: Decimal) -> dict[str, dict[str, str]]:
    return {
        "shop_money": {"amount": str(amount), "currency_code": SHOP_CURRENCY},
        "presentment_money": {
            "amount": str(presented(amount, currency)),
            "currency_code": currency,
        },
    }


def _gateways(sale: Sale) -> list[str]:
    if sale.test:
        return ["bogus"]
    return ["Bank Deposit"] if sale.status == "pending" else ["shopify_payments"]


def _codes(sale: Sale) -> list[dict[str, str]]:
    if sale.code is None:
        return []
    kind = "percentage" if sale.discount else "fixed_amount"
    return [{"code": sale.code, "amount": str(sale.discount), "type": kind}]


def _line(sale: Sale, n: int, line: Line) -> dict[str, Any]:
    goods = sum((row.price * row.quantity for row in sale.lines), Decimal(0))
    share = Decimal(0)
    if sale.discount and line is not sale.extra:
        share = (sale.discount * line.price * line.quantity / goods).quantize(Decimal("0.01"))
    allocations = [
        {
            "amount": str(share),
            "amount_set": _money(sale.currency, share),
            "discount_application_index": 0,
        }
    ]
    return {
        "id": sale.id + 100 + n,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{sale.id + 100 + n}",
        "product_id": 8_100_000_000 + line.number,
        "variant_id": 45_100_000_000 + line.number,
        "title": line.title,
        "variant_title": None,
        "name": line.title,
        "sku": line.handle.upper(),
        "vendor": "Demo Goods",
        "quantity": line.quantity,
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity,
        "price": str(line.price),
        "price_set": _money(sale.currency, line.price),
        "total_discount": "0.00",
        "total_discount_set": _money(sale.currency, Decimal("0.00")),
        "discount_allocations": allocations if share else [],
        "gift_card": line.gift_card,
        "properties": [],
        "taxable": not line.gift_card,
        "tax_lines": [],
        "duties": [],
        "grams": 400,
        "requires_shipping": not line.gift_card,
        "product_exists": True,
    }


def _shipping(sale: Sale) -> list[dict[str, Any]]:
    if sale.kind == "pos":
        return []
    return [
        {
            "id": sale.id + 90,
            "title": "Standard",
            "code": "standard",
            "price": str(sale.shipping),
            "price_set": _money(sale.currency, sale.shipping),
            "source": "shopify",
            "tax_lines": [],
        }
    ]


def _referring(checkout: Checkout) -> str | None:
    if checkout.visit is None:
        return None
    return "" if checkout.express else checkout.visit.link.referrer


def who_json(checkout: Checkout) -> dict[str, Any]:
    """Contact, customer and addresses as they were typed."""
    sale = checkout.sale
    if sale.walk_in:
        return {
            "email": "", "contact_email": None, "phone": None, "customer": None,
            "billing_address": None, "shipping_address": None, "customer_locale": None,
            "buyer_accepts_marketing": False,
        }  # fmt: skip
    who, wrote = sale.buyer, sale.typed
    email = wrote.email.strip()
    account = email if sale.guest else who.email
    home = _address(who, wrote.first, wrote.last, wrote.phone)
    ship = home
    if sale.gift_to is not None:
        other = sale.gift_to
        ship = _address(other, other.first, other.last, f"+{other.phone}")
    return {
        "email": email,
        "contact_email": email,
        "phone": None,
        "customer_locale": who.country.locale,
        "buyer_accepts_marketing": False,
        "billing_address": home,
        "shipping_address": None if sale.kind == "pos" else ship,
        "customer": {
            "id": customer_id(account),
            "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id(account)}",
            "email": account,
            "first_name": wrote.first,
            "last_name": wrote.last,
            "phone": None,
            "state": "disabled" if sale.guest else "enabled",
            "verified_email": not sale.guest,
            "currency": SHOP_CURRENCY,
            "tags": "",
            "tax_exempt": False,
            "created_at": shop_time(sale.at - (90 * DAY if sale.returning else 60)),
            "updated_at": shop_time(sale.at),
            "default_address": home,
        },
    }


def _address(who: Person, first: str, last: str, phone: str | None) -> dict[str, Any]:
    return {
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "company": None,
        "address1": who.street,
        "address2": None,
        "city": who.city.name,
        "zip": who.city.zip,
        "province": who.city.region,
        "province_code": who.city.region_code,
        "country": who.country.name,
        "country_code": who.country.code,
        "phone": phone,
        "latitude": None,
        "longitude": None,
    }


def _client(checkout: Checkout) -> dict[str, Any]:
    """Address and browser as the shop saw them: the buyer's, the staff's, or nobody's."""
    if checkout.visit is not None:
        ip, agent = checkout.visit.browser.ip, checkout.visit.browser.user_agent
    elif checkout.sale.kind == "draft":
        ip, agent = "11.250.1.1", STAFF_AGENT
    else:
        return {}
    details = {
        "browser_ip": ip,
        "user_agent": agent,
        "accept_language": checkout.sale.buyer.country.locale,
        "browser_height": None,
        "browser_width": None,
        "session_hash": None,
    }
    return {"browser_ip": ip, "client_details": details}
