"""A large shop's pages are read once after a start, so that nobody waits for the first look."""

import threading
from collections.abc import Callable
from functools import partial

import structlog

from tillpost.core.outcome import Misconfigured
from tillpost.serve.kept import behind
from tillpost.serve.rounds.rolling import FACTS
from tillpost.serve.screens import ask
from tillpost.serve.screens.catalog import SCREENS
from tillpost.serve.screens.desk import Desk

_log = structlog.get_logger("tillpost.pages")


def begin(desk: Desk, overview: Callable[[str, int], object]) -> None:
    """Read every page as it opens, beside the server's work; nothing of a small shop.

    `overview` reads the first page of a shop over so many days.
    """
    if desk.node.segments.facts() >= FACTS:
        threading.Thread(target=_read, args=(desk, overview), name="warm", daemon=True).start()


def _read(desk: Desk, overview: Callable[[str, int], object]) -> None:
    desk.node.rollups.wait()
    for shop in desk.node.shops:
        _look(desk, "/", partial(overview, shop, ask.DEFAULT_DAYS))
        for screen in (screen for screen in SCREENS if screen.listed):
            asked = ask.read([("shop", shop)], tuple(desk.node.shops), screen.own)
            _look(desk, screen.path, partial(screen.read, desk.visit(), asked))


def _look(desk: Desk, path: str, look: Callable[[], object]) -> None:
    """One page; what it cannot be read for, whoever asks for it is told."""
    if desk.node.memory.is_ending:
        return
    try:
        with behind():
            look()
    except Misconfigured:
        return
    except Exception as error:  # noqa: BLE001  # the next page is read all the same
        _log.warning("page_not_read", path=path, error=type(error).__name__)
