"""A server as a process of its own, to be killed, stopped and started again on its data."""

import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.drills.forks import Fork, Zygote
from tests.drills.shop import KEY, SECRET
from tests.live import ONE_SHOP, free_port

TOKEN = "EAADdrilltoken0123456789"


class NotUp(AssertionError):
    """A server that does not start; the message has its last words."""


class Node:
    """`tillpost serve` on `data`, with one shop that sends to the platform at `platform`.

    `source` is the folder that the code is taken from, where it is not the tree's own.
    """

    def __init__(
        self,
        directory: Path,
        platform: str,
        *,
        data: Path | None = None,
        source: Path | None = None,
    ) -> None:
        self.directory = directory
        self.data = data or directory / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = directory / "output.log"
        self._settings = directory / "tillpost.toml"
        self._settings.write_text(
            ONE_SHOP.format(
                port=self.port,
                data=self.data,
                server_key=KEY,
                scopes='["events", "reports", "costs", "admin"]',
                webhook_secret=SECRET,
                join_wait=0.1,
                dataset="1234567890123456",
                access_token=TOKEN,
                platform=platform,
            )
        )
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
        if source is not None:
            self._environment["PYTHONPATH"] = str(source)
        self._zygote = Zygote(self._environment) if source is None else None
        self._process: subprocess.Popen[bytes] | Fork | None = None

    def start(self, *prefix: str, within: float = 90.0) -> bool:
        """Start, under `prefix` if given (strace ...); whether it came up before it ended."""
        arguments = ["serve", f"--config={self._settings}"]
        if self._zygote is not None and not prefix:
            self._process = self._zygote.fork(arguments, self.output)
        else:
            self._process = self._spawned([*prefix, sys.executable, "-m", "tillpost", *arguments])
        end = time.monotonic() + within
        while time.monotonic() < end and self._process.poll() is None:
            if self.answers():
                return True
            time.sleep(0.02)
        return False

    def _spawned(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            return subprocess.Popen(
                command,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def close(self) -> None:
        """Kill it, and end what it would be forked from."""
        self.kill()
        if self._zygote is not None:
            self._zygote.close()

    def must_start(self, *prefix: str) -> None:
        """Start; fails with what it printed if it does not come up."""
        if not self.start(*prefix):
            raise NotUp(f"the server did not come up: {self.output.read_text()[-2000:]}")

    def answers(self, path: str = "/healthz") -> bool:
        """Whether it answers with 200."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5):
                return True
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """The process, or whatever it runs under."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit code, once it has ended."""
        return self._process.poll() if self._process else 0

    def wait(self, within: float) -> bool:
        """Whether it ends by itself in time."""
        assert self._process is not None
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it with SIGKILL, and whatever it runs under."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def terminate(self, within: float = 20.0) -> float:
        """Ask it to end with SIGTERM; returns how many seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(within)
        self._process = None
        return time.monotonic() - began

    def freeze(self) -> None:
        """Stop every thread where it is (SIGSTOP)."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        os.killpg(self.pid, signal.SIGCONT)

    @contextmanager
    def injected(self, rule: str, *, calls: str, log: Path) -> Iterator[None]:
        """Have strace inject by `rule` into these system calls of the running server."""
        command = [*strace(rule, calls=calls, log=log), "-p", str(self.pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            tracer.terminate()
            tracer.wait()

    @contextmanager
    def limited(self, what: int, most: int) -> Iterator[None]:
        """Let the running server have so much of one of `resource`'s RLIMIT_*."""
        before = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (most, before[1]))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                resource.prlimit(self.pid, what, before)

    def files(self) -> int:
        """How many files and connections it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def address_space(self) -> int:
        """Bytes of addresses that it uses."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[0]) * resource.getpagesize()

    def rss(self) -> int:
        """Most bytes that it has held in memory at once."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


def strace(rule: str, *, calls: str, log: Path) -> list[str]:
    """A command that injects by `rule` into these system calls of what follows it."""
    return ["strace", "-f", "-qq", "-o", str(log), f"--trace={calls}", f"--inject={calls}:{rule}"]
