"""A reader who follows a page: two terminals in one folder, and a server on a port of its own."""

import doctest
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.docs.pages import Block
from tests.docs.settings import laid_over
from tests.live import free_port, wait_until_up

_MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_DONE = "--- and the prompt is back:"
_WATCH_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0
_HERE = {
    ".venv/bin/tillpost": "tillpost",
    "/etc/tillpost/tillpost.toml": "shop/tillpost.toml",
    "/etc/tillpost": "etc",
    "/var/lib/tillpost": "tillpost-data",
}
"""What a page writes of a machine, and where that is in the reader's folder."""


class Reader:
    """Types what a page says, and holds what comes to what the page shows."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.given: Mapping[str, str] = environment or {}
        """Variables of this page alone."""
        self.failing: tuple[str, ...] = ()
        """Commands that tell by their exit code that something is wrong."""
        self.stopping: tuple[str, ...] = ()
        """Commands before which the page says to stop the server."""
        self.settings = folder / "shop/tillpost.toml"
        self.is_stale = False
        """Whether the server that runs began with other settings."""
        self._server: subprocess.Popen[bytes] | None = None
        self._serving = "tillpost serve --config shop/tillpost.toml"
        self._shell: subprocess.Popen[str] | None = None
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self.stop()

    def leave(self) -> None:
        """Close the terminal that commands are typed in; the server goes on."""
        if self._shell is not None:
            self._shell.kill()
            _closed(self._shell)
            self._shell = None

    def follow(self, block: Block, *, interrupted: bool = False) -> None:
        """Do what a block says; `interrupted` is what goes on until then."""
        if interrupted:
            self._watch(block)
        else:
            _DO[block.kind](self, block.text)

    def type(self, commands: str) -> str:
        """What commands print; the first that fails fails the test."""
        code, shown = self._ask(f"set -e\n{commands}\nset +e")
        assert code == 0, f"{commands}\nfailed:\n{shown}"
        return shown

    def start(self, command: str) -> None:
        """Start the server, or start it again with the settings as they are now."""
        self.stop()
        self.is_stale = False
        self._serving = command
        self._server = subprocess.Popen(
            ["bash", "-c", self._here(command)],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until_up(f"http://127.0.0.1:{self.port}", self._server)

    def stop(self) -> None:
        """Stop the server, if one runs."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGTERM)
            self._server.wait(20)
            self._server = None

    def type_block(self, text: str) -> None:
        """A block of `sh`: the server in its own terminal, everything else in the first."""
        if _serves(text):
            self.start(text)
        else:
            self.type(text)

    def answer_prompts(self, text: str) -> None:
        """A block of `console`: each command, and what it shows where the page says so."""
        for command, expected in _prompted(text):
            if _serves(command):
                self.start(command)
                continue
            if any(stopping in command for stopping in self.stopping):
                self.stop()
            code, shown = self._ask(command)
            fails = any(failing in command for failing in self.failing)
            assert bool(code) == fails, f"{command}\nended with {code}:\n{shown}"
            if expected:
                self.compare(expected)

    def compare(self, expected: str) -> None:
        """A block of `text`: what the last command shows."""
        matches = doctest.OutputChecker().check_output(expected, self._shown, _MATCH)
        assert matches, f"the page shows\n{expected}\nand what came was\n{self._shown}"

    def lay_over(self, text: str) -> None:
        """A block of `toml`: into the settings, which a server that runs reads anew."""
        before = self.settings.read_text("utf-8") if self.settings.exists() else ""
        after = laid_over(before, text, self.folder)
        if self.settings.exists():
            self.change(after)

    def change(self, settings: str) -> None:
        """Write the settings; the server is started again before anything is asked of it."""
        self.settings.write_text(settings, "utf-8")
        self.is_stale = True

    def compare_keys(self, text: str) -> None:
        """A block of `json`: the last answer has these keys, and values of the same kinds."""
        _same_shape(json.loads(text), json.loads(self._shown), "$")

    def run_python(self, text: str) -> None:
        """A block of `python`: tests are run, anything else is the module that they import."""
        is_test = "def test_" in text
        (self.folder / ("test_page.py" if is_test else "shop.py")).write_text(text, "utf-8")
        if is_test:
            self.type("python -m pytest -q -p no:cacheprovider test_page.py")

    def run_script(self, text: str) -> None:
        """A block of `js`: a call of the pixel, in Node."""
        if shutil.which("node"):
            (self.folder / "page.js").write_text(f"{_PAGE}\n{text}", "utf-8")
            self.type("node page.js")

    def _ask(self, commands: str) -> tuple[int, str]:
        """The exit code and the output of commands typed into the open terminal."""
        if self.is_stale and self._server is not None:
            self.start(self._serving)
        shell = self._terminal()
        assert shell.stdin is not None
        assert shell.stdout is not None
        asked = f"{{ {self._here(commands)}\n}} </dev/null\nprintf '\\n{_DONE} %s\\n' $?\n"
        shell.stdin.write(asked)
        shell.stdin.flush()
        self._shown = ""
        patience = threading.Timer(_PATIENCE_SECONDS, shell.kill)
        patience.start()
        try:
            for line in shell.stdout:
                if line.startswith(_DONE):
                    return int(line.removeprefix(_DONE)), self._shown
                self._shown += line
        finally:
            patience.cancel()
        self._shell = None
        return _closed(shell), self._shown

    def _watch(self, block: Block) -> None:
        """What goes on until it is interrupted is still at it after some seconds."""
        typed = [c for c, _ in _prompted(block.text)] if block.kind == "console" else [block.text]
        begun = "".join(f"{{ {command}\n}} &\n" for command in typed)
        code, shown = self._ask(
            f"set -m\n{begun}sleep {_WATCH_SECONDS}\n"
            f'test "$(jobs -rp | wc -l)" = {len(typed)}; still=$?\n'
            "for job in $(jobs -rp); do kill -- -$job; done; wait; set +m; (exit $still)"
        )
        assert code == 0, f"{block.text}\nended before it was interrupted:\n{shown}"

    def _terminal(self) -> subprocess.Popen[str]:
        if self._shell is None:
            self._shell = subprocess.Popen(
                ["bash", "-uo", "pipefail"],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self._shell

    def _environment(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        port = {"TILLPOST_SERVER__PORT": str(self.port)}
        return {**plain, "PATH": path, **port, **self.given}

    def _here(self, text: str) -> str:
        for there, here in _HERE.items():
            text = text.replace(there, here)
        return text.replace("127.0.0.1:8484", f"127.0.0.1:{self.port}")


_DO: dict[str, Callable[[Reader, str], None]] = {
    "sh": Reader.type_block,
    "console": Reader.answer_prompts,
    "text": Reader.compare,
    "toml": Reader.lay_over,
    "json": Reader.compare_keys,
    "python": Reader.run_python,
    "js": Reader.run_script,
}
"""What each kind of block asks of a reader."""

_PAGE = """\
const tillpost = (...call) => process.stdout.write(`${call[0]}\\n`);
const tcString = "", gppString = "";
"""
"""What a page with the pixel and a consent platform has."""


def _serves(command: str) -> bool:
    return bool(re.search(r"\btillpost serve\b", command))


def _prompted(text: str) -> Iterator[tuple[str, str]]:
    """The commands after each `$ `, with what is shown under them."""
    for part in re.split(r"(?m)^\$ ", text)[1:]:
        lines = part.splitlines(keepends=True)
        whole = (n for n in range(1, len(lines) + 1) if _is_whole("".join(lines[:n])))
        end = next(whole, len(lines))
        yield "".join(lines[:end]), "".join(lines[end:])


def _is_whole(command: str) -> bool:
    """Whether no quote and no line is left open."""
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.rstrip("\n").endswith("\\")


def _closed(shell: subprocess.Popen[str]) -> int:
    """The exit code of a shell that has ended; its pipes are closed."""
    for pipe in (shell.stdin, shell.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    return shell.wait()


def _same_shape(wanted: Any, found: Any, where: str) -> None:
    """Every key of the page is in the answer, with a value of the same kind."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in found, f"{where} has no {key}"
            _same_shape(value, found[key], f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{where} is no list"
        for expected, came in zip(wanted, found, strict=False):
            _same_shape(expected, came, f"{where}[]")
    elif wanted is not None and found is not None:
        assert type(found) is type(wanted), f"{where} is {found!r}"
