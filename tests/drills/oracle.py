"""The judge: joins what a shop sent, what the platform took, and what the ledger says.

It reads two logs and asks the server for its books over HTTP. It imports nothing of
Tillpost and is never killed. Of every order it asks four things:

    lost         acknowledged and good, but the platform never took it, or no book knows it
    doubled      the platform counts it more than once, by (event_name, event_id)
    invented     the platform took what no shop sent, or another amount, or two versions of it
    unexplained  the ledger says something else than what was seen, or does not balance
"""

import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FINAL = {"delivered", "dead", "expired", "dropped"}


@dataclass
class Order:
    """All that is known of one order."""

    value: float | None = None
    poison: bool = False
    acked: bool = False
    taken: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """How many orders are wrong, in each of four ways; and of how many that was said."""

    acked: int
    taken: int
    again: int
    """Events that went over the wire more than once; the platform counts them once."""
    lost: int
    doubled: int
    invented: int
    unexplained: int
    examples: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[int, int, int, int]:
        """Lost, doubled, invented, unexplained."""
        return self.lost, self.doubled, self.invented, self.unexplained


@dataclass(frozen=True)
class Books:
    """What the server says: every event with its outcomes, and the ledger."""

    items: list[dict[str, Any]]
    ledger: dict[str, Any]


def ask(url: str, key: str) -> Books:
    """The books of the server at `url`."""
    return Books(list(_items(url, key)), _get(f"{url}/api/v1/ledger", key))


def judge(sent: Path, arrived: Path, books: Books) -> Verdict:
    """The verdict over two logs and the books."""
    orders = _orders(sent, arrived)
    for item in books.items:
        orders[item["order_id"]].items.append(item)
    found = {name: _named(orders, wrong) for name, wrong in WRONGS.items()}
    unbalanced = _unbalanced(books.ledger, len(books.items))
    counts = [order.taken for order in orders.values() if order.taken]
    return Verdict(
        acked=sum(order.acked for order in orders.values()),
        taken=len(counts),
        again=sum(len(taken) > 1 for taken in counts),
        lost=len(found["lost"]),
        doubled=len(found["doubled"]),
        invented=len(found["invented"]),
        unexplained=len(found["unexplained"]) + len(unbalanced),
        examples=tuple(f"{name} {o}" for name, those in found.items() for o in those[:3])
        + tuple(unbalanced[:3]),
    )


def standing(url: str, key: str) -> tuple[int, int]:
    """How many events the ledger knows of, and how many of them have not come to an end."""
    rows = _get(f"{url}/api/v1/ledger", key)["destinations"]
    return sum(row["accepted"] for row in rows), sum(row["pending"] for row in rows)


def _orders(sent: Path, arrived: Path) -> dict[str, Order]:
    orders: dict[str, Order] = defaultdict(Order)
    for line in _lines(sent):
        order = orders[line["order"]]
        if "value" in line:
            order.value, order.poison = line["value"], line["poison"]
        order.acked |= 200 <= line.get("status", 0) < 300
    for line in _lines(arrived):
        for event in line["events"] if line["taken"] else []:
            orders[event["order"]].taken.append(event)
    return orders


def _is_lost(order: Order) -> bool:
    good = order.acked and not order.poison
    return (good and not order.taken) or (order.acked and not order.items)


def _is_doubled(order: Order) -> bool:
    return len({(event["name"], event["id"]) for event in order.taken}) > 1 or len(order.items) > 1


def _is_invented(order: Order) -> bool:
    if not order.taken:
        return False
    worth = {event["value"] for event in order.taken}
    digests = {event["digest"] for event in order.taken}
    return order.value is None or worth != {order.value} or len(digests) > 1


def _is_unexplained(order: Order) -> bool:
    """Whether an outcome says something else than what was seen."""
    for item in order.items:
        for outcome in item["outcomes"]:
            expected = "dead" if order.poison else "delivered"
            if outcome["state"] != expected or not outcome["attempts"]:
                return True
    return bool(order.poison and order.taken)


WRONGS = {
    "lost": _is_lost,
    "doubled": _is_doubled,
    "invented": _is_invented,
    "unexplained": _is_unexplained,
}


def _named(orders: dict[str, Order], wrong: Any) -> list[str]:
    return [name for name, order in orders.items() if wrong(order)]


def _unbalanced(ledger: dict[str, Any], items: int) -> list[str]:
    """What of the ledger does not add up, computed here and not believed."""
    found = []
    for row in ledger["destinations"]:
        ended = sum(row[state] for state in ("delivered", "dead", "expired", "pending"))
        if row["accepted"] != ended + sum(row["dropped"].values()):
            found.append(f"{row['destination']} does not balance: {row}")
        if row["accepted"] != items:
            found.append(f"{row['destination']} accepted {row['accepted']} of {items} items")
    return found


def _items(url: str, key: str) -> Iterator[dict[str, Any]]:
    """Every event that the server's books hold."""
    after: Any = 0
    while after is not None:
        page = _get(f"{url}/api/v1/events?limit=1000&after={after}", key)
        yield from page["items"]
        after = page["next"]


def _get(url: str, key: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
