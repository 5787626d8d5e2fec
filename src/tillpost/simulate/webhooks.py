"""How the shop's webhooks go: signed, late, doubled, out of order, or lost."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.sales import Sale
from tillpost.simulate.shopify import (
    EDITED_AFTER,
    Checkout,
    State,
    edit_json,
    order_json,
    refund_json,
)
from tillpost.simulate.times import DAY, HOUR
from tillpost.simulate.wire import (
    API_VERSION,
    SHOP_DOMAIN,
    Planned,
    Request,
    Secrets,
    encode,
    iso,
    sign,
)

Body: TypeAlias = Callable[[], dict[str, Any]]
Happening: TypeAlias = tuple[float, str, Body]
"""When it happened, its topic, and what makes the body of its webhook."""


def webhooks(dice: Dice, knobs: Knobs, checkout: Checkout) -> Iterator[Planned]:
    """Every delivery of every webhook of this order, late, doubled, disordered or lost."""
    sale = checkout.sale
    if not reaches(dice, knobs, sale):
        return
    rows = [(state.at, topic, _body(checkout, topic, state)) for topic, state in _life(knobs, sale)]
    yield from deliveries(dice, knobs, f"o{sale.index}", (sale.index,), rows)
    if sale.extra is not None and knobs.unsent != "edits":
        edit = (sale.at + EDITED_AFTER, "orders/edited", partial(edit_json, sale))
        yield from deliveries(dice, knobs, f"o{sale.index}", (sale.index, "edit"), [edit])


def reaches(dice: Dice, knobs: Knobs, sale: Sale) -> bool:
    """Whether any webhook of the order reaches anybody."""
    return not dice.chance(knobs.order_lost, "order-lost", sale.index)


def deliveries(
    dice: Dice, knobs: Knobs, lane: str, about: tuple[object, ...], rows: Sequence[Happening]
) -> Iterator[Planned]:
    """The deliveries of what happened to one thing, in the order in which it happened."""
    for n, (when, topic, body) in enumerate(rows):
        key = (*about, n)
        if is_lost(dice, knobs, *key):
            continue
        at = when + delay(dice, knobs, *key)
        if n + 1 < len(rows) and dice.chance(knobs.disordered, "disordered", *key):
            at = max(at, rows[n + 1][0] + delay(dice, knobs, *about, n + 1) + 1.0)
        webhook_id, event_id = dice.uuid("webhook", *key), dice.uuid("event", *key)
        make = partial(delivery, topic, body, when, webhook_id, event_id)
        yield Planned(at, lane, "webhook", make)
        if dice.chance(knobs.duplicate, "duplicate", *key):
            later = at + dice.between(1, 600, "duplicate-after", *key)
            yield Planned(later, lane, "webhook", make)
        if dice.chance(knobs.duplicate_new_id, "duplicate-new-id", *key):
            other = partial(delivery, topic, body, when, dice.uuid("again", *key), event_id)
            later = at + dice.between(1, 600, "again-after", *key)
            yield Planned(later, lane, "webhook", other)


def is_lost(dice: Dice, knobs: Knobs, *key: object) -> bool:
    """Whether this webhook never arrives."""
    return dice.chance(knobs.lost, "lost", *key)


def delay(dice: Dice, knobs: Knobs, *key: object) -> float:
    """Seconds from the event to the arrival of its webhook."""
    draw = dice.u("delay-kind", *key)
    if draw < knobs.delayed_day:
        return DAY + dice.between(0, 12 * HOUR, "delay", *key)
    if draw < knobs.delayed_hour:
        return HOUR + dice.between(0, 5 * HOUR, "delay", *key)
    return min(dice.lognormal(knobs.delay, 0.8, "delay", *key), HOUR)


def delivery(  # a webhook is these six facts
    topic: str, body: Body, at: float, webhook_id: str, event_id: str, secrets: Secrets
) -> Request:
    """One signed delivery."""
    text = encode(body())
    headers = (
        ("Content-Type", "application/json"),
        ("X-Shopify-Topic", topic),
        ("X-Shopify-Hmac-Sha256", sign(secrets.webhook_secret, text)),
        ("X-Shopify-Shop-Domain", SHOP_DOMAIN),
        ("X-Shopify-API-Version", API_VERSION),
        ("X-Shopify-Webhook-Id", webhook_id),
        ("X-Shopify-Event-Id", event_id),
        ("X-Shopify-Triggered-At", iso(at)),
        ("User-Agent", "Shopify-Captain-Hook"),
    )
    return Request("POST", "/webhooks/shopify/demo", headers, text)


def _body(checkout: Checkout, topic: str, state: State) -> Body:
    if topic == "refunds/create":
        return partial(refund_json, checkout.sale)
    return partial(order_json, checkout, state)


def tells_extra(dice: Dice, knobs: Knobs, sale: Sale) -> bool:
    """Whether any report of the order with its added line arrives."""
    return sale.extra is not None and any(
        state.upsold and topic != "refunds/create" and not is_lost(dice, knobs, sale.index, n)
        for n, (topic, state) in enumerate(_life(knobs, sale))
    )


def _life(knobs: Knobs, sale: Sale) -> Iterator[tuple[str, State]]:
    """The topics in the order in which they happen, each with the order as it then stood."""
    created = State(sale.at + 1, sale.status if sale.status != "paid" else "paid")
    rows = [("orders/create", created)]
    updates = []
    if sale.extra is not None:
        updates.append(State(sale.at + EDITED_AFTER, sale.status, upsold=True))
    later = sale.extra is not None
    if sale.paid_at is not None:
        paid = State(sale.paid_at, "paid", upsold=later and sale.paid_at > sale.at + EDITED_AFTER)
        rows.append(("orders/paid", paid))
        updates.append(paid._replace(at=paid.at + 1))
    if sale.fulfilled_at is not None:
        updates.append(State(sale.fulfilled_at, "paid", upsold=later, fulfilled=True))
    updates.append(created._replace(at=created.at + 0.5))
    rows += [("orders/updated", state) for state in updates[: knobs.updates]]
    rows += _undone(sale, upsold=later)
    yield from sorted(rows, key=lambda row: row[1].at)


def _undone(sale: Sale, *, upsold: bool) -> list[tuple[str, State]]:
    rows = []
    if sale.cancelled_at is not None:
        state = State(sale.cancelled_at, "refunded", upsold, cancelled=True, refunded=True)
        rows.append(("orders/cancelled", state))
    if sale.refund_at is not None:
        status = "partially_refunded" if sale.refund_lines else "refunded"
        done = sale.fulfilled_at is not None and sale.fulfilled_at < sale.refund_at
        state = State(
            sale.refund_at, status, upsold, done,
            cancelled=sale.cancelled_at is not None, refunded=True,
        )  # fmt: skip
        rows += [("refunds/create", state), ("orders/updated", state._replace(at=state.at + 1))]
    return rows
