"""What all tests share: a deterministic Hypothesis profile, and a real server to talk to."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.live import Live, free_port, wait_until_up

settings.register_profile(
    "tillpost",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tillpost")


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Start servers as a user would, on ports and data of their own; they end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*flags: str, data: Path | None = None) -> Live:
        directory = data or tmp_path / "data"
        port = free_port()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tillpost",
                "serve",
                f"--data={directory}",
                f"--port={port}",
                *flags,
            ],
            env={k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        secrets = json.loads((directory / "dev-secrets.json").read_text())
        return Live(url, directory, secrets, process)

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def server(start_server: Callable[..., Live]) -> Live:
    """A development server on an empty data directory."""
    return start_server()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests go last: Playwright leaves an event loop behind that others trip over."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
