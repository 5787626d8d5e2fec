"""The settings: one typed table, read from a TOML file, the environment and flags, in that order.

Unknown keys are errors with the file, the line and the nearest known key. Secrets may
come from files: `TILLPOST_DESTINATIONS__0__ACCESS_TOKEN_FILE=/run/secrets/token`.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

import msgspec
from msgspec import Struct, field

from tillpost.core.shop import OrderPolicy
from tillpost.deliver import catalog, contract

if TYPE_CHECKING:
    AnyDestination: TypeAlias = contract.Settings
else:
    AnyDestination = Union[tuple(member.settings for member in catalog.members().values())]  # noqa: UP007  # made of what is found

from tillpost.core.channel import Coupon, OwnRule
from tillpost.core.received import Bounds
from tillpost.core.windows import SettingName
from tillpost.receive.calls import Kept
from tillpost.receive.rate import Rate
from tillpost.report.alerts import Limits


class Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server listens and how it works."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8484
    """Port to listen on."""
    connections: Annotated[int, msgspec.Meta(ge=16, le=65536)] = 1024
    """So many clients are served at once; others wait until one is done or too slow."""
    public_url: str | None = None
    """The address that browsers and shops reach the server at, e.g. https://tp.example.com."""
    data: str | None = None
    """Directory of the databases; default `$TILLPOST_DATA`, else `./tillpost-data`."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose forwarding headers are believed, e.g. ["10.0.0.0/8"]."""
    private_networks: tuple[str, ...] = ()
    """Networks of your own that destinations may be in, e.g. ["10.1.0.0/16"]; else public only."""
    mode: Literal["live", "shadow"] = "live"
    """`shadow` builds and compares everything and sends nothing."""


class ShopifySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shop's webhooks."""

    webhook_secrets: tuple[str, ...] = ()
    """The current secret first, then the previous one while it is rotated."""
    native: Literal["off", "pixel", "full"] = "off"
    """What Shopify's own Meta channel sends: nothing, its pixel, or its server events as well."""
    api_version: str = "2026-07"
    """Version of the Admin API for `backfill` and `reconcile`."""
    access_token: str | None = None
    """Token of an app with read_orders, read_all_orders and read_customers: past orders are
    pulled with it, and the shop's own list is compared with ours."""
    client_id: str | None = None
    """Instead of a token: the app's client id; a token is then asked for each time."""
    client_secret: str | None = None
    """The secret that belongs to `client_id`."""
    admin_url: str | None = None
    """Address of the Admin API, if it is not the shop's own: a proxy, or a stand-in."""
    reconcile: Literal["fetch", "list", "off"] = "fetch"
    """Where there is a token: `fetch` takes in orders whose webhook never came and makes webhooks
    again that the shop deleted, `list` only tells of both, `off` never asks the shop by itself."""
    reconcile_hours: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How often the shop's own lists are compared with ours."""


class WooCommerceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shop's webhooks, at /webhooks/woocommerce/NAME."""

    webhook_secrets: tuple[str, ...] = ()
    """The current secret first, then the previous one while it is changed."""


class StripeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account's events, at /webhooks/stripe/NAME."""

    webhook_secrets: tuple[str, ...] = ()
    """The endpoint's signing secrets, whsec_...; while one is rolled, both."""


OrderName: TypeAlias = Literal[
    "web", "app", "pos", "phone", "api", "draft", "renewal", "exchange", "zero_value", "gift_card"
]
"""Kinds of order and conditions that have a policy of their own."""


class OrderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as a Purchase and when it goes out."""

    purchase_on: Literal["created", "paid"] = "created"
    """`paid` waits for the money of every order."""
    value: Literal["total", "less_tax", "subtotal"] = "total"
    """What the platform is told that the order was worth, in the buyer's money: all of it, that
    without its tax, or its goods after discounts, which leaves out shipping and tax on top."""
    refunds: Literal["report", "event"] = "report"
    """`event` also sends a custom Refund event for money given back on a Purchase that was sent."""
    channels: dict[OrderName, OrderPolicy] = {}
    """What becomes of kinds of order, e.g. {pos = "report", draft = "send", api = "drop"}."""
    join_wait: float = 90.0
    """Seconds that a Purchase waits for its browser beacon."""
    testers: tuple[str, ...] = ()
    """Whose orders are test orders, e.g. ["qa@acme.example", "@agency.example", "203.0.113.0/24"]:
    e-mails, all of a domain, or the networks that they order from."""


class ConsentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds where no consent was reported."""

    unknown: Literal["region", "send", "limited", "hold", "suppress"] = "region"
    """`region`: EEA, UK and CH hold, then suppress; US states with a law limit; elsewhere send."""


class CatalogueSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the platform's catalogue names the products."""

    content_id: Literal["product", "variant", "sku", "shopify"] = "product"
    """Which of the shop's ids is sent as the content id."""


class CostSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order costs the shop besides its ads, for the contribution margin."""

    goods_percent: str | None = None
    """Cost of goods as a share of the order, where no product's own cost was imported."""
    fees_percent: str = "0"
    """Payment fees as a share of the order, e.g. "2.9"."""
    fees_fixed: str = "0"
    """Payment fees of every order, in the shop's currency, e.g. "0.30"."""
    shipping_fixed: str = "0"
    """What sending an order costs, in the shop's currency."""


class ServerKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of one shop's back end; it opens only what its scopes name."""

    key: str
    """At least 16 characters."""
    scopes: tuple[Literal["events", "reports", "costs", "admin"], ...] = ("events",)
    """What the key may do."""


class PixelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shop's own script."""

    path: str = "/px"
    """Where it and its beacons are, e.g. "/tea": blockers' lists know the usual one."""
    consent: Literal["open", "wait"] = "open"
    """`wait`: nothing is stored or sent before the page says that the shopper agreed."""
    views: bool = True
    """`false` where the page reports its own PageViews."""
    per_address: float = 10.0
    """Beacons a second from one client address; 30 seconds' worth may come at once."""
    per_shop: float = 2000.0
    """Beacons a second from all pages together; five seconds' worth may come at once."""


class ShopSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One shop."""

    name: str
    """Its name in paths, e.g. /webhooks/shopify/NAME."""
    domain: str
    """Its address at the shop system, e.g. acme.myshopify.com."""
    currency: str = "USD"
    """Currency of its reports."""
    timezone: str = "UTC"
    """Zone of the days in its reports."""
    country: str | None = None
    """Where phone numbers without a country code are dialled."""
    origins: tuple[str, ...] = ()
    """Addresses whose pages may send beacons, e.g. ["https://www.acme.com"]."""
    server_keys: tuple[str | ServerKey, ...] = ()
    """Keys of its back ends; a plain string may send events."""
    shopify: ShopifySettings | None = None
    woocommerce: WooCommerceSettings | None = None
    stripe: StripeSettings | None = None
    orders: OrderSettings = OrderSettings()
    consent: ConsentSettings = ConsentSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    costs: CostSettings = CostSettings()
    channels: tuple[OwnRule, ...] = ()
    """Channels of your own, in order, before the built-in rules."""
    coupons: tuple[Coupon, ...] = ()
    """Discount codes that tell who sent the buyer."""
    pixel: PixelSettings = PixelSettings()


class AdAccountSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ad account whose spend, and whose platform's claims, are read by the clock."""

    kind: Literal["meta"]
    """The platform."""
    shop: str
    """Name of the shop whose ads it runs."""
    account_id: str
    """The account's number, with or without `act_`."""
    access_token: str
    """A system user's token with `ads_read`; it is never logged nor written to disk."""
    every_hours: float = 6.0
    """How often the last 28 days are read again."""
    currency: str | None = None
    """The account's currency, where the platform does not tell it."""
    url: str | None = None
    """Base address; `embedded` is the receiver in the same process."""
    version: str = "v26.0"
    """Version of the Graph API."""


