"""The newest orders of a place, a kind of buyer or a reason: their ids, a page at a time."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, structs

from tillpost.core.attribution import DAY
from tillpost.ports import Rows
from tillpost.report.engine import Engine, Held, opened
from tillpost.report.query import FOREVER, Query
from tillpost.report.steps import ATTRIBUTION, LISTED, RECONCILED

FIRST_DAYS = 1
WIDER = 8
"""So many of the latest days are looked at first, and so many times more while that is too few."""


class Chosen(Struct, frozen=True):
    """Which orders: None of a field is all; an empty text is none, as of orders without campaign.

    Only orders before `before`, which is a Unix second and an order's id, and `limit` of them.
    """

    channel: str | None = None
    campaign_key: str | None = None
    adset_id: str | None = None
    ad_id: str | None = None
    returning: bool | None = None
    reason: str | None = None
    before: tuple[int, str] = (FOREVER, "")
    limit: int = 50


def newest(tables: Mapping[str, Rows], query: Query, chosen: Chosen) -> list[str]:
    """Ids of these orders by the day of the order, the newest first.

    Of a roll-up the latest days are looked at first: where many orders fit, few are enough.
    """
    found: list[str] = []
    plain = structs.replace(query, basis="cash")
    with opened(tables) as engine:
        parts = _parts(engine, plain, chosen) if isinstance(tables, Held) else (plain,)
        for part in parts:
            found = _of(engine, part, chosen)
            if len(found) >= chosen.limit:
                break
    return found


def _parts(engine: Engine, plain: Query, chosen: Chosen) -> Iterator[Query]:
    """The query for its latest days, for more of them, and for all."""
    period = plain.period
    (last,) = engine.connection.execute("SELECT MAX(moment) FROM orders").fetchall()[0]
    stop = min(period.stop, chosen.before[0] + 1, (last or 0) + 1)
    days = FIRST_DAYS
    while stop - days * DAY > period.start and days < WIDER**3:
        part = structs.replace(period, start=stop - days * DAY, stop=stop)
        yield structs.replace(plain, period=part)
        days *= WIDER
    yield plain


def _of(engine: Engine, query: Query, chosen: Chosen) -> list[str]:
    engine.choose(
        {
            "channel": chosen.channel,
            "campaign_key": chosen.campaign_key,
            "adset_id": chosen.adset_id,
            "ad_id": chosen.ad_id,
            "returning": None if chosen.returning is None else int(chosen.returning),
            "reason": chosen.reason,
            "moment": chosen.before[0],
            "order_id": chosen.before[1],
        }
    )
    steps: tuple[str, ...] = ATTRIBUTION
    report = "newest"
    if chosen.reason is not None:
        steps, report = (*steps, LISTED, *RECONCILED), "newest_by_reason"
    rows = engine.run(steps, report, structs.replace(query, limit=chosen.limit))
    return [row["order_id"] for row in rows]
