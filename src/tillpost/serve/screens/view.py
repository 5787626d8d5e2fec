"""What every screen is: its place in the navigation, and how its view is read."""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Table
from tillpost.serve.sessions import Act


class View(Struct, frozen=True, kw_only=True):
    """What a screen shows; its tables may be taken along as files."""

    tables: tuple[Table, ...] = ()

    def table(self, name: str) -> Table | None:
        """The table of that name, or the first if none is named."""
        found = (t for t in self.tables if name in {"", t.name})
        return next(found, None)


Read: TypeAlias = Callable[[Desk, Ask], View]


class Page(Struct, frozen=True, kw_only=True):
    """A page's place: where it is, what it is called, which filters it has."""

    path: str
    title: str
    group: str = ""
    about: str = ""
    filters: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Parameters that only this page knows."""
    act: Act = "read"
    """What a viewer must be allowed to do to see it."""
    listed: bool = True
    """Whether the navigation leads to it."""


class Screen(Page, frozen=True, kw_only=True):
    """A page whose view is read when it is asked for."""

    read: Read
    template: str = "screen.html"
