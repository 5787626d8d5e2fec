"""A mount of `disk.py`: a disk whose power can be cut, that fills up, slows down or fails."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DISK = Path(__file__).with_name("disk.py")


class Volume:
    """A failing disk, mounted at `path` between `mount` and `unmount`."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "disk"
        self._backing = directory / "platter"
        self._process: subprocess.Popen[str] | None = None
        self.path.mkdir(parents=True)
        self._backing.mkdir()

    def mount(self) -> None:
        """Mount what has reached the disk."""
        self._process = subprocess.Popen(
            [sys.executable, str(DISK), str(self._backing), str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 10
        while not os.path.ismount(self.path):
            assert self._process.poll() is None, "the file system ended"
            assert time.monotonic() < until, "the file system did not mount in 10 s"
            time.sleep(0.01)

    def tell(self, do: str, **given: Any) -> None:
        """Change how the disk behaves (see `disk.py`)."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def cut(self, *, torn: bool) -> None:
        """Cut the power: nothing that was not synced is left, or a random half of it."""
        if torn:
            self.tell("cut")
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._process = None

    def unmount(self) -> None:
        """Unmount, whatever state it is in."""
        subprocess.run(
            ["fusermount3", "-u", "-z", str(self.path)], check=False, capture_output=True
        )
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def missing() -> str | None:
    """Why there can be no such disk on this machine; None if there can."""
    if not Path("/dev/fuse").exists():
        return "this machine has no /dev/fuse"
    if not any(Path(p, "fusermount3").exists() for p in os.environ["PATH"].split(":")):
        return "fuse3 is not installed (apt-get install fuse3)"
    return None
