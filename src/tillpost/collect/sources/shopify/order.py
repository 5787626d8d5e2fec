"""Shopify's order JSON, as far as it matters, and what it says in our words.

The shape is the REST resource of API versions 2022-04 to 2026-07: every field is
optional, unknown ones are skipped (reference `shopify`, 2). Amounts are decimal
strings; scalar prices are shop currency, `*_set.presentment_money` is the buyer's.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tillpost.collect.sources.shopify.prices import Amount, AmountSet, Id
from tillpost.collect.sources.shopify.refund import Refund, refund_facts
from tillpost.core import click
from tillpost.core.body import decoded
from tillpost.core.device import shopper
from tillpost.core.event import (
    Carried,
    Consent,
    Device,
    EditSeen,
    Fact,
    Item,
    Money,
    OrderKind,
    OrderSeen,
    Parsed,
    Person,
    Place,
    Raw,
    RefundSeen,
    place,
)
from tillpost.core.money import MoneyError, check_amount

_NO_CURRENCY = "???"
"""Stands where an order names none; no report could hold it, so it becomes a bad row."""
_LATEST = 10**10
"""A Unix second in the year 2286; a report could not show what is later."""
_MOST_OF_ONE = 10**9
_RENEWED = frozenset({"subscription recurring order", "appstle_subscription_recurring_order"})
"""Tags by which Recharge and Appstle tell a renewal: such orders come under an app's number."""


class Address(Struct):
    """A postal address; any part may be missing."""

    first_name: str | None = None
    last_name: str | None = None
    city: str | None = None
    zip: str | None = None
    province: str | None = None
    province_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Customer(Struct):
    """The customer inside an order; null for walk-ins. A guest's address may be a gift's."""

    id: Id | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    orders_count: int | None = None
    default_address: Address | list[Any] | None = None


class ClientDetails(Struct):
    """Address and browser of the checkout; the merchant's own for drafts."""

    browser_ip: str | None = None
    user_agent: str | None = None


class Attribute(Struct):
    """A cart attribute."""

    name: str = ""
    value: Any = None


class Allocation(Struct):
    """A discount's share on one line."""

    amount: Decimal = Decimal(0)
    amount_set: AmountSet | None = None


class Line(Struct):
    """One line item."""

    product_id: Id | None = None
    variant_id: Id | None = None
    sku: str | None = None
    title: str | None = None
    quantity: int = 1
    price: Decimal = Decimal(0)
    price_set: AmountSet | None = None
    discount_allocations: list[Allocation] = msgspec.field(default_factory=list)
    gift_card: bool = False


class Code(Struct):
    """A discount code."""

    code: str | None = None


class Order(Struct):
    """An order, as far as it matters."""

    id: Id
    created_at: datetime
    name: str | None = None
    tags: str | list[str] | None = None
    processed_at: datetime | None = None
    updated_at: datetime | None = None
    cancelled_at: datetime | None = None
    test: bool | None = False
    source_name: str | None = None
    app_id: int | None = None
    user_id: Id | None = None
    location_id: Id | None = None
    financial_status: str | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    total_price: Decimal | None = None
    total_price_set: AmountSet | None = None
    subtotal_price: Decimal | None = None
    subtotal_price_set: AmountSet | None = None
    total_tax: Decimal | None = None
    total_tax_set: AmountSet | None = None
    total_shipping_price_set: AmountSet | None = None
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    billing_address: Address | list[Any] | None = None
    shipping_address: Address | list[Any] | None = None
    client_details: ClientDetails | None = None
    browser_ip: str | None = None
    order_status_url: str | None = None
    landing_site: str | None = None
    referring_site: str | None = None
    note_attributes: list[Attribute] | None = None
    cart_token: str | None = None
    checkout_token: str | None = None
    line_items: list[Line] = msgspec.field(default_factory=list)
    discount_codes: list[Code] | None = None
    refunds: list[Refund] | None = None


