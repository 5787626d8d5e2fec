"""Dead letters and replays of one node: what is shown, and what goes again."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, to_builtins

from tillpost.core.books import Transition
from tillpost.core.event import Event
from tillpost.core.moment import iso
from tillpost.core.outcome import State
from tillpost.deliver import letters
from tillpost.deliver.letters import Change, Verdict
from tillpost.deliver.outbox import Line
from tillpost.ports import Clock
from tillpost.store.letters_sqlite import Letter, LetterStore

_PAGE = 1000
_MOST_SHOWN = 1000
_HIDDEN = frozenset({"client_ip_address", "client_user_agent", "ip", "user_agent"})
"""Keys of payloads whose values are shown nowhere; they rest sealed."""

RETRIABLE = frozenset({State.DEAD, State.EXPIRED})


class Again(Struct, frozen=True):
    """What sending one event again would do."""

    letter: Letter
    verdict: Verdict
    changes: list[Change]


class LetterDesk:
    """Shows what did not go through and makes it due again; `lines` are the node's own."""

    def __init__(
        self,
        store: LetterStore,
        transitions: Callable[[int], list[Transition]],
        lines: Sequence[Line],
        clock: Clock,
    ) -> None:
        self._store = store
        self._transitions = transitions
        self._lines = {line.name: line for line in lines}
        self._clock = clock

    def listed(self, after: int, limit: int, shop: str | None) -> dict[str, Any]:
        """`{"items": [...], "next": cursor | None}` of what did not go through."""
        found = self._store.letters(after, limit, shop)
        items = [_shown(letter) for letter in found]
        more = found and self._store.letters(found[-1].event, 1, shop)
        return {"items": items, "next": found[-1].event if more else None}

    def shown(self, event: int, shop: str | None) -> dict[str, Any] | None:
        """One event: where it stands, its payloads, every move and what to mend; None if none."""
        found = [one for one in self._store.letter(event) if shop in {None, one.shop}]
        if not found:
            return None
        facts = self._store.events([event])
        kept = self._store.payloads([event])
        moves = [to_builtins(move) | {"at": iso(move.at)} for move in self._transitions(event)]
        return {
            **{key: _shown(found[0])[key] for key in ("id", "shop", "event_name", "event_id")},
            "event_time": iso(found[0].event_time),
            "order_id": found[0].order_id,
            "destinations": [self._told(letter, facts, kept) for letter in found],
            "transitions": moves,
        }

    def retry(
        self, events: Sequence[int] | None, shop: str | None, reason: str | None = None
    ) -> dict[str, Any]:
        """Make letters due again: these, or all (that ended for a reason).

        `{"retried": n, "left": [{"id", "destination", "reason", "detail"}]}`.
        """
        chosen = self._chosen(events, shop)
        wanted = [one for one in chosen if one.state in RETRIABLE and reason in {None, one.reason}]
        return self._go(self._plan(wanted), "retry")

    def replay(
        self,
        since: float,
        until: float,
        shop: str | None,
        *,
        delivered: bool = False,
        dry_run: bool = True,
    ) -> dict[str, Any]:
        """Send again what was received in that time and did not go through.

        `{"events", "would_send", "left": [...], "changes": [{"id", "destination", "diff"}]}` of a
        dry run, else as `retry`. `delivered` takes what a platform has already, too.
        """
        states = [*RETRIABLE, *([State.DELIVERED] if delivered else [])]
        plan: list[Again] = []
        after = 0
        while page := self._store.sent(since, until, states, shop, (after, _PAGE)):
            plan += self._plan(page)
            after = page[-1].event
        return _dry(plan) if dry_run else self._go(plan, "replay")

    def _chosen(self, events: Sequence[int] | None, shop: str | None) -> list[Letter]:
        if events is not None:
            rows = [one for event in events for one in self._store.letter(event)]
            return [one for one in rows if shop in {None, one.shop}]
        rows = []
        after = 0
        while page := self._store.letters(after, _PAGE, shop):
            rows += page
            after = page[-1].event
        return rows

    def _plan(self, found: Sequence[Letter]) -> list[Again]:
        numbers = [letter.event for letter in found]
        facts, kept = self._store.events(numbers), self._store.payloads(numbers)
        return [self._again(letter, facts[letter.event], kept) for letter in found]

    def _again(
        self, letter: Letter, event: Event | None, kept: dict[tuple[int, str], bytes]
    ) -> Again:
        line = self._lines.get(letter.destination)
        told = letters.verdict(line, event, letter.state, letter.updated_at, self._clock.now())
        was = kept.get((letter.event, letter.destination))
        today = None if line is None else letters.today(line, event)
        if was is None or today is None:
            return Again(letter, told, [])
        return Again(letter, told, list(letters.changes(_hidden(was), _hidden(today))))

    def _go(self, plan: Sequence[Again], reason: str) -> dict[str, Any]:
        going = [one.letter for one in plan if one.verdict.may]
        moved = self._store.requeue(going, reason, self._clock.now()) if going else 0
        return {"retried": moved, "left": _left(plan)}

    def _told(
        self, letter: Letter, facts: dict[int, Event | None], kept: dict[tuple[int, str], bytes]
    ) -> dict[str, Any]:
        line = self._lines.get(letter.destination)
        was = kept.get((letter.event, letter.destination))
        if was is None and line is not None:
            was = letters.today(line, facts[letter.event])
        return {
            "destination": letter.destination,
            "state": letter.state,
            "reason": letter.reason,
            "detail": letter.detail,
            "attempts": letter.attempts,
            "at": iso(letter.updated_at),
            "payload": None if was is None else _hidden(was),
            "fix": letters.fix(letter.reason, letter.detail) if letter.state in RETRIABLE else None,
        }


def _dry(plan: Sequence[Again]) -> dict[str, Any]:
    going = [one for one in plan if one.verdict.may]
    changed = [one for one in going if one.changes]
    return {
        "events": len(plan),
        "would_send": len(going),
        "left": _left(plan),
        "changed": len(changed),
        "changes": [
            {
                "id": one.letter.event,
                "event_id": one.letter.event_id,
                "destination": one.letter.destination,
                "diff": to_builtins(one.changes),
            }
            for one in changed[:_MOST_SHOWN]
        ],
    }


def _left(plan: Sequence[Again]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.letter.event,
            "destination": one.letter.destination,
            "reason": one.verdict.reason,
            "detail": one.verdict.detail,
        }
        for one in plan
        if not one.verdict.may
    ][:_MOST_SHOWN]


def _shown(letter: Letter) -> dict[str, Any]:
    row = to_builtins(letter)
    number, at, moved = row.pop("event"), row.pop("event_time"), row.pop("updated_at")
    return {"id": number, **row, "event_time": iso(at), "at": iso(moved)}


def _hidden(payload: bytes) -> Any:
    """A payload as JSON, without what nobody is shown."""
    return _without(msgspec.json.decode(payload))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "***" if k in _HIDDEN else _without(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(part) for part in value]
    return value
