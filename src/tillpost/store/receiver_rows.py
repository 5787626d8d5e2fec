"""How the receiver's values lie in rows, and how settled events are shown."""

from collections.abc import Iterable, Mapping
from typing import Any

from tillpost.core import match_key, money
from tillpost.core.match_key import Key
from tillpost.core.moment import iso
from tillpost.core.received import (
    Action,
    Ad,
    Candidate,
    ConversionRow,
    Match,
    ReceivedEvent,
    Seen,
    Settled,
    Source,
    Tally,
    Touch,
)

SOURCES: dict[Source, int] = {"server": 1, "browser": 2}
ACTIONS: dict[Action, int] = {"link_click": 1, "other_click": 2, "video_5s": 3, "impression": 4}
SOURCE_NAMES: dict[int, Source] = {number: name for name, number in SOURCES.items()}
ACTION_NAMES: dict[int, Action] = {number: name for name, number in ACTIONS.items()}


EVENT_COLUMNS = 31
"""How many columns table `event` has."""


def event_row(settled: Settled) -> tuple[Any, ...]:
    """The columns of table `event`, in their order."""
    event, match, joint = settled.event, settled.match, settled.joint
    return (
        settled.seq,
        event.dataset_id,
        SOURCES[event.source],
        event.event_name,
        event.event_id,
        event.event_time,
        event.received_at,
        settled.opened_at,
        event.action_source,
        event.value,
        event.currency,
        event.order_id,
        event.test_event_code,
        event.traits,
        ",".join(event.unusable),
        match_key.pack(event.keys),
        match_key.pack(settled.held),
        settled.twin,
        settled.absorbed,
        match.person,
        ",".join(match.by),
        match.confidence,
        match.merged,
        joint.person,
        ",".join(joint.by),
        joint.confidence,
        joint.merged,
        joint.reason,
        settled.apart,
        key_mask(event.keys),
        settled.joined_by,
    )


def key_mask(keys: tuple[Key, ...]) -> int:
    """Which match keys there are, as a bit for each code: what quality figures count."""
    mask = 0
    for key in keys:
        mask |= 1 << key[0]
    return mask


def settled_event(row: tuple[Any, ...]) -> Settled:
    """The value of a row of table `event`."""
    event = ReceivedEvent(
        dataset_id=row[1],
        source=SOURCE_NAMES[row[2]],
        event_name=row[3],
        event_id=row[4],
        event_time=row[5],
        received_at=row[6],
        keys=match_key.unpack(row[15]),
        action_source=row[8],
        value=row[9],
        currency=row[10],
        order_id=row[11],
        test_event_code=row[12],
        traits=row[13],
        unusable=_words(row[14]),
    )
    return Settled(
        seq=row[0],
        event=event,
        opened_at=row[7],
        twin=row[17],
        absorbed=row[18],
        held=match_key.unpack(row[16]),
        match=Match(row[19], _words(row[20]), row[21], row[27], merged=bool(row[22])),
        joint=Match(row[23], _words(row[24]), row[25], row[27], merged=bool(row[26])),
        apart=row[28],
        joined_by=row[30],
    )


def seen_row(seen: Seen, events: int) -> tuple[Any, ...]:
    """The columns of table `seen`, in their order."""
    return (seen.dataset_id, seen.kind, seen.hour, SOURCES[seen.source], seen.value, events)


def conversion(row: tuple[Any, ...]) -> ConversionRow:
    """The value of a row of the statement `conversions`."""
    values = (*row[:8], ACTION_NAMES[row[8]], *row[9:])
    return ConversionRow(*values)


def candidate(event: tuple[Any, ...], rows: Iterable[tuple[Any, ...]]) -> Candidate:
    """The value of the rows of one event in the statement `candidates`."""
    touches = tuple(Touch(at, ACTION_NAMES[action], ad) for *_, at, action, ad in rows)
    seq, name, at, value, currency = event
    return Candidate(seq, name, at, value, currency, touches)


def named_ad(row: tuple[Any, ...]) -> Ad:
    """The value of a row of the statement `ads`."""
    names = dict(zip(("account", "campaign", "adset", "ad"), row[5:], strict=True))
    return Ad(row[1], row[2], row[3], row[4], {kind: name for kind, name in names.items() if name})


def tally(row: tuple[Any, ...]) -> Tally:
    """The value of a row of the statement `tallies`."""
    name, source, mask, traits, *facts, hour, unusable, joined_by, events = row
    with_id, duplicate, alone, matched, merged, late = map(bool, facts)
    return Tally(
        event_name=name,
        source=SOURCE_NAMES[source],
        mask=mask,
        traits=traits,
        with_id=with_id,
        duplicate=duplicate,
        matched_alone=alone,
        matched=matched,
        matched_merged=merged,
        late=late,
        hour=hour,
        unusable=bool(unusable),
        joined_by=joined_by,
        events=events,
    )


def shown(
    settled: Settled, root: int | None, person_id: str | None, ad: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A settled event in the shape of `GET /api/v1/receiver/events`.

    `matched` is without learned keys, `matched_merged` with them. `reason` says why it was
    not joined to a likely twin, else why it is not matched.
    """
    event, joint = settled.event, settled.joint
    matched = joint.person is not None and not joint.merged
    return {
        "id": settled.seq,
        "dataset_id": event.dataset_id,
        "event_name": event.event_name,
        "event_id": event.event_id,
        "event_time": iso(event.event_time),
        "received_at": iso(event.received_at),
        "source": event.source,
        "order_id": event.order_id,
        "value": _value(event),
        "currency": event.currency,
        "duplicate_of": root,
        "joined_by": settled.joined_by,
        "matched": matched,
        "matched_merged": joint.person is not None,
        "matched_by": list(joint.by),
        "match_confidence": joint.confidence if joint.person is not None else None,
        "person": person_id,
        "keys": list(match_key.names(settled.all_keys)),
        "unusable": list(event.unusable),
        "test_event_code": event.test_event_code,
        "apart": settled.apart,
        "reason": settled.apart or (None if matched else joint.reason),
        "conversion": None if ad is None else _conversion(event, ad),
    }


def _conversion(event: ReceivedEvent, ad: Mapping[str, Any]) -> dict[str, Any]:
    return {**ad, "value": _value(event), "currency": event.currency}


def _value(event: ReceivedEvent) -> str | None:
    if event.value is None or event.currency is None:
        return None
    return money.decimal_string(event.value, event.currency)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
