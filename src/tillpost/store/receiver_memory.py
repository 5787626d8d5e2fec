"""The receiver's store in plain dictionaries: for tests, and for a server that keeps nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec.structs import replace

from tillpost.core import dedup, windows
from tillpost.core.match_key import Key
from tillpost.core.matching import STRANGER, account_of, strong
from tillpost.core.received import (
    AccountSeen,
    Action,
    Ad,
    Attributed,
    Batch,
    Bound,
    Bounds,
    Candidate,
    Click,
    ConversionRow,
    Credit,
    JoinedBy,
    KeptCall,
    Known,
    ReceivedEvent,
    Seen,
    SeenKind,
    Settled,
    Settlement,
    Source,
    SpendSeen,
    Tally,
    Touch,
    TouchSeen,
)
from tillpost.store.receiver_rows import key_mask, shown

_MOST_UNDER_A_MARK = 8
_DAY = 86_400
_HOUR = 3_600


class MemoryReceiverStore:
    """Implements `ports.ReceiverStore`; lives as long as the process."""

    def __init__(self) -> None:
        self._inbox: list[tuple[int, tuple[ReceivedEvent, ...]]] = []
        self._boxes = 0
        self._events: dict[int, Settled] = {}
        self._trail: defaultdict[int, set[int]] = defaultdict(set)
        self._names: dict[str, int] = {}
        self._accounts: dict[int, frozenset[Key]] = {}
        self._owners: defaultdict[Key, set[int]] = defaultdict(set)
        self._learned: defaultdict[Key, set[int]] = defaultdict(set)
        self._clicks: dict[Key, Click] = {}
        self._touches: defaultdict[int, set[Touch]] = defaultdict(set)
        self._ads: list[Ad] = []
        self._ad_names: dict[tuple[str, str], tuple[int, str]] = {}
        self._credits: dict[int, Credit] = {}
        self._contenders: dict[int, tuple[Touch, ...]] = {}
        self._refused: defaultdict[tuple[int, str, str], int] = defaultdict(int)
        self._calls: list[KeptCall] = []
        self._kept = 0
        self._seen: Counter[Seen] = Counter()
        self._spend: dict[tuple[int, int], tuple[str, int]] = {}

    async def receive(self, events: Sequence[ReceivedEvent]) -> None:
        """See `ports.ReceiverStore`."""
        if events:
            self._boxes += 1
            self._inbox.append((self._boxes, tuple(events)))

    async def register(
        self, accounts: Sequence[AccountSeen], touches: Sequence[TouchSeen], now: float
    ) -> None:
        """See `ports.ReceiverStore`."""
        del now
        for account in accounts:
            self._register(account)
        for touch in touches:
            self._touch(touch)

    def note_refused(self, path: str, reason: str, now: float) -> None:
        """See `ports.ReceiverStore`."""
        self._refused[int(now) // _DAY, path, reason] += 1

    async def keep_call(self, call: KeptCall, most: int) -> None:
        """See `ports.ReceiverStore`."""
        self._kept += 1
        self._calls = [*self._calls, replace(call, id=self._kept)][-most:]

    def calls(self, after: int, limit: int) -> list[KeptCall]:
        """See `ports.ReceiverStore`."""
        return [call for call in self._calls if call.id > after][:limit]

    def newest(self) -> tuple[int, int]:
        """See `ports.ReceiverStore`."""
        return max(self._events, default=0), self._kept

    def refusals(self) -> list[tuple[int, str, str, int]]:
        """See `ports.ReceiverStore`."""
        return [(*key, calls) for key, calls in sorted(self._refused.items())]

    def prune(self, bounds: Bounds, now: float) -> int:
        """See `ports.ReceiverStore`."""
        since, newest = now - bounds.calls.days * _DAY, self._kept
        left = [c for c in self._calls if c.at >= since and c.id > newest - bounds.calls.most]
        dropped = len(self._calls) - len(left)
        self._calls = left
        self._prune_statistics(bounds, now)
        return dropped + self._prune_events(bounds.events, now) + self._prune_touches(bounds, now)

    def _prune_events(self, bound: Bound, now: float) -> int:
        if not self._events:
            return 0
        newest = max(self._events)
        within = self._events.get(newest - bound.most + 1)
        before = max(now - bound.days * _DAY, within.opened_at if within else 0.0)
        before = min(before, self._events[newest].opened_at)
        gone = [seq for seq, event in self._events.items() if event.opened_at < before]
        for seq in gone:
            del self._events[seq]
            self._credits.pop(seq, None)
            self._contenders.pop(seq, None)
        for mark in self._trail:
            self._trail[mark] -= set(gone)
        return len(gone)

    def _prune_touches(self, bounds: Bounds, now: float) -> int:
        times = sorted(touch.at for several in self._touches.values() for touch in several)
        surplus = len(times) - bounds.touches.most
        before = max(now - bounds.touches.days * _DAY, times[surplus] if surplus > 0 else 0)
        for person, several in self._touches.items():
            self._touches[person] = {touch for touch in several if touch.at >= before}
        stale = [key for key, click in self._clicks.items() if click.touch.at < before]
        for key in stale:
            del self._clicks[key]
        return sum(at < before for at in times) + len(stale)

    def _prune_statistics(self, bounds: Bounds, now: float) -> None:
        for seen in [seen for seen in self._seen if seen.hour < now - 8 * _DAY]:
            del self._seen[seen]
        first = (now - bounds.touches.days * _DAY) // _DAY
        self._spend = {key: row for key, row in self._spend.items() if key[0] >= first}

    def reset(self) -> None:
        """See `ports.ReceiverStore`."""
        self.__init__()  # type: ignore[misc]

    def unsettled(self, limit: int) -> Batch:
        """See `ports.ReceiverStore`."""
        events: list[ReceivedEvent] = []
        upto = 0
        for box, several in self._inbox:
            if events and len(events) + len(several) > limit:
                break
            events.extend(several)
            upto = box
        return Batch(upto, max(self._events, default=0) + 1, tuple(events))

    def earlier(self, marks: Iterable[int]) -> dict[int, list[Settled]]:
        """See `ports.ReceiverStore`."""
        found = {}
        for mark in marks:
            latest = sorted(self._trail.get(mark, ()), reverse=True)[:_MOST_UNDER_A_MARK]
            if latest:
                found[mark] = [event for seq in latest for event in self._chain(seq)]
        return found

    def _chain(self, seq: int | None) -> list[Settled]:
        chain = []
        while seq is not None:
            chain.append(self._events[seq])
            seq = chain[-1].twin
        return chain

    def known(self, keys: Iterable[Key], learned: Iterable[Key]) -> Known:
        """See `ports.ReceiverStore`."""
        keys = list(keys)
        clicks = {key: self._clicks[key] for key in keys if key in self._clicks}
        owners: dict[Key, tuple[int, ...]] = {
            key: (click.person,) for key, click in clicks.items() if click.person is not None
        }
        owners |= {key: tuple(self._owners[key]) for key in keys if key in self._owners}
        taught = {key: tuple(self._learned[key]) for key in learned if key in self._learned}
        people = {person for several in (owners | taught).values() for person in several}
        return Known(owners, taught, {p: self._accounts[p] for p in people - {STRANGER}}, clicks)

    def touches(self, asked: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Sequence[Touch]]:
        """See `ports.ReceiverStore`."""
        return {
            (person, at): windows.contenders(self._touches.get(person, ()), at)
            for person, at in asked
        }

    def commit(self, settlement: Settlement) -> None:
        """See `ports.ReceiverStore`."""
        for event in (*settlement.settled, *settlement.changed):
            self._events[event.seq] = event
        for mark, seq in settlement.marks:
            self._trail[mark].add(seq)
        for key, person in settlement.taught:
            self._learned[key].add(person)
        for attributed in settlement.attributed:
            self._credit(attributed)
        self._seen.update(dict(settlement.seen))
        self._inbox = [box for box in self._inbox if box[0] > settlement.upto]

    def _credit(self, attributed: Attributed) -> None:
        self._credits.pop(attributed.seq, None)
        self._contenders[attributed.seq] = attributed.contenders
        if attributed.credit is not None:
            self._credits[attributed.seq] = attributed.credit

    def settled_items(self, after: int, limit: int, event_id: str | None) -> list[dict[str, Any]]:
        """See `ports.ReceiverStore`."""
        wanted = [
            event
            for seq, event in sorted(self._events.items())
            if seq > after and event_id in (None, event.event.event_id)
        ]
        return [self._item(event) for event in wanted[:limit]]

    def _item(self, event: Settled) -> dict[str, Any]:
        root = None if event.twin is None else self._chain(event.twin)[-1].seq
        names = {person: known_as for known_as, person in self._names.items()}
        credit = self._credits.get(event.seq)
        ad = None
        if credit is not None:
            path = self._ads[credit.touch.ad]
            ad = {
                "ad_id": path.ad_id,
                "adset_id": path.adset_id,
                "campaign_id": path.campaign_id,
                "window": credit.window,
            }
        return shown(event, root, names.get(event.joint.person or 0), ad)

    def groups(self, after: int, limit: int, order_id: str | None) -> list[list[dict[str, Any]]]:
        """See `ports.ReceiverStore`."""
        groups: defaultdict[int, list[Settled]] = defaultdict(list)
        for seq in sorted(self._events):
            groups[self._chain(seq)[-1].seq].append(self._events[seq])
        wanted = groups if order_id is None else self._of_order(groups, order_id)
        roots = [root for root in sorted(wanted) if root > after][:limit]
        return [[self._item(event) for event in groups[root]] for root in roots]

    def _of_order(self, groups: Mapping[int, list[Settled]], order_id: str) -> set[int]:
        def marks(several: Iterable[Settled]) -> set[int]:
            return {mark for event in several for mark in dedup.marks(event.event).written}

        own = [
            event
            for several in groups.values()
            for event in several
            if event.event.order_id == order_id
        ]
        sought = marks(own)
        return {root for root, several in groups.items() if sought & marks(several)}

    def conversions(self, since: int, until: int) -> list[ConversionRow]:
        """See `ports.ReceiverStore`."""
        return [
            self._conversion(self._events[seq], credit)
            for seq, credit in sorted(self._credits.items())
            if since <= self._events[seq].event.event_time < until
        ]

    def _conversion(self, settled: Settled, credit: Credit) -> ConversionRow:
        event, ad = settled.event, self._ads[credit.touch.ad]
        return ConversionRow(
            seq=settled.seq,
            dataset_id=event.dataset_id,
            event_name=event.event_name,
            event_id=event.event_id,
            order_id=event.order_id,
            at=event.event_time,
            touched_at=credit.touch.at,
            window=credit.window,
            action=credit.touch.action,
            account_id=ad.account_id,
            campaign_id=ad.campaign_id,
            adset_id=ad.adset_id,
            ad_id=ad.ad_id,
            campaign_name=self._name("campaign", ad.campaign_id),
            adset_name=self._name("adset", ad.adset_id),
            ad_name=self._name("ad", ad.ad_id),
            value=event.value,
            currency=event.currency,
        )

    def _name(self, kind: str, known_as: str) -> str | None:
        found = self._ad_names.get((kind, known_as))
        return found[1] if found else None

    def tested_items(self, code: str, after: int, limit: int) -> list[dict[str, Any]]:
        """See `ports.ReceiverStore`."""
        items = self.settled_items(after, len(self._events), None)
        return [item for item in items if item["test_event_code"] == code][:limit]

    def matched_orders(self) -> list[tuple[str, str, bool]]:
        """See `ports.ReceiverStore`."""
        orders: dict[tuple[str, str], bool] = {}
        for item in self.settled_items(0, len(self._events), None):
            if item["order_id"] is not None:
                order = item["dataset_id"], item["order_id"]
                orders[order] = orders.get(order, False) or item["matched"]
        return [(*order, matched) for order, matched in sorted(orders.items())]

    def order_copies(self) -> list[tuple[str, str, int, int, int]]:
        """See `ports.ReceiverStore`."""
        groups: dict[int, list[dict[str, Any]]] = {}
        for item in self.settled_items(0, len(self._events), None):
            if item["event_name"] == "Purchase":
                groups.setdefault(item["duplicate_of"] or item["id"], []).append(item)
        copies = (_copies(its) for its in groups.values() if any(i["order_id"] for i in its))
        return sorted(copies, key=itemgetter(1, 0))

    def candidates(self, since: int, until: int) -> list[Candidate]:
        """See `ports.ReceiverStore`."""
        return [
            Candidate(seq, e.event_name, e.event_time, e.value, e.currency, touches)
            for seq, touches in sorted(self._contenders.items())
            for e in (self._events[seq].event,)
            if since <= e.event_time < until and touches and self._events[seq].twin is None
        ]

    def ads(self) -> dict[int, Ad]:
        """See `ports.ReceiverStore`."""
        return {number: self._named(ad) for number, ad in enumerate(self._ads)}

    def _named(self, ad: Ad) -> Ad:
        ids = {"account": ad.account_id, "campaign": ad.campaign_id}
        ids |= {"adset": ad.adset_id, "ad": ad.ad_id}
        names = {kind: self._name(kind, known_as) for kind, known_as in ids.items()}
        return replace(ad, names={kind: name for kind, name in names.items() if name})

    def touch_counts(self, since: int, until: int) -> list[tuple[int, Action, int, int]]:
        """See `ports.ReceiverStore`."""
        counts = Counter(
            (touch.ad, touch.action, touch.at // _DAY)
            for several in self._touches.values()
            for touch in several
            if since <= touch.at < until
        )
        return [(*key, count) for key, count in counts.items()]

    def tallies(self, dataset_id: str, since: float, until: float) -> list[Tally]:
        """See `ports.ReceiverStore`."""
        counts = Counter(
            _tally(event, self._joined_by(event))
            for event in self._events.values()
            if event.event.dataset_id == dataset_id and since <= event.event.received_at < until
        )
        return [replace(tally, events=count) for tally, count in counts.items()]

    def _joined_by(self, settled: Settled) -> JoinedBy | None:
        """What the event has in common with one of the other source."""
        if settled.twin is not None:
            root = self._events[settled.twin]
            return settled.joined_by if root.event.source != settled.event.source else None
        twins = (event for event in self._events.values() if event.twin == settled.seq)
        others = (t.joined_by for t in twins if t.event.source != settled.event.source)
        return next(others, None)

    def seen(
        self, dataset_id: str, kind: SeenKind, since: float, until: float
    ) -> list[tuple[int, Source, str, int]]:
        """See `ports.ReceiverStore`."""
        return [
            (seen.hour, seen.source, seen.value, number)
            for seen, number in self._seen.items()
            if (seen.dataset_id, seen.kind) == (dataset_id, kind)
            and since - _HOUR < seen.hour < until
        ]

    async def register_spend(self, rows: Sequence[SpendSeen]) -> None:
        """See `ports.ReceiverStore`."""
        for row in rows:
            self._spend[row.day, self._ad(row.ad, row.day * _DAY)] = row.currency, row.amount

    def spend(self, since: int, until: int) -> list[tuple[int, int, str, int]]:
        """See `ports.ReceiverStore`."""
        return [
            (ad, day, currency, amount)
            for (day, ad), (currency, amount) in self._spend.items()
            if since <= day < until
        ]

    def reach(
        self, rows: Mapping[int, int], periods: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        """See `ports.ReceiverStore`."""
        people: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for person, several in self._touches.items():
            for touch in several:
                for begins, ends in periods:
                    if touch.ad in rows and begins <= touch.at < ends:
                        people[rows[touch.ad], begins].add(person)
        return [(*key, len(several)) for key, several in people.items()]

    def people_known(self) -> int:
        """See `ports.ReceiverStore`."""
        return len(self._accounts)

    def _register(self, seen: AccountSeen) -> int | None:
        person = self._names.get(seen.id) if seen.id is not None else None
        if person is None and seen.id is None:
            known = self.known(strong(seen.keys), ())
            person, opens = account_of(seen.keys, known.owners, known.accounts)
            if person is None and not opens:
                return None
        if person is None:
            person = len(self._accounts) + 1
        if seen.id is not None:
            self._names[seen.id] = person
        self._accounts[person] = self._accounts.get(person, frozenset()) | set(seen.keys)
        for key in strong(seen.keys):
            self._owners[key].add(person)
        return person

    def _touch(self, seen: TouchSeen) -> None:
        touch = Touch(seen.at, seen.action, self._ad(seen.ad, seen.at))
        person = self._toucher(seen)
        if person is not None:
            self._touches[person].add(touch)
        if seen.click is not None:
            held = self._clicks.get(seen.click, Click(person, touch))
            whose = person if held.person == person else None
            self._clicks[seen.click] = Click(whose, held.touch)

    def _toucher(self, seen: TouchSeen) -> int | None:
        if seen.person is not None or strong(seen.keys):
            return self._register(AccountSeen(seen.keys, seen.person))
        if seen.click is None:
            return None
        click = self._clicks.get(seen.click)
        return click.person if click else self._register(AccountSeen((seen.click,)))

    def _ad(self, ad: Ad, at: int) -> int:
        ids = {"account": ad.account_id, "campaign": ad.campaign_id}
        ids |= {"adset": ad.adset_id, "ad": ad.ad_id}
        for kind, name in ad.names.items():
            if at >= self._ad_names.get((kind, ids[kind]), (0, ""))[0]:
                self._ad_names[kind, ids[kind]] = at, name
        bare = Ad(ad.account_id, ad.campaign_id, ad.adset_id, ad.ad_id)
        if bare not in self._ads:
            self._ads.append(bare)
        return self._ads.index(bare)


def _tally(settled: Settled, joined_by: JoinedBy | None) -> Tally:
    event, match, joint = settled.event, settled.match, settled.joint
    return Tally(
        event_name=event.event_name,
        source=event.source,
        mask=key_mask(event.keys),
        traits=event.traits,
        with_id=event.event_id is not None,
        duplicate=settled.twin is not None,
        matched_alone=match.person is not None and not match.merged,
        matched=joint.person is not None and not joint.merged,
        matched_merged=joint.person is not None,
        late=event.received_at - event.event_time > _HOUR,
        hour=int(event.received_at // _HOUR) * _HOUR,
        unusable=bool(event.unusable),
        joined_by=joined_by,
        events=1,
    )


def _copies(items: list[dict[str, Any]]) -> tuple[str, str, int, int, int]:
    """One sale's dataset and order id, and its copies by browsers, by servers, removed doubles."""
    by = Counter(item["source"] for item in items)
    order_id = max(item["order_id"] or "" for item in items)
    return items[0]["dataset_id"], order_id, by["browser"], by["server"], len(items) - 1
