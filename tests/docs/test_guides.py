"""Guides followed to the letter, from an empty directory, with the outcome they show."""

import doctest
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, Block, blocks
from tests.live import free_port, wait_until_up

GUIDES = [
    "tutorial/first-shop.md",
    "guides/any-back-end.md",
    "guides/woocommerce.md",
    "guides/agency.md",
    "guides/tools.md",
    "guides/backup.md",
]
_MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path) -> None:
    reader = _Reader(tmp_path)
    with ExitStack() as stack:
        shown = ""
        for block in blocks(DOCS / guide):
            if block.kind == "text":
                matches = doctest.OutputChecker().check_output(block.text, shown, _MATCH)
                assert matches, f"{guide} shows\n{block.text}\nand what came was\n{shown}"
            elif block.kind == "sh" and "tillpost serve" in block.text:
                reader.start(block, stack)
            elif block.kind == "sh":
                shown = reader.type(block)


class _Reader:
    """Somebody with two terminals in one directory; the server has a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        plain = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
        self.env = {
            **plain,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TILLPOST_SERVER__PORT": str(self.port),
        }

    def type(self, block: Block) -> str:
        """What the commands print; one that fails fails the test."""
        script = f"set -euo pipefail\n{self._here(block.text)}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, block: Block, stack: ExitStack) -> None:
        """Start the server; it ends with the stack."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {block.text.strip()}"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        stack.callback(process.wait, timeout=20)
        stack.callback(process.terminate)
        wait_until_up(f"http://127.0.0.1:{self.port}", process)

    def _here(self, text: str) -> str:
        return text.replace("127.0.0.1:8484", f"127.0.0.1:{self.port}")
