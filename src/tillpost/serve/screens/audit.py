"""The audit log: who did what, each line chained to the one before."""

from collections.abc import Sequence

from tillpost.core.moment import iso
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.store.accounts import Entry

PAGE = 100
_FIRST = 2**62


class Audit(View, frozen=True, kw_only=True):
    """A page of the log; `broken` is the first line that was changed, None if all is whole."""

    broken: int | None


def read(desk: Desk, ask: Ask) -> Audit:
    """The latest lines, or those before the one that the address names."""
    before = int(ask.one("before")) if ask.one("before").isdigit() else _FIRST
    accounts = desk.node.keeper.accounts
    return view(accounts.audit(min(before, _FIRST), PAGE + 1), accounts.first_broken(), ask)


def view(entries: Sequence[Entry], broken: int | None, ask: Ask) -> Audit:
    """One page; an entry more than `PAGE` says that there is a next one."""
    shown = entries[:PAGE]
    rows = [
        {
            "what": e.what,
            "who": e.who,
            "at": iso(e.at),
            "shop": e.shop,
            "detail": e.detail,
            "number": e.id,
            "hash": e.hash[:16],
        }
        for e in shown
    ]
    table = Table(
        name="audit",
        caption="What was done, the latest first",
        columns=(
            Column("what", "What"),
            Column("who", "Who"),
            Column("at", "When", "moment"),
            Column("shop", "Shop"),
            Column("detail", "More"),
            Column("number", "Line", "whole"),
            Column("hash", "Chained as"),
        ),
        rows=rows,
        following=ask.link("/audit", before=shown[-1].id) if len(entries) > PAGE else None,
        empty="Nothing was done yet.",
    )
    return Audit(tables=(table,), broken=broken)


SCREEN = Screen(
    path="/audit",
    title="Audit log",
    group="Set-up",
    about="Sign-ins, users, links, imports, retries, exports. Nothing can be changed or taken out "
    "without breaking the chain.",
    read=read,
    template="audit.html",
    own=("before",),
    act="govern",
)