_orders = msgspec.json.Decoder(Order)
_answers = msgspec.json.Decoder(dict[str, bool | None] | None)
_UNPAID = frozenset({"pending", "voided", "expired"})
"""No money has come, and none was promised by a card; a voided promise never was one."""
_SHOPIFYS = ("shopify.com", "shop.app")
"""Hosts of Shopify's own checkouts and accounts, which are no shop's."""
_APP_KINDS = {1354745: "draft", 129785: "pos", 580111: "web"}
_SOURCE_KINDS: dict[str, OrderKind] = {
    "web": "web",
    "checkout_next": "web",
    "580111": "web",
    "pos": "pos",
    "129785": "pos",
    "shopify_draft_order": "draft",
    "1354745": "draft",
    "iphone": "app",
    "android": "app",
    "mobile_app": "app",
    "exchange": "exchange",
}


def read_order(body: bytes, topic: str, domain: str, country: str | None) -> list[Parsed]:
    """An order webhook as facts: the order, and each refund it already holds.

    Raises `msgspec.ValidationError` naming the field that is not as documented.
    """
    return facts_of(decoded(body, _orders), topic, domain, country)


def facts_of(order: Order, topic: str, domain: str, country: str | None) -> list[Parsed]:
    """An order as facts: itself first, then each refund it already holds."""
    seen = _seen(order, topic, domain)
    region = seen.place.country or country
    facts = [Parsed(seen, identifiers(order), region)]
    for refund in order.refunds or ():
        facts += refund_facts(refund, str(order.id), seen.value.currency)
    return facts


def check(fact: Fact) -> None:
    """Raises `MoneyError` for an amount, a currency or a time that no report could hold."""
    if isinstance(fact, OrderSeen):
        _check_order(fact)
    elif isinstance(fact, EditSeen):
        if not 0 <= fact.at < _LATEST:
            raise MoneyError("created_at of the edit is outside 1970 to 2286")
    elif isinstance(fact, RefundSeen):
        for money in filter(None, (fact.money, fact.shown)):
            check_amount(money.amount, money.currency)


def _check_order(fact: OrderSeen) -> None:
    for at in (fact.created_at, fact.processed_at, fact.cancelled_at or 0):
        if not 0 <= at < _LATEST:
            raise MoneyError("a time of the order is outside 1970 to 2286")
    shown = (fact.presentment_subtotal, fact.presentment_tax, fact.refunded)
    own = (fact.value, fact.presentment, fact.subtotal, fact.tax, fact.shipping)
    for money in (*own, *filter(None, shown)):
        check_amount(money.amount, money.currency)
    for item in fact.items:
        check_amount(item.price, fact.presentment.currency)
        if abs(item.quantity) > _MOST_OF_ONE:
            raise MoneyError(f"line_items: nobody buys {str(item.quantity)[:20]} of one thing")


def kind_of(order: Order) -> OrderKind:
    """Where the sale was made (reference `shopify`, 2.2 and 3.2)."""
    source = order.source_name or ""
    if source.startswith("subscription_contract") or not _RENEWED.isdisjoint(_tags(order)):
        return "renewal"
    if source in _SOURCE_KINDS:
        return _SOURCE_KINDS[source]
    if order.app_id in _APP_KINDS and order.app_id is not None:
        return _APP_KINDS[order.app_id]  # type: ignore[return-value]
    if order.checkout_token:
        return "web"
    return "pos" if order.location_id else "api"


def storefront(link: str | None, domain: str) -> str:
    """The shop's own address, of a secret link to its storefront; else its myshopify domain.

    Meta wants a page of the domain that the shop has verified (reference `meta-capi`).
    """
    return _origin("/".join((link or "").split("/", 3)[:3]), domain)


@lru_cache(maxsize=1024)  # of the few storefronts there are; the rest of a link is each order's own
def _origin(link: str, domain: str) -> str:
    try:
        host = urlsplit(link).hostname or ""
    except ValueError:
        host = ""
    theirs = any(f".{host}".endswith(f".{one}") for one in _SHOPIFYS)
    return f"https://{domain if theirs or '.' not in host else host}/"


