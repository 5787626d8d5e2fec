"""Users and read-only links: who may look, at what, and who did last."""

from collections.abc import Sequence

from tillpost.core.moment import iso
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Action, Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.store.accounts import Link, User


def read(desk: Desk, _ask: Ask) -> View:
    """Everybody who can get in, besides server keys."""
    accounts = desk.node.keeper.accounts
    return view(accounts.users(), accounts.links())


def view(users: Sequence[User], links: Sequence[Link]) -> View:
    """The two lists."""
    return View(tables=(_user_table(users), _link_table(links)))


def _user_table(users: Sequence[User]) -> Table:
    rows = [
        {
            "name": user.name,
            "role": user.role,
            "shop_seen": user.shop or "all shops",
            "made_at": iso(user.made_at),
            "seen_at": iso(user.seen_at) if user.seen_at else None,
        }
        for user in users
    ]
    return Table(
        name="users",
        caption="Users",
        columns=(
            Column("name", "Name"),
            Column("role", "Role"),
            Column("shop_seen", "Sees"),
            Column("made_at", "Since", "moment"),
            Column("seen_at", "Last signed in", "moment"),
        ),
        rows=rows,
        action=Action("Remove", "/people/remove", ("name",), "govern"),
        empty="Nobody yet: in development the password of dev-secrets.json opens everything. "
        "Add an owner before others come.",
    )


def _link_table(links: Sequence[Link]) -> Table:
    rows = [
        {
            "label": link.label,
            "number": link.id,
            "shop_seen": link.shop,
            "made_by": link.made_by,
            "made_at": iso(link.made_at),
            "seen_at": iso(link.seen_at) if link.seen_at else None,
        }
        for link in links
    ]
    return Table(
        name="links",
        caption="Read-only links",
        columns=(
            Column("label", "For"),
            Column("shop_seen", "Shows"),
            Column("made_by", "Made by"),
            Column("made_at", "Since", "moment"),
            Column("seen_at", "Last opened", "moment"),
        ),
        rows=rows,
        action=Action("End", "/people/end-link", ("number",), "govern"),
        empty="None. A link shows one shop to a client, without a password, and can be ended.",
    )


SCREEN = Screen(
    path="/people",
    title="Users",
    group="Set-up",
    about="An owner does everything, an analyst reads and imports, a reader reads.",
    read=read,
    template="people.html",
    act="govern",
)
