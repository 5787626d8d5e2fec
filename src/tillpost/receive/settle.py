"""Settles what was accepted: one conversion of its twins, its account, its ad.

`settle` reads what the store recalls and says what changes; the store commits that
together with the inbox's position, so that a crash in between settles the batch again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tillpost.core import dedup, matching, windows
from tillpost.core.match_key import Code, Key
from tillpost.core.received import (
    Attributed,
    Batch,
    Known,
    Match,
    ReceivedEvent,
    Settled,
    Settlement,
    Touch,
)
from tillpost.ports import ReceiverStore
from tillpost.receive.whereabouts import counted

BATCH = 8_000
"""Most events settled in one transaction.

Marks and learned keys fall all over their indexes, so that a slice writes about as many pages
whether it is small or large: settling a backlog in large ones keeps its price from growing
fast with what lies in the store.
"""


class Rules(Struct, frozen=True):
    """The receiver's choices, all named: twins, accounts, and the attribution setting."""

    twins: dedup.Policy = dedup.Policy()
    accounts: matching.Rules = matching.Rules()
    setting: windows.Setting = windows.DEFAULT


STANDARD = Rules()
"""What the receiver does if nothing else is said."""


def settle_next(
    store: ReceiverStore, rules: Rules, limit: int = BATCH
) -> tuple[ReceivedEvent, ...]:
    """Settle the oldest accepted events; returns them."""
    batch = store.unsettled(limit)
    if batch.events:
        store.commit(settle(batch, store, rules))
    return batch.events


def settle(batch: Batch, store: ReceiverStore, rules: Rules) -> Settlement:
    """What the batch changes, by what the store recalls."""
    marks = [dedup.marks(event) for event in batch.events]
    earlier = store.earlier({mark for several in marks for mark in several.sought})
    paired = _pair(batch, marks, earlier, rules.twins)
    known = store.known(*_keys(paired.values()))
    events, taught = _match(paired, batch.first_seq, known, rules)
    attributed = _attribute(events, known, store, rules)
    return Settlement(
        upto=batch.upto,
        settled=tuple(event for event in events if event.seq >= batch.first_seq),
        changed=tuple(event for event in events if event.seq < batch.first_seq),
        marks=tuple(
            (mark, seq)
            for seq, several in enumerate(marks, batch.first_seq)
            for mark in several.written
        ),
        taught=taught,
        attributed=attributed,
        seen=counted(batch.events),
    )


def _pair(
    batch: Batch,
    marks: Sequence[dedup.Marks],
    earlier: Mapping[int, Sequence[Settled]],
    policy: dedup.Policy,
) -> dict[int, Settled]:
    """The batch's events and those earlier ones that they change, by number."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    events: dict[int, Settled] = {}
    for mark, several in earlier.items():
        found[mark].update(event.seq for event in several)
        events.update((event.seq, event) for event in several)
    recalled = dict(events)
    for seq, (event, its) in enumerate(zip(batch.events, marks, strict=True), batch.first_seq):
        near = {_root(events, s) for mark in its.sought for s in found.get(mark, ())}
        _join(events, seq, event, dedup.judge(event, [events[s] for s in sorted(near)], policy))
        for mark in its.written:
            found[mark].add(_root(events, seq))
    return {seq: event for seq, event in events.items() if recalled.get(seq) is not event}


def _root(events: Mapping[int, Settled], seq: int) -> int:
    """The event that counts for this one."""
    while (twin := events[seq].twin) is not None:
        seq = twin
    return seq


def _join(
    events: dict[int, Settled], seq: int, event: ReceivedEvent, verdict: dedup.Verdict
) -> None:
    """Put the event among the others as the verdict says."""
    kept = verdict.kept
    if kept is None:
        events[seq] = Settled(seq, event, event.received_at, apart=verdict.reason)
    elif verdict.supersedes:
        events[kept.seq] = replace(kept, twin=seq, joined_by=verdict.by)
        new = Settled(seq, _completed(event, kept.event), kept.opened_at)
        held = _lacking(event.keys, kept.all_keys)
        events[seq] = replace(new, absorbed=kept.absorbed + 1, held=held)
    else:
        events[seq] = Settled(seq, event, kept.opened_at, twin=kept.seq, joined_by=verdict.by)
        held = kept.held + _lacking(kept.all_keys, event.keys)
        completed = _completed(kept.event, event)
        events[kept.seq] = replace(kept, event=completed, absorbed=kept.absorbed + 1, held=held)


def _completed(event: ReceivedEvent, twin: ReceivedEvent) -> ReceivedEvent:
    """The event with its twin's money and order id, if it has none of its own."""
    if event.value is None and twin.value is not None:
        event = replace(event, value=twin.value, currency=twin.currency)
    if event.order_id is None and twin.order_id is not None:
        event = replace(event, order_id=twin.order_id)
    return event


