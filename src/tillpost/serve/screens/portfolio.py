"""Portfolio: every shop in one table, the one that most needs a look first."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.report.roas import ratio
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

QUIET_SECONDS = 2 * 86_400.0
LEAST_SEEN = 0.5
"""A browser that sees fewer of the web orders than this is not heard any more."""
LATE_SECONDS = 600.0


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of one shop in the period; money in minor units of its currency."""

    shop: str
    currency: str
    orders: int = 0
    minor: int = 0
    spend_minor: int = 0
    web: int = 0
    seen: int = 0
    """Web orders that the browser told too."""
    delivered: int = 0
    dead: int = 0
    paused: bool = False
    overdue: float = 0.0
    """Seconds by which the oldest waiting event is late."""
    balanced: bool = True
    last: float | None = None
    """When the last order came."""
    quiet: float = 0.0
    """Seconds since then."""


def read(desk: Desk, ask: Ask) -> View:
    """Every shop that may be looked at."""
    return view([_facts(desk, ask, shop) for shop in ask.shops], ask)


def _facts(desk: Desk, ask: Ask, shop: str) -> Facts:
    own = structs.replace(ask, shop=shop)
    period, now = desk.period(own), desk.node.clock.now()
    currency = desk.shop(own).currency
    with desk.rows(own) as rows:
        spend = rows.spend_of(period.first_day, period.last_day, currency)
        waiting = rows.waiting()
        last = rows.last_order()
    totals = {row[0]: row for row in desk.totals(own)}
    quarters = desk.quarters(own)
    line = desk.ledger(own)
    _, orders, taken, back = totals.get(currency, (currency, 0, 0, 0))
    oldest = min((due for _, _, due in waiting.values()), default=now)
    return Facts(
        shop=shop,
        currency=currency,
        orders=orders,
        minor=taken - back,
        spend_minor=spend,
        web=sum(quarter[1] for quarter in quarters),
        seen=sum(quarter[2] for quarter in quarters),
        delivered=sum(x["delivered"] for x in line["destinations"]),
        dead=sum(x["dead"] for x in line["destinations"]),
        paused=desk.is_paused(own),
        overdue=max(0.0, now - oldest),
        balanced=line["balanced"],
        last=last,
        quiet=now - last if last else 0.0,
    )


def view(shops: Sequence[Facts], ask: Ask) -> View:
    """One row a shop, the worst health first."""
    ranked = sorted(shops, key=lambda facts: (-_worst(facts), facts.shop))
    table = Table(
        name="shops",
        caption="Every shop, the one that most needs a look first",
        columns=(
            Column("shop", "Shop"),
            Column("health", "Health"),
            Column("orders", "Orders", "whole"),
            Column("revenue", "Revenue", "money"),
            Column("spend", "Spend", "money"),
            Column("mer", "MER", "times", about="revenue by spend"),
            Column("browser", "Browser saw", "share"),
            Column("delivered", "Delivered", "whole", shown=False),
            Column("dead", "Refused", "whole"),
            Column("last", "Last order", "moment"),
        ),
        rows=[_row(facts, ask) for facts in ranked],
        empty="No shop is configured. Add a [[shops]] table to tillpost.toml.",
    )
    return View(tables=(table.as_asked(ask),))


def troubles(facts: Facts) -> list[tuple[int, str]]:
    """(weight, words) of what is wrong with a shop, the worst first."""
    found = [
        (100, "ledger does not balance") if not facts.balanced else None,
        (80, "destination paused") if facts.paused else None,
        (70, f"{facts.dead:,} refused") if facts.dead else None,
        (60, "late") if facts.overdue > LATE_SECONDS else None,
        (50, "no order yet") if facts.last is None else None,
        (40, f"no order for {facts.quiet / 86_400:.0f} days")
        if facts.quiet > QUIET_SECONDS
        else None,
        (30, "browser rarely heard")
        if facts.web >= 5 and facts.seen / facts.web < LEAST_SEEN
        else None,
        (10, "no spend") if facts.orders and not facts.spend_minor else None,
    ]
    return [one for one in found if one is not None]


def _worst(facts: Facts) -> int:
    return max((weight for weight, _ in troubles(facts)), default=0)


def _row(facts: Facts, ask: Ask) -> dict[str, Any]:
    found = troubles(facts)
    return {
        "shop": facts.shop,
        "href": ask.leave("/", shop=facts.shop),
        "health": "; ".join(words for _, words in found) or "good",
        "currency": facts.currency,
        "orders": facts.orders,
        "revenue": decimal_string(facts.minor, facts.currency),
        "spend": decimal_string(facts.spend_minor, facts.currency),
        "mer": ratio(facts.minor, facts.spend_minor),
        "browser": round(facts.seen / facts.web, 4) if facts.web else None,
        "delivered": facts.delivered,
        "dead": facts.dead,
        "last": iso(facts.last) if facts.last else None,
    }


SCREEN = Screen(
    path="/portfolio",
    title="Portfolio",
    group="Set-up",
    about="All shops that you may see, worst health first.",
    read=read,
    filters=("period",),
)
