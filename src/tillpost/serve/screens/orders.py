"""Orders: who saw each, what brought it, whether it counts, and where its Purchase stands."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from tillpost.core.attribution import Model
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.report.breakdown import KEYS, LEVELS
from tillpost.report.newest import Chosen
from tillpost.report.query import FOREVER
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.journey import brought
from tillpost.serve.screens.table import Column, Table, state
from tillpost.serve.screens.view import Screen, View
from tillpost.store.glance import Delivery
from tillpost.store.page_rows import Landing, OrderLine, PageRows, Refund

PAGE = 50
"""Orders on one page."""

COLUMNS: tuple[Column, ...] = (
    Column("name", "Order"),
    Column("at", "When", "moment"),
    Column("value", "Value", "money"),
    Column("refunded", "Given back", "money", shown=False),
    Column("channel", "Brought by"),
    Column("campaign", "Campaign", shown=False),
    Column("buyer", "Buyer", shown=False, about="first order of theirs, or not"),
    Column("browser", "Browser", "mark"),
    Column("server", "Server", "mark"),
    Column("counts", "Counts"),
    Column("matched", "Matched", "mark", about="whether the platform knew the buyer"),
    Column("state", "Purchase", "state"),
    Column("kind", "Kind", shown=False),
    Column("event_id", "Event id", shown=False),
)


class Orders(View, frozen=True, kw_only=True):
    """A page of orders, and what they were narrowed to."""

    search: str
    narrowed: tuple[str, ...]
    back: str | None


class Known(Struct, frozen=True):
    """What is known of the orders of one page, by order id."""

    deliveries: Mapping[str, Sequence[Delivery]] = {}
    refunds: Mapping[str, Sequence[Refund]] = {}
    landings: Mapping[str, Sequence[Landing]] = {}
    matched: Mapping[str, bool | None] = {}
    returning: Mapping[str, bool | None] = {}


def read(desk: Desk, ask: Ask) -> Orders:
    """The orders that the address asks for, the newest first, a page at a time."""
    with desk.rows(ask) as rows:
        lines = _lines(desk, ask, rows)
        ids = [line.order_id for line in lines[:PAGE]]
        deliveries = rows.deliveries(ids)
        known = Known(
            deliveries,
            rows.refunds(ids),
            rows.journeys(ids),
            _matches(desk, ask, rows, deliveries),
            _returning(desk, ask, ids),
        )
    return view(lines, known, ask)


def view(lines: Sequence[OrderLine], known: Known, ask: Ask) -> Orders:
    """One page of orders; a line more than `PAGE` says that there is a next one."""
    shown = lines[:PAGE]
    following = None
    if len(lines) > PAGE:
        last = shown[-1]
        following = ask.link("/orders", before=f"{last.at},{last.order_id}")
    table = Table(
        name="orders",
        caption="Orders, the newest first",
        columns=COLUMNS,
        rows=[_row(line, known, ask) for line in shown],
        following=following,
        empty=_empty(ask),
    )
    narrowed = tuple(ask.one(level) for level in LEVELS if ask.one(level))
    return Orders(
        tables=(table.as_asked(ask),),
        search=ask.one("q"),
        narrowed=(*narrowed, *filter(None, (ask.one("reason"),))),
        back=ask.link("/orders", before=None) if ask.one("before") else None,
    )


def _empty(ask: Ask) -> str:
    if ask.one("q"):
        return "No order has this number, id or event id. Write it as the shop shows it, e.g. 1001."
    return "No order in this period. Choose a longer one, or see Set-up for how orders come in."


def _lines(desk: Desk, ask: Ask, rows: PageRows) -> list[OrderLine]:
    """The page's orders and one more; by name, by place or reason, or simply the latest."""
    if ask.one("q"):
        return rows.orders(rows.named(ask.one("q").strip()))
    period = desk.period(ask)
    before = _before(ask)
    chosen = _chosen(ask, before)
    if chosen is None:
        return rows.latest_orders(period.start, period.stop, PAGE + 1, before)
    return rows.orders(desk.newest(ask, chosen))


