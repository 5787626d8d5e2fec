"""Every knob of the simulated shop with its default; each is a flag of `tillpost simulate`.

The defaults are a plain shop on a plain day, not a measurement of anybody's shop.
Rates are shares from 0 to 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

NUMBERS = frozenset({"touches", "lag_days", "lag_p95_days", "visits", "delay", "token_out_hours"})
"""Knobs with a fraction that are no rates."""
WORDS = {
    "value_base": ("total", "subtotal"),
    "unsent": ("nothing", "carts", "checkouts", "customers", "edits"),
}
"""What a knob that is a word may be."""
MAX_HISTORY_DAYS = 6
"""A foreign clock cannot be moved, and a platform refuses what is older than 7 days."""


def knob(default: Any, area: str, says: str) -> Any:
    """A dataclass field with its area and its one-line description."""
    return field(default=default, metadata={"area": area, "help": says})


@dataclass(frozen=True)
class Knobs:
    """What the world is like. Frozen: a world is its knobs, its start and nothing else."""

    orders: int = knob(500, "size", "orders placed in the whole time, of every kind")
    days: int = knob(6, "size", "days of history")
    seed: int = knob(1, "size", "same seed, same knobs, same start: the same bytes")

    account: float = knob(0.80, "people", "has an account at the ad platform")
    other_email: float = knob(0.25, "people", "types another e-mail at the checkout")
    phone: float = knob(0.55, "people", "gives a phone number")
    national: float = knob(0.60, "people", "of those, writes it without the country code")
    typo: float = knob(0.01, "people", "mistypes the e-mail")
    family: float = knob(0.03, "people", "shares the phone with somebody of the family")
    office: float = knob(0.05, "people", "shares an IP address with an office")
    guest: float = knob(0.35, "people", "checks out as a guest")
    walk_in: float = knob(0.02, "people", "orders at the till that leave no key at all")
    gift: float = knob(0.08, "people", "sends the goods to somebody else")
    fbp_known: float = knob(0.40, "people", "the platform knows the account's _fbp cookie")
    external_known: float = knob(0.30, "people", "the platform knows the account's customer id")

    other_device: float = knob(0.15, "devices", "orders on another device than clicked")
    in_app: float = knob(0.10, "devices", "clicks in an in-app browser, orders in another")
    safari: float = knob(0.35, "devices", "script cookies live 7 d, 24 h on decorated links")
    stripped: float = knob(0.05, "devices", "click id stripped from the link")
    cleared: float = knob(0.05, "devices", "cookies cleared before a visit")
    two_ips: float = knob(0.30, "devices", "IPv6 for us, IPv4 for the shop")

    ad_blockers: float | None = knob(
        None, "blocking", "sets the three rates below at once: every blocker blocks us too"
    )
    blocked_desktop: float = knob(0.25, "blocking", "desktop browser blocks the vendor's host")
    blocked_phone: float = knob(0.08, "blocking", "phone browser blocks the vendor's host")
    blocked_own: float = knob(0.03, "blocking", "blocks our own path too")
    eea: float = knob(0.30, "blocking", "people who live in the EEA")
    denied: float = knob(0.35, "blocking", "of the EEA, deny consent")
    unanswered: float = knob(0.15, "blocking", "of the EEA, never answer the banner")
    opt_out: float = knob(0.07, "blocking", "of the US, opt out of the sale of data")

    touches: float = knob(2.5, "ads", "mean number of touches before a web order (geometric)")
    lag_days: float = knob(1.0, "ads", "median days from touch to order (log-normal)")
    lag_p95_days: float = knob(14.0, "ads", "95th percentile of the same")
    anyway: float = knob(0.25, "ads", "would buy anyway but saw an ad in the last day")
    views: float = knob(0.50, "ads", "other accounts that see an ad without clicking")
    visits: float = knob(2.0, "ads", "visits without an order, per order")
    meta_currency: str = knob("USD", "ads", "currency of the Meta ad account")
    meta_timezone: str = knob("Europe/Berlin", "ads", "time zone of the Meta ad account")
    renamed: bool = knob(True, "ads", "a campaign is renamed half-way")

    case_variants: float = knob(0.05, "links", "UTM values in another case")
    no_utm: float = knob(0.08, "links", "Meta ad link with a click id and no UTM")
    organic_fbclid: float = knob(0.15, "links", "organic social link with a click id")
    macro: float = knob(0.01, "links", "Meta macros left unexpanded")
    gateway_return: float = knob(0.20, "links", "comes back from a payment gateway")
    direct_return: float = knob(0.35, "links", "comes back directly to order")
    coupon_only: float = knob(0.03, "links", "nothing but a creator's coupon")
    express: float = knob(0.05, "links", "express checkout: no landing page, no attributes")

    returning: float = knob(0.30, "orders", "bought here before")
    second: float = knob(0.02, "orders", "second order within 48 hours")
    capture: float = knob(0.10, "orders", "authorised first, captured later")
    pending: float = knob(0.10, "orders", "bank transfer: created as pending")
    never_paid: float = knob(0.30, "orders", "of those, never paid")
    cancelled: float = knob(0.03, "orders", "cancelled after a while")
    refund_full: float = knob(0.05, "orders", "wholly refunded")
    refund_partial: float = knob(0.04, "orders", "refunded in part")
    upsell: float = knob(0.05, "orders", "a line is added after the checkout")
    pos: float = knob(0.05, "orders", "sold at the till")
    draft: float = knob(0.02, "orders", "made by staff from a draft")
    renewal: float = knob(0.05, "orders", "renewed subscription")
    api: float = knob(0.01, "orders", "made by another app over the API")
    test: float = knob(0.005, "orders", "test order")
    zero: float = knob(0.01, "orders", "wholly discounted")
    gift_card: float = knob(0.01, "orders", "buys only a gift card")
    other_currency: float = knob(0.15, "orders", "pays in another currency")
    abandoned: float = knob(0.10, "orders", "visits without an order that leave a checkout behind")

    delay: float = knob(2.0, "webhooks", "median seconds until a webhook arrives")
    delayed_hour: float = knob(0.01, "webhooks", "arrives more than an hour late")
    delayed_day: float = knob(0.001, "webhooks", "arrives more than a day late")
    duplicate: float = knob(0.03, "webhooks", "delivered twice")
    duplicate_new_id: float = knob(0.005, "webhooks", "delivered twice with a new Webhook-Id")
    disordered: float = knob(0.05, "webhooks", "overtaken by the next one")
    lost: float = knob(0.002, "webhooks", "a single delivery never arrives")
    order_lost: float = knob(0.002, "webhooks", "no delivery of the order ever arrives")
    updates: int = knob(3, "webhooks", "orders/updated per order")

    late_beacon: float = knob(0.50, "browser", "beacon arrives after the webhook")
    tab_closed: float = knob(0.05, "browser", "tab closed before the thank-you page ran")
    reload: float = knob(0.04, "browser", "thank-you page loaded again at once")
    revisit: float = knob(0.01, "browser", "thank-you page opened again after 3 days")
    skew: float = knob(0.02, "browser", "the device's clock is a day off")
    bots: float = knob(0.10, "browser", "share of page views made by bots")

    native_full: bool = knob(False, "faults", "the shop's own Meta channel sends everything too")
    theme_fbq: bool = knob(False, "faults", "the theme calls fbq without an eventID")
    order_name_ids: bool = knob(False, "faults", "another app sends the order's name as eventID")
    token_out_hours: float = knob(0.0, "faults", "hours in the middle with a dead access token")
    unsent: str = knob(
        "nothing", "faults", "what the shop does not send: carts, checkouts, customers, edits"
    )
    value_base: str = knob("total", "faults", "what the page's pixel calls value: total, subtotal")

    def __post_init__(self) -> None:
        """Raises ValueError, naming the flag, for a knob that stands where none can."""
        for row in all_knobs():
            problem = _problem(row, getattr(self, row.name))
            if problem is not None:
                raise ValueError(f"{row.flag} {getattr(self, row.name)}: {problem}")

    def vendor_block(self, kind: str) -> float:
        """How many browsers of this kind block the ad platform's host."""
        if self.ad_blockers is not None:
            return self.ad_blockers
        return self.blocked_desktop if kind == "desktop" else self.blocked_phone

    def own_block(self) -> float:
        """How many browsers block our own path."""
        return self.blocked_own if self.ad_blockers is None else self.ad_blockers


class KnobInfo(NamedTuple):
    """One knob as flags and documents show it."""

    name: str
    flag: str
    default: Any
    area: str
    help: str


def all_knobs() -> Iterator[KnobInfo]:
    """Every knob in the order it is declared."""
    for row in fields(Knobs):
        yield KnobInfo(
            row.name,
            "--" + row.name.replace("_", "-"),
            row.default,
            row.metadata["area"],
            row.metadata["help"],
        )


def _problem(row: KnobInfo, value: Any) -> str | None:
    """What is wrong with a knob's value, and what it may be."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        words = WORDS.get(row.name, (value,))
        return None if value in words else f"must be one of {', '.join(words)}"
    if value < 0:
        return "must not be negative"
    rate = isinstance(value, float) and row.name not in NUMBERS
    return "is a share: give a number from 0 to 1" if rate and value > 1 else None
