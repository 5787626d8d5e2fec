"""Folding: facts in any order, repeated or late, become one row each of what they tell.

The worker recalls the rows that a batch may touch, folds the batch over them here
without any I/O, and commits all changes with the journal's position in one
transaction. So a crash repeats a batch and never halves one. Orders fold by their
id and version, sales by their checkout token, other events by their id.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from tillpost.collect import baked, joining, refunds, same_sale, told
from tillpost.collect.draft import Draft, is_sale
from tillpost.core import bots, consent, policy, privacy, sale, session
from tillpost.core.books import (
    Books,
    Changes,
    EditRow,
    EventRow,
    Link,
    OrderRow,
    PrivacyRow,
    Sighting,
    Visitor,
    Wanted,
    cart_name,
    contacts,
)
from tillpost.core.capi import has_match_keys
from tillpost.core.consent import Decision
from tillpost.core.event import (
    BrowserSeen,
    CartSeen,
    Consent,
    Device,
    EditSeen,
    Entry,
    Event,
    OrderSeen,
    Place,
    PrivacyAsked,
    RefundSeen,
    ServerSeen,
)
from tillpost.core.outcome import FINAL, Reason, State
from tillpost.core.policy import READY, Standing
from tillpost.core.shop import UNCONFIRMED_AFTER, Route, Shop

_REOPENS = frozenset({Reason.UNCONFIRMED, Reason.NEVER_PAID})
"""Drops that a later fact lifts: the order, or its payment, came after all."""


_TOLD_ONCE = (
    *("checkout_token", "cart_token", "customer_id", "event_id", "consent", "journey", "also"),
)
"""Fields of an order that only some reports tell: a later one without them takes nothing back."""


class Context(Struct, frozen=True):
    """What folding needs to know besides the rows: shops, where their events go, and the time."""

    shops: Mapping[str, Shop]
    routes: Mapping[str, tuple[Route, ...]]
    now: float


def wanted(entries: Iterable[Entry]) -> Wanted:
    """The rows that folding these entries may read."""
    names = Wanted()
    for entry in entries:
        _want(names, entry)
    return names


def wanted_held(rows: Iterable[EventRow]) -> Wanted:
    """The rows that looking at held events again may read."""
    names = Wanted()
    for row in rows:
        names.events.add((row.shop, row.fold_key))
        if row.order_id is not None:
            names.orders.add((row.shop, row.order_id))
        if row.fold_key.startswith("sale:"):
            names.checkouts.add((row.shop, row.fold_key.removeprefix("sale:")))
    return names


def fold(entries: Sequence[tuple[int, Entry]], books: Books, context: Context) -> Changes:
    """All that these entries change, oldest first; entries of unknown shops change nothing."""
    draft = Draft(books, context.routes)
    for position, entry in entries:
        shop = context.shops.get(entry.shop)
        if shop is not None:
            _fold_one(draft, entry, shop, context)
        draft.position = position
    return draft.changes()


def release(rows: Iterable[EventRow], books: Books, context: Context) -> Changes:
    """What becomes of held events whose time has come."""
    draft = Draft(books, context.routes)
    for row in rows:
        shop = context.shops.get(row.shop)
        if shop is not None:
            _release_one(draft, row, shop, context)
    return draft.changes()


def postponed(row: EventRow, until: float) -> Changes:
    """A held event that is looked at again later, and nothing else."""
    empty = Books({}, {}, {}, {}, {}, {}, {}, row.id + 1)
    draft = Draft(empty, {})
    draft.amend_event(structs.replace(row, hold_until=until))
    return draft.changes()


def sale_key(order: OrderSeen) -> str:
    """What makes all sightings of one sale one row: its checkout token, else its order id."""
    if order.checkout_token:
        return f"sale:{order.checkout_token}"
    return f"order:{order.order_id}"


def event_key(event_name: str, event_id: str) -> str:
    """What makes two reports of one event that is no sale one row."""
    return f"ev:{event_name}:{event_id}"


def _want(names: Wanted, entry: Entry) -> None:
    shop, fact = entry.shop, entry.fact
    names.checkouts |= {(shop, name) for name in same_sale.wanted(entry)}
    match fact:
        case OrderSeen():
            names.orders |= {(shop, told) for told in (fact.order_id, fact.also) if told}
            names.events.add((shop, sale_key(fact)))
            if fact.cancelled_at is not None:
                names.events.add((shop, refunds.cancelled_key(fact.order_id)))
            if fact.checkout_token:
                names.checkouts.add((shop, fact.checkout_token))
            if fact.cart_token:
                names.checkouts.add((shop, cart_name(fact.cart_token)))
            if fact.carried.visitor_id:
                names.visitors.add((shop, fact.carried.visitor_id))
                names.checkouts.add((shop, joining.visitor_token(fact.carried.visitor_id)))
        case RefundSeen():
            names.orders.add((shop, fact.order_id))
            names.events.add((shop, refunds.refund_key(fact.refund_id)))
        case BrowserSeen():
            _want_browser(names, shop, fact)
        case CartSeen():
            names.checkouts |= {(shop, name) for name in joining.names_of(fact)}
        case ServerSeen():
            names.events.add((shop, event_key(fact.event_name, fact.event_id)))


def _want_browser(names: Wanted, shop: str, seen: BrowserSeen) -> None:
    names.events.add((shop, event_key(seen.event_name, seen.event_id)))
    if (apart := baked.key(seen)) is not None:
        names.events.add((shop, apart))
    if seen.visitor_id:
        names.visitors.add((shop, seen.visitor_id))
    if seen.cart_token:
        names.checkouts.add((shop, cart_name(seen.cart_token)))
    for token in joining.tokens(seen):
        names.checkouts.add((shop, token))
        names.events.add((shop, f"sale:{token}"))


def _fold_one(draft: Draft, entry: Entry, shop: Shop, context: Context) -> None:
    match entry.fact:
        case OrderSeen() as seen:
            _fold_order(draft, entry, seen, shop, context)
        case RefundSeen() as refund:
            refund = same_sale.refund(draft, shop.name, refund)
            refunds.fold_refund(draft, entry, refund, shop, context.now)
        case CartSeen() as cart:
            joining.tie_cart(draft, shop.name, cart)
            order = draft.order_of(shop.name, cart.checkout_token)
            if order is not None:
                _link_order(draft, order)
        case EditSeen() as edit:
            draft.add_edit(EditRow(shop.name, **structs.asdict(edit)))
        case BrowserSeen() as browser:
            _fold_browser(draft, entry, browser, shop, context)
        case ServerSeen() as server:
            _fold_server(draft, entry, server, shop, context)
        case PrivacyAsked() as asked:
            named = privacy.reference(asked, shop.id_key)
            row = PrivacyRow(shop.name, entry.source, entry.received_at, asked, named)
            draft.add_privacy(row)


# --- orders -----------------------------------------------------------------------------


def _fold_order(draft: Draft, entry: Entry, seen: OrderSeen, shop: Shop, context: Context) -> None:
    seen = same_sale.kept(draft, shop.name, seen)
    old = draft.order(shop.name, seen.order_id)
    latest = seen if old is None else _merge(seen, old.seen)
    verdict = policy.eligibility(latest, shop)
    first = entry.received_at if old is None else min(old.first_received_at, entry.received_at)
    row = OrderRow(shop.name, latest, first, verdict.eligible, verdict.reason, browser=False)
    sighted = joining.sighting_of(draft, row) is not None or (old is not None and old.browser)
    row = structs.replace(row, browser=sighted)
    draft.put_order(row)
    row = same_sale.only(draft, row)
    if row.reason == Reason.SAME_SALE:
        return
    _link_order(draft, row)
    for touch in session.told_by_order(latest, shop):
        draft.add_touch(touch)
        if touch.visitor_id.startswith(session.COUPON_VISITOR):
            link = ("order", latest.order_id, touch.visitor_id, latest.processed_at)
            draft.add_link(Link(shop.name, *link))
    _settle_sale(draft, row, entry.source, shop, context.now)
    refunds.fold_cancellation(draft, entry, latest, shop, context.now)


def _merge(new: OrderSeen, old: OrderSeen) -> OrderSeen:
    """The later report, with what only the earlier one told."""
    later, earlier = (new, old) if policy.supersedes(new, old) else (old, new)
    missing = {name: getattr(earlier, name) for name in _TOLD_ONCE if getattr(later, name) is None}
    if later.device == Device():
        missing["device"] = earlier.device
    if not later.person.keys:
        missing["person"] = earlier.person
    if later.carried.landing_url is None and later.carried.visitor_id is None:
        missing["carried"] = earlier.carried
    both = new.reports_only and old.reports_only
    merged = structs.replace(later, **missing, reports_only=both)
    return privacy.anonymous(merged, old.customer_id) if old.erased else merged


def _link_order(draft: Draft, row: OrderRow) -> None:
    """Tie the order's visitor to its customer, e-mail and phone, from the order's time on."""
    seen = row.seen
    visitor_id = joining.visitor_id_of(draft, row)
    if visitor_id is None:
        return
    ties = [("order", seen.order_id)]
    if seen.customer_id:
        ties.append(("customer", seen.customer_id))
    for kind, value in ties + contacts(seen.person):
        draft.add_link(Link(row.shop, kind, value, visitor_id, seen.processed_at))


def _settle_sale(draft: Draft, row: OrderRow, source: str, shop: Shop, now: float) -> None:
    """Bring the order's Purchase to where it stands now, unless it is settled for good."""
    row = _alone(draft, row)
    sighting = joining.sighting_of(draft, row)
    old = draft.sale(shop.name, row.seen.order_id)
    if old is None:
        old = draft.event(shop.name, sale_key(row.seen))
    if old is None and sighting is not None:
        old = joining.waiting_of(draft, sighting)
    if old is not None and not _is_open(draft, old):
        _note_twin(draft, old, sighting)
        return
    visitor = _visitor_of(draft, row)
    event = sale.purchase(
        row.seen,
        shop,
        sighting=sighting.seen if sighting else None,
        sighted_at=sighting.received_at if sighting else None,
        visitor=visitor,
        first_received_at=row.first_received_at,
        now=now,
    )
    decision = _decision(_consent_of(row.seen, sighting, visitor), row.seen.place, event, shop)
    where = policy.standing(
        row.seen,
        shop,
        first_received_at=row.first_received_at,
        sighted=sighting is not None,
        now=now,
    )
    where = _after_consent(where, decision, event, row.first_received_at, now)
    key = old.fold_key if old else sale_key(row.seen)
    limited = told.limited(event, decision)
    new = EventRow(0, key, source, row.first_received_at, limited, row.seen.order_id)
    draft.put_event(old, new, where)


