"""Rows that the disk has damaged, for those who tell and forget what is stored of a person.

What a row's plain columns tell stands in for its JSON. A damaged row that nothing tells the
person of is found by reading every row of the shop once.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from tillpost.core.event import Event, Keys, Money, OrderSeen, Person
from tillpost.core.money import decimal_string
from tillpost.core.outcome import Reason
from tillpost.store import codec

_NO_CURRENCY = "XXX"
"""ISO 4217's own code for none: of an amount that no column tells."""
_DAMAGED: Mapping[str, Callable[[bytes], bool]] = {
    "orders": codec.is_damaged_fact,
    "events": codec.is_damaged_event,
    "sightings": codec.is_damaged_fact,
    "journal": codec.is_damaged_fact,
}


class Damaged(Struct):
    """A shop's rows that cannot be read: those that nothing tells the person of, by their keys."""

    orders: list[str] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    sightings: list[str] = field(default_factory=list)
    journal: list[int] = field(default_factory=list)
    bad_rows: list[int] = field(default_factory=list)
    theirs: int = 0
    """How many are the asking person's."""
    others: int = 0
    """How many are somebody else's by their plain columns."""

    @property
    def counts(self) -> dict[str, int]:
        """`unreadable` rows that are theirs or may be, `unreadable_of_others`; no zeros."""
        lone = len(self.orders) + len(self.events) + len(self.sightings)
        lone += len(self.journal) + len(self.bad_rows)
        told = {"unreadable": self.theirs + lone, "unreadable_of_others": self.others}
        return {name: count for name, count in told.items() if count}


def find(
    conn: sqlite3.Connection, sql: Mapping[str, str], shop: str, known: Mapping[str, set[Any]]
) -> Damaged:
    """The shop's rows of damaged JSON; `known` are the person's own by table."""
    found = Damaged()
    for table, is_damaged in _DAMAGED.items():
        rows = {key for key, text in conn.execute(sql[f"all_{table}"], (shop,)) if is_damaged(text)}
        left = rows - known[table]
        given = {"shop": shop, "rows": json.dumps(sorted(left))}
        lone = [row[0] for row in conn.execute(sql[f"nobodys_{table}"], given)] if left else []
        setattr(found, table, lone)
        found.theirs += len(rows) - len(left)
        found.others += len(left) - len(lone)
    return found


def order(row: Mapping[str, Any]) -> OrderSeen:
    """What the columns of an order tell of it, and what it is found by: `keys`, as JSON pairs."""
    shown = row["presentment_currency"]
    keys: list[tuple[str, str]] = json.loads(row["keys"])
    carts = [value[len("cart:") :] for kind, value in keys if value.startswith("cart:")]
    contacts: Keys = {kind: (("meta", value),) for kind, value in keys if kind in {"em", "ph"}}
    return OrderSeen(
        order_id=row["order_id"],
        name=row["name"],
        version=row["version"],
        created_at=row["at"],
        processed_at=row["at"],
        kind=row["kind"],
        topic="",
        value=_money(row["value_minor"], row["currency"]),
        presentment=_money(row["presentment_minor"], shown),
        subtotal=_money(row["subtotal_minor"], shown),
        tax=_money(row["tax_minor"], shown),
        shipping=_money(row["shipping_minor"], shown),
        financial_status="paid" if row["eligible"] else "",
        cancelled_at=row["cancelled_at"],
        test=row["reason"] == Reason.TEST_ORDER,
        checkout_token=row["checkout_token"],
        cart_token=next(iter(carts), None),
        customer_id=row["customer_id"],
        returning=None if row["is_returning"] is None else bool(row["is_returning"]),
        person=Person(keys=contacts),
    )


def event(row: Mapping[str, Any]) -> Event:
    """What the columns of an event tell of it."""
    told = {"order_id": row["order_id"]} if row["order_id"] is not None else {}
    return Event(
        shop=row["shop"],
        event_name=row["event_name"],
        event_id=row["event_id"],
        event_time=row["event_time"],
        action_source="website",
        custom_data=told,
    )


def _money(minor: int | None, currency: str) -> Money:
    if minor is None:
        return Money(Decimal(0), _NO_CURRENCY)
    return Money(Decimal(decimal_string(minor, currency)), currency)