def _lacking(own: Iterable[Key], others: Iterable[Key]) -> tuple[Key, ...]:
    return tuple(dict.fromkeys(key for key in others if key not in own))


def _keys(events: Iterable[Settled]) -> tuple[set[Key], set[Key]]:
    """The keys to ask for: of accounts and clicks, and as the datasets may have learned them."""
    keys: set[Key] = set()
    learned: set[Key] = set()
    for event in events:
        strong = matching.strong(event.all_keys)
        keys.update(strong)
        for key in strong:
            if key[0] in matching.LEARNABLE:
                learned.add(matching.learned_key(event.event.dataset_id, key))
    return keys, learned


def _match(
    paired: Mapping[int, Settled], first_seq: int, known: Known, rules: Rules
) -> tuple[list[Settled], tuple[tuple[Key, int], ...]]:
    """The events with their accounts, in order, and what they teach."""
    learned = dict(known.learned)
    taught: dict[tuple[Key, int], None] = {}
    events = []
    for seq in sorted(paired):
        event = paired[seq]
        own = _account(event, event.event.keys, known, learned, rules)
        new = replace(event, match=own if seq >= first_seq else event.match, joint=own)
        if rules.twins.merge and event.held and event.twin is None:
            new = replace(new, joint=_account(event, event.all_keys, known, learned, rules))
        for lesson in (
            matching.lessons(new.event.dataset_id, new.all_keys, new.joint, learned)
            if rules.accounts.learn
            else ()
        ):
            if lesson not in taught and lesson[1] not in learned.get(lesson[0], ()):
                learned[lesson[0]] = (*learned.get(lesson[0], ()), lesson[1])
                taught[lesson] = None
        events.append(new)
    return events, tuple(taught)


def _account(
    event: Settled,
    keys: Sequence[Key],
    known: Known,
    learned: Mapping[Key, tuple[int, ...]],
    rules: Rules,
) -> Match:
    found = matching.match(keys, known.owners, known.accounts, rules.accounts)
    if found.person is not None or not rules.accounts.learn:
        return found
    dataset = event.event.dataset_id
    merged = matching.match_learned(dataset, keys, learned, known.accounts, rules.accounts)
    return found if merged.person is None else merged


def _attribute(
    events: Sequence[Settled], known: Known, store: ReceiverStore, rules: Rules
) -> tuple[Attributed, ...]:
    """A credit, or none, for every event that counts; a duplicate has none."""
    asked = {
        (event.joint.person, event.event.event_time)
        for event in events
        if event.twin is None and event.joint.person is not None
    }
    touches = store.touches(asked)
    return tuple(_credited(event, known, touches, rules) for event in events)


def _credited(
    event: Settled,
    known: Known,
    touches: Mapping[tuple[int, int], Sequence[Touch]],
    rules: Rules,
) -> Attributed:
    if event.twin is not None:
        return Attributed(event.seq)
    at = event.event.event_time
    person = event.joint.person
    seen = touches.get((person, at), ()) if person is not None else _lone_click(event, known)
    best = windows.contenders(seen, at)
    return Attributed(event.seq, windows.credit(best, at, rules.setting), best)


def _lone_click(event: Settled, known: Known) -> tuple[Touch, ...]:
    """The clicks themselves, where their account is not known: the click id is exact."""
    clicks = (known.clicks.get(key) for key in event.all_keys if key[0] == Code.fbc)
    return tuple(click.touch for click in clicks if click is not None and click.person is None)
