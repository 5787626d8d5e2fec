"""Examining a set-up from the command line: its settings first, for all else hangs on them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tillpost.core.outcome import Misconfigured
from tillpost.serve import app
from tillpost.serve.clock import SystemClock
from tillpost.serve.commands.remote import settings_of
from tillpost.serve.doctor import Bench, Line, examine
from tillpost.serve.doctor.bench import Room
from tillpost.serve.doctor.line import fail, ok
from tillpost.serve.node import networks
from tillpost.serve.transport import HttpTransport
from tillpost.store.lock import running


async def diagnose(
    config_file: Path | None, data: Path | None, test_event_code: str | None = None
) -> list[Line]:
    """Every line, in the order of the decision tree; it stops at settings that are wrong."""
    try:
        settings, directory = settings_of(config_file, data)
    except Misconfigured as error:
        what, fix = _halves(str(error))
        return [fail("settings", what, fix)]
    url = running(directory)
    own_url = url or app.own_url(settings.server.host, settings.server.port)
    transport = HttpTransport(own_url, networks(settings.server.private_networks))
    try:
        bench = Bench(
            settings=settings,
            config_file=config_file,
            directory=directory,
            url=url,
            own_url=own_url,
            now=SystemClock().now(),
            room=_room(directory),
            transport=transport,
            test_event_code=test_event_code,
        )
        shops = ", ".join(shop.name for shop in settings.shops) or "no shop"
        return [ok("settings", shops), *await examine(bench)]
    finally:
        await transport.close()


def _halves(words: str) -> tuple[str, str]:
    """What an error says is wrong, and what to do."""
    mark = next((mark for mark in ("; ", "): ", ": ") if mark in words), "; ")
    what, _, fix = words.rpartition(mark)
    return what + mark.rstrip(": ;"), fix


def worst(lines: Sequence[Line]) -> str:
    """The worst level among the lines."""
    levels = {line.level for line in lines}
    return next(level for level in ("fail", "warn", "ok") if level in levels)


def _room(directory: Path) -> Room:
    place = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    found = shutil.disk_usage(place)
    return Room(found.free, found.total)
