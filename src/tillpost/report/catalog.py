"""The reports by name, and the tables that they are made from."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tillpost.ports import Rows
from tillpost.report import (
    ads,
    balance,
    breakdown,
    bridge,
    journeys,
    metrics,
    path_models,
    reconcile,
    roas,
    spending,
    tags,
    takings,
)
from tillpost.report.query import Query

Report: TypeAlias = Callable[[Mapping[str, Rows], Query], list[dict[str, Any]]]

REPORTS: dict[str, Report] = {
    "ads": ads.ads,
    "channels": roas.channels,
    "campaigns": roas.campaigns,
    "breakdown": breakdown.breakdown,
    "drill": breakdown.breakdown,
    "orders": roas.orders,
    "journeys": journeys.journeys,
    "models": journeys.models,
    "path_models": path_models.path_models,
    "cohorts": journeys.cohorts,
    "takings": takings.takings,
    "metrics": metrics.metrics,
    "coverage": reconcile.coverage,
    "reconcile": reconcile.reconcile,
    "reasons": reconcile.reasons,
    "bridge": bridge.bridge,
    "bridge_orders": bridge.bridge_orders,
    "utm": reconcile.utm,
    "utm_health": tags.health,
    "rates": spending.rates,
    "balance": balance.balance,
    "missing": balance.missing,
}
"""What `tillpost report NAME` and `/api/v1/reports/{name}` answer with, under the key `rows`."""

OF_BUYERS = frozenset({"channels", "campaigns", "models", "journeys", "path_models"})
"""Reports of credits that may be asked of new buyers or of returning ones alone."""

GATEWAY_TABLES = ("orders", "order_keys", "links", "touches", "refunds", "spend", "rates")
"""Tables of the gateway's store that every report reads."""

MORE_TABLES: dict[str, tuple[str, ...]] = {
    "metrics": ("order_costs",),
    "utm_health": ("tag_faults",),
    "bridge": ("deliveries", "shop_journeys"),
    "bridge_orders": ("deliveries", "shop_journeys"),
    "reconcile": ("deliveries", "shop_journeys"),
    "reasons": ("deliveries",),
}
"""Tables that single reports read besides."""

TABLES_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("balance", "missing"), balance.TABLES),
    "cohorts": ("orders", "order_keys", "refunds", "spend", "rates"),
    "takings": ("orders", "order_keys", "refunds", "rates"),
}
"""Reports that read these tables of the gateway only, and nothing of the receiver."""

RECEIVER_TABLES = ("conversions", "matches", "sightings")
"""Tables that the receiver gives reports; they count in platform columns only."""

LISTS = frozenset({"orders", "reconcile", "bridge_orders", "journeys"})
"""Reports of which the engine can give a part: a row an order, or a path."""

_CLAIMS, _KNOWN = ("conversions",), ("matches",)

RECEIVED_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("channels", "models", "journeys", "path_models", "utm", "utm_health"), ()),
    **dict.fromkeys(("ads", "campaigns", "breakdown", "drill", "metrics", "rates"), _CLAIMS),
    **dict.fromkeys(("orders", "coverage"), _KNOWN),
    "reasons": (*_CLAIMS, *_KNOWN),
}
"""Which of them a report reads; all, if it is not named here."""

CLAIMED = frozenset(name for name, read in RECEIVED_OF.items() if read == _CLAIMS)
"""Reports that sum claims, of whatever order; all others look for those of an order's own shop."""
