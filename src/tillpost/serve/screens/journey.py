"""One order's way to the till: its visits, and what every model gives to each.

The reports say the same over all orders at once (`report/sql/journeys.sql`); here it is
said of a few orders by the definition itself, `core.attribution`.
"""

from collections.abc import Sequence

from msgspec import Struct

from tillpost.core.attribution import MODELS, WINDOWS, Credit, Model, Touch, attribute
from tillpost.core.channel import UNKNOWN
from tillpost.store.glance import OrderLine
from tillpost.store.page_rows import Landing

DIRECT = "Direct"


class Brought(Struct, frozen=True):
    """What a model says brought an order: the label of the touch with the largest credit."""

    channel: str
    campaign: str | None = None
    landing: Landing | None = None


class Step(Struct, frozen=True):
    """One visit of the way, and its credit under each model in millionths and minor units."""

    landing: Landing
    credits: dict[str, Credit]


def visits(order: OrderLine, landings: Sequence[Landing], window: str) -> list[Landing]:
    """The visits that count, the oldest first.

    The landing page that an order carries (visitor `order:<id>`) has no time of its own: it
    counts only where none of its visitors' own visits says what brought them.
    """
    own = [x for x in landings if not _is_carried(x) and _is_near(order, x, window)]
    carried = [x for x in landings if _is_carried(x) and x.at is not None][-1:]
    if own:
        told = all(x.direct for x in own)
        carried = [x for x in carried if told and not x.direct]
    found = {x.id: x for x in (*own, *carried) if _is_near(order, x, window)}
    return sorted(found.values(), key=lambda x: (x.at or 0, x.id or 0))


def _is_near(order: OrderLine, landing: Landing, window: str) -> bool:
    seconds = WINDOWS[window]
    if landing.at is None or landing.at > order.at:
        return False
    return seconds is None or order.at - landing.at <= seconds


def was_seen(landings: Sequence[Landing]) -> bool:
    """Whether any visitor of the order is known at all."""
    return any(not _is_carried(landing) for landing in landings)


def brought(order: OrderLine, landings: Sequence[Landing], model: Model, window: str) -> Brought:
    """What brought the order under this model."""
    found = visits(order, landings, window)
    given = _credits(order, found, model)
    if not given:
        return Brought(DIRECT if was_seen(landings) else UNKNOWN)
    best = max(range(len(given)), key=lambda i: (given[i].share, i))
    landing = found[best]
    return Brought(landing.channel or UNKNOWN, landing.campaign, landing)


def steps(order: OrderLine, landings: Sequence[Landing], minor: int, window: str) -> list[Step]:
    """Every visit that counts, with what each model gives it of `minor`."""
    found = visits(order, landings, window)
    by_model = {model: _credits(order, found, model, minor) for model in MODELS}
    return [
        Step(landing, {model: given[i] for model, given in by_model.items()})
        for i, landing in enumerate(found)
    ]


def _credits(
    order: OrderLine, found: Sequence[Landing], model: Model, minor: int = 0
) -> tuple[Credit, ...]:
    touches = [Touch(x.at or 0, x.channel or "", bool(x.direct), bool(x.paid)) for x in found]
    return attribute(model, touches, order.at, minor, None)


def _is_carried(landing: Landing) -> bool:
    return landing.visitor_id == f"order:{landing.order_id}"
