"""What Meta refuses: the rows that make it turn a whole request down, in the order it checks.

Observed is that the time is checked before the customer information; the rest of the order
is inferred. A field that the documents call required, but whose absence nobody saw refused,
is a warning and stands in the `core.hints_*` modules.
"""

import re
from typing import Final

from tillpost.core.limits import (
    AGE_LIMIT,
    CURRENCIES,
    FUTURE_TOLERANCE,
    STORE_AGE_LIMIT,
)
from tillpost.core.rule import (
    EMPTY_SHA256,
    NONE,
    Hit,
    Object,
    Rule,
    View,
    absent,
    hits,
    is_number,
    is_sha256,
    text,
)
from tillpost.core.vocabulary import (
    ACTION_SOURCES,
    BROAD_SETS,
    EXTINFO,
    EXTINFO_VERSIONS,
    MESSAGING_EVENTS,
    USER_KEYS,
)

MILLISECONDS_FROM: Final = 100_000_000_000
"""An `event_time` from here on counts milliseconds: as seconds it lies in the year 5138."""

FBC: Final = re.compile(
    r"fb\.[0-9]\.[0-9]{10,13}\.[^.\s]+(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
)
FBP: Final = re.compile(
    r"fb\.[0-9]\.[0-9]{10,13}\.[0-9]+(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
)
LEAD_ID: Final = re.compile(r"[0-9]{15,17}")
IP_SHAPE: Final = re.compile(
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)(?:\.[A-Za-z0-9_-]{8})?"
)

_SOURCES: Final = frozenset(ACTION_SOURCES)
_ALL_SETS: Final = (1 << len(BROAD_SETS)) - 1
_SETS: Final = {
    row.name: sum(
        1 << i for i, names in enumerate(BROAD_SETS) if (row.judged_as or row.name) in names
    )
    for row in USER_KEYS
}
_HASHED: Final = frozenset(row.name for row in USER_KEYS if row.hashing == "required")
_ANYTHING: Final = re.compile(r".+", re.DOTALL)
_SHAPES: Final = {"fbc": FBC, "fbp": FBP, "client_ip_address": IP_SHAPE, "lead_id": LEAD_ID}


def _is_usable(key: str, value: object) -> bool:
    if key in _HASHED:
        return is_sha256(value) and value[:64].lower() != EMPTY_SHA256
    shape = _SHAPES.get(key, _ANYTHING)
    return not isinstance(value, bool) and shape.fullmatch(text(value).strip()) is not None


def _has_usable(key: str, value: object) -> bool:
    if type(value) is not list:
        return _is_usable(key, value)
    if len(value) == 1:  # as most are: without a generator
        return _is_usable(key, value[0])
    return any(_is_usable(key, item) for item in value)


def usable_keys(user_data: Object) -> bool:
    """Whether Meta would take the customer information: the keys lie in no "too broad" set.

    A key counts where at least one value of it can be used: a hash where one is required
    (not the hash of nothing), the documented shape for fbc, fbp, address and lead id.
    Whether Meta counts unusable values is unknown; not to count them is our choice.
    """
    shared = _ALL_SETS
    for key, value in user_data.items():
        narrowed = shared & _SETS.get(key, shared)
        if narrowed != shared and _has_usable(key, value):
            if not narrowed:
                return True
            shared = narrowed
    return False


def _no_name(v: View) -> tuple[Hit, ...]:
    name = v.event.get("event_name")
    return hits(not isinstance(name, str) or not name or name.isspace(), "event_name")


def _no_time(v: View) -> tuple[Hit, ...]:
    return hits(v.time is None, "event_time")


def _too_old(v: View) -> tuple[Hit, ...]:
    if v.time is None or v.now - v.time <= AGE_LIMIT:
        return NONE
    in_store = v.event.get("action_source") == "physical_store"
    return hits(not in_store or v.now - v.time > STORE_AGE_LIMIT, "event_time")


def _milliseconds(v: View) -> tuple[Hit, ...]:
    return hits(v.time is not None and v.time >= MILLISECONDS_FROM, "event_time")


def _future(v: View) -> tuple[Hit, ...]:
    late = v.time is not None and v.now + FUTURE_TOLERANCE < v.time < MILLISECONDS_FROM
    return hits(late, "event_time")


def _wrong_source(v: View) -> tuple[Hit, ...]:
    source = v.event.get("action_source")
    if source is None or (type(source) is str and source in _SOURCES):
        return NONE
    return (Hit("action_source"),)


def _user_type(v: View) -> tuple[Hit, ...]:
    user = v.event.get("user_data")
    return hits(not isinstance(user, dict) and not absent(user), "user_data")


