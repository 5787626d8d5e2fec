"""One stage for a drill: a shop that sends, a server, and a platform that takes.

Only the server is ever killed or starved; shop, platform and judge stand outside.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.drills.chaos import Chaos
from tests.drills.nodes import Node
from tests.drills.oracle import Verdict, ask, judge, standing
from tests.drills.shop import KEY, Shop
from tests.drills.volume import Volume

_STILL_SECONDS = 5.0
"""What has not moved for so long, with nothing under way, will not."""


class Scene:
    """Everything that a drill plays with; made by `staged`."""

    def __init__(self, directory: Path, source: Path | None, disk: Volume | None) -> None:
        self.directory = directory
        self.disk = disk
        self.sent = directory / "sent.jsonl"
        self.platform = Chaos(directory / "arrived.jsonl")
        data = disk.path / "data" if disk else None
        self.node = Node(directory, self.platform.url, data=data, source=source)
        self.shop = Shop(self.node.url, self.sent)
        self.figures: dict[str, Any] = {}
        self.patience = 60.0
        """Seconds without a step nearer the end, once all is well, that are waited for one."""

    def verdict(self) -> Verdict:
        """Heal everything, let the server come to an end with all it has, and judge."""
        self.shop.stop()
        self.platform.play("ok")
        if self.node.ended is not None:
            self.node.must_start()
        self.settle()
        return judge(self.sent, self.platform.log, ask(self.node.url, KEY))

    def settle(self) -> None:
        """Wait until all that was acknowledged has come to its end, or patience ends."""
        last, changed = (-1, -1), time.monotonic()
        while time.monotonic() - changed < self.patience:
            accepted, pending = standing(self.node.url, KEY)
            if (accepted, pending) != last:
                last, changed = (accepted, pending), time.monotonic()
            stands_still = time.monotonic() - changed > _STILL_SECONDS
            if not pending and (accepted >= self.shop.orders_acked or stands_still):
                return
            time.sleep(0.1)

    def power_cut(self, *, torn: bool) -> None:
        """Cut the power of disk and server, and bring both back."""
        assert self.disk is not None
        self.disk.cut(torn=torn)
        self.node.kill()
        self.disk.unmount()
        self.disk.mount()
        self.node.must_start()


@contextmanager
def staged(directory: Path, *, source: Path | None = None, disk: bool = False) -> Iterator[Scene]:
    """A scene in a directory of its own, with everything that it started ended after."""
    directory.mkdir(parents=True)
    volume = Volume(directory) if disk else None
    if volume is not None:
        volume.mount()
    scene = Scene(directory, source, volume)
    try:
        yield scene
    finally:
        scene.node.close()
        scene.shop.close()
        scene.platform.close()
        if volume is not None:
            volume.unmount()
        shutil.rmtree(directory, ignore_errors=True)
