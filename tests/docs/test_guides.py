"""Guides followed to the letter, from an empty directory, with the outcome they show."""

import doctest
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, Block, blocks
from tests.live import free_port, wait_until_up

GUIDES = [
    "README.md",
    "docs/tutorial/first-shop.md",
    "docs/guides/any-back-end.md",
    "docs/guides/woocommerce.md",
    "docs/guides/agency.md",
    "docs/guides/testing-a-capi-integration.md",
    "docs/guides/tools.md",
    "docs/guides/backup.md",
]
_MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = _Reader(tmp_path, stack)
        shown = ""
        for block in blocks(ROOT / guide):
            if block.kind == "text":
                matches = doctest.OutputChecker().check_output(block.text, shown, _MATCH)
                assert matches, f"{guide} shows\n{block.text}\nand what came was\n{shown}"
            elif block.kind == "sh" and "tillpost serve" in block.text:
                reader.start(block, stack)
            elif block.kind == "sh" and not block.text.startswith("make "):
                shown = reader.type(block)


_DONE = "--- and the prompt is back"


class _Reader:
    """Somebody with two terminals in one directory; the server has a port of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.port = free_port()
        plain = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
        self.env = {
            **plain,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TILLPOST_SERVER__PORT": str(self.port),
        }
        self.shell = stack.enter_context(
            subprocess.Popen(
                ["bash", "-euo", "pipefail"],
                cwd=folder,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )

    def type(self, block: Block) -> str:
        """What the commands print; one that fails fails the test."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{self._here(block.text)}\necho; echo {_DONE}\n")
        self.shell.stdin.flush()
        shown = ""
        for line in self.shell.stdout:
            if line.strip() == _DONE:
                return shown
            shown += line
        raise AssertionError(f"{block.text}\nended with\n{shown}")

    def start(self, block: Block, stack: ExitStack) -> None:
        """Start the server; it ends with the stack."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {self._here(block.text.strip())}"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        stack.callback(process.wait, timeout=20)
        stack.callback(process.terminate)
        wait_until_up(f"http://127.0.0.1:{self.port}", process)

    def _here(self, text: str) -> str:
        at_home = text.replace(".venv/bin/tillpost", "tillpost")
        return at_home.replace("127.0.0.1:8484", f"127.0.0.1:{self.port}")