def identifiers(order: Order) -> Raw:
    """Raw identifiers by match key: of billing, then of the customer (domain rule 11)."""
    customer = order.customer or Customer()
    billing, shipping = _address(order.billing_address), _address(order.shipping_address)
    first = billing.first_name or customer.first_name
    last = billing.last_name or customer.last_name
    same = _same_name(shipping, first, last)
    addresses = (billing, _address(customer.default_address), shipping)
    own = [billing, *(a for a in addresses[1:] if _same_name(a, first, last))]
    home = next((a for a in own if a.city or a.zip), billing)
    phone = order.phone or customer.phone or next((a.phone for a in own if a.phone), None)
    raw = {
        "em": _distinct(order.email, order.contact_email, customer.email),
        "ph": _distinct(phone),
        "fn": _distinct(first or (shipping.first_name if same else None)),
        "ln": _distinct(last or (shipping.last_name if same else None)),
        "ct": _distinct(home.city),
        "st": _distinct(home.province_code or home.province),
        "zp": _distinct(home.zip),
        "country": _distinct(home.country_code),
        "external_id": _distinct(str(customer.id) if customer.id else None),
    }
    return {key: values for key, values in raw.items() if values}


def _seen(order: Order, topic: str, domain: str) -> OrderSeen:
    attributes = {a.name: str(a.value) for a in order.note_attributes or () if a.value}
    created = _unix(order.created_at)
    kind = kind_of(order)
    processed = _unix(order.processed_at or order.created_at)
    return OrderSeen(
        order_id=str(order.id),
        name=order.name or str(order.id),
        version=(order.updated_at or order.created_at).timestamp(),
        created_at=created,
        processed_at=processed,
        kind=kind,
        topic=topic,
        value=_shop_money(order.total_price_set, order.total_price, order.currency),
        presentment=_buyer_money(order),
        subtotal=_shop_money(order.subtotal_price_set, order.subtotal_price, order.currency),
        tax=_shop_money(order.total_tax_set, order.total_tax, order.currency),
        shipping=_shop_money(order.total_shipping_price_set, None, order.currency),
        presentment_subtotal=_presentment(order.subtotal_price_set),
        presentment_tax=_presentment(order.total_tax_set),
        financial_status=order.financial_status or "",
        gateway_pending=order.financial_status in _UNPAID,
        cancelled_at=_unix(order.cancelled_at) if order.cancelled_at else None,
        test=bool(order.test),
        items=tuple(_item(line) for line in order.line_items),
        checkout_token=order.checkout_token,
        cart_token=order.cart_token,
        customer_id=str(order.customer.id) if order.customer and order.customer.id else None,
        returning=_returning(order.customer),
        discount_codes=tuple(c.code for c in order.discount_codes or () if c.code),
        source_url=storefront(order.order_status_url, domain) if kind == "web" else None,
        carried=_carried(order, attributes, domain),
        person=_cookies(order, attributes, created),
        device=_device(order, kind),
        consent=carried_consent(attributes, created),
        place=_place(order),
    )


def _shop_money(prices: AmountSet | None, scalar: Decimal | None, currency: str | None) -> Money:
    if prices is not None and prices.shop_money.amount is not None:
        money = prices.shop_money
        return Money(money.amount or Decimal(0), money.currency_code or currency or _NO_CURRENCY)
    return Money(scalar or Decimal(0), currency or _NO_CURRENCY)


def _buyer_money(order: Order) -> Money:
    """The buyer's total; without a presentment set, the shop's only if the currency is the same."""
    prices = order.total_price_set
    if prices is not None and prices.presentment_money.amount is not None:
        money = prices.presentment_money
        code = money.currency_code or order.presentment_currency or order.currency or _NO_CURRENCY
        return Money(money.amount or Decimal(0), code)
    return Money(order.total_price or Decimal(0), order.currency or _NO_CURRENCY)


def _presentment(prices: AmountSet | None) -> Money | None:
    money = prices.presentment_money if prices else Amount()
    if money.amount is None or money.currency_code is None:
        return None
    return Money(money.amount, money.currency_code)


