"""Every order: the shop's total to the cent, what is missing, and what another tool sends."""

from collections.abc import Mapping, Sequence
from typing import Any

from tillpost.serve.other_tool import WORDS, comparer
from tillpost.serve.rounds.reconciling import shown
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.serve.shown import words
from tillpost.store.checks import Check

PARTS = {
    "total": "The shop's total",
    "counted": "counted",
    "ignored": "left out by a rule",
    "waiting": "on its way",
    "missing": "missing",
}
"""What the parts of a total are called."""

WHO = {
    "both": "by both",
    "ours": "only here",
    "theirs": "only by the other tool",
    "neither": "by nobody",
}
"""Who sends a sale."""


def read(desk: Desk, ask: Ask) -> View:
    """This shop's orders of the period."""
    node = desk.node
    check = node.checks.of(ask.shop)
    compare = comparer(node)
    told = None
    if compare.dataset(ask.shop) is not None:
        period = desk.period(ask)
        told = compare.of_dataset(ask.shop, (period.start, period.stop))
    return view(desk.report("balance", ask), desk.report("missing", ask), check, told)


def view(
    parts: Sequence[Mapping[str, Any]],
    missing: Sequence[Mapping[str, Any]],
    check: Check | None,
    beside: Mapping[str, Any] | None = None,
) -> View:
    """The screen of these reports.

    `check` is how the shop's own list was read last, `beside` how another tool's payloads
    compare with ours.
    """
    tables = (_parts(parts), _missing(missing), _check(check))
    return View(tables=(*tables, *(_beside(beside) if beside is not None else ())))


def _parts(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = [
        {
            **row,
            "what": PARTS[row["part"]],
            "why": words(row["reason"] or ""),
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
            Column(
                "accuracy",
                "Accuracy so far",
                "share",
                about="counted and left out, by all orders, also those on their way",
            ),
            Column("lost", "Never came", "whole"),
            Column("destination", "Destination"),
        ),
        rows=told,
        empty='No order in this period was told of yet. In shadow (`mode = "shadow"`) orders '
        "count that would have been sent.",
    )


def _missing(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = [{**row, "reason": words(row["why"])} for row in rows]
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


def _beside(told: Mapping[str, Any]) -> tuple[Table, ...]:
    """How another tool's payloads compare: who sends which sales, and field by field."""
    sums = [{**row, "what": WHO[row["who"]]} for row in told["sales"]]
    if told["unreadable"]:
        damaged = {"what": "In damaged rows here", "orders": told["unreadable"]}
        sums.append({**damaged, "value": None, "currency": None})
    sales = [
        {
            "order": row["name"] or row["order_id"],
            "what": WHO[row["who"]],
            "why": words(row["why"] or ""),
            "copies": row["copies"],
            "ids": row["ids"],
            "unlike": ", ".join(f"{d['field']} {WORDS[d['verdict']]}" for d in row["differences"]),
        }
        for row in told["orders"]
    ]
    return (
        Table(
            name="beside",
            caption="Beside the other tool: who sends which sales",
            columns=(
                Column("what", "Sent"),
                Column("orders", "Orders", "whole"),
                Column("value", "Value", "money"),
            ),
            rows=sums,
            empty="Neither side has a Purchase in this period.",
        ),
        Table(
            name="beside_fields",
            caption="Beside the other tool: the same sale, field by field",
            columns=(
                Column("field", "Field"),
                Column("same", "Same", "whole"),
                Column("differs", "Differs", "whole"),
                Column("only_ours", "Only here", "whole"),
                Column("only_theirs", "Only there", "whole"),
                Column("unusable", "Unusable there", "whole", about="e.g. not hashed"),
            ),
            rows=told["fields"],
            empty="No sale is sent by both.",
        ),
        Table(
            name="beside_orders",
            caption="Beside the other tool: sales that are not the same",
            columns=(
                Column("order", "Order"),
                Column("what", "Sent"),
                Column("why", "Why not here"),
                Column("copies", "Times there", "whole"),
                Column("ids", "With event ids", "whole"),
                Column("unlike", "What differs"),
            ),
            rows=sales,
            empty="Every sale is the same on both sides.",
        ),
    )


SCREEN = Screen(
    path="/balance",
    title="Balance",
    group="Signal",
    about="The shop's own total equals what counts and each part that does not, with its reason.",
    read=read,
    filters=("period",),
)