def _alone(draft: Draft, row: OrderRow) -> OrderRow:
    """Of two orders of one checkout the second stands alone: the browser's side is the first's."""
    first = draft.event(row.shop, sale_key(row.seen))
    if first is None or first.order_id in {None, row.seen.order_id}:
        return row
    return structs.replace(row, seen=structs.replace(row.seen, checkout_token=None))


def _visitor_of(draft: Draft, row: OrderRow) -> Visitor | None:
    return draft.visitor(row.shop, joining.visitor_id_of(draft, row))


def _consent_of(
    seen: OrderSeen, sighting: Sighting | None, visitor: Visitor | None
) -> Consent | None:
    """The answer nearest to the sale: its beacon's, the cart's, then the visitor's last one."""
    if sighting is not None and sighting.seen.consent is not None:
        return sighting.seen.consent
    return seen.consent or (visitor.consent if visitor else None)


def _note_twin(draft: Draft, row: EventRow, sighting: Sighting | None) -> None:
    """Tell an event that still waits for its platform when the browser's copy went.

    Its ids and its payload stay; only its last call moves (domain rule 4).
    """
    if sighting is None or row.event.direct != "unknown":
        return
    waits = any(d.state not in FINAL for d in draft.deliveries(row.id))
    if waits and sighting.seen.event_id == row.event.event_id:
        seen = sighting.seen
        event = structs.replace(row.event, direct=seen.direct, direct_at=sighting.received_at)
        draft.amend_event(structs.replace(row, event=event))


