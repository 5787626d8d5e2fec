"""What the owner asks of a running server by signals: to end, or to go on with other settings."""

import asyncio
import signal
from collections.abc import Callable
from typing import TypeAlias

import structlog

from tillpost.core.outcome import Misconfigured
from tillpost.serve.settings import Settings

Reread: TypeAlias = Callable[[], Settings]
"""The settings as they are now; raises `Misconfigured` if the server cannot go on with them."""

_log = structlog.get_logger("tillpost.serve")


class Wishes:
    """Listens for SIGTERM, SIGINT and SIGHUP from here on; none is lost between two servers."""

    def __init__(self, reread: Reread | None) -> None:
        self._reread = reread
        self._came = asyncio.Event()
        self._is_ending = False
        self._settings: Settings | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._again)

    async def next(self) -> Settings | None:
        """Wait for a wish: the settings to go on with, or None to end."""
        await self._came.wait()
        self._came.clear()
        return None if self._is_ending else self._settings

    def _end(self) -> None:
        self._is_ending = True
        self._came.set()

    def _again(self) -> None:
        """Wrong settings are told in the log, and the server goes on as it was."""
        if self._reread is None:
            _log.warning("settings_kept", why="this server has no settings file to read again")
            return
        try:
            self._settings = self._reread()
        except Misconfigured as error:
            _log.error("settings_refused", why=str(error))
            return
        _log.info("settings_read_again", shops=len(self._settings.shops))
        self._came.set()
