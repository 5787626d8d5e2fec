"""UTM health: what is wrong with the tags of links, how to mend it, and links that are right."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core import links
from tillpost.core.outcome import Misconfigured
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

TAGS: tuple[tuple[str, str, str], ...] = (
    ("source", "Source", "newsletter"),
    ("medium", "Medium", "email"),
    ("campaign", "Campaign", "spring-sale"),
    ("term", "Term", ""),
    ("content", "Content", ""),
    ("id", "Campaign id", ""),
)
"""Each tag of the link builder, its label, and an example."""


class Built(Struct, frozen=True):
    """The link that was asked for, or why it cannot be built."""

    url: str = ""
    problem: str = ""


class Utm(View, frozen=True, kw_only=True):
    """The faults, the tags in use, and the link builder with what was typed into it."""

    tags: tuple[tuple[str, str, str, str], ...]
    """(name, label, example, what was typed)."""
    page: str
    built: Built


def read(desk: Desk, ask: Ask) -> Utm:
    """The tags of this shop's links in the period."""
    return view(desk.report("utm_health", ask), desk.report("utm", ask), ask)


def view(faults: Sequence[Mapping[str, Any]], used: Sequence[Mapping[str, Any]], ask: Ask) -> Utm:
    """The screen of these rows."""
    return Utm(
        tables=(_fault_table(faults), _used_table(used), _template_table()),
        tags=tuple((name, label, example, ask.one(name)) for name, label, example in TAGS),
        page=ask.one("page"),
        built=_built(ask),
    )


def _built(ask: Ask) -> Built:
    if not ask.one("page"):
        return Built()
    tags = {name: ask.one(name) for name, _, _ in TAGS if ask.one(name)}
    try:
        return Built(url=links.build(ask.one("page"), tags))
    except Misconfigured as error:
        return Built(problem=str(error))


def _fault_table(faults: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name="faults",
        caption="What is wrong with tags, the costliest first",
        columns=(
            Column("title", "What"),
            Column("times", "Times", "whole"),
            Column("source", "Source"),
            Column("medium", "Medium"),
            Column("campaign", "Campaign"),
            Column("landing_path", "Page"),
            Column("fix", "How to fix"),
        ),
        rows=faults,
        empty="Nothing is wrong with the tags of this period's visits.",
    )


def _used_table(used: Sequence[Mapping[str, Any]]) -> Table:
    rows = [{**row, "findings": ", ".join(row["findings"]).replace("_", " ")} for row in used]
    return Table(
        name="used",
        caption="Tags in use",
        columns=(
            Column("source", "Source"),
            Column("medium", "Medium"),
            Column("campaign", "Campaign"),
            Column("channel", "Channel"),
            Column("touches", "Visits", "whole"),
            Column("orders", "Orders", "number"),
        ),
        rows=rows,
        most=50,
        empty="No visit in this period. Put the pixel into the shop's theme, and visits show here.",
    )


def _template_table() -> Table:
    rows = [
        {"platform": name, "tags": t.tags, "where": t.where, "remark": t.remark}
        for name, t in links.TEMPLATES.items()
    ]
    return Table(
        name="templates",
        caption="What to paste into each ad platform",
        columns=(
            Column("platform", "Platform"),
            Column("where", "Where"),
            Column("tags", "Tags; the platform fills its placeholders in"),
            Column("remark", "Remark"),
        ),
        rows=rows,
        empty="None.",
    )


SCREEN = Screen(
    path="/utm",
    title="UTM health",
    group="Set-up",
    about="A tag that is misspelled puts its orders under another name. Here are those that are, "
    "and links that are not.",
    read=read,
    template="utm.html",
    filters=("period",),
    own=("page", *(name for name, _, _ in TAGS)),
)
