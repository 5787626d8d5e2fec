"""A disk that can fail: a FUSE file system that keeps what was not synced in memory alone.

    python disk.py BACKING MOUNT

What is written stays in memory until fsync or fdatasync of its file; only then does it
reach BACKING. SIGKILL of this process is a power cut: what was not synced is gone. A line
of JSON on standard input changes how the disk behaves, and is answered with a line:

    {"do": "room", "bytes": 4096}   the disk is full after so many more bytes; null: it has room
    {"do": "sync", "seconds": 0.2, "failures": 1}   syncs take so long; so many fail with EIO
    {"do": "cut"}    power cut, at which a random half of the unsynced sectors was written

Names (create, rename, unlink) are on disk at once; what is in a file is what is at stake.
It imports nothing of Tillpost.
"""

import contextlib
import errno
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import mfusepy

SECTOR = 512


class Content:
    """What a file holds, and which of its sectors the disk does not have yet."""

    def __init__(self, backing: str) -> None:
        self.backing = backing
        self.live = bytearray(Path(backing).read_bytes())
        self.dirty: set[int] = set()

    def write(self, data: bytes, offset: int) -> None:
        """Change memory, not the disk."""
        end = offset + len(data)
        if end > len(self.live):
            self.live.extend(bytes(end - len(self.live)))
        self.live[offset:end] = data
        self.dirty.update(range(offset // SECTOR, (end + SECTOR - 1) // SECTOR))

    def truncate(self, length: int) -> None:
        """Cut or lengthen, in memory."""
        grown = length - len(self.live)
        if grown > 0:
            self.live.extend(bytes(grown))
        del self.live[length:]
        self.dirty.add(max(length - 1, 0) // SECTOR)

    def sync(self, sectors: set[int] | None = None) -> None:
        """Bring these sectors to the disk, or all."""
        chosen = self.dirty if sectors is None else sectors
        with Path(self.backing).open("r+b") as file:
            if sectors is None:
                file.truncate(len(self.live))
            for sector in sorted(chosen):
                file.seek(sector * SECTOR)
                file.write(self.live[sector * SECTOR : (sector + 1) * SECTOR])
        self.dirty -= set(chosen)


class Disk(mfusepy.Operations):  # type: ignore[misc]
    """The file system."""

    use_ns = True

    def __init__(self, backing: str) -> None:
        self.backing = backing
        self.files: dict[str, Content] = {}
        self._guard = threading.RLock()
        self.room: int | None = None
        self.sync_seconds = 0.0
        self.sync_failures = 0

    def command(self, given: dict[str, Any]) -> None:
        """Behave differently from now on."""
        if given["do"] == "room":
            self.room = given["bytes"]
        elif given["do"] == "sync":
            self.sync_seconds = given.get("seconds", 0.0)
            self.sync_failures = given.get("failures", 0)
        elif given["do"] == "cut":
            with self._guard:
                for content in self.files.values():
                    half = {s for s in content.dirty if random.random() < 0.5}
                    content.sync(half)
                os._exit(9)

    def _real(self, path: str) -> str:
        return self.backing + path

    def _content(self, path: str) -> Content:
        if path not in self.files:
            self.files[path] = Content(self._real(path))
        return self.files[path]

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        try:
            found = os.lstat(self._real(path))
        except OSError as error:
            raise mfusepy.FuseOSError(error.errno) from None
        keys = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size")
        made = {key: getattr(found, key) for key in keys}
        times = {f"st_{key}time": getattr(found, f"st_{key}time_ns") for key in "acm"}
        with self._guard:
            if path in self.files:
                made["st_size"] = len(self.files[path].live)
        return {**made, **times}

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *os.listdir(self._real(path))]

    def statfs(self, path: str) -> dict[str, int]:
        return dict.fromkeys(("f_bavail", "f_bfree", "f_blocks"), 1 << 20) | {"f_bsize": 4096}

    def mkdir(self, path: str, mode: int) -> int:
        os.mkdir(self._real(path), mode)
        return 0

    def rmdir(self, path: str) -> int:
        os.rmdir(self._real(path))
        return 0

    def chmod(self, path: str, mode: int) -> int:
        os.chmod(self._real(path), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        return 0

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        os.close(os.open(self._real(path), os.O_CREAT | os.O_RDWR | os.O_TRUNC, mode))
        with self._guard:
            self._content(path)
        return 0

    def open(self, path: str, flags: int) -> int:
        with self._guard:
            self._content(path)
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        with self._guard:
            return bytes(self._content(path).live[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        with self._guard:
            content = self._content(path)
            grown = max(offset + len(data) - len(content.live), 0)
            if self.room is not None:
                if grown > self.room:
                    raise mfusepy.FuseOSError(errno.ENOSPC)
                self.room -= grown
            content.write(data, offset)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        with self._guard:
            self._content(path).truncate(length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        time.sleep(self.sync_seconds)
        with self._guard:
            if self.sync_failures > 0:
                self.sync_failures -= 1
                raise mfusepy.FuseOSError(errno.EIO)
            self._content(path).sync()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        return 0

    def unlink(self, path: str) -> int:
        with self._guard:
            self.files.pop(path, None)
            os.unlink(self._real(path))
        return 0

    def rename(self, old: str, new: str) -> int:
        with self._guard:
            os.rename(self._real(old), self._real(new))
            self.files.pop(new, None)
            if old in self.files:
                content = self.files.pop(old)
                content.backing = self._real(new)
                self.files[new] = content
        return 0


def _listen(disk: Disk) -> None:
    for line in sys.stdin:
        disk.command(json.loads(line))
        print("done", flush=True)


def main() -> None:
    """Mount, and behave as standard input says."""
    backing, mount = sys.argv[1:]
    disk = Disk(backing)
    threading.Thread(target=_listen, args=(disk,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        mfusepy.FUSE(disk, mount, foreground=True, nothreads=False, fsname="drill")


if __name__ == "__main__":
    main()
