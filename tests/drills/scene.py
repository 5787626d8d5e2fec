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
from tests.drills.oracle import Verdict, ask, judge, unsettled
from tests.drills.shop import KEY, Shop
from tests.drills.volume import Volume


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
        """Seconds that everything has to come to its end in, once all is well again."""

    def verdict(self) -> Verdict:
        """Heal everything, let the server come to an end with all it has, and judge."""
        self.shop.stop()
        self.platform.play("ok")
        if self.node.ended is not None:
            self.node.must_start()
        self.settle()
        return judge(self.sent, self.platform.log, ask(self.node.url, KEY))

    def settle(self) -> None:
        """Wait until nothing of the ledger is under way, or patience ends."""
        time.sleep(0.3)  # what was just acknowledged is folded first
        end = time.monotonic() + self.patience
        quiet = 0
        while quiet < 2 and time.monotonic() < end:
            quiet = quiet + 1 if unsettled(self.node.url, KEY) == 0 else 0
            time.sleep(0.15)

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
        scene.node.kill()
        scene.shop.close()
        scene.platform.close()
        if volume is not None:
            volume.unmount()
        shutil.rmtree(directory, ignore_errors=True)
