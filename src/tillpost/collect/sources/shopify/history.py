"""An order of the Admin GraphQL API in the shape of a webhook, so that both mean the same.

What GraphQL alone tells is the customer's journey: the shop's own view of the first and the
last visit. It is kept as a second opinion beside our touches; its last visit also stands in
for the landing page that a webhook would have carried.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, structs

from tillpost.collect.sources.shopify import order as rest
from tillpost.collect.sources.shopify.order import Address, Customer, Line
from tillpost.collect.sources.shopify.prices import Amount, AmountSet, Id
from tillpost.collect.sources.shopify.refund import Refund, Transaction
from tillpost.core import click
from tillpost.core.event import Journey, OrderSeen, Parsed, Visit
from tillpost.core.money import MoneyError
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

name = "backfill"
TOPIC = "backfill"


class _Amount(Struct, rename="camel"):
    amount: Decimal
    currency_code: str


class _Prices(Struct, rename="camel"):
    shop_money: _Amount
    presentment_money: _Amount | None = None

    def rest(self) -> AmountSet:
        shown = self.presentment_money or self.shop_money
        return AmountSet(
            Amount(self.shop_money.amount, self.shop_money.currency_code),
            Amount(shown.amount, shown.currency_code),
        )


class _Numbered(Struct, rename="camel"):
    legacy_resource_id: Id


class _Address(Struct, rename="camel"):
    first_name: str | None = None
    last_name: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code_v2: str | None = msgspec.field(default=None, name="countryCodeV2")
    phone: str | None = None

    def rest(self) -> Address:
        code = self.country_code_v2
        plain = {k: v for k, v in structs.asdict(self).items() if k != "country_code_v2"}
        return Address(**plain, country_code=code)


class _Customer(Struct, rename="camel"):
    legacy_resource_id: Id
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Utm(Struct):
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


class _Visit(Struct, rename="camel"):
    occurred_at: datetime
    landing_page: str | None = None
    referrer_url: str | None = None
    source: str | None = None
    source_type: str | None = None
    utm_parameters: _Utm | None = None


class _Count(Struct):
    count: int = 0


class _Journey(Struct, rename="camel"):
    ready: bool = False
    days_to_conversion: int | None = None
    moments_count: _Count | None = None
    first_visit: _Visit | None = None
    last_visit: _Visit | None = None


class _Line(Struct, rename="camel"):
    sku: str | None = None
    quantity: int = 1
    is_gift_card: bool = False
    title: str | None = None
    product: _Numbered | None = None
    variant: _Numbered | None = None
    original_unit_price_set: _Prices | None = None
    discounted_unit_price_after_all_discounts_set: _Prices | None = None


class _Lines(Struct):
    nodes: list[_Line] = msgspec.field(default_factory=list)


class _Refund(Struct, rename="camel"):
    legacy_resource_id: Id
    created_at: datetime | None = None
    total_refunded_set: _Prices | None = None


class _App(Struct):
    id: str = ""


class _Attribute(Struct):
    key: str = ""
    value: str | None = None


class _Order(Struct, rename="camel"):
    legacy_resource_id: Id
    created_at: datetime
    total_price_set: _Prices
    currency_code: str
    name: str | None = None
    processed_at: datetime | None = None
    updated_at: datetime | None = None
    cancelled_at: datetime | None = None
    test: bool = False
    source_name: str | None = None
    display_financial_status: str | None = None
    app: _App | None = None
    client_ip: str | None = None
    cart_token: str | None = None
    checkout_token: str | None = None
    email: str | None = None
    phone: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    discount_codes: list[str] = msgspec.field(default_factory=list)
    presentment_currency_code: str | None = None
    subtotal_price_set: _Prices | None = None
    total_tax_set: _Prices | None = None
    total_shipping_price_set: _Prices | None = None
    custom_attributes: list[_Attribute] = msgspec.field(default_factory=list)
    customer: _Customer | None = None
    billing_address: _Address | None = None
    shipping_address: _Address | None = None
    customer_journey_summary: _Journey | None = None
    line_items: _Lines = msgspec.field(default_factory=_Lines)
    refunds: list[_Refund] = msgspec.field(default_factory=list)


class _Batch(Struct):
    orders: list[msgspec.Raw]
    reports_only: bool = False


_batches = msgspec.json.Decoder(_Batch)
_orders = msgspec.json.Decoder(_Order, strict=False)


def verify(_request: Request, _settings: Any) -> None:
    """Always true: whoever may pull with the shop's own token has shown who they are."""


