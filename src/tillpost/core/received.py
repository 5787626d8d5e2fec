"""What the platform's side holds: datasets, received events, accounts, touches, conversions.

Nothing here can carry a raw identifier: keys are short hashes (`core.match_key`).
Money is integer minor units; times are Unix seconds. What a settling makes by the
thousand is left out of garbage collection (`gc=False`): its values cannot form a cycle.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from tillpost.core.browsers import Browser
from tillpost.core.match_key import Key

Source: TypeAlias = Literal["server", "browser"]
"""Which way an event came: `/events` of the Graph API, or the pixel's `/tr`."""

Action: TypeAlias = Literal["link_click", "other_click", "video_5s", "impression"]
"""What an account did with an ad (domain-rules 22)."""

Window: TypeAlias = Literal["7d_click", "1d_engage", "1d_view", "1d_click", "28d_click"]
"""By which attribution window a conversion was credited."""


JoinedBy: TypeAlias = Literal["event_id", "external_id", "fbp"]
"""What two sightings of one sale have in common."""


class Dataset(Struct, frozen=True):
    """A dataset (once: pixel) that the receiver answers for, and who may send to it."""

    id: str
    access_token: str
    app_secret: str | None = None
    """If set, every call must carry `appsecret_proof`."""


class ReceivedEvent(Struct, frozen=True, array_like=True, gc=False):
    """One accepted event: what settling, reports and quality figures need, and no more.

    `value` is in minor units of `currency`. `traits` counts what else came with it, as a
    bit mask of `Trait`; `unusable` names fields whose value identified nobody.
    """

    dataset_id: str
    source: Source
    event_name: str
    event_id: str | None
    event_time: int
    received_at: float
    keys: tuple[Key, ...] = ()
    action_source: str | None = None
    value: int | None = None
    currency: str | None = None
    order_id: str | None = None
    test_event_code: str | None = None
    traits: int = 0
    unusable: tuple[str, ...] = ()
    page: str | None = None
    """Scheme, host and path of the page, without its query."""
    browser: Browser | None = None


class Ad(Struct, frozen=True):
    """Where an ad hangs, with the names it had when last seen."""

    account_id: str
    campaign_id: str
    adset_id: str
    ad_id: str
    names: dict[str, str] = {}
    """`campaign`, `adset`, `ad`, `account` -> name."""


class AccountSeen(Struct, frozen=True):
    """An account that the platform says it knows: its keys, and its id if it has one."""

    keys: tuple[Key, ...]
    id: str | None = None


class TouchSeen(Struct, frozen=True):
    """One thing that an account did with an ad."""

    action: Action
    at: int
    ad: Ad
    click: Key | None = None
    keys: tuple[Key, ...] = ()
    person: str | None = None
    """The id of an account given before, if the reporter knows it."""


class SpendSeen(Struct, frozen=True):
    """What an ad cost on a day since 1970, in minor units; told again, it replaces."""

    day: int
    ad: Ad
    currency: str
    amount: int


class Touch(Struct, frozen=True, order=True, gc=False):
    """A touch as attribution sees it; `ad` is the store's number for the ad."""

    at: int
    action: Action
    ad: int


class Credit(Struct, frozen=True, gc=False):
    """The touch that a conversion is credited to, and by which window."""

    touch: Touch
    window: Window


class Match(Struct, frozen=True, gc=False):
    """Which account an event belongs to, by which keys, and how sure that is.

    `person` is None if none is certain enough; `reason` then says why. `merged` tells
    that only keys learned from earlier events of the dataset decided.
    """

    person: int | None = None
    by: tuple[str, ...] = ()
    confidence: float = 0.0
    reason: str | None = None
    merged: bool = False


class Settled(Struct, frozen=True, gc=False):
    """An event with what settling found out; `seq` is its number in the receiver.

    `opened_at` is when the first of its twins was received, `twin` the event that this
    one is a duplicate of, `absorbed` how many were taken in, `held` their keys that it
    lacked. `match` is by its own keys, `joint` by its twins' too. `joined_by` is what made
    it a duplicate; `apart` says why it was not joined to one that looks like a twin.
    """

    seq: int
    event: ReceivedEvent
    opened_at: float
    twin: int | None = None
    absorbed: int = 0
    held: tuple[Key, ...] = ()
    match: Match = Match()
    joint: Match = Match()
    apart: str | None = None
    joined_by: JoinedBy | None = None

    @property
    def all_keys(self) -> tuple[Key, ...]:
        """Its own keys, then those of its twins."""
        return self.event.keys + self.held


