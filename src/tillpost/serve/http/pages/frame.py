"""What stands around every page: navigation, filters, who is signed in, how it looks."""

from typing import Any

from msgspec import Struct
from starlette.requests import Request

from tillpost.serve.access import COOKIE
from tillpost.serve.http.pages.render import theme_of
from tillpost.serve.screens.ask import BASES, BUYERS, MODEL_NAMES, PERIODS, Ask
from tillpost.serve.screens.catalog import SCREENS
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.view import Page
from tillpost.serve.sessions import Notice, Viewer

WINDOW_NAMES: dict[str, str] = {
    "1": "1 day",
    "7": "7 days",
    "14": "14 days",
    "28": "28 days",
    "30": "30 days",
    "60": "60 days",
    "90": "90 days",
    "lifetime": "for ever",
}


class Way(Struct, frozen=True):
    """One entry of the navigation."""

    title: str
    href: str
    here: bool


class Frame:
    """The values that every page's layout needs."""

    def __init__(self, desk: Desk, screen: Page, viewer: Viewer, request: Request) -> None:
        self._desk = desk
        self._screen = screen
        self._viewer = viewer
        self._request = request

    def values(self, ask: Ask | None) -> dict[str, Any]:
        """For the page with these filters; None for one that could not be read."""
        asked = ask or Ask(shop=next(iter(self._viewer.sees(list(self._desk.node.shops))), ""))
        return {
            **self.quiet(asked),
            "csrf": self._viewer.form_token(),
            "notice": self._notice(),
        }

    def _notice(self) -> Notice | None:
        """What came of the last form; a page that asks for its own part again leaves it."""
        if self._request.headers.get("hx-request"):
            return None
        return self._desk.node.access.sessions.said(self._request.cookies.get(COOKIE))

    def quiet(self, asked: Ask) -> dict[str, Any]:
        """The values that are the same whenever the page is asked for, for a part without forms."""
        zone = self._desk.zone(asked)
        return {
            "theme": theme_of(self._request),
            "screen": self._screen,
            "ask": asked,
            "nav": navigation(asked, self._screen.path, self._viewer),
            "shop": self._desk.shop(asked),
            "shops": self._viewer.sees(list(self._desk.node.shops)),
            "zone": zone,
            "today": self._desk.today(asked).isoformat(),
            "viewer": self._viewer,
            "choices": CHOICES,
        }


CHOICES = {
    "periods": PERIODS,
    "models": MODEL_NAMES,
    "windows": WINDOW_NAMES,
    "bases": BASES,
    "buyers": BUYERS,
}


def navigation(ask: Ask, path: str, viewer: Viewer) -> list[tuple[str, list[Way]]]:
    """The groups of screens and where each leads, with the filters kept."""
    made: dict[str, list[Way]] = {"": [Way("Overview", ask.leave("/"), path == "/")]}
    for screen in SCREENS:
        if screen.listed and viewer.may(screen.act):
            here = path in {screen.path, screen.path.removesuffix("s")}
            made.setdefault(screen.group, []).append(
                Way(screen.title, ask.leave(screen.path), here)
            )
    return list(made.items())
