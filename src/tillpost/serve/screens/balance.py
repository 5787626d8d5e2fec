"""Every order: the shop's own total split to the cent, what is missing, and who says so."""

from collections.abc import Mapping, Sequence
from typing import Any

from tillpost.serve.rounds.reconciling import shown
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.store.checks import Check

PARTS = {
    "total": "The shop's total",
    "counted": "counted",
    "ignored": "left out by a rule",
    "waiting": "on its way",
    "missing": "missing",
}
"""What the parts of a total are called."""


def read(desk: Desk, ask: Ask) -> View:
    """This shop's orders of the period."""
    check = desk.node.checks.of(ask.shop)
    return view(desk.report("balance", ask), desk.report("missing", ask), check)


def view(
    parts: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]], check: Check | None
) -> View:
    """The screen of these reports; `check` is how the shop's own list was read last."""
    return View(tables=(_parts(parts), _missing(missing), _check(check)))


def _parts(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = [
        {
            **row,
            "what": PARTS[row["part"]],
            "why": (row["reason"] or "").replace("_", " "),
        }
        for row in rows
    ]
    return Table(
        name="balance",
        caption="The shop's total, to the cent",
        columns=(
            Column("what", "Part"),
            Column("why", "Why"),
            Column("orders", "Orders", "whole"),
            Column("value", "Value", "money"),
            Column("accuracy", "Accuracy", "share", about="counted and left out, by all orders"),
            Column("lost", "Never came", "whole"),
            Column("destination", "Destination"),
        ),
        rows=told,
        empty='No order in this period was told of yet. In shadow (`mode = "shadow"`) orders '
        "count that would have been sent.",
    )


def _missing(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = [{**row, "reason": row["why"].replace("_", " ")} for row in rows]
    return Table(
        name="missing",
        caption="Missing orders, and why",
        columns=(
            Column("name", "Order"),
            Column("at", "When", "moment"),
            Column("value", "Value", "money"),
            Column("reason", "Why"),
            Column("destination", "Destination"),
        ),
        rows=told,
        empty="None: every order of the period was delivered, left out by a rule, or is on its "
        "way.",
    )


def _check(check: Check | None) -> Table:
    return Table(
        name="shop_list",
        caption="The shop's own list of its orders",
        columns=(
            Column("read_at", "Read", "moment"),
            Column("since", "Compared from", "moment"),
            Column("until", "Until", "moment"),
            Column("orders", "Orders", "whole", about="of the latest reading"),
            Column("accuracy", "Accuracy", "share"),
            Column("fetched", "Taken in late", "whole"),
            Column("trouble", "Trouble"),
            Column("next_at", "Read again", "moment"),
        ),
        rows=[shown(check)] if check else [],
        empty="It is not asked for. With a token (shops.shopify.access_token) the shop is asked "
        "every hour, and what a lost webhook told is taken in; without one, gaps in the order "
        "numbers find lost webhooks.",
    )


SCREEN = Screen(
    path="/balance",
    title="Every order",
    group="Signal",
    about="The shop's own total equals what counts and each part that does not, with its reason.",
    read=read,
    filters=("period",),
)