def _before(ask: Ask) -> tuple[int, str]:
    at, _, order_id = ask.one("before").partition(",")
    return (int(at), order_id) if at.isdigit() else (FOREVER, "")


def _chosen(ask: Ask, before: tuple[int, str]) -> Chosen | None:
    """The orders of a place, buyers or reason before this one; None for all orders."""
    reason = ask.one("reason")
    place = {KEYS[level]: ask.one(level) for level in LEVELS if ask.one(level) and not reason}
    if not (reason or place or ask.buyers != "all"):
        return None
    within = {name: "" if value == "-" else value for name, value in place.items()}
    return structs.replace(
        msgspec.convert(within, Chosen),
        returning={"new": False, "returning": True}.get(ask.buyers),
        reason=reason or None,
        before=before,
        limit=PAGE + 1,
    )


def _matches(
    desk: Desk, ask: Ask, rows: PageRows, deliveries: Mapping[str, Sequence[Delivery]]
) -> dict[str, bool | None]:
    """Of each delivered order, whether the embedded platform knew its buyer."""
    if not desk.is_embedded(ask):
        return {}
    sent = {
        order_id: found[0].event_id
        for order_id, found in deliveries.items()
        if any(d.state == "delivered" for d in found)
    }
    known = rows.matches(desk.datasets(ask), sent.values())
    return {order_id: known.get(event_id) for order_id, event_id in sent.items()}


def _returning(desk: Desk, ask: Ask, ids: Sequence[str]) -> Mapping[str, bool | None]:
    """Who had bought before, as reports count it, where it is shown; else nothing is known here."""
    if ask.buyers != "all":
        return dict.fromkeys(ids, ask.buyers == "returning")
    if "buyer" not in ask.columns:
        return {}
    found = desk.report("orders", structs.replace(ask, days=0, since="", until=""))
    return {row["order_id"]: row["returning"] for row in found}


def _row(line: OrderLine, known: Known, ask: Ask) -> dict[str, Any]:
    found = known.deliveries.get(line.order_id, ())
    sent = next((d for d in found if d.state == "delivered"), None)
    shown = sent or next(iter(found), None)
    came = brought(line, known.landings.get(line.order_id, ()), _model(ask), ask.window)
    returning = known.returning.get(line.order_id, line.returning)
    return {
        "order_id": line.order_id,
        "name": line.name or line.order_id,
        "href": ask.leave("/order", id=line.order_id),
        "at": iso(line.at),
        "value": decimal_string(line.value_minor, line.currency),
        "currency": line.currency,
        "refunded": decimal_string(
            given_back(line, known.refunds.get(line.order_id, ())), line.currency
        ),
        "channel": came.channel,
        "campaign": came.campaign,
        "buyer": {None: None, True: "returning", False: "new"}[returning],
        "browser": line.browser,
        "server": line.server,
        "counts": "once" if line.eligible else f"no: {(line.reason or '').replace('_', ' ')}",
        "matched": known.matched.get(line.order_id),
        "state": standing(shown, line),
        "kind": line.kind,
        "event_id": shown.event_id if shown else None,
    }


def _model(ask: Ask) -> Model:
    return ask.model  # type: ignore[return-value]


def given_back(line: OrderLine, refunds: Sequence[Refund]) -> int:
    """Minor units of the order that were given back; all of it if it was cancelled."""
    if line.cancelled_at is not None:
        return line.value_minor
    return sum(r.amount_minor for r in refunds if r.currency == line.currency)


def standing(found: Delivery | None, line: OrderLine) -> dict[str, Any] | None:
    """Where a Purchase stands: its state, reason, and milliseconds from first report to receipt."""
    if found is None:
        return None
    spent = max(0, round((found.updated_at - line.first_received_at) * 1000))
    return state(found.state, found.reason, spent if found.state == "delivered" else None)


SCREEN = Screen(
    path="/orders",
    title="Orders",
    group="Money",
    about="Every order the shop told of, counted or not. An order opens with all its evidence.",
    read=read,
    template="orders_list.html",
    filters=("period", "model", "window", "buyers"),
    own=("q", "channel", "campaign", "adset", "ad", "reason", "before"),
)
