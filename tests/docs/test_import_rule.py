"""The import rule, broken on purpose: every contract must be seen to fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BREAKS = {
    "The path of an event": [
        ("core/money.py", "import tillpost.ports"),
        ("collect/accept.py", "import tillpost.deliver.outbox"),
        ("ports.py", "import tillpost.serve.clock"),
        ("billing/__init__.py", ""),
    ],
    "Rules do no I/O, know no clock, roll no dice": [
        ("core/money.py", "import time"),
        ("core/utm.py", "import random"),
    ],
    "Sources and destinations do no I/O": [
        ("deliver/destinations/meta.py", "import socket"),
        ("collect/sources/pixel.py", "import tillpost.ports"),
    ],
    "One source never imports another": [
        ("collect/sources/pixel.py", "import tillpost.collect.sources.generic"),
    ],
    "The simulated shop imports no rule of ours": [
        ("simulate/people.py", "import tillpost.core.identity"),
    ],
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _lint(folder: Path) -> str:
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [(contract, *row) for contract, rows in BREAKS.items() for row in rows],
)
def test_a_broken_import_rule_is_seen(tree: Path, contract: str, file: str, line: str) -> None:
    path = tree / "src/tillpost" / file
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        told = _lint(tree)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before)
    exhaustive = "billing" in file and "billing" in told
    assert f"{contract} BROKEN" in " ".join(told.split()) or exhaustive, told
