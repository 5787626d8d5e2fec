"""Another tool's Purchases beside ours: which sales only one of them has, and what differs.

Both sides are events as the receiver keeps them: match keys as short hashes, so that no
identifier is needed to compare, and none can be told.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from tillpost.core.match_key import NAMES, Key
from tillpost.core.money import decimal_string
from tillpost.core.received import ReceivedEvent
from tillpost.core.traits import Trait

Verdict: TypeAlias = Literal["same", "differs", "only_ours", "only_theirs", "unusable"]
"""`only_ours` and `only_theirs`: the other side has nothing there. `unusable`: what the other
tool sent there can be matched by nobody, e.g. it is not hashed."""

NEAR_SECONDS = 3600
"""Without a common id, events of one value and one person are one sale if so near."""
TIME_SECONDS = 60
"""Times that differ by less are the same."""


class Own(Struct, frozen=True):
    """A Purchase of ours: its event, its order's number, and where it stands."""

    event: ReceivedEvent
    name: str
    is_sent: bool
    """Whether it was delivered, or in shadow would have been."""
    why: str | None = None
    """Why it was not sent."""


class Difference(Struct, frozen=True):
    """One field of one sale; values only of fields that name nobody."""

    field: str
    verdict: Verdict
    ours: str | None = None
    theirs: str | None = None


class Pair(Struct, frozen=True):
    """One sale, as one tool or both have it.

    `copies` is how often the other tool sent it, `ids` with how many event ids. `differences`
    are all fields that either side has, those included that are the same.
    """

    ours: Own | None
    theirs: ReceivedEvent | None
    copies: int = 0
    ids: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def who(self) -> str:
        """Who sends this sale: `both`, `ours`, `theirs`, or `neither`."""
        we = self.ours is not None and self.ours.is_sent
        they = self.theirs is not None
        return {(1, 1): "both", (1, 0): "ours", (0, 1): "theirs"}.get((we, they), "neither")


def pairs(ours: Sequence[Own], theirs: Sequence[ReceivedEvent]) -> list[Pair]:
    """Every sale of either side: ours in their order, then those that only the other tool has.

    Events of one sale are found by the order's id or number, else by the event id, else by
    value, time and a common match key if only one of ours fits.
    """
    index = _Index(ours)
    found: defaultdict[int, list[ReceivedEvent]] = defaultdict(list)
    alone: defaultdict[str, list[ReceivedEvent]] = defaultdict(list)
    for number, event in enumerate(theirs):
        place = index.find(event)
        if place is None:
            alone[event.order_id or event.event_id or f"#{number}"].append(event)
        else:
            found[place].append(event)
    made = [_pair(own, found.get(place, [])) for place, own in enumerate(ours)]
    return made + [_pair(None, events) for events in alone.values()]


class _Index:
    """Where a sale of ours stands, by all that may name it."""

    def __init__(self, ours: Sequence[Own]) -> None:
        self._ours = ours
        self._named: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self._money: defaultdict[tuple[int | None, str | None], list[int]] = defaultdict(list)
        for place, own in enumerate(ours):
            for name in (own.event.order_id, own.name):
                if name:
                    self._named.setdefault(_bare(name), place)
            if own.event.event_id:
                self._ids.setdefault(own.event.event_id, place)
            self._money[own.event.value, own.event.currency].append(place)

    def find(self, event: ReceivedEvent) -> int | None:
        if event.order_id and (place := self._named.get(_bare(event.order_id))) is not None:
            return place
        if event.event_id and (place := self._ids.get(event.event_id)) is not None:
            return place
        near = [
            place
            for place in self._money.get((event.value, event.currency), ())
            if abs(self._ours[place].event.event_time - event.event_time) <= NEAR_SECONDS
            and not set(self._ours[place].event.keys).isdisjoint(event.keys)
        ]
        return near[0] if len(near) == 1 else None


def _bare(name: str) -> str:
    """An order's id or number without what tools put around it: `#1001`, `gid://.../1001`."""
    return name.rpartition("/")[2].strip().lstrip("#")


def _pair(own: Own | None, events: Sequence[ReceivedEvent]) -> Pair:
    if not events:
        return Pair(own, None)
    ids = len({event.event_id for event in events})
    told = () if own is None else tuple(_differences(own.event, events[0]))
    return Pair(own, events[0], len(events), ids, told)


def _differences(ours: ReceivedEvent, theirs: ReceivedEvent) -> Iterable[Difference]:
    for field, read in _PLAIN:
        we, they = read(ours), read(theirs)
        if we or they:
            yield Difference(field, _verdict(we, they), we, they)
    near = abs(ours.event_time - theirs.event_time) < TIME_SECONDS
    yield Difference(
        "event_time", "same" if near else "differs", str(ours.event_time), str(theirs.event_time)
    )
    mine, others = _by_name(ours.keys), _by_name(theirs.keys)
    for name in NAMES.values():
        if name in theirs.unusable and name not in others:
            yield Difference(name, "unusable")
        elif name in mine or name in others:
            yield Difference(name, _of_keys(mine.get(name), others.get(name)))
    for trait, field in _TRAITS.items():
        if (ours.traits | theirs.traits) & trait:
            has = bool(ours.traits & trait), bool(theirs.traits & trait)
            yield Difference(field, _PRESENT[has])


def _verdict(we: str | None, they: str | None) -> Verdict:
    if we and they:
        return "same" if we == they else "differs"
    return "only_ours" if we else "only_theirs"


def _of_keys(mine: set[Key] | None, others: set[Key] | None) -> Verdict:
    if mine and others:
        return "differs" if mine.isdisjoint(others) else "same"
    return "only_ours" if mine else "only_theirs"


def _by_name(keys: Iterable[Key]) -> dict[str, set[Key]]:
    made: defaultdict[str, set[Key]] = defaultdict(set)
    for key in keys:
        made[NAMES[key[0]]].add(key)
    return made


def _money(event: ReceivedEvent) -> str | None:
    if event.value is None or event.currency is None:
        return None
    return f"{decimal_string(event.value, event.currency)} {event.currency}"


_PLAIN: Final = (
    ("event_id", lambda event: event.event_id),
    ("value", _money),
    ("order_id", lambda event: event.order_id),
    ("action_source", lambda event: event.action_source),
)
"""Fields whose values are told."""

_TRAITS: Final = {
    Trait.URL: "event_source_url",
    Trait.IP: "client_ip_address",
    Trait.USER_AGENT: "client_user_agent",
    Trait.LDU: "data_processing_options",
    Trait.REFERRER: "referrer_url",
}
"""Fields of which only is known whether they were there."""

_PRESENT: Final[Mapping[tuple[bool, bool], Verdict]] = {
    (True, True): "same",
    (True, False): "only_ours",
    (False, True): "only_theirs",
}


def fields(found: Iterable[Pair]) -> dict[str, Counter[str]]:
    """Field -> how many sales of both sides have which verdict, in the order of the fields."""
    made: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in found:
        for difference in pair.differences:
            made[difference.field][difference.verdict] += 1
    order = [*(name for name, _ in _PLAIN), "event_time", *NAMES.values(), *_TRAITS.values()]
    return {name: made[name] for name in order if name in made}
