"""The reports by name, and the tables that they are made from."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tillpost.ports import Rows
from tillpost.report import ads, breakdown, journeys, reconcile, roas, spending, tags
from tillpost.report.query import Query

Report: TypeAlias = Callable[[Mapping[str, Rows], Query], list[dict[str, Any]]]

REPORTS: dict[str, Report] = {
    "ads": ads.ads,
    "channels": roas.channels,
    "campaigns": roas.campaigns,
    "breakdown": breakdown.breakdown,
    "orders": roas.orders,
    "journeys": journeys.journeys,
    "models": journeys.models,
    "cohorts": journeys.cohorts,
    "coverage": reconcile.coverage,
    "reconcile": reconcile.reconcile,
    "utm": reconcile.utm,
    "utm_health": tags.health,
    "rates": spending.rates,
}
"""What `tillpost report NAME` and `/api/v1/reports/{name}` answer with, under the key `rows`."""

GATEWAY_TABLES = (
    "orders",
    "order_keys",
    "links",
    "touches",
    "refunds",
    "spend",
    "rates",
    "tag_faults",
)
"""Tables of the gateway's store that reports read."""

RECEIVER_TABLES = ("conversions", "matches")
"""Tables that the receiver gives reports; they count in platform columns only."""