def _item(line: Line) -> Item:
    unit = _presented(line.price_set, line.price)
    off = sum((_presented(a.amount_set, a.amount) for a in line.discount_allocations), Decimal(0))
    price = unit - off / line.quantity if line.quantity > 0 else unit
    return Item(
        product_id=str(line.product_id) if line.product_id else None,
        variant_id=str(line.variant_id) if line.variant_id else None,
        sku=line.sku or None,
        title=line.title,
        quantity=line.quantity,
        price=price.quantize(Decimal("0.001")).normalize() + 0 if off else unit,
        gift_card=line.gift_card,
    )


def _presented(prices: AmountSet | None, scalar: Decimal) -> Decimal:
    if prices is not None and prices.presentment_money.amount is not None:
        return prices.presentment_money.amount
    return scalar


def _carried(order: Order, attributes: dict[str, str], domain: str) -> Carried:
    landing = attributes.get("_tillpost_landing") or order.landing_site
    if landing and landing.startswith("/"):
        landing = f"https://{domain}{landing}"
    return Carried(
        visitor_id=attributes.get("_tillpost_visitor"),
        landing_url=click.strip_query(landing) if landing else None,
        referrer_url=click.strip_query(order.referring_site) if order.referring_site else None,
    )


def _cookies(order: Order, attributes: dict[str, str], created: int) -> Person:
    """Click cookies of the cart; without one, an fbc of a landing page's whole fbclid.

    Shopify dates an order a second or two after its payment, which is the event's time: a
    click of `created_at` would come after its event, and would not be sent (domain rule 16).
    """
    fbc = attributes.get("_fbc")
    if fbc is None:
        at = min(created, _unix(order.processed_at or order.created_at))
        landing = attributes.get("_tillpost_landing")
        fbc = click.fbc_of_url(landing, at) or click.fbc_of_landing_site(order.landing_site, at)
    return Person(fbc=fbc, fbp=attributes.get("_fbp"))


def _device(order: Order, kind: OrderKind) -> Device:
    """The checkout's own pair; never a staff member's, never a private address."""
    if kind not in {"web", "app"} or order.user_id:
        return Device()
    details = order.client_details or ClientDetails()
    return shopper(details.browser_ip or order.browser_ip, details.user_agent)


def carried_consent(attributes: Mapping[str, str], at: int) -> Consent | None:
    """What the cart carried of the banner's answer; anything unreadable is no answer."""
    text = attributes.get("_tillpost_consent")
    try:
        given = _answers.decode(text) if text else None
    except msgspec.DecodeError:
        return None
    if not given:
        return None
    return Consent(
        marketing=given.get("marketing"),
        analytics=given.get("analytics"),
        sale_of_data=given.get("sale_of_data"),
        source="cart",
        at=at,
    )


def _place(order: Order) -> Place:
    for address in (_address(order.billing_address), _address(order.shipping_address)):
        if address.country_code:
            return place(address.country_code, address.province_code)
    return Place()


def _returning(customer: Customer | None) -> bool | None:
    if customer is None or customer.orders_count is None:
        return None
    return customer.orders_count > 1


def _address(value: Address | list[Any] | None) -> Address:
    return value if isinstance(value, Address) else Address()


def _tags(order: Order) -> set[str]:
    """Webhooks write them in one text, the GraphQL API in a list."""
    told = order.tags or ""
    listed = told.split(",") if isinstance(told, str) else told
    return {tag.strip().casefold() for tag in listed}


def _same_name(address: Address, first: str | None, last: str | None) -> bool:
    """Whether the parcel goes to the buyer: a gift's address is another person's."""
    if not (first or last):
        return True
    theirs = (address.first_name or "", address.last_name or "")
    return [n.casefold().strip() for n in theirs] == [
        (n or "").casefold().strip() for n in (first, last)
    ]


def _distinct(*values: str | None) -> tuple[str, ...]:
    if len(values) == 1:
        return values if values[0] and values[0].strip() else ()  # type: ignore[return-value]
    return tuple(dict.fromkeys([v for v in values if v and v.strip()]))


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
