"""The shop system's own view of what led to an order, beside ours: a second opinion.

Shopify tells the first and the last visit of thirty days. It is no touch and changes no
figure; where the two differ, the owner sees both.
"""

from collections.abc import Sequence

from tillpost.core.event import Journey, Visit
from tillpost.core.moment import iso
from tillpost.serve.screens.journey import Step
from tillpost.serve.screens.table import Column, Table
from tillpost.store.page_rows import Landing

COLUMNS = (
    Column("which", "Visit"),
    Column("shop_at", "The shop saw it", "moment"),
    Column("shop_source", "The shop says"),
    Column("own_at", "We saw it", "moment"),
    Column("own_source", "We say"),
    Column("agrees", "Same source", "mark"),
)


def opinions(journey: Journey | None, way: Sequence[Step]) -> tuple[Table, ...]:
    """One table of first and last visit on both sides; none where the shop told nothing."""
    if journey is None or not journey.ready:
        return ()
    seen = [step.landing for step in way]
    rows = [
        {"which": which, **_told(visit), **_own(own), "agrees": _agrees(visit, own)}
        for which, visit, own in (
            ("first", journey.first, seen[0] if seen else None),
            ("last", journey.last, seen[-1] if seen else None),
        )
        if visit is not None
    ]
    return (
        Table(
            name="second_opinion",
            caption="What the shop system itself says led here",
            columns=COLUMNS,
            rows=rows,
            empty="The shop saw no visit in the thirty days before this order.",
        ),
    )


def _told(visit: Visit) -> dict[str, str | None]:
    origin = (visit.utm_source or visit.source, visit.utm_medium, visit.utm_campaign)
    return {"shop_at": iso(visit.at), "shop_source": _joined(origin)}


def _own(landing: Landing | None) -> dict[str, str | None]:
    if landing is None:
        return {"own_at": None, "own_source": None}
    origin = (landing.source, landing.medium, landing.campaign)
    return {"own_at": iso(landing.at or 0), "own_source": _joined(origin)}


def _joined(parts: Sequence[str | None]) -> str | None:
    return " / ".join(part for part in parts if part) or None


def _agrees(visit: Visit, landing: Landing | None) -> bool | None:
    """Whether both name the same source; None where one of them names none."""
    told, own = visit.utm_source or visit.source, landing.source if landing else None
    if not told or not own:
        return None
    return told.casefold().strip() == own.casefold().strip()
