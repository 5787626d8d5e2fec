"""`tillpost completion`: what it prints completes commands and options in the shell itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BIN = Path(sys.executable).parent


def _bash(script: str, folder: Path) -> str:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    told = subprocess.run(
        ["bash", "--norc", "-euc", script],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={**plain, "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["tillpost", "tri"], {"trigger"}),
        (["tillpost", "dead-letters", "re"], {"retry"}),
        (["tillpost", "trigger", "--ov"], {"--override"}),
        (["tillpost", "init", "--system", "woo"], {"woocommerce"}),
        (["tillpost", "db", ""], {"migrate", "status"}),
    ],
)
def test_bash_completes(typed: list[str], completed: set[str], tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in typed)
    script = f"""
    eval "$(tillpost completion bash)"
    complete -p tillpost | grep -q _tillpost_completion
    COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; COMPREPLY=()
    _tillpost_completion tillpost
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert set(_bash(script, tmp_path).split()) == completed


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_it(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "completions"
    _bash(f"tillpost completion {shell} > {file}", tmp_path)
    assert "tillpost" in file.read_text()
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(file)], check=True, timeout=60)