class Batch(Struct, frozen=True):
    """Accepted events that are not settled yet, in order of receipt.

    They are numbered from `first_seq`; committing passes the inbox's position `upto`.
    """

    upto: int
    first_seq: int
    events: tuple[ReceivedEvent, ...] = ()


class Click(Struct, frozen=True):
    """A reported click; `person` is None where it cannot be told whose it was."""

    person: int | None
    touch: Touch


class Known(Struct, frozen=True):
    """What the platform knows of some keys: see `core.matching` for the meaning of each."""

    owners: dict[Key, tuple[int, ...]] = {}
    learned: dict[Key, tuple[int, ...]] = {}
    accounts: dict[int, frozenset[Key]] = {}
    clicks: dict[Key, Click] = {}


class Attributed(Struct, frozen=True, gc=False):
    """Which touch an event is credited to, and the touches that other settings would look at.

    With `credit` None, an earlier credit of the event falls.
    """

    seq: int
    credit: Credit | None = None
    contenders: tuple[Touch, ...] = ()


SeenKind: TypeAlias = Literal["host", "url", "device_type", "device_os", "browser_type"]
"""What of an event's place is counted, in the names of Meta's statistics."""


class Seen(Struct, frozen=True, gc=False):
    """Where events of one dataset and hour came from; `hour` is the Unix time it began."""

    dataset_id: str
    kind: SeenKind
    hour: int
    source: Source
    value: str


class Settlement(Struct, frozen=True):
    """All that one batch changes; kept together or not at all.

    `changed` are earlier events that took in a twin or became one. `marks` are
    (mark, seq); `taught` are (learned key, account); `seen` counts new events.
    """

    upto: int
    settled: tuple[Settled, ...] = ()
    changed: tuple[Settled, ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    taught: tuple[tuple[Key, int], ...] = ()
    attributed: tuple[Attributed, ...] = ()
    seen: tuple[tuple[Seen, int], ...] = ()


class ConversionRow(Struct, frozen=True):
    """One credited event, as reports read it; `at` is the conversion's time.

    `value` is in minor units. Names are those that were reported last.
    """

    seq: int
    dataset_id: str
    event_name: str
    event_id: str | None
    order_id: str | None
    at: int
    touched_at: int
    window: Window
    action: Action
    account_id: str
    campaign_id: str
    adset_id: str
    ad_id: str
    campaign_name: str | None
    adset_name: str | None
    ad_name: str | None
    value: int | None
    currency: str | None


class Candidate(Struct, frozen=True):
    """An event that counts, with the touches that any attribution setting would look at."""

    seq: int
    event_name: str
    at: int
    value: int | None
    currency: str | None
    touches: tuple[Touch, ...]


class Tally(Struct, frozen=True, array_like=True):
    """So many events of one dataset are alike in all of this.

    `mask` has a bit for each `Code` that the event itself brought. `hour` is the Unix time
    at which the hour of receipt began; `late` is over an hour. `matched_alone` is by its own
    keys, `matched` by its twins' too, `matched_merged` also by those that the dataset has
    learned. `joined_by` is what the event has in common with one of the other source, None
    where it is joined to none.
    """

    event_name: str
    source: Source
    mask: int
    traits: int
    with_id: bool
    duplicate: bool
    matched_alone: bool
    matched: bool
    matched_merged: bool
    late: bool
    hour: int
    unusable: bool
    joined_by: JoinedBy | None
    events: int


class KeptCall(Struct, frozen=True):
    """A call that was kept to be looked at: what was answered, and the call itself, sealed.

    `box` holds a sealed `Exchange`; `path` has no query. `events` is how many were accepted.
    """

    at: float
    method: str
    path: str
    status: int
    events: int
    refused: str | None
    test_event_code: str | None
    answer: str
    box: bytes
    id: int = 0


class Bound(Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one kind: nothing older than `days`, and at most about `most`."""

    days: Annotated[float, Meta(gt=0)]
    most: Annotated[int, Meta(gt=0)]


class Bounds(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the past a receiver keeps.

    Calls are sealed and hold what their sender wrote, so that seven days are the most.
    Events and touches reach over a year of Insights; attribution looks back 28 days.
    """

    calls: Bound = Bound(7, 10_000)
    events: Bound = Bound(400, 5_000_000)
    touches: Bound = Bound(400, 20_000_000)


class Exchange(Struct, frozen=True, array_like=True):
    """A call as it came, without its token; it rests on disk only sealed."""

    method: str
    url: str
    content_type: str
    content_encoding: str
    body: bytes
    left_out: str | None = None
    """Why the body is not among what was kept."""
