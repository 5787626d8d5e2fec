"""The shapes of what goes over the wire, as /openapi.json tells them (design 3.4).

Money is a decimal string beside its currency, times are ISO 8601 UTC. Keys may be added.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field


class Fault(Struct):
    """What was wrong, where, and how to fix it."""

    reason: Annotated[str, Meta(description="One word for machines, e.g. `too_large`.")]
    field: Annotated[str, Meta(description="The header, parameter or part of the body.")]
    detail: Annotated[str, Meta(description="What to do about it.")]


class Problem(Struct):
    """Any answer that is not a success."""

    error: Fault


class Accepted(Struct):
    """The events are on disk."""

    accepted: Annotated[int, Meta(description="How many.")]


class ServerEvent(Struct):
    """An event of a back end, in the vocabulary of the Conversions API."""

    event_name: Annotated[str, Meta(min_length=1, description="`Purchase`, `Lead`, ...")]
    event_time: Annotated[
        int | None, Meta(description="Unix seconds; at most seven days ago. Default: now.")
    ] = None
    event_id: Annotated[
        str | None, Meta(description="The id that the browser's copy of it has, if there is one.")
    ] = None
    action_source: Annotated[str | None, Meta(description="`website`, `app`, `email`, ...")] = None
    event_source_url: str | None = None
    user_data: Annotated[
        dict[str, Any], Meta(description="Match keys: raw, or hashed already (SHA-256, hex).")
    ] = field(default_factory=dict)
    custom_data: Annotated[
        dict[str, Any], Meta(description="`value`, `currency`, `order_id`, `contents`, ...")
    ] = field(default_factory=dict)


class ServerEvents(Struct):
    """Several events at once, as the Conversions API takes them."""

    data: Annotated[list[ServerEvent], Meta(min_length=1, max_length=1000)]


class BrowserEvent(Struct):
    """What a shop's page saw."""

    event_name: str
    event_id: str
    event_time: Annotated[float, Meta(description="Unix seconds, by the browser's clock.")]
    event_source_url: str | None = None
    custom_data: dict[str, Any] | None = None
    fbp: str | None = None
    fbc: str | None = None
    visitor_id: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    direct: Annotated[
        Literal["sent", "blocked", "none", "unknown"],
        Meta(description="Whether the page's own hit reached the platform."),
    ] = "unknown"


class Beacon(Struct):
    """Events of one page; sent as `text/plain` or JSON."""

    events: Annotated[list[BrowserEvent], Meta(min_length=1, max_length=100)]


class Outcome(Struct):
    """Where an event stands with one destination."""

    destination: str
    state: Literal[
        "held",
        "pending",
        "leased",
        "in_doubt",
        "paused",
        "delivered",
        "dead",
        "expired",
        "dropped",
    ]
    reason: str | None
    attempts: int
    detail: Annotated[str | None, Meta(description="The platform's own words.")]


class EventItem(Struct):
    """An event with its outcomes."""

    id: int
    received_at: str
    source: str
    shop: str
    event_name: str
    event_id: str
    event_time: str
    order_id: str | None
    outcomes: list[Outcome]


class Events(Struct):
    """A page of events; `next` is the cursor of the following one."""

    items: list[EventItem]
    next: int | None


class BadRow(Struct):
    """A signed body that could not be read; what it held stays sealed."""

    id: int
    shop: str
    source: str
    received_at: str
    reason: str
    field: str
    detail: str


class BadRows(Struct):
    """A page of bad rows."""

    items: list[BadRow]
    next: int | None


class LedgerRow(Struct):
    """accepted = delivered + dead + expired + dropped + pending."""

    shop: str
    destination: str
    accepted: int
    delivered: int
    dead: int
    expired: int
    dropped: Annotated[dict[str, int], Meta(description="By reason.")]
    pending: Annotated[int, Meta(description="Waiting, leased, in doubt, paused and held.")]
    balanced: bool


class Ledger(Struct):
    """What was accepted, and where all of it stands."""

    destinations: list[LedgerRow]
    balanced: bool


class Rows(Struct):
    """The rows of a report; their columns are the report's."""

    rows: list[dict[str, Any]]


class Items(Struct):
    """A list of things."""

    items: list[dict[str, Any]]


class Page(Struct):
    """A page of things; `next` is the cursor of the following one."""

    items: list[dict[str, Any]]
    next: int | None


class Findings(Struct):
    """Faults of the set-up, each with its fix."""

    findings: list[dict[str, Any]]


class Alive(Struct):
    """The process answers."""

    ok: bool


class GraphAnswer(Struct):
    """What Meta answers to events that it took."""

    events_received: int
    messages: list[str]
    fbtrace_id: str


class GraphError(Struct):
    """Meta's error object."""

    message: str
    type: str
    code: int
    fbtrace_id: str
    error_subcode: int | None = None
    error_user_title: str | None = None
    error_user_msg: str | None = None
    is_transient: bool | None = None


class GraphProblem(Struct):
    """Meta's error envelope."""

    error: GraphError


class GraphEvents(Struct):
    """A call of the events edge."""

    data: Annotated[list[dict[str, Any]], Meta(description="Up to 1,000 events, all or none.")]
    access_token: str | None = None
    test_event_code: str | None = None
    partner_agent: str | None = None


class People(Struct):
    """Accounts that the platform knows, by hashed identifiers."""

    people: list[dict[str, Any]]


class Touches(Struct):
    """Clicks, engagements and views of ads."""

    touches: list[dict[str, Any]]


class AdSpend(Struct):
    """What ads cost, by day and ad."""

    spend: list[dict[str, Any]]


class Instant(Struct):
    """A time to move the simulated clock to."""

    now: Annotated[str, Meta(description="ISO 8601 with its zone.")]
    wait: Annotated[bool, Meta(description="Answer when nothing is left to do by then.")] = False


class Validity(Struct):
    """Whether the receiver takes its access tokens."""

    valid: bool
