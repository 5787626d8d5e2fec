"""A simulation's clock stands still, moves forward only, and runs when it is told to."""

from typing import Any

import pytest

from tillpost.serve import clock
from tillpost.serve.clock import SimulatedClock


class Watch:
    """The machine's two clocks, turned by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self) -> float:
        return 1_000.0 + self.seconds

    def monotonic(self) -> float:
        return 7.0 + self.seconds


@pytest.fixture
def watch(monkeypatch: Any) -> Watch:
    made = Watch()
    monkeypatch.setattr(clock, "time", made)
    return made


def test_it_stands_still_and_never_goes_back(watch: Watch) -> None:
    made = SimulatedClock(500.0)
    watch.seconds = 60
    assert made.now() == 500.0
    assert (made.set(600.0), made.set(550.0)) == (600.0, 600.0)


@pytest.mark.parametrize(("start", "shown"), [(500.0, 1_000.0), (2_000.0, 2_000.0)])
def test_once_it_runs_it_is_as_fast_as_the_machines(
    watch: Watch, start: float, shown: float
) -> None:
    made = SimulatedClock(start)
    made.run()
    assert made.now() == shown
    watch.seconds = 2.5
    assert made.now() == shown + 2.5
    assert made.set(shown + 1) == shown + 2.5
    assert made.set(shown + 10) == shown + 10
    watch.seconds = 3.5
    assert made.now() == shown + 11
