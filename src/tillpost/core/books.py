"""What folding facts makes: orders, sightings, visitors, touches, events and their deliveries.

Rows are frozen; a change is a new row. Money is integer minor units, times are Unix seconds.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from tillpost.core.event import BrowserSeen, Consent, Event, OrderSeen, Person, PrivacyAsked
from tillpost.core.outcome import State


class OrderRow(Struct, frozen=True):
    """An order as far as it is known, and what the shop's policy says of it.

    `reason` names why it is not eligible, by `core.policy`.
    """

    shop: str
    seen: OrderSeen
    first_received_at: float
    eligible: bool
    reason: str | None
    browser: bool

    @property
    def keys(self) -> list[tuple[str, str]]:
        """By what the order finds its visitors: (kind, value) of each thing that names them.

        A phone counts only where there is no e-mail: families share one, and so do offices.
        """
        seen = self.seen
        found = [("order", seen.order_id)]
        if seen.checkout_token:
            found.append(("checkout", seen.checkout_token))
        if seen.cart_token:
            found.append(("checkout", cart_name(seen.cart_token)))
        if seen.customer_id:
            found.append(("customer", seen.customer_id))
        kind = "em" if seen.person.keys.get("em") else "ph"
        return found + [known for known in contacts(seen.person) if known[0] == kind]


ALSO = "also:"
"""How the name among checkouts begins of an order by another id than the one it is kept under."""


def cart_name(cart_token: str) -> str:
    """The name among checkouts of a cart whose checkout is not known."""
    return f"cart:{cart_token}"


def contacts(person: Person) -> list[tuple[str, str]]:
    """(kind, hash) of the e-mail and of the phone that a person may be known by again.

    The first of each; of e-mails, the first that is not a role's, which many people share.
    """
    found = {kind: _own(person.keys.get(kind, ())) for kind in ("em", "ph")}
    return [(kind, digest) for kind, digest in found.items() if digest is not None]


def _own(rows: Iterable[tuple[str, str]]) -> str | None:
    """The first value's hash; a value's further forms follow it, and one may say it is shared."""
    found: str | None = None
    for form, digest in rows:
        if form == "role":
            found = None
        elif form in {"meta", "given"}:
            if found is not None:
                break
            found = digest
    return found


class Sighting(Struct, frozen=True):
    """The browser's own Purchase; `token` is its checkout token, else `id:` and its event_id."""

    shop: str
    token: str
    received_at: float
    seen: BrowserSeen


class Visitor(Struct, frozen=True):
    """The last that is known of one browser; `last_touch` tells a new landing from a reload."""

    shop: str
    visitor_id: str
    last_seen: int
    last_touch: str | None = None
    fbp: str | None = None
    fbc: str | None = None
    consent: Consent | None = None


class Link(Struct, frozen=True):
    """The visitor was seen with this checkout, cart, customer id or hashed e-mail at `at`."""

    shop: str
    kind: str
    value: str
    visitor_id: str
    at: int


class Touch(Struct, frozen=True):
    """One landing of a visitor, classified by version `rules` of the channel rules."""

    shop: str
    visitor_id: str
    at: int
    source: str | None
    medium: str | None
    campaign: str | None
    term: str | None
    content: str | None
    campaign_id: str | None
    adset_id: str | None
    ad_id: str | None
    channel: str
    direct: bool
    paid: bool
    click_kind: str | None
    click_id: str | None
    referrer_host: str | None
    landing_path: str | None
    rules: int
    url: str | None = None
    referrer: str | None = None
    flags: str = ""
    """What was repaired or is doubtful about its tags, apart by blanks (`core.utm`)."""


class Slip(Struct, frozen=True):
    """Campaign tags on a link inside the shop, on a day: no touch, but a fault to be mended."""

    shop: str
    day: str
    source: str
    medium: str
    campaign: str
    landing_path: str


class RefundRow(Struct, frozen=True):
    """Money given back for an order, in the shop's currency."""

    shop: str
    refund_id: str
    order_id: str
    at: int
    amount_minor: int
    currency: str


