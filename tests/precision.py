"""How surely events find their accounts, by a population of known truth.

It goes through the receiver's own settling, on disk.
Precision is of all events given an account, how many were given the right one.

An event shares a key with its person's account if it carries a strong key that this account
has and no other. Such a key is usable if it can decide: any can, unless the event's other
facts tell of somebody else. That is so where a phone stands alone against another first
name, for phones are shared and given on, and where an e-mail stands alone against another
first name and another phone, or against another account's phone. Recall is of these.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.population import Person, accounts, carts, purchases
from tillpost.core.match_key import Code, Key
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
    sharing: int
    """Those that share a key with their account."""
    usable: int
    """Those of them whose key can decide."""
    found: int
    """Sharing, and given their account."""
    missed: int
    """Usable, and not given their account."""

    @property
    def precision(self) -> float:
        """Right ones of those given an account."""
        return self.right / max(1, self.given)

    @property
    def recall(self) -> float:
        """Found ones of those with a usable key."""
        return 1 - self.missed / max(1, self.usable)

    @property
    def recall_of_sharing(self) -> float:
        """Found ones of all that share a key, even against the event's other facts."""
        return self.found / max(1, self.sharing)


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
        shared = [key for key in strong(event.keys) if key in known and owners[key] == 1]
        usable = bool(shared) and not _outweighed(event.keys, shared, known, owners)
        given = item["person"]
        right = given is not None and str(given) == str(truth)
        count.update(
            events=1,
            given=given is not None,
            right=right,
            sharing=bool(shared),
            usable=usable,
            found=bool(shared) and right,
            missed=usable and not right,
        )
    return Figures(**{name: count[name] for name in Figures.__dataclass_fields__})


def _outweighed(
    keys: Iterable[Key], shared: Iterable[Key], known: frozenset[Key], owners: Mapping[Key, int]
) -> bool:
    """Whether the event's other facts speak against the only key that it shares."""
    kinds = {key[0] for key in shared}
    if len(kinds) > 1 or not _differ(Code.fn, keys, known):
        return False
    foreign = any(owners[key] == 1 and key not in known for key in strong(keys))
    return kinds == {Code.ph} or foreign or _differ(Code.ph, keys, known)


def _differ(code: Code, keys: Iterable[Key], known: frozenset[Key]) -> bool:
    """Whether both sides tell this kind of key, and none of it alike."""
    ours, theirs = ({key for key in side if key[0] == code} for side in (keys, known))
    return bool(ours and theirs and not ours & theirs)
