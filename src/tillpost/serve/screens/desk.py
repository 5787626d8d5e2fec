"""What screens read from: a node's reports and rows, kept until the stores change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tillpost.core.shop import Shop
from tillpost.report.query import Period, period
from tillpost.serve.kept import Kept
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, Node
from tillpost.serve.screens.ask import Ask
from tillpost.store.page_rows import PageRows
from tillpost.store.sqlite import Database


class Desk:
    """Reads one node for its pages."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._kept = Kept(node.directory, (GATEWAY_FILE, RECEIVER_FILE))

    def report(self, name: str, ask: Ask) -> list[dict[str, Any]]:
        """A report's rows for this shop and these filters, as the stores stand."""
        asked = ask.asked(self.today(ask))
        return self._kept.get((name, asked), lambda: self.node.reading.report(name, asked))

    def shop(self, ask: Ask) -> Shop:
        """The shop that is looked at."""
        return self.node.shops[ask.shop]

    def is_embedded(self, ask: Ask) -> bool:
        """Whether the shop's events go to the receiver in this process, which tells what it got."""
        given = self.node.settings.destinations
        return any(d.shop == ask.shop and d.is_embedded for d in given)

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

    @contextmanager
    def rows(self, ask: Ask) -> Iterator[PageRows]:
        """The rows of this shop's stores, for as long as the block lasts."""
        gateway = Database(self.node.directory / GATEWAY_FILE, "gateway", readonly=True)
        receiver = Database(self.node.directory / RECEIVER_FILE, "receiver", readonly=True)
        try:
            yield PageRows(gateway, receiver, ask.shop)
        finally:
            gateway.close()
            receiver.close()
