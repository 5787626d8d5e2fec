"""What the platform claims for each ad, beside what the ad cost: the ads table of a platform."""

from collections.abc import Mapping
from typing import Any

from tillpost.ports import Rows
from tillpost.report.engine import opened
from tillpost.report.query import Query
from tillpost.report.roas import count, ratio, shown
from tillpost.report.steps import CAMPAIGN_KEYS, SPENDING

SPENT = (*CAMPAIGN_KEYS, *SPENDING)
"""The steps that find the period's spend."""

WINDOWS: tuple[tuple[str, str], ...] = (
    ("7d_click", "click_7d"),
    ("1d_engage", "engage_1d"),
    ("1d_view", "view_1d"),
    ("1d_click", "click_1d"),
    ("28d_click", "click_28d"),
)
"""Attribution windows as the receiver names them, and their columns."""


def ads(tables: Mapping[str, Rows], query: Query) -> list[dict[str, Any]]:
    """Rows by ad: ids and names, conversions, value, spend, roas, and a count per window.

    Conversions are what the platform told with the spend, else the receiver's, by the day of
    the conversion; the model and window of the query are not theirs. A conversion of the
    receiver has one window, so the counts add up.
    """
    with opened(tables) as engine:
        return [_ad(row) for row in engine.run(SPENT, "ads", query)]


def _ad(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    plain = ("campaign_id", "adset_id", "ad_id", "account_id", "campaign", "adset", "ad")
    return {
        **{name: row[name] for name in plain},
        "conversions": count(row["claimed_micro"]),
        "value": shown(row["value_minor"], currency),
        "currency": currency,
        "spend": shown(row["spend_minor"], currency),
        "roas": ratio(row["value_minor"], row["spend_minor"]),
        "impressions": row["impressions"],
        "clicks": row["clicks"],
        **{name: row[column] for name, column in WINDOWS},
    }
