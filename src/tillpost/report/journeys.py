"""How shoppers came: every model side by side, the paths they took, and what they became."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from tillpost.core.attribution import MODELS
from tillpost.core.money import decimal_string
from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.roas import count, ratio
from tillpost.report.steps import CAMPAIGN_KEYS, EARNINGS, JOURNEYS, SALES, SPENDING


def models(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by channel: under each model's name its orders, under `<model>_revenue` its money.

    The query's own model orders the rows. Participation overlaps: its columns do not add
    up to the shop's orders.
    """
    with opened(tables) as engine:
        found = engine.run(EARNINGS, "compared", query, MODELS)
    cells: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in found:
        cells[row["channel"], row["currency"]][row["model"]] = (row["shares"], row["minor"])
    nothing = (0, 0)
    order = sorted(cells.items(), key=lambda cell: -cell[1].get(query.model, nothing)[1])
    return [
        {
            "channel": channel,
            "currency": currency,
            **{model: count(by.get(model, nothing)[0]) for model in MODELS},
            **{
                f"{model}_revenue": decimal_string(by.get(model, nothing)[1], currency)
                for model in MODELS
            },
        }
        for (channel, currency), by in order
    ]


def journeys(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by path of channels, the commonest first: orders, revenue, touches, days to buy.

    Orders are those of the period by their own day, on either basis.
    """
    with opened(tables) as engine:
        found = engine.run(JOURNEYS, "paths", structs.replace(query, basis="cash"))
    return [
        {
            "path": row["path"],
            "orders": row["orders"],
            "revenue": decimal_string(row["minor"], row["currency"]),
            "currency": row["currency"],
            "touches": row["steps"],
            "mean_days": round(row["seconds"] / row["orders"] / 86_400, 2),
        }
        for row in found
    ]


def cohorts(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by month (UTC) of a customer's first order and months since: orders, revenue, LTV.

    `ltv` is all that the cohort has spent by the end of that month, net of refunds, a
    customer. The period decides which orders are known, so a first order before it is not.
    `cac` is the spend of the cohort's month by its customers, and `paid_back` whether `ltv`
    has reached it: the first such month is the payback. None where nothing was spent.
    """
    plain = structs.replace(query, basis="cash")
    with opened(tables) as engine:
        found = engine.run(SALES, "cohorts", plain)
        months = engine.run((*CAMPAIGN_KEYS, *SPENDING), "spend_by_month", plain)
    spent = {(row["month"], row["currency"]): row["spend_minor"] for row in months}
    return [
        {
            "cohort": f"{row['cohort'] // 12:04d}-{row['cohort'] % 12 + 1:02d}",
            "month": row["month"],
            "customers": row["customers"],
            "active": row["active"],
            "orders": row["orders"],
            "revenue": decimal_string(row["minor"], row["currency"]),
            "ltv": decimal_string(round(row["total_minor"] / row["customers"]), row["currency"]),
            "retention": ratio(row["active"], row["customers"]),
            "currency": row["currency"],
            **_payback(row, spent.get((row["cohort"], row["currency"]), 0)),
        }
        for row in found
    ]


def _payback(row: Mapping[str, Any], spend: int) -> dict[str, Any]:
    """What winning a customer of the cohort cost, and whether they have brought it back."""
    if not spend:
        return {"cac": None, "paid_back": None}
    cac = decimal_string(round(spend / row["customers"]), row["currency"])
    return {"cac": cac, "paid_back": row["total_minor"] >= spend}
