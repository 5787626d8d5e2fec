"""How surely events find their accounts, by a population of known truth.

It goes through the receiver's own settling, on disk.
Precision is of all events given an account, how many were given the right one. Usable is
an event of a person with an account that carries a strong key of this account and of no
other; recall is how many of those were given their account.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.population import Person, accounts, carts, purchases
from tillpost.core.match_key import Key
from tillpost.core.matching import strong
from tillpost.core.received import ReceivedEvent
from tillpost.receive.settle import STANDARD, Rules, settle_next
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Figures:
    """What came of one kind of events."""

    events: int
    given: int
    right: int
    usable: int
    found: int
    vetoed: int
    """Usable, but given nobody since the first name differs."""

    @property
    def precision(self) -> float:
        """Right ones of those given an account."""
        return self.right / max(1, self.given)

    @property
    def recall(self) -> float:
        """Found ones of those with a usable key."""
        return self.found / max(1, self.usable)


def measured(people: list[Person], rules: Rules = STANDARD) -> dict[str, Figures]:
    """Figures of `Purchase`, and of `AddToCart` where only the browser is known."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "receiver.db", "receiver")
        try:
            return _measured(SqliteReceiverStore(database), people, rules)
        finally:
            database.close()


def _measured(store: SqliteReceiverStore, people: list[Person], rules: Rules) -> dict[str, Figures]:
    known = list(accounts(people))
    for first in range(0, len(known), _AT_ONCE):
        asyncio.run(store.register(known[first : first + _AT_ONCE], (), 0.0))
    owners = Counter(key for account in known for key in account.keys)
    own = {int(account.id or 0): frozenset(account.keys) for account in known}
    found = {}
    for name, events in (("Purchase", purchases(people)), ("AddToCart", carts(people))):
        waiting = list(events)
        settled = _settled(store, waiting, rules)
        found[name] = _figures(waiting, settled, owners, own)
    return found


def _settled(
    store: SqliteReceiverStore, events: list[ReceivedEvent], rules: Rules
) -> list[dict[str, object]]:
    for first in range(0, len(events), _AT_ONCE):
        asyncio.run(store.receive(events[first : first + _AT_ONCE]))
    while settle_next(store, rules):
        pass
    return [item for item in _items(store) if item["event_name"] == events[0].event_name]


def _items(store: SqliteReceiverStore) -> Iterator[dict[str, object]]:
    after = 0
    while items := store.settled_items(after, _AT_ONCE, None):
        yield from items
        after = items[-1]["id"]


def _figures(
    events: Iterable[ReceivedEvent],
    settled: Iterable[Mapping[str, object]],
    owners: Mapping[Key, int],
    own: Mapping[int, frozenset[Key]],
) -> Figures:
    count: Counter[str] = Counter()
    for event, item in zip(events, settled, strict=True):
        truth = int(str(event.event_id).partition(".")[0])
        known = own.get(truth, frozenset())
        usable = any(key in known and owners[key] == 1 for key in strong(event.keys))
        given = item["person"]
        right = given is not None and str(given) == str(truth)
        count.update(
            events=1,
            given=given is not None,
            right=right,
            usable=usable,
            found=usable and right,
            vetoed=usable and given is None and "first name" in str(item["reason"]),
        )
    return Figures(**{name: count[name] for name in Figures.__dataclass_fields__})
