"""One sale that its sender tells under two ids: Stripe's payment, and the invoice made of it.

A checkout session names both, as does `invoice_payment.paid`; whatever else tells of the sale
names one. It is kept under the id that was there first. Where both were there before anything
said that they are one, one of the two is no sale any more: the one that has not gone out.
"""

from collections.abc import Iterator

from msgspec import structs

from tillpost.collect.draft import Draft
from tillpost.core.books import ALSO, EventRow, OrderRow
from tillpost.core.event import Entry, OrderSeen, RefundSeen
from tillpost.core.outcome import Reason, State
from tillpost.core.policy import Standing

SOURCES = frozenset({"stripe"})
"""Whose facts may tell one sale under two ids."""

_NO_SALE = Standing(State.DROPPED, Reason.SAME_SALE)


def wanted(entry: Entry) -> Iterator[str]:
    """The names among checkouts by which the order of this fact may be found."""
    fact = entry.fact
    if entry.source in SOURCES and isinstance(fact, OrderSeen | RefundSeen):
        yield f"{ALSO}{fact.order_id}"
        if isinstance(fact, OrderSeen) and fact.also is not None:
            yield f"{ALSO}{fact.also}"


def order_id(draft: Draft, shop: str, told: str) -> str:
    """The id under which the order that was told as `told` is kept."""
    row = draft.order_of(shop, f"{ALSO}{told}")
    return row.seen.order_id if row else told


def kept(draft: Draft, shop: str, seen: OrderSeen) -> OrderSeen:
    """The order under the id under which it is kept."""
    own = order_id(draft, shop, seen.order_id)
    if own == seen.order_id and seen.also is not None and draft.order(shop, own) is None:
        other = order_id(draft, shop, seen.also)
        own = other if draft.order(shop, other) is not None else own
    if own == seen.order_id:
        return seen
    return structs.replace(seen, order_id=own, name=own, also=seen.order_id)


def refund(draft: Draft, shop: str, seen: RefundSeen) -> RefundSeen:
    """The refund of the order under the id under which that is kept."""
    return structs.replace(seen, order_id=order_id(draft, shop, seen.order_id))


def only(draft: Draft, row: OrderRow) -> OrderRow:
    """The order as it goes on: no sale if its other id's has gone out, else the only one."""
    other = draft.order(row.shop, row.seen.also) if row.seen.also else None
    if other is None or other.reason == Reason.SAME_SALE:
        return row
    own_event, others = (draft.sale(row.shop, one.seen.order_id) for one in (row, other))
    if _is_open(others) or not _is_open(own_event):
        _drop(draft, other, others)
        return row
    named = structs.replace(other.seen, also=row.seen.order_id)
    draft.put_order(structs.replace(other, seen=named))
    return _drop(draft, row, own_event)


def _is_open(event: EventRow | None) -> bool:
    return event is None or event.hold_until is not None


def _drop(draft: Draft, row: OrderRow, event: EventRow | None) -> OrderRow:
    seen = structs.replace(row.seen, also=None)
    dropped = structs.replace(row, seen=seen, eligible=False, reason=Reason.SAME_SALE)
    draft.put_order(dropped)
    if event is not None and event.hold_until is not None:
        draft.put_event(event, event, _NO_SALE)
    return dropped