class EditRow(Struct, frozen=True):
    """That an order's lines were changed in the shop: pieces, and when (Unix seconds)."""

    shop: str
    edit_id: str
    order_id: str
    at: int
    added: int
    removed: int


class EventRow(Struct, frozen=True):
    """One conversion to be sent; two reports of it share `fold_key` and are one row.

    While `hold_until` is set the event may still change; after that it never does.
    """

    id: int
    fold_key: str
    source: str
    received_at: float
    event: Event
    order_id: str | None = None
    hold_until: float | None = None
    visitor_id: str | None = None

    @property
    def shop(self) -> str:
        """The shop it belongs to."""
        return self.event.shop


class Delivery(Struct, frozen=True):
    """Where one event stands with one destination; `due_at` is the next try."""

    event: int
    destination: str
    shop: str
    state: State
    due_at: float
    reason: str | None = None
    detail: str | None = None
    attempts: int = 0
    fence: int = 0
    deadline: float = 9e15
    """Unix seconds after which it can no longer be sent."""


class Leased(Struct, frozen=True):
    """An event handed to one sender until `lease_until`; `fence` proves whose lease it is.

    `payload` is what was built for the destination, None before that.
    """

    delivery: Delivery
    lease_until: float
    payload: bytes | None = None


class Transition(Struct, frozen=True):
    """One move of an event with one destination, and why."""

    destination: str
    at: float
    state: str
    reason: str | None
    detail: str | None


class Pause(Struct, frozen=True):
    """A time in which a destination took nothing at all: `ended_at` is None while it lasts."""

    destination: str
    began_at: float
    ended_at: float | None
    reason: str | None


class BadRow(Struct, frozen=True):
    """A body that was signed but could not be read; kept sealed for seven days.

    `headers` is a JSON object of those that say what the body is; empty where that is not known.
    """

    shop: str
    source: str
    received_at: float
    reason: str
    field: str
    detail: str
    sealed: bytes
    headers: str = ""


class PrivacyRow(Struct, frozen=True):
    """A request about somebody's data, to be carried out by the next privacy round.

    `reference` is the same for the same person and shop, and names nobody.
    """

    shop: str
    source: str
    received_at: float
    asked: PrivacyAsked
    reference: str


class Wanted(Struct):
    """The names of all rows that folding a batch may read: (shop, name) each.

    A checkout brings its order, its sighting and its visitor along; an order its events,
    its checkout, its cart and its visitor.
    """

    orders: set[tuple[str, str]] = field(default_factory=set)
    visitors: set[tuple[str, str]] = field(default_factory=set)
    events: set[tuple[str, str]] = field(default_factory=set)
    checkouts: set[tuple[str, str]] = field(default_factory=set)


class Books(Struct):
    """The rows that folding a batch may read, by their names, and the next free event number."""

    orders: dict[tuple[str, str], OrderRow]
    sightings: dict[tuple[str, str], Sighting]
    visitors: dict[tuple[str, str], Visitor]
    events: dict[tuple[str, str], EventRow]
    deliveries: dict[int, dict[str, Delivery]]
    checkouts: dict[tuple[str, str], str]
    """(shop, checkout token) -> visitor id."""
    tokens: dict[tuple[str, str], str]
    """(shop, checkout token) -> order id."""
    next_event: int


class Changes(Struct):
    """All that folding a batch makes, to be kept in one transaction with `position`."""

    position: int | None
    orders: list[OrderRow]
    refunds: list[RefundRow]
    sightings: list[Sighting]
    visitors: list[Visitor]
    links: list[Link]
    touches: list[Touch]
    events: list[EventRow]
    deliveries: list[Delivery]
    accepted: dict[tuple[str, str], int]
    """(shop, destination) -> how many events were accepted for it just now."""
    privacy: list[PrivacyRow] = field(default_factory=list)
    slips: list[Slip] = field(default_factory=list)
    edits: list[EditRow] = field(default_factory=list)
