"""What a scraper is told of delivery: how late, how often, how it ended, and whether it balances.

Labels are names of shops, destinations and reasons; nothing in them can name a person.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tillpost.report.ledger import ledger
from tillpost.serve.attention import ENDING_SECONDS, LATE_SECONDS
from tillpost.serve.node import Node

_BREAKER = {"closed": 0.0, "half_open": 0.5, "open": 1.0}
_LINE = ("shop", "destination")


def registry(node: Node) -> CollectorRegistry:
    """All that is measured of a node at this moment."""
    made = CollectorRegistry()
    events = Gauge(
        "tillpost_events",
        "Events by where they stand with their destination",
        ["shop", "destination", "state", "reason"],
        registry=made,
    )
    for shop, destination, state, reason, count in node.store.tallies():
        events.labels(shop, destination, state, reason or "").set(count)
    people = Gauge("tillpost_receiver_people", "Accounts the receiver knows", registry=made)
    people.set(node.receiver.people_known())
    made.register(DeliveryMetrics(node))
    return made


class DeliveryMetrics(Collector):
    """The delivery of one node, read anew at every scrape."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """The ledger's difference, what ends soon, each destination's breaker, delay, exchanges."""
        yield self._imbalance()
        yield self._expiring()
        yield from self._lines()
        yield from self._shops()

    def _imbalance(self) -> Metric:
        made = GaugeMetricFamily(
            "tillpost_ledger_imbalance",
            "Accepted events that stand nowhere, or twice; 0 unless something was lost",
            labels=_LINE,
        )
        for line in ledger(self._node.store.tallies())["destinations"]:
            ended = line["delivered"] + line["dead"] + line["expired"]
            stands = ended + line["pending"] + sum(line["dropped"].values())
            made.add_metric((line["shop"], line["destination"]), line["accepted"] - stands)
        return made

    def _expiring(self) -> Metric:
        made = GaugeMetricFamily(
            "tillpost_events_expiring",
            "Events that were held up and can be sent for less than a day",
            labels=_LINE,
        )
        now = self._node.clock.now()
        rows = self._node.store.expiring(now + ENDING_SECONDS, now - LATE_SECONDS)
        counts = {(shop, name): events for shop, name, events, _ in rows}
        for row in self._node.destinations():
            key = (row["shop"], row["destination"])
            made.add_metric(key, counts.get(key, 0))
        return made

    def _shops(self) -> Iterator[Metric]:
        """How each shop's own list of its orders compares; nothing of one that is never asked."""
        labels = ["shop"]
        accuracy = GaugeMetricFamily(
            "tillpost_order_accuracy",
            "Of the shop's own latest orders, the share that was delivered or left out on purpose",
            labels=labels,
        )
        absent = GaugeMetricFamily(
            "tillpost_orders_missing",
            "Orders that the shop has and that are not here, or not as it has them",
            labels=labels,
        )
        fetched = CounterMetricFamily(
            "tillpost_orders_fetched", "Orders taken in late from the shop's list", labels=labels
        )
        age = GaugeMetricFamily(
            "tillpost_orders_compared_seconds",
            "How long ago the shop's own list was read last",
            labels=labels,
        )
        now, counts = self._node.clock.now(), self._node.checks.missing()
        for check in self._node.checks.all():
            shop = [check.shop]
            absent.add_metric(shop, counts.get(check.shop, 0))
            fetched.add_metric(shop, check.fetched)
            if check.read_at is not None:
                age.add_metric(shop, max(now - check.read_at, 0.0))
                accuracy.add_metric(shop, check.right_orders / check.orders if check.orders else 1)
        yield from (accuracy, absent, fetched, age)

    def _lines(self) -> Iterator[Metric]:
        breaker = GaugeMetricFamily(
            "tillpost_destination_open",
            "0 the destination is tried, 1 nothing is, 0.5 one event asks for all",
            labels=(*_LINE, "reason"),
        )
        lag = GaugeMetricFamily(
            "tillpost_delivery_lag_seconds",
            "How long the oldest event that has not ended has waited",
            labels=_LINE,
        )
        exchanges = CounterMetricFamily(
            "tillpost_delivery_exchanges",
            "Requests to destinations since the start, by what became of them",
            labels=(*_LINE, "outcome"),
        )
        for row in self._node.destinations():
            key = (row["shop"], row["destination"])
            breaker.add_metric((*key, row["reason"] or ""), _BREAKER[row["state"]])
            lag.add_metric(key, row["lag_seconds"])
            for outcome, count in row["exchanges"].items():
                exchanges.add_metric((*key, outcome), count)
        yield from (breaker, lag, exchanges)
