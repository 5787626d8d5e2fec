"""What the shop's server tells before an order, or without one: carts, checkouts, customers.

In the shape of Shopify's webhooks of 2026-07. A cart tells no shopper; a checkout tells one as
soon as the e-mail is typed, and neither address nor browser; a customer tells no consent.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.people import customer_id
from tillpost.simulate.sales import Line
from tillpost.simulate.shopify import (
    SHOP_CURRENCY,
    Checkout,
    landing_site,
    shop_time,
    who_json,
)
from tillpost.simulate.webhooks import Happening, deliveries
from tillpost.simulate.wire import ORIGIN, Planned, iso

ADDED, TYPED = 131.0, 200.0
"""Seconds from the landing to the first thing in the cart, and to the e-mail at the checkout."""
REGISTERED_BEFORE = 60.0
"""Seconds from a new customer to the order."""


def cart_webhooks(dice: Dice, knobs: Knobs, checkout: Checkout) -> Iterator[Planned]:
    """Deliveries of the cart that an order or an abandoned checkout was made of."""
    if checkout.visit is None or knobs.unsent == "carts":
        return
    at = checkout.visit.at + ADDED
    rows: list[Happening] = [
        (at, "carts/create", partial(cart_json, checkout, at, told=False)),
        (at + 20, "carts/update", partial(cart_json, checkout, at + 20, told=True)),
    ]
    about = (checkout.sale.index, "cart")
    yield from deliveries(dice, knobs, checkout.visit.browser.id, about, rows)


def checkout_webhooks(dice: Dice, knobs: Knobs, checkout: Checkout) -> Iterator[Planned]:
    """Deliveries of a checkout, until it is done or left.

    They come in one line with the browser's own requests, whose event is the earlier one.
    """
    rows = checkout_life(checkout)
    if checkout.visit is not None and knobs.unsent != "checkouts":
        about = (checkout.sale.index, "checkout")
        yield from deliveries(dice, knobs, checkout.visit.browser.id, about, rows)


def checkout_life(checkout: Checkout) -> list[Happening]:
    """What happens to a checkout, in that order."""
    if checkout.visit is None:
        return []
    at, done = checkout.visit.at + TYPED, checkout.sale.at + 1
    rows: list[Happening] = [
        (at, "checkouts/create", partial(checkout_json, checkout, at)),
    ]
    if not checkout.sale.left:
        again = partial(checkout_json, checkout, done, completed=True)
        rows.append((done, "checkouts/update", again))
    return sorted(rows, key=lambda row: row[0])


def customer_webhooks(dice: Dice, knobs: Knobs, checkout: Checkout) -> Iterator[Planned]:
    """Deliveries of a customer who is new with this order."""
    sale = checkout.sale
    if knobs.unsent != "customers":
        at = sale.at - REGISTERED_BEFORE
        rows: list[Happening] = [(at, "customers/create", partial(customer_json, checkout, at))]
        yield from deliveries(dice, knobs, f"o{sale.index}", (sale.index, "customer"), rows)


def new_customers(checkouts: tuple[Checkout, ...]) -> list[Checkout]:
    """Of each customer who is new in this time, the web order that came with it."""
    known: set[int] = set()
    found = []
    for checkout in checkouts:
        sale = checkout.sale
        if sale.walk_in:
            continue
        number = customer_id(sale.typed.email_fact if sale.guest else sale.buyer.email)
        if number not in known and not sale.returning and sale.kind == "web":
            found.append(checkout)
        known.add(number)
    return found


def cart_json(checkout: Checkout, at: float, *, told: bool) -> dict[str, Any]:
    """The cart; once the script has written into it, with the attributes that it wrote."""
    sale = checkout.sale
    body = {
        "id": sale.cart_token,
        "token": sale.cart_token,
        "line_items": [_cart_line(line) for line in sale.lines],
        "note": None,
        "created_at": iso(at),
        "updated_at": iso(at),
    }
    return body | {"note_attributes": _attributes(checkout)} if told else body


def checkout_json(checkout: Checkout, at: float, *, completed: bool = False) -> dict[str, Any]:
    """The checkout as it stands; it has neither address nor browser of the shopper."""
    sale = checkout.sale
    begun = checkout.visit.at + TYPED if checkout.visit else at
    who = who_json(checkout)
    return {
        "id": sale.id - 5_000,
        "token": sale.checkout_token,
        "cart_token": sale.cart_token,
        "name": f"#{sale.id - 5_000}",
        "gateway": "shopify_payments" if completed else None,
        "created_at": shop_time(begun),
        "updated_at": shop_time(at),
        "completed_at": shop_time(at) if completed else None,
        "closed_at": None,
        "landing_site": landing_site(checkout),
        "referring_site": checkout.visit.link.referrer if checkout.visit else None,
        "note": None,
        "note_attributes": _attributes(checkout),
        "source_name": "web",
        "source": None,
        "user_id": None,
        "location_id": None,
        "device_id": None,
        "currency": SHOP_CURRENCY,
        "presentment_currency": sale.currency,
        "taxes_included": sale.buyer.country.eea,
        "total_discounts": str(sale.discount),
        "total_line_items_price": str(sum(line.price * line.quantity for line in sale.lines)),
        "subtotal_price": str(sale.subtotal()),
        "total_tax": str(sale.tax()),
        "total_price": str(sale.total()),
        "total_duties": None,
        "discount_codes": [],
        "shipping_lines": [],
        "tax_lines": [],
        "line_items": [_checkout_line(line) for line in sale.lines],
        "abandoned_checkout_url": f"{ORIGIN}/checkouts/ac/{sale.checkout_token}/recover?key=x",
        **{name: who[name] for name in ("email", "phone", "customer_locale", "customer")},
        **{name: who[name] for name in ("billing_address", "shipping_address")},
        "buyer_accepts_marketing": False,
        "buyer_accepts_sms_marketing": False,
        "sms_marketing_phone": None,
    }


def customer_json(checkout: Checkout, at: float) -> dict[str, Any]:
    """The customer by itself; Shopify makes one of every guest who buys, without an account."""
    made: dict[str, Any] = who_json(checkout)["customer"]
    return {
        **made,
        "created_at": shop_time(at),
        "updated_at": shop_time(at),
        "orders_count": 0,
        "total_spent": "0.00",
        "last_order_id": None,
        "note": None,
        "addresses": [made["default_address"]],
        "multipass_identifier": None,
        "email_marketing_consent": {
            "state": "not_subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": None,
        },
        "sms_marketing_consent": None,
        "tax_exemptions": [],
    }  # fmt: skip


def _attributes(checkout: Checkout) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in checkout.attributes]


def _cart_line(line: Line) -> dict[str, Any]:
    total = str(line.price * line.quantity)
    variant = 45_100_000_000 + line.number
    return {
        "id": variant,
        "variant_id": variant,
        "key": f"{variant}:{line.number:032x}",
        "product_id": 8_100_000_000 + line.number,
        "title": line.title,
        "sku": line.handle.upper(),
        "vendor": "Demo Goods",
        "quantity": line.quantity,
        "price": str(line.price),
        "original_price": str(line.price),
        "discounted_price": str(line.price),
        "line_price": total,
        "original_line_price": total,
        "total_discount": "0.00",
        "discounts": [],
        "properties": {},
        "gift_card": line.gift_card,
        "grams": 400,
        "taxable": not line.gift_card,
    }


def _checkout_line(line: Line) -> dict[str, Any]:
    return {
        "key": f"{line.number:032x}",
        "product_id": 8_100_000_000 + line.number,
        "variant_id": 45_100_000_000 + line.number,
        "title": line.title,
        "presentment_title": line.title,
        "sku": line.handle.upper(),
        "vendor": "Demo Goods",
        "quantity": line.quantity,
        "price": str(line.price),
        "line_price": str(line.price * line.quantity),
        "applied_discounts": [],
        "discount_allocations": [],
        "gift_card": line.gift_card,
        "grams": 400,
        "properties": None,
        "requires_shipping": not line.gift_card,
        "tax_lines": [],
        "taxable": not line.gift_card,
    }