def parse(request: Request, settings: Any) -> list[Parsed] | Rejection:
    """The facts of `{"orders": [GraphQL orders], "reports_only": bool}`; all of them or none.

    Only a batch of one order is worth keeping when it cannot be read: send the orders of a
    larger one again, each alone.
    """
    alone = True
    try:
        batch = _batches.decode(request.body)
        alone = len(batch.orders) == 1
        return [
            fact
            for raw in batch.orders
            for fact in _facts(_orders.decode(raw), settings, reports_only=batch.reports_only)
        ]
    except (msgspec.MsgspecError, MoneyError, ArithmeticError, RecursionError) as error:
        return Rejection(200, "unexpected_shape", TOPIC, str(error), keep=alone)


def _facts(order: _Order, settings: Any, *, reports_only: bool) -> list[Parsed]:
    first, *rest_of = rest.facts_of(_as_rest(order), TOPIC, settings.domain, settings.country)
    seen = first.fact
    if not isinstance(seen, OrderSeen):  # the order itself always comes first
        raise TypeError("no order")
    rest.check(seen)
    told = structs.replace(
        seen, journey=_journey(order.customer_journey_summary), reports_only=reports_only
    )
    return [structs.replace(first, fact=told), *rest_of]


def _as_rest(order: _Order) -> rest.Order:
    journey = order.customer_journey_summary or _Journey()
    visit = journey.last_visit
    customer = order.customer
    return rest.Order(
        id=order.legacy_resource_id,
        created_at=order.created_at,
        name=order.name,
        processed_at=order.processed_at,
        updated_at=order.updated_at,
        cancelled_at=order.cancelled_at,
        test=order.test,
        tags=order.tags,
        source_name=order.source_name,
        app_id=_number(order.app.id) if order.app else None,
        financial_status=(order.display_financial_status or "").lower(),
        currency=order.currency_code,
        presentment_currency=order.presentment_currency_code,
        total_price_set=order.total_price_set.rest(),
        subtotal_price_set=_rest(order.subtotal_price_set),
        total_tax_set=_rest(order.total_tax_set),
        total_shipping_price_set=_rest(order.total_shipping_price_set),
        email=order.email,
        phone=order.phone,
        customer=_customer(customer) if customer else None,
        billing_address=order.billing_address.rest() if order.billing_address else None,
        shipping_address=order.shipping_address.rest() if order.shipping_address else None,
        browser_ip=order.client_ip,
        landing_site=visit.landing_page if visit else None,
        referring_site=visit.referrer_url if visit else None,
        note_attributes=[rest.Attribute(a.key, a.value) for a in order.custom_attributes],
        cart_token=order.cart_token,
        checkout_token=order.checkout_token,
        line_items=[_line(line) for line in order.line_items.nodes],
        discount_codes=[rest.Code(code) for code in order.discount_codes],
        refunds=[_refund(refund) for refund in order.refunds],
    )


def _customer(given: _Customer) -> Customer:
    plain = {k: v for k, v in structs.asdict(given).items() if k != "legacy_resource_id"}
    return Customer(id=given.legacy_resource_id, **plain)


def _line(line: _Line) -> Line:
    unit = line.discounted_unit_price_after_all_discounts_set or line.original_unit_price_set
    return Line(
        product_id=line.product.legacy_resource_id if line.product else None,
        variant_id=line.variant.legacy_resource_id if line.variant else None,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        price_set=unit.rest() if unit else None,
        gift_card=line.is_gift_card,
    )


def _refund(refund: _Refund) -> Refund:
    """The refund as one payment back; GraphQL tells the sum, and 0 where no money moved."""
    total = refund.total_refunded_set
    paid = []
    if total is not None and total.shop_money.amount > 0:
        money = total.presentment_money or total.shop_money
        told = (money.amount, money.currency_code, total.rest())
        paid.append(Transaction("refund", "success", *told))
    return Refund(refund.legacy_resource_id, created_at=refund.created_at, transactions=paid)


def _journey(given: _Journey | None) -> Journey | None:
    if given is None:
        return None
    return Journey(
        ready=given.ready,
        days=given.days_to_conversion,
        visits=given.moments_count.count if given.moments_count else None,
        first=_visit(given.first_visit),
        last=_visit(given.last_visit),
    )


def _visit(given: _Visit | None) -> Visit | None:
    if given is None:
        return None
    utm = given.utm_parameters or _Utm()
    return Visit(
        at=int(given.occurred_at.timestamp()),
        landing_url=click.strip_query(given.landing_page) if given.landing_page else None,
        referrer_url=click.strip_query(given.referrer_url) if given.referrer_url else None,
        source=given.source,
        source_type=given.source_type,
        utm_source=utm.source,
        utm_medium=utm.medium,
        utm_campaign=utm.campaign,
        utm_term=utm.term,
        utm_content=utm.content,
    )


def _rest(prices: _Prices | None) -> AmountSet | None:
    return prices.rest() if prices is not None else None


def _number(gid: str) -> int | None:
    tail = gid.rpartition("/")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else None