def _is_open(draft: Draft, row: EventRow) -> bool:
    """Whether a later fact may still change the event: it is held, or its drop can be lifted."""
    if row.hold_until is not None:
        return True
    return any(d.reason in _REOPENS for d in draft.deliveries(row.id))


# --- other events -------------------------------------------------------------------------


def _fold_browser(
    draft: Draft, entry: Entry, seen: BrowserSeen, shop: Shop, context: Context
) -> None:
    known = draft.visitor(shop.name, seen.visitor_id)
    for earlier in session.remembered(known, shop, seen):
        draft.add_touch(earlier)
    visitor, touch = session.arrive(known, shop, seen)
    if visitor is not None:
        draft.put_visitor(visitor)
        joining.tie(draft, shop.name, visitor, seen)
    if touch is not None:
        draft.add_touch(touch)
    slip = session.slip(seen, shop)
    if slip is not None:
        draft.add_slip(slip)
    order = draft.order_of(shop.name, seen.checkout_token)
    if order is not None:
        _link_order(draft, order)
    if seen.consent is not None and seen.visitor_id is not None:
        _learn_consent(draft, seen.visitor_id, seen.consent, shop, context.now)
    if _is_sale(seen):
        _fold_sighting(draft, entry, seen, shop, context)
    elif not seen.recorded:
        _put_once(draft, entry, told.browser_event(entry, seen, shop), seen, shop, context)


