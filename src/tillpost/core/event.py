"""The vocabulary: what a source reports (facts), and what a destination is sent (Event).

A fact is one thing that was seen: an order as it stood at a moment, a refund, a
browser's beacon, a server's event. Facts are never changed. Folding them gives
orders, touches and Events. No value here can hold a raw identifier: identifiers
are `Keys`, hashed in the request that received them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

Keys: TypeAlias = dict[str, tuple[tuple[str, str], ...]]
"""Match key -> ((form, sha256 hex), ...), as `core.identity` makes it. Forms tell
which platforms' spelling was hashed; see `docs/reference/identifiers.md`."""

Raw: TypeAlias = Mapping[str, tuple[str, ...]]
"""Match key -> raw values. Lives in memory inside one request, and nowhere else."""

ActionSource: TypeAlias = Literal[
    "email",
    "website",
    "app",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
]

Direct: TypeAlias = Literal["sent", "blocked", "none", "unknown"]
"""Did the page's own vendor hit go out? `none`: the page has no vendor pixel."""

OrderKind: TypeAlias = Literal["web", "pos", "draft", "renewal", "exchange", "api", "app", "phone"]


PrivacyRequest: TypeAlias = Literal["access", "erase", "erase_shop", "uninstalled"]
"""`access`: tell what is stored of a person; `erase`: forget it; `erase_shop`: forget all of a
shop; `uninstalled`: the shop's owner took the app away, so nothing more is sent."""


class Money(Struct, frozen=True):
    """An amount with its ISO 4217 currency; never one without the other."""

    amount: Decimal
    currency: str


class Device(Struct, frozen=True, omit_defaults=True):
    """Address and browser of one request, always as a pair; sealed where it rests on disk."""

    client_ip_address: str | None = None
    client_user_agent: str | None = None


class Person(Struct, frozen=True, omit_defaults=True):
    """Who it was, as far as may be known: hashed match keys and first-party cookies."""

    keys: Keys = field(default_factory=dict)
    fbc: str | None = None
    fbp: str | None = None
    plain: dict[str, str] = field(default_factory=dict)
    """Platform ids that are never hashed: madid, lead_id, subscription_id, ctwa_clid ..."""


class Consent(Struct, frozen=True, omit_defaults=True):
    """What the shopper allowed, as one source said at one time; None is not asked."""

    marketing: bool | None = None
    analytics: bool | None = None
    sale_of_data: bool | None = None
    source: str = ""
    at: int = 0


class Place(Struct, frozen=True, omit_defaults=True):
    """Where the order's law applies: ISO 3166-1 alpha-2 and the subdivision's code, upper case."""

    country: str | None = None
    region: str | None = None


def place(country: str | None, region: str | None = None) -> Place:
    """The place of an address's codes, in any case; without a country it is no place."""
    if not country:
        return Place()
    return Place(country.upper(), (region or "").upper() or None)


class Item(Struct, frozen=True, omit_defaults=True):
    """One line of an order; `price` is per unit after discounts, in presentment money."""

    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    title: str | None = None
    quantity: int = 1
    price: Decimal = Decimal(0)
    gift_card: bool = False


class Carried(Struct, frozen=True, omit_defaults=True):
    """What the browser gave the order to carry: cart attributes and the landing page."""

    visitor_id: str | None = None
    landing_url: str | None = None
    referrer_url: str | None = None


class Visit(Struct, frozen=True, omit_defaults=True):
    """A visit as the shop system saw it; its pages have passed the allow-list."""

    at: int
    landing_url: str | None = None
    referrer_url: str | None = None
    source: str | None = None
    source_type: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None


class Journey(Struct, frozen=True, omit_defaults=True):
    """The shop system's own view of what led to an order: a second opinion, never a touch.

    It looks back 30 days; `ready` is False while the shop still computes it.
    """

    ready: bool = False
    days: int | None = None
    visits: int | None = None
    first: Visit | None = None
    last: Visit | None = None


class OrderSeen(Struct, frozen=True, tag="order", omit_defaults=True):
    """An order as it stood at `version` (the shop's own time of its last change, Unix seconds)."""

    order_id: str
    name: str
    version: float
    created_at: int
    processed_at: int
    kind: OrderKind
    topic: str
    value: Money
    presentment: Money
    subtotal: Money
    tax: Money
    shipping: Money
    presentment_subtotal: Money | None = None
    presentment_tax: Money | None = None
    """The two in the buyer's money, where the shop tells them so."""
    financial_status: str = ""
    gateway_pending: bool = False
    cancelled_at: int | None = None
    test: bool = False
    items: tuple[Item, ...] = ()
    checkout_token: str | None = None
    cart_token: str | None = None
    customer_id: str | None = None
    returning: bool | None = None
    discount_codes: tuple[str, ...] = ()
    refunded: Money | None = None
    event_id: str | None = None
    """An id that the shop's own page already used (WooCommerce `_meta_event_id`, native `sh-`)."""
    source_url: str | None = None
    carried: Carried = Carried()
    person: Person = Person()
    device: Device = Device()
    consent: Consent | None = None
    place: Place = Place()
    journey: Journey | None = None
    reports_only: bool = False
    """Past orders that another tool has reported already: no platform is told of them."""
    erased: bool = False
    """The shopper was erased: what the order was worth is left, and nobody's name comes back."""
    also: str | None = None
    """Another id under which the sender tells the same sale: Stripe's invoice of a payment."""