class Dataset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dataset that the embedded receiver takes events for."""

    id: str
    access_token: str
    app_secret: str | None = None
    """Checks `appsecret_proof` where it is set."""
    beside: str | None = None
    """Name of the shop whose other tool sends here, to be compared with what is built for it."""


class ReceiverBounds(Bounds, frozen=True, forbid_unknown_fields=True):
    """How much of the past the receiver keeps."""

    def __post_init__(self) -> None:
        """Kept calls hold what their sender wrote."""
        if self.calls.days > 7:
            raise ValueError("calls.days is more than 7: kept calls may hold raw identifiers")


class ReceiverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The embedded receiver."""

    datasets: tuple[Dataset, ...] = ()
    token: str | None = None
    """Key of everything under /receiver."""
    same_source: Literal["absorb", "count"] = "absorb"
    """Whether two server events with one id count once (domain rule 5)."""
    fallback: bool = True
    """Whether fbp and external_id stand in for a missing event_id (domain rule 6)."""
    merge: bool = True
    """Whether an event is matched by its twins' keys too."""
    learn: bool = True
    """Whether matched events teach the browser and customer ids that came with them."""
    attribution: SettingName = "7d_click_1d_engage_1d_view"
    """Which touches take a conversion, and within which time."""
    keep_calls: Kept = "refused"
    """Which calls are kept, sealed, to be looked at; those with a test code are, unless none."""
    rate: Rate | None = None
    """A limit of calls, told in the headers of every answer; none if it is not set."""
    bounds: ReceiverBounds = ReceiverBounds()
    """How many calls, events and touches are kept, and for how many days."""


class AlertSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told what goes wrong, and from where on; each once, and once when it ends."""

    slack_url: str | None = None
    """Address of an incoming webhook of Slack, or of what takes the same; it is a secret."""
    webhook_url: str | None = None
    """Address that gets each alert as JSON."""
    email_to: tuple[str, ...] = ()
    """Who gets each alert by e-mail."""
    email_from: str = "tillpost@localhost"
    """Whom the e-mail comes from."""
    smtp_host: str = "127.0.0.1"
    """The mail server."""
    smtp_port: int = 25
    """Its port."""
    smtp_user: str | None = None
    """Its user, where it asks for one; the connection then is encrypted."""
    smtp_password: str | None = None
    """The user's password."""
    limits: Limits = Limits()
    """From where on an alert is one."""

    @property
    def names_somebody(self) -> bool:
        """Whether anybody is told."""
        return bool(self.slack_url or self.webhook_url or self.email_to)


class TelemetrySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenTelemetry: where traces, metrics and the log go; needs the extra `otel`."""

    endpoint: str | None = None
    """A collector that takes OTLP over HTTP, e.g. http://127.0.0.1:4318; none if it is not set."""
    authorization: str | None = None
    """The header `Authorization` that the collector asks for, e.g. "Bearer ..."."""
    service: str = "tillpost"
    """Its name among your services."""
    share: float = 1.0
    """Share of the requests that leave a trace."""
    every_seconds: float = 60.0
    """How often metrics are sent."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `tillpost.toml`."""

    server: Server = Server()
    shops: tuple[ShopSettings, ...] = ()
    destinations: tuple[AnyDestination, ...] = ()
    ad_accounts: tuple[AdAccountSettings, ...] = ()
    receiver: ReceiverSettings = field(default_factory=ReceiverSettings)
    alerts: AlertSettings = AlertSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    admin_password: str | None = None
    """Password of the dashboard in development. Without it the first start prints a link, once,
    at which the owner chooses one; only its argon2id hash is kept."""


SECRET_KEYS = frozenset(
    {"webhook_secrets", "server_keys", "key", "access_token", "client_secret", "app_secret"}
    | {"token", "admin_password", "slack_url", "smtp_password", "authorization"}
).union(*(contract.secret_keys(member.settings) for member in catalog.members().values()))
"""Keys whose values are masked wherever settings are shown."""


def known_keys(kind: Any) -> dict[str, Any]:
    """The keys of a settings table and the types of their values."""
    tag = kind.__struct_config__.tag_field
    known = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}
    return known if tag is None else {tag: str, **known}
