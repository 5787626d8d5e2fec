"""Servers forked from a process that has their code already (see `zygote.py`)."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.drills import zygote

ROOT = Path(__file__).parents[2]


class Fork:
    """A forked server, with as much of `subprocess.Popen` as a drill needs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """0 once it has ended, however it did; None while it runs."""
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def wait(self, timeout: float = 60.0) -> int:
        """Return when it has ended; raises `subprocess.TimeoutExpired`."""
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("fork", timeout)
            time.sleep(0.005)
        return 0


class Zygote:
    """Forks servers; `close` it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", zygote.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(environment),
            cwd=ROOT,
        )

    def fork(self, arguments: Sequence[str], output: Path) -> Fork:
        """A server with these arguments, which prints into a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        given = {"arguments": list(arguments), "output": str(output)}
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        return Fork(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; what it forked goes on."""
        self._process.communicate()
