"""Says what Meta would say to a request, and what it would only quietly count against it.

Two modes over the same tables of rows (`core.refusals` and the `core.hints_*`):
`refusal` and `first_error` give Meta's one answer for the whole request, as the receiver
answers it; `lint` gives every finding in every event, with the remedy. The gateway asks
before it sends, so that no good event falls with a bad one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from tillpost.core.hints_custom import CUSTOM_HINTS
from tillpost.core.hints_event import EVENT_HINTS
from tillpost.core.hints_outside import OUTSIDE_HINTS
from tillpost.core.hints_person import PERSON_HINTS
from tillpost.core.limits import EVENT_LIMIT
from tillpost.core.refusals import REFUSALS, usable_keys
from tillpost.core.rule import Hit, Level, Row, Rule, checks, first_broken, view

__all__ = [
    "REQUEST_ROWS",
    "RULES",
    "Finding",
    "MetaError",
    "first_error",
    "lint",
    "refusal",
    "unpack",
    "usable_keys",
]


INVALID_PARAMETER: Final = 100
"""Meta's code for everything that is wrong with a payload."""


class MetaError(Struct, frozen=True, omit_defaults=True):
    """Meta's error object; a client error, so it goes out with HTTP 400 unless said otherwise.

    The receiver adds `fbtrace_id`. Fields that are None do not appear on the wire.
    """

    message: str
    type: str
    code: int
    is_transient: bool | None = None
    error_subcode: int | None = None
    error_user_title: str | None = None
    error_user_msg: str | None = None
    fbtrace_id: str | None = None


class Finding(Struct, frozen=True):
    """One thing to know about one event: where, what, and how to fix it.

    `event` is the position in the request and `path` the field inside that event; `level` is
    `error` where Meta would refuse the request; `code` and `subcode` are Meta's own, where it
    has one; `rule` is the name of our row.
    """

    event: int
    level: Level
    code: int | None
    subcode: int | None
    path: str
    message: str
    fix: str
    rule: str


RULES: Final[tuple[Rule, ...]] = (
    *REFUSALS,
    *PERSON_HINTS,
    *EVENT_HINTS,
    *OUTSIDE_HINTS,
    *CUSTOM_HINTS,
)
"""Every row about one event: those that refuse, in their order, then those that warn."""

REQUEST_ROWS: Final = (
    Row(
        name="data.missing",
        level="error",
        path="data",
        message="The parameter data is required",
        fix="Send an array of 1 to 1,000 events.",
        evidence="O",
        source="seen with a missing and with an unreadable data",
    ),
    Row(
        name="data.too_many",
        level="error",
        path="data",
        message=f"Too many events: at most {EVENT_LIMIT} go in one request",
        fix="Split the request.",
        evidence="D",
        source="using the API",
    ),
    Row(
        name="event.not_object",
        level="error",
        path="data[]",
        message="The event is not an object.",
        fix="Send each event as a JSON object.",
        evidence="D",
        source="using the API; the text of an object is taken, as Meta's Python SDK sends it",
    ),
    Row(
        name="event_id.repeated",
        path="data[].event_id",
        message="Another event of this request has the same name and id: one of them is lost.",
        fix="Give every event its own event_id.",
        evidence="D",
        source="deduplication",
    ),
)
"""The rows about a request as a whole."""

_REFUSING: Final = checks(REFUSALS)
_MISSING, _TOO_MANY, _NOT_OBJECT, _REPEATED = REQUEST_ROWS


def _plain(message: str) -> MetaError:
    return MetaError(
        f"(#{INVALID_PARAMETER}) {message}", "OAuthException", INVALID_PARAMETER, is_transient=False
    )


def _refused(rule: Rule, index: int, path: str) -> MetaError:
    if rule.subcode is None:
        steps = "".join(f"['{step}']" for step in path.split("."))
        return _plain(f"Param data[{index}]{steps} is invalid: {rule.message}")
    return MetaError(
        "Invalid parameter",
        "OAuthException",
        INVALID_PARAMETER,
        is_transient=False,
        error_subcode=rule.subcode,
        error_user_title=rule.title,
        error_user_msg=rule.user_message,
    )


def first_error(event: Mapping[str, Any], index: int, now: float) -> MetaError | None:
    """What Meta would refuse the event at position `index` for, or None if it takes it.

    `now` is Unix seconds. Rows are asked in the documented order and the first one answers.
    """
    broken = first_broken(_REFUSING, view(event, now))
    return None if broken is None else _refused(broken[0], index, broken[1])


def refusal(data: object, now: float) -> MetaError | None:
    """What Meta would refuse the whole request for, given its `data` as decoded, or None.

    One bad event is enough. Events may be objects or the JSON text of one, as `unpack` takes them.
    """
    events = unpack(data)
    if isinstance(events, MetaError):
        return events
    for index, event in enumerate(events):
        error = first_error(event, index, now)
        if error is not None:
            return error
    return None


def unpack(data: object) -> list[dict[str, Any]] | MetaError:
    """The events of a request's `data`: a list, or its JSON text, of objects or their JSON text.

    Meta's Python SDK sends the events as JSON texts, and forms send the whole list as one.
    Gives Meta's error where there is no event, more than 1,000, or one that is no object.
    """
    listed = _decoded(data) if isinstance(data, (str, bytes)) else data
    if not isinstance(listed, (list, tuple)) or not listed:
        return _plain(_MISSING.message)
    if len(listed) > EVENT_LIMIT:
        return _plain(_TOO_MANY.message)
    events = []
    for index, item in enumerate(listed):
        event = _decoded(item) if isinstance(item, str) else item
        if not isinstance(event, dict):
            return _plain(f"Param data[{index}] must be an object")
        events.append(event)
    return events


def _decoded(text: str | bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def lint(events: Sequence[object], now: float) -> list[Finding]:
    """Every finding in every event, in order of event and then of row; `now` is Unix seconds."""
    found: list[Finding] = []
    sent: set[tuple[str, str]] = set()
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            found.append(_finding(_NOT_OBJECT, index, Hit("")))
            continue
        seen = view(event, now)
        found += (_finding(rule, index, hit) for rule in RULES for hit in rule.check(seen))
        twin = _twin(event)
        if twin in sent:
            found.append(_finding(_REPEATED, index, Hit("event_id")))
        elif twin:
            sent.add(twin)
    return found


def _twin(event: Mapping[str, Any]) -> tuple[str, str] | None:
    name, event_id = event.get("event_name"), event.get("event_id")
    if isinstance(name, str) and isinstance(event_id, str) and event_id:
        return name, event_id
    return None


def _finding(row: Row, index: int, hit: Hit) -> Finding:
    code = INVALID_PARAMETER if row.level == "error" or row.subcode else None
    fix = f"{row.fix} {hit.hint}".rstrip()
    return Finding(index, row.level, code, row.subcode, hit.path, row.message, fix, row.name)