def _too_broad(v: View) -> tuple[Hit, ...]:
    return NONE if usable_keys(v.user) else (Hit("user_data"),)


def _lead_id(v: View) -> tuple[Hit, ...]:
    lead = v.user.get("lead_id")
    if absent(lead):
        return NONE
    return hits(LEAD_ID.fullmatch(text(lead)) is None, "user_data.lead_id")


def _custom_type(v: View) -> tuple[Hit, ...]:
    custom = v.event.get("custom_data")
    return hits(not isinstance(custom, dict) and not absent(custom), "custom_data")


def _no_value(v: View) -> tuple[Hit, ...]:
    if v.event.get("event_name") != "Purchase" or is_number(v.custom.get("value")):
        return NONE
    return (Hit("custom_data.value"),)


def _no_currency(v: View) -> tuple[Hit, ...]:
    if v.event.get("event_name") != "Purchase":
        return NONE
    return hits(absent(v.custom.get("currency")), "custom_data.currency")


def _wrong_currency(v: View) -> tuple[Hit, ...]:
    currency = v.custom.get("currency")
    if v.event.get("event_name") != "Purchase" or absent(currency):
        return NONE
    right = isinstance(currency, str) and currency.strip().upper() in CURRENCIES
    return hits(not right, "custom_data.currency")


def _content_ids(v: View) -> tuple[Hit, ...]:
    contents = v.custom.get("contents")
    if not isinstance(contents, list):
        return NONE
    nameless = [
        i
        for i, item in enumerate(contents)
        if isinstance(item, dict) and not item.get("id") and absent(item.get("id"))
    ]
    return tuple(Hit(f"custom_data.contents[{i}].id") for i in nameless) if nameless else NONE


def _extinfo(v: View) -> tuple[Hit, ...]:
    if v.event.get("action_source") != "app":
        return NONE
    app = v.event.get("app_data")
    info = app.get("extinfo") if isinstance(app, dict) else None
    if not isinstance(info, list) or len(info) != len(EXTINFO):
        return (Hit("app_data.extinfo", f"It has {len(EXTINFO)} places."),)
    if not isinstance(info[0], str) or info[0] not in EXTINFO_VERSIONS:
        return (Hit("app_data.extinfo[0]", "The version is a2 (Android) or i2 (iOS)."),)
    return hits(absent(info[4]), "app_data.extinfo[4]")


def _messaging_event(v: View) -> tuple[Hit, ...]:
    if v.event.get("action_source") != "business_messaging":
        return NONE
    name = v.event.get("event_name")
    return hits(isinstance(name, str) and name not in MESSAGING_EVENTS, "event_name")


