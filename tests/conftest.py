"""What all tests share: a deterministic Hypothesis profile, and a real server to talk to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.live import Live, running

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
    with ExitStack() as stack:

        def start(*flags: str, data: Path | None = None) -> Live:
            return stack.enter_context(running(data or tmp_path / "data", *flags))

        yield start


@pytest.fixture
def server(start_server: Callable[..., Live]) -> Live:
    """A development server on an empty data directory."""
    return start_server()


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A development server that all tests of a module share: each must bring its own order."""
    with running(tmp_path_factory.mktemp("one") / "data") as live:
        yield live


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests go last: Playwright leaves an event loop behind that others trip over."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
