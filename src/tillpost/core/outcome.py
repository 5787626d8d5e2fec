"""The closed list of ways an event can stand or end, and the three kinds of failure.

Every event of every destination is in exactly one `State`; the last four are final.
Bad input is a value (`Rejection`), never a stray exception. Exceptions are three:

    TillpostError
      Retryable       the same call may succeed later
        NotSent       and nothing has arrived
      Permanent       it never will
      Misconfigured   the owner must change something; the message says what
"""

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """Where an event stands with one destination."""

    HELD = "held"  # waits for its beacon, its payment or a consent
    PENDING = "pending"  # goes when it is due
    LEASED = "leased"  # a sender has it in hand
    IN_DOUBT = "in_doubt"  # sent, but no answer was read: goes again with the same ids
    PAUSED = "paused"  # the destination cannot take events now; nothing is lost
    DELIVERED = "delivered"  # the platform said that it took it
    DEAD = "dead"  # refused for good: a dead letter
    EXPIRED = "expired"  # the platform's age limit passed
    DROPPED = "dropped"  # by policy, always with a reason


FINAL = frozenset({State.DELIVERED, State.DEAD, State.EXPIRED, State.DROPPED})
"""States that nothing but the owner's `retry` or `replay` leaves."""


class Reason(StrEnum):
    """Why an event is held, dropped, expired or dead; printed as it stands."""

    JOIN_WAIT = "join_wait"  # its beacon may still come
    AWAITING_PAYMENT = "awaiting_payment"  # the money has not come yet
    AWAITING_ORDER = "awaiting_order"  # a browser Purchase whose order has not come yet
    AWAITING_CONSENT = "awaiting_consent"  # the law asks for an answer that has not come
    UNCONFIRMED = "unconfirmed"  # a browser Purchase whose order never came
    NO_MATCH_KEYS = "no_match_keys"  # nothing in it tells whose it is
    CONSENT_DENIED = "consent_denied"  # the shopper said no, or opted out
    CONSENT_UNKNOWN = "consent_unknown"  # nobody asked, and the place or the owner wants a yes
    LATE_TWIN = "late_twin"  # the browser's copy left the 48-hour window
    TOO_OLD = "too_old"  # older than the platform takes
    TEST_ORDER = "test_order"
    ZERO_VALUE = "zero_value"
    CANCELLED = "cancelled"  # before it was sent
    DRAFT = "draft"
    RENEWAL = "renewal"
    EXCHANGE = "exchange"
    GIFT_CARD = "gift_card"
    SAME_SALE = "same_sale"  # its sender told the sale under another id too
    NEVER_PAID = "never_paid"  # a week without its money, or cancelled before it came
    CHANNEL = "channel"  # the owner's policy for this kind of order
    NO_PURCHASE = "no_purchase"  # money back for a sale that the platform was never told of
    NATIVE = "native"  # the shop's own channel sends this one
    BOT = "bot"  # a crawler, a preview or a headless browser
    SHADOW = "shadow"  # it would have been sent
    NOT_SUBSCRIBED = "not_subscribed"  # the destination does not take this event name
    INVALID = "invalid"  # the platform would refuse it
    ERASED = "erased"  # the shopper was erased before it went out
    REPORTS_ONLY = "reports_only"  # a past order that the owner wants in the reports alone
    UNINSTALLED = "uninstalled"  # the shop took the app away before it went out
    CANNOT_BUILD = "cannot_build"  # a rule's code breaks on it: a fault of ours
    UNREADABLE = "unreadable"  # its row on the disk is damaged


BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What a rule's code raises when it meets something it was not written for: that one thing is set
aside, and all else goes on."""


class Outcome(Struct, frozen=True):
    """What one answer of a platform means for one event.

    `retry_after` is in seconds: until this event's next try, and with `pauses`, or for an
    event that was taken, until the platform wants any further request. `detail` is the
    platform's own words, without any identifier. `sent` is False for an event that ended
    before the platform was asked. `pauses` says that the platform takes nothing at all, and
    `grows` that nobody told for how long, so that each further refusal doubles the wait.
    """

    state: State
    reason: str | None = None
    detail: str | None = None
    retry_after: float | None = None
    sent: bool = True
    pauses: bool = False
    grows: bool = False


class Rejection(Struct, frozen=True):
    """Input that was not taken: what, where, and how to fix it.

    `status` is the HTTP status to answer with; `keep` says that the body is
    worth keeping, sealed, as a bad row.
    """

    status: int
    reason: str
    field: str
    detail: str
    keep: bool = False


class TillpostError(Exception):
    """Any failure that Tillpost names; the message says what, where and how to fix it."""


class Retryable(TillpostError):
    """The same call may succeed later."""


class NotSent(Retryable):
    """Nothing can have arrived at the other side."""


class Permanent(TillpostError):
    """The same call will never succeed."""


class Misconfigured(TillpostError):
    """The owner must change something; the message says what."""