REFUSALS: Final = (
    Rule(
        name="event_name.missing",
        level="error",
        path="event_name",
        check=_no_name,
        message="The event has no name.",
        fix="Send event_name, for example Purchase.",
        evidence="D",
        source="server event parameters",
    ),
    Rule(
        name="event_time.not_integer",
        level="error",
        path="event_time",
        check=_no_time,
        message="The time is missing or is not a whole number of seconds.",
        fix="Send event_time as Unix time in seconds, for example 1790000000.",
        evidence="D",
        source="server event parameters",
    ),
    Rule(
        name="event_time.too_old",
        level="error",
        path="event_time",
        check=_too_old,
        subcode=2804003,
        title="Event Timestamp Too Old",
        user_message=(
            "The timestamp for this event is too far in the past. Events need to be sent from "
            "your server within seven days of when they occurred, or within 62 days for "
            "events in a physical store."
        ),
        message="The event is older than 7 days (62 days for physical_store).",
        fix="Send events within 7 days; leave this one out, or the whole request is refused.",
        evidence="D, O",
        source="server event parameters; seen on v26.0",
    ),
    Rule(
        name="event_time.milliseconds",
        level="error",
        path="event_time",
        check=_milliseconds,
        subcode=2804004,
        title="Event Timestamp Invalid",
        user_message="The timestamp for this event is in the future.",
        message="The time counts milliseconds (or less), not seconds.",
        fix="Divide event_time by 1000 and cut the fraction.",
        evidence="I",
        source="a value in milliseconds lies in the far future",
    ),
    Rule(
        name="event_time.future",
        level="error",
        path="event_time",
        check=_future,
        subcode=2804004,
        title="Event Timestamp Invalid",
        user_message="The timestamp for this event is in the future.",
        message=f"The time lies more than {FUTURE_TOLERANCE // 60} minutes in the future.",
        fix="Set the sender's clock by NTP and send UTC seconds, not local time.",
        evidence="O (weak), I",
        source="reports of senders whose clock runs ahead; the tolerance is our choice",
    ),
    Rule(
        name="action_source.unknown",
        level="error",
        path="action_source",
        check=_wrong_source,
        message="The action source is none of the nine that exist.",
        fix=f"Use one of: {', '.join(ACTION_SOURCES)}.",
        evidence="D",
        source="server event parameters",
    ),
    Rule(
        name="user_data.not_object",
        level="error",
        path="user_data",
        check=_user_type,
        message="user_data is not an object.",
        fix='Send an object, for example {"em": ["<sha256>"]}.',
        evidence="D",
        source="customer information parameters",
    ),
    Rule(
        name="user_data.too_broad",
        level="error",
        path="user_data",
        check=_too_broad,
        subcode=2804050,
        title="You Haven't Added Sufficient Customer Information Parameter Data For This Event",
        user_message=(
            "This event doesn't have any customer information parameters, or it has been set up "
            "with a combination of customer information parameters that is too broad to match."
        ),
        message="No usable customer information, or only keys that fit too many people.",
        fix="Add one of em, ph, external_id, fbp, fbc, client_ip_address, or both fn and ln.",
        evidence="D, O",
        source="best practices, required and recommended parameters; seen repeatedly",
    ),
    Rule(
        name="user_data.lead_id",
        level="error",
        path="user_data.lead_id",
        check=_lead_id,
        message="The lead id is not a number of 15 to 17 digits.",
        fix="Send the id of Meta's own lead form, or leave lead_id out.",
        evidence="D",
        source="customer information parameters",
    ),
    Rule(
        name="custom_data.not_object",
        level="error",
        path="custom_data",
        check=_custom_type,
        message="custom_data is not an object.",
        fix='Send an object, for example {"value": 19.99, "currency": "USD"}.',
        evidence="D",
        source="custom data parameters",
    ),
    Rule(
        name="purchase.value",
        level="error",
        path="custom_data.value",
        check=_no_value,
        subcode=2804009,
        title="Missing Value for Purchase Event",
        user_message=(
            "Your purchase event doesn't include a value parameter. Enter a value parameter. "
            "For example: 1.99"
        ),
        message="The Purchase has no value, or one that is not a number.",
        fix="Send custom_data.value as a number, for example 19.99.",
        evidence="O",
        source="seen by several senders; a value that is no number: I",
    ),
    Rule(
        name="purchase.currency",
        level="error",
        path="custom_data.currency",
        check=_no_currency,
        subcode=2804010,
        title="Missing Currency for Purchase Event",
        user_message=(
            "Your purchase event doesn't include a currency parameter. Enter a currency "
            "parameter. For example: USD"
        ),
        message="The Purchase has no currency.",
        fix="Send custom_data.currency as an ISO 4217 code, for example USD.",
        evidence="O",
        source="seen by several senders",
    ),
    Rule(
        name="purchase.currency_unknown",
        level="error",
        path="custom_data.currency",
        check=_wrong_currency,
        subcode=2804011,
        title="Invalid Currency For Purchase Event",
        user_message="Your purchase event doesn't include a valid currency. For example: USD",
        message="Meta does not take the Purchase's currency.",
        fix="Send an ISO 4217 code that Meta supports; convert the value if yours is not.",
        evidence="O",
        source="seen with MRU; which other codes are refused is our choice",
    ),
    Rule(
        name="contents.id",
        level="error",
        path="custom_data.contents[].id",
        check=_content_ids,
        subcode=2804008,
        title="Missing Content ID",
        user_message="An item of the contents parameter doesn't include an id.",
        message="An item of contents has no id.",
        fix="Give every item the id it has in the catalogue, or leave the item out.",
        evidence="O (weak)",
        source="two senders report it",
    ),
    Rule(
        name="app.extinfo",
        level="error",
        path="app_data.extinfo",
        check=_extinfo,
        subcode=2804043,
        title="Invalid Extended Device Information",
        user_message=(
            "The extended device information (extinfo) of this app event is missing or invalid."
        ),
        message="The app event's extended device information is missing or incomplete.",
        fix="Send 16 values: a2 or i2 first, the OS version fifth, empty text where unknown.",
        evidence="D, O",
        source="app data parameters; seen with an empty OS version",
    ),
    Rule(
        name="messaging.event_name",
        level="error",
        path="event_name",
        check=_messaging_event,
        subcode=2804066,
        title="Messaging Event Invalid Event Type",
        user_message="The event name is not supported for business messaging events.",
        message="Business messaging does not take this event name.",
        fix=f"Use one of: {', '.join(sorted(MESSAGING_EVENTS))}.",
        evidence="D, O",
        source="business messaging; seen three times",
    ),
)
"""The rows that refuse, in the order in which they are asked."""
