"""What screens read from: a node's reports and rows, kept until the stores change."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from tillpost.core import capi
from tillpost.core.books import Wanted
from tillpost.core.shop import Shop
from tillpost.report.newest import Chosen
from tillpost.report.query import Period, period
from tillpost.serve.kept import LONG_SECONDS, Kept
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, Node
from tillpost.serve.rounds.rolling import FACTS
from tillpost.serve.screens.ask import Ask
from tillpost.store.page_rows import PageRows
from tillpost.store.sqlite import Database

T = TypeVar("T")

LARGE_SECONDS = 0.05
"""A look that takes longer is a long one, where there are `FACTS`."""


class Desk:
    """Reads one node for its pages."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._kept = Kept(node.directory, (GATEWAY_FILE, RECEIVER_FILE), self._long)
        self.age = 0.0

    def _long(self) -> float:
        """Over a large shop many small looks add up: none of them is waited for twice."""
        return LARGE_SECONDS if self.node.segments.facts() >= FACTS else LONG_SECONDS

    def visit(self) -> "Desk":
        """The same desk for one page, whose `age` tells how old the oldest is that it was shown."""
        made = copy(self)
        made.age = 0.0
        return made

    def _see(self, key: Hashable, look: Callable[[], Any]) -> Any:
        found, age = self._kept.see(key, look)
        self.age = max(self.age, age)
        return found

    def report(self, name: str, ask: Ask) -> list[dict[str, Any]]:
        """A report's rows for this shop and these filters, as the stores stand."""
        asked = ask.asked(self.today(ask))
        reading = self.node.reading

        def look() -> tuple[list[dict[str, Any]], float]:
            return reading.report(name, asked), reading.behind(name, asked)

        found, age = self._kept.see((name, msgspec.json.encode(asked)), look)
        rows, behind = found
        self.age = max(self.age, age + behind)
        return list(rows)

    def newest(self, ask: Ask, chosen: Chosen) -> list[str]:
        """Ids of the orders of this shop and period that were chosen, the newest first."""
        asked = ask.asked(self.today(ask))
        reading = self.node.reading

        def look() -> tuple[list[str], float]:
            return reading.newest(asked, chosen), reading.behind("orders", asked)

        key = ("newest", msgspec.json.encode((asked, chosen)))
        (ids, behind), age = self._kept.see(key, look)
        self.age = max(self.age, age + behind)
        return list(ids)

    def findings(self, ask: Ask) -> list[dict[str, Any]]:
        """The faults of this shop's set-up, each with its fix, as far as the receiver tells."""
        datasets = self.datasets(ask)
        look = self.node.reading.findings
        found: dict[str, Any] = self._see(("findings", datasets), lambda: look(datasets))
        faults: list[dict[str, Any]] = found["findings"]
        return faults

    def ledger(self, ask: Ask) -> dict[str, Any]:
        """The shop's ledger, as `tillpost ledger` tells it."""
        look = self.node.reading.ledger
        told: dict[str, Any] = self._see(("ledger", ask.shop), lambda: look(ask.shop))
        return told

    def tallies(self, ask: Ask) -> list[tuple[str, str, str, str | None, int]]:
        """Of this shop, how many events stand how with each destination."""
        found = self._see(("tallies",), self.node.store.tallies)
        return [row for row in found if row[0] == ask.shop]

    def totals(self, ask: Ask) -> list[tuple[str, int, int, int]]:
        """As `PageRows.order_totals`, of this shop and period."""
        return self._of_orders(PageRows.order_totals, ask)

    def quarters(self, ask: Ask) -> list[tuple[int, int, int]]:
        """As `PageRows.orders_by_quarter`, of this shop and period."""
        return self._of_orders(PageRows.orders_by_quarter, ask)

    def _of_orders(self, read: Callable[[PageRows, int, int], list[T]], ask: Ask) -> list[T]:
        span = self.period(ask)

        def look() -> list[T]:
            with self.rows(ask) as rows:
                return read(rows, span.start, span.stop)

        found: list[T] = self._see((read.__name__, ask.shop, span), look)
        return found

    def is_paused(self, ask: Ask) -> bool:
        """Whether a destination of the shop takes nothing at the moment."""
        names = {line.name for line in self.node.lines.get(ask.shop, [])}
        return any(p.ended_at is None and p.destination in names for p in self.node.store.pauses())

    def quality(self, dataset: str, span: Period) -> dict[str, Any]:
        """The quality of what a dataset of the receiver got in that time."""
        receiver = self.node.receiver
        told: dict[str, Any] = self._see(
            ("quality", dataset, span), lambda: receiver.quality(dataset, span.start, span.stop)
        )
        return told

    def agents(self, ask: Ask, order_ids: Sequence[str]) -> dict[str, str]:
        """Of each of these orders the buyer's user agent, as long as it is not forgotten."""
        key = ("agents", ask.shop, tuple(order_ids))
        told: dict[str, str] = self._see(key, lambda: self._agents(ask, order_ids))
        return told

    def _agents(self, ask: Ask, order_ids: Sequence[str]) -> dict[str, str]:
        wanted = Wanted(orders={(ask.shop, order_id) for order_id in order_ids})
        books = self.node.store.recall(wanted)
        found = {o: row.seen.device.client_user_agent for (_, o), row in books.orders.items()}
        return {order_id: agent for order_id, agent in found.items() if agent}

    def carried(self, ask: Ask, limit: int, reach: int) -> dict[str, list[dict[str, Any]]]:
        """By event name, the hashed `user_data` of the latest events, as they go or would go."""
        key = ("carried", ask.shop, limit, reach)
        told: dict[str, list[dict[str, Any]]] = self._see(
            key, lambda: self._carried(ask, limit, reach)
        )
        return told

    def _carried(self, ask: Ask, limit: int, reach: int) -> dict[str, list[dict[str, Any]]]:
        with self.rows(ask) as rows:
            wanted = Wanted(events={(ask.shop, key) for key in rows.latest_keys(limit, reach)})
        made: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.node.store.recall(wanted).events.values():
            made[row.event.event_name].append(capi.server_event(row.event)["user_data"])
        return dict(made)

    def shop(self, ask: Ask) -> Shop:
        """The shop that is looked at."""
        return self.node.shops[ask.shop]

    def is_embedded(self, ask: Ask) -> bool:
        """Whether the shop's events go to the receiver in this process, which tells what it got."""
        given = self.node.settings.destinations
        return any(d.shop == ask.shop and d.is_embedded for d in given)

    def datasets(self, ask: Ask) -> frozenset[str]:
        """The datasets whose receipts may be shown: the shop's own.

        One that several shops share is shown only to who may see all of them.
        """
        own = self.node.datasets(ask.shop) or frozenset()
        hidden = (shop for shop in self.node.shops if shop not in ask.shops)
        return own.difference(*(self.node.datasets(shop) or frozenset() for shop in hidden))

    def zone(self, ask: Ask) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.shop(ask).timezone)

    def today(self, ask: Ask) -> date:
        """The day that it is in the shop."""
        return datetime.fromtimestamp(self.node.clock.now(), self.zone(ask)).date()

    def period(self, ask: Ask) -> Period:
        """The period in Unix seconds."""
        first, last = ask.span(self.today(ask))
        return period(first, last, self.zone(ask))

    def rows(self, ask: Ask) -> AbstractContextManager[PageRows]:
        """The rows of this shop's stores, for as long as the block lasts."""
        return self.rows_of(ask.shop)

    def rows_of(self, shop: str) -> AbstractContextManager[PageRows]:
        """The rows of a shop's stores, for as long as the block lasts."""
        return shop_rows(self.node.directory, shop)


@contextmanager
def shop_rows(directory: Path, shop: str) -> Iterator[PageRows]:
    """The rows of a shop's stores in a data directory, for as long as the block lasts."""
    gateway = Database(directory / GATEWAY_FILE, "gateway", readonly=True)
    receiver = Database(directory / RECEIVER_FILE, "receiver", readonly=True)
    try:
        yield PageRows(gateway, receiver, shop)
    finally:
        gateway.close()
        receiver.close()
