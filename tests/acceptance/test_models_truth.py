"""Every rule model in every window against the simulated shop's truth, to the cent."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from tests.live import Live, running

from tillpost.core.attribution import MODELS, WINDOWS, Model, Touch, attribute, with_carried
from tillpost.simulate import truth
from tillpost.simulate.truth import Landing, OrderTruth, Truth

SHOP = (
    "--orders=120", "--days=95", "--seed=11", "--touches=4", "--lag-days=9", "--lag-p95-days=90",
    "--visits=1", "--cleared=0.2", "--skew=0", "--upsell=0", "--cancelled=0",
    "--start=2026-02-01T00:00:00Z",
)  # fmt: skip
"""Ways of months, so that every window sees another part of them."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Truth]]:
    """A server that lived through the simulated shop, and the truth of it."""
    folder = tmp_path_factory.mktemp("truth")
    with running(folder / "data", "--clock=simulated") as live:
        simulate(live, folder)
        yield live, truth.read(folder / "truth.json")


def simulate(live: Live, folder: Path) -> None:
    flags = [f"--data={live.data}", f"--truth={folder / 'truth.json'}", "--clock=simulated"]
    done = subprocess.run(
        [sys.executable, "-m", "tillpost", "simulate", f"--to={live.url}", *flags, "--json", *SHOP],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    assert json.loads(done.stdout)["counted"] > 90


def touch(landing: Landing) -> Touch:
    return Touch(landing.at, landing.channel, landing.direct, landing.paid)


def credited(order: OrderTruth, model: Model, window: int | None) -> Counter[str]:
    """Cents by channel of one order, as the definition gives them to its true landings."""
    at = int(datetime.fromisoformat(order.at).timestamp()) + 1
    own = [touch(landing) for landing in order.landings]
    carried = touch(order.carried) if order.carried else None
    minor = int((Decimal(order.value) - Decimal(order.refunded or 0)) * 100)
    journey = with_carried(own, carried, at, window)
    earned: Counter[str] = Counter()
    for credit in attribute(model, journey, at, minor, window):
        earned[credit.touch.label] += credit.minor
    return earned or Counter({"Direct" if own else "Unknown": minor})


def revenue(known: Truth, model: Model, window: str) -> dict[str, Decimal]:
    """By channel, what the orders that reached the server earned it."""
    true: Counter[str] = Counter()
    for order in known.orders:
        if order.reason is None and order.server:
            true.update(credited(order, model, WINDOWS[window]))
    return {channel: Decimal(minor) / 100 for channel, minor in true.items() if minor}


def test_the_truth_holds_what_tells_models_and_windows_apart(played: tuple[Live, Truth]) -> None:
    _, known = played
    assert any(order.carried and not order.landings for order in known.orders)
    assert any(not order.carried and not order.landings for order in known.orders)
    assert any(len(order.landings) > len(MODELS) for order in known.orders)
    windows = [w for w in WINDOWS if w != "lifetime"]
    by_window = [revenue(known, "linear", w) for w in windows]
    by_model = [revenue(known, model, "30") for model in MODELS]
    for told in (by_window, by_model):
        assert all(one != other for one, other in combinations(told, 2))


@pytest.mark.parametrize("window", WINDOWS)
def test_every_model_gives_each_channel_what_is_true(
    played: tuple[Live, Truth], window: str
) -> None:
    live, known = played
    rows = live.get(f"/api/v1/reports/models?window={window}")["rows"]
    for model in MODELS:
        told = {row["channel"]: Decimal(row[f"{model}_revenue"]) for row in rows}
        found = {channel: value for channel, value in told.items() if value}
        assert found == revenue(known, model, window), model