def _learn_consent(draft: Draft, visitor_id: str, answer: Consent, shop: Shop, now: float) -> None:
    """A visitor's answer decides what of theirs waited for one; sales ask for it themselves."""
    for row in draft.waiting(shop.name, visitor_id):
        if is_sale(row):
            continue
        decision = _decision(answer, Place(), row.event, shop)
        where = _after_consent(READY, decision, row.event, row.received_at, now)
        new = structs.replace(row, event=told.limited(row.event, decision))
        draft.put_event(row, new, where)


def _decision(answer: Consent | None, place: Place, event: Event, shop: Shop) -> Decision:
    return consent.decide(
        answer,
        _place(place, shop),
        unknown=shop.consent_unknown,
        has_ip=event.device.client_ip_address is not None,
    )


def _is_sale(seen: BrowserSeen) -> bool:
    return seen.event_name == "Purchase"


def _fold_sighting(
    draft: Draft, entry: Entry, seen: BrowserSeen, shop: Shop, context: Context
) -> None:
    """A browser's Purchase makes no delivery of its own: it joins its order or waits for it."""
    token, *of_visitor = joining.tokens(seen)
    if draft.sighting(shop.name, token) is None:
        draft.put_sighting(Sighting(shop.name, token, entry.received_at, seen))
    order = joining.order_of(draft, shop.name, seen)
    seen_before = order is not None and order.browser
    if of_visitor and not seen_before:
        draft.put_sighting(Sighting(shop.name, of_visitor[0], entry.received_at, seen))
    if order is not None:
        row = structs.replace(order, browser=True)
        draft.put_order(row)
        _settle_sale(draft, row, entry.source, shop, context.now)
    elif draft.event(shop.name, f"sale:{token}") is None:
        until = entry.received_at + UNCONFIRMED_AFTER
        where = Standing(State.HELD, Reason.AWAITING_ORDER, until)
        event = told.browser_event(entry, seen, shop)
        new = EventRow(0, f"sale:{token}", entry.source, entry.received_at, event)
        draft.put_event(None, new, where)