class RefundSeen(Struct, frozen=True, tag="refund", omit_defaults=True):
    """Money given back: what the shop's payment transactions say, in the shop's currency.

    `shown` is the same in the buyer's, where that is another. Without it `money` may still be
    in the buyer's, if the sender told no rate.
    """

    refund_id: str
    order_id: str
    at: int
    money: Money
    shown: Money | None = None


class CartSeen(Struct, frozen=True, tag="cart", omit_defaults=True):
    """That a cart, or a checkout, is of this visitor's browser: it joins, and is no event."""

    visitor_id: str
    at: int
    cart_token: str | None = None
    checkout_token: str | None = None


class EditSeen(Struct, frozen=True, tag="edit", omit_defaults=True):
    """That the shop changed an order's lines: how many pieces, and no money.

    What the order is worth from then on only a report of the order itself tells.
    """

    edit_id: str
    order_id: str
    at: int
    added: int = 0
    removed: int = 0


class Landing(Struct, frozen=True, omit_defaults=True):
    """A landing that a browser remembers: its cleaned addresses, and when it was."""

    at: int
    url: str
    referrer_url: str | None = None


class BrowserSeen(Struct, frozen=True, tag="browser", omit_defaults=True):
    """One event of a browser's beacon. Its money and its identity are never believed."""

    event_name: str
    event_id: str
    event_time: int
    visitor_id: str | None = None
    event_source_url: str | None = None
    referrer_url: str | None = None
    custom_data: dict[str, Any] = field(default_factory=dict)
    checkout_token: str | None = None
    cart_token: str | None = None
    direct: Direct = "unknown"
    consent: Consent | None = None
    person: Person = Person()
    device: Device = Device()
    bot: bool = False
    recorded: bool = False
    """Seen and kept, never delivered: the vendor has it already under an id that is not ours."""
    landings: tuple[Landing, ...] = ()
    """The first and the last landing of earlier sessions, as the browser's storage has them."""


class ServerSeen(Struct, frozen=True, tag="server", omit_defaults=True):
    """An event of a back end in CAPI vocabulary, its identifiers hashed."""

    event_name: str
    event_id: str
    event_time: int
    action_source: ActionSource
    event_source_url: str | None = None
    referrer_url: str | None = None
    custom_data: dict[str, Any] = field(default_factory=dict)
    order_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Other documented server-event fields, as they came: app_data, opt_out, LDU ..."""
    consent: Consent | None = None
    person: Person = Person()
    device: Device = Device()
    place: Place = Place()
    test: bool = False
    """One of the shop's own people's, or of their network."""


class PrivacyAsked(Struct, frozen=True, tag="privacy", omit_defaults=True):
    """What somebody asked of the data of one person, or of a whole shop."""

    request: PrivacyRequest
    customer_id: str | None = None
    order_ids: tuple[str, ...] = ()
    person: Person = Person()


Fact: TypeAlias = (
    OrderSeen | RefundSeen | EditSeen | CartSeen | BrowserSeen | ServerSeen | PrivacyAsked
)
NAMELESS = RefundSeen | EditSeen | CartSeen
"""Facts that hold no person."""


class Parsed(Struct, frozen=True):
    """What a source made of a request: a fact, and the raw identifiers that came with it.

    `country` is the default region for phone numbers and postcodes.
    """

    fact: Fact
    raw: Raw
    country: str | None = None


class Entry(Struct, frozen=True):
    """A fact as it is kept: who reported it for which shop, and when we received it."""

    shop: str
    source: str
    received_at: float
    fact: Fact


class Event(Struct, frozen=True, omit_defaults=True):
    """What a destination is sent: one conversion event in CAPI vocabulary.

    `event_time` is Unix seconds. `custom_data` holds JSON values, money as `Decimal`.
    `direct` and `direct_at` tell whether, and when, the browser's own copy went out.
    """

    shop: str
    event_name: str
    event_id: str
    event_time: int
    action_source: ActionSource
    event_source_url: str | None = None
    referrer_url: str | None = None
    custom_data: dict[str, Any] = field(default_factory=dict)
    person: Person = Person()
    device: Device = Device()
    data_processing_options: tuple[str, ...] | None = None
    data_processing_options_country: int | None = None
    data_processing_options_state: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    direct: Direct = "unknown"
    direct_at: float | None = None
