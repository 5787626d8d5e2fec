"""Money given back: always a row of the reports, and an event where the shop wants one.

Never a negative Purchase (domain rule 14): a platform is told of a custom `Refund`, with a
value above zero in the buyer's money, and only of a sale that it was told of before. So it is
of a sale that was told before its money came, and is cancelled: no money goes back for it. The
reports take the same in the shop's money (domain rule 10).
"""

import hmac
from hashlib import sha256

from msgspec import structs

from tillpost.collect.draft import Draft
from tillpost.core import money
from tillpost.core.books import EventRow, OrderRow, RefundRow
from tillpost.core.event import Entry, Event, Money, OrderSeen, RefundSeen
from tillpost.core.outcome import FINAL, Reason, State
from tillpost.core.policy import PAID, READY, Standing
from tillpost.core.shop import PAYMENT_WAIT, UNCONFIRMED_AFTER, Shop


def refund_key(refund_id: str) -> str:
    """What makes two reports of one refund one event."""
    return f"refund:{refund_id}"


def cancelled_key(order_id: str) -> str:
    """What makes two reports of one cancellation one event."""
    return refund_key(f"cancelled.{order_id}")


def is_refund(row: EventRow) -> bool:
    """Whether the event tells of money given back."""
    return row.fold_key.startswith("refund:")


def fold_refund(draft: Draft, entry: Entry, refund: RefundSeen, shop: Shop, now: float) -> None:
    """Keep the refund; with `refunds = "event"` also make its event, once."""
    given = _in_shop_money(refund, draft.order(shop.name, refund.order_id))
    minor = money.to_minor(given.amount, given.currency)
    row = RefundRow(shop.name, refund.refund_id, refund.order_id, refund.at, minor, given.currency)
    draft.add_refund(row)
    key = refund_key(refund.refund_id)
    if shop.refunds != "event" or draft.event(shop.name, key) is not None:
        return
    _put(draft, None, _row(key, entry, refund, shop), now)


def fold_cancellation(draft: Draft, entry: Entry, order: OrderSeen, shop: Shop, now: float) -> None:
    """Of a sale that went out, and whose money will never come, make its event, once.

    The reports leave such an order out by themselves.
    """
    if shop.refunds != "event" or order.cancelled_at is None or order.financial_status in PAID:
        return
    key = cancelled_key(order.order_id)
    sale = draft.sale(shop.name, order.order_id)
    if sale is None or _was_never_told(draft, sale) or draft.event(shop.name, key) is not None:
        return
    name = f"cancelled.{order.order_id}"
    told = RefundSeen(name, order.order_id, order.cancelled_at, order.presentment)
    _put(draft, None, _row(key, entry, told, shop), now)


def release_refund(draft: Draft, held: EventRow, now: float) -> None:
    """Look again at a refund that waits for its sale."""
    _put(draft, held, held, now)


def _in_shop_money(refund: RefundSeen, order: OrderRow | None) -> Money:
    """The refund in the shop's money: a whole one is the order's value, to the cent.

    Else it is what the sender told, or turned at the order's rate where it told none.
    """
    given, buyer = refund.money, refund.shown or refund.money
    if order is None:
        return given
    shown, value = order.seen.presentment, order.seen.value
    if buyer == shown:
        return value
    if given.currency == value.currency or given.currency != shown.currency or not shown.amount:
        return given
    worth = money.proportional(given.amount, shown.amount, value.amount, value.currency)
    return Money(worth, value.currency)


def _row(key: str, entry: Entry, refund: RefundSeen, shop: Shop) -> EventRow:
    event = _event(refund, shop, entry.received_at)
    return EventRow(0, key, entry.source, entry.received_at, event, refund.order_id)


def _put(draft: Draft, old: EventRow | None, row: EventRow, now: float) -> None:
    sale = draft.sale(row.shop, row.order_id or "")
    where = _standing(draft, sale, row.received_at, now)
    event = row.event
    if sale is not None and where is READY:
        event = _of_the_same_person(event, sale.event)
    draft.put_event(old, structs.replace(row, event=event), where)


def _standing(draft: Draft, sale: EventRow | None, received_at: float, now: float) -> Standing:
    """It goes once its sale has gone, and never if its sale never will."""
    states = [d.state for d in draft.deliveries(sale.id)] if sale is not None else []
    if State.DELIVERED in states:
        return READY
    ended = sale is not None and _was_never_told(draft, sale)
    if ended or now >= received_at + PAYMENT_WAIT:
        return Standing(State.DROPPED, Reason.NO_PURCHASE)
    return Standing(State.HELD, Reason.AWAITING_ORDER, now + UNCONFIRMED_AFTER)


def _was_never_told(draft: Draft, sale: EventRow) -> bool:
    """Whether no platform took the sale, and none will."""
    states = [d.state for d in draft.deliveries(sale.id)]
    ended = bool(states) and all(state in FINAL for state in states)
    return ended and State.DELIVERED not in states


def _event(refund: RefundSeen, shop: Shop, received_at: float) -> Event:
    given = refund.shown or refund.money
    return Event(
        shop=shop.name,
        event_name="Refund",
        event_id=_id(refund.refund_id, shop.id_key),
        event_time=min(refund.at, int(received_at)),
        action_source="system_generated",
        custom_data={
            "value": given.amount,
            "currency": given.currency,
            "order_id": refund.order_id,
        },
    )


def _of_the_same_person(event: Event, sale: Event) -> Event:
    """The refund with whom its sale named, under the limits that the sale was sent with."""
    return structs.replace(
        event,
        person=sale.person,
        device=sale.device,
        data_processing_options=sale.data_processing_options,
        data_processing_options_country=sale.data_processing_options_country,
        data_processing_options_state=sale.data_processing_options_state,
    )


def _id(refund_id: str, key: bytes) -> str:
    text = f"refund.{refund_id}".encode()
    return f"refund.{hmac.new(key, text, sha256).hexdigest()[:32]}"