def _fold_server(
    draft: Draft, entry: Entry, seen: ServerSeen, shop: Shop, context: Context
) -> None:
    _put_once(draft, entry, told.server_event(entry, seen, shop), seen, shop, context)


def _put_once(
    draft: Draft,
    entry: Entry,
    event: Event,
    seen: BrowserSeen | ServerSeen,
    shop: Shop,
    context: Context,
) -> None:
    """Keep an event that is no sale, unless one of its name and id is there already.

    One that waits for a consent goes on with the answer that its twin brings.
    """
    key = event_key(event.event_name, event.event_id)
    old = draft.event(shop.name, key)
    if isinstance(seen, BrowserSeen) and baked.is_another(old, seen):
        apart = baked.key(seen)
        if apart is not None:
            key, old, event = apart, draft.event(shop.name, apart), baked.own(event, seen)
    if old is not None and (old.hold_until is None or seen.consent is None):
        return
    place = seen.place if isinstance(seen, ServerSeen) else Place()
    decision = _decision(seen.consent, place, event, shop)
    test = isinstance(seen, ServerSeen) and seen.test
    start = policy.event_standing(event, entry.source, shop, bot=_is_bot(seen), test=test)
    where = _after_consent(start, decision, event, entry.received_at, context.now)
    order_id = seen.order_id if isinstance(seen, ServerSeen) else None
    limited = told.limited(told.twin(old.event, event) if old else event, decision)
    visitor_id = seen.visitor_id if isinstance(seen, BrowserSeen) else None
    new = EventRow(0, key, entry.source, entry.received_at, limited, order_id, None, visitor_id)
    draft.put_event(old, new, where)


def _is_bot(seen: BrowserSeen | ServerSeen) -> bool:
    """Whether a crawler made it: neither e-mail nor phone, and a crawler's name.

    A back end may tell its own program's name of a real person.
    """
    if isinstance(seen, BrowserSeen):
        return seen.bot
    return seen.person.keys.keys().isdisjoint({"em", "ph"}) and bots.is_bot(
        seen.device.client_user_agent
    )


def _after_consent(
    where: Standing, decision: Decision, event: Event, received_at: float, now: float
) -> Standing:
    """Consent and match keys can only stop what was ready to go."""
    if where.state is State.DROPPED:
        return where
    if decision.verdict == "suppress":
        return Standing(State.DROPPED, Reason(decision.reason or Reason.CONSENT_DENIED))
    if where.state is State.HELD:
        return where
    if decision.verdict == "hold":
        return policy.awaiting_consent(received_at, now)
    if not has_match_keys(event):
        return Standing(State.DROPPED, Reason.NO_MATCH_KEYS)
    return where


def _place(place: Place, shop: Shop) -> Place:
    """Where nobody knows the place, the strict law of the shop's own country is not escaped."""
    known = place.country is not None or shop.country not in consent.OPT_IN
    return place if known else Place(shop.country)


# --- holds that end -------------------------------------------------------------------------


def _release_one(draft: Draft, row: EventRow, shop: Shop, context: Context) -> None:
    held = draft.event(shop.name, row.fold_key)
    if held is None or held.hold_until is None:
        return
    order = draft.order(shop.name, held.order_id) if held.order_id else None
    if order is not None and is_sale(held):
        _settle_sale(draft, order, held.source, shop, context.now)
        return
    if refunds.is_refund(held):
        refunds.release_refund(draft, held, context.now)
        return
    if is_sale(held):
        where = Standing(State.DROPPED, Reason.UNCONFIRMED)
    else:
        where = policy.awaiting_consent(held.received_at, context.now)
    draft.put_event(held, held, where)
