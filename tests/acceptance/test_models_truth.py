"""Every rule model in every window against the simulated shop's truth: orders, money to the cent.

By order date and by touch date, refunds restated and on their own day, all buyers, new ones and
returning ones.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from tests.live import Live, running

from tillpost.core.attribution import (
    MODELS,
    WHOLE,
    WINDOWS,
    Model,
    Touch,
    attribute,
    eligible,
    with_carried,
)
from tillpost.core.money import split
from tillpost.report import columns
from tillpost.simulate import truth
from tillpost.simulate.truth import Landing, OrderTruth, Truth

SHOP = (
    "--orders=120", "--days=95", "--seed=17", "--touches=4", "--lag-days=9", "--lag-p95-days=90",
    "--visits=1", "--cleared=0.2", "--skew=0", "--other-currency=0.3", "--refund-partial=0.1",
    "--coupon-only=0.1", "--start=2026-02-01T00:00:00Z",
)  # fmt: skip
"""Ways of months, so that every window sees another part of them; orders in several currencies,
edited, cancelled and given back in part."""


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


class Earned(NamedTuple):
    """What a landing earned of an order: its channel, when it was, cents, millionths of orders."""

    channel: str
    at: int
    minor: int
    share: int


def moment(told: str) -> int:
    return int(datetime.fromisoformat(told).timestamp())


def credited(
    order: OrderTruth, model: Model, window: int | None, minor: int | None = None, orders: int = 1
) -> list[Earned]:
    """What the definition gives an order's true landings of this money, or of all it is worth."""
    at = moment(order.at) + 1
    own = [touch(landing) for landing in order.landings]
    carried = touch(order.carried) if order.carried else None
    if minor is None:
        minor = worth(order) - cents(order.refunded)
    journey = with_carried(own, carried, at, window)
    earned = [
        Earned(credit.touch.label, credit.touch.at, credit.minor, credit.share * orders)
        for credit in attribute(model, journey, at, minor, window)
    ]
    return earned or [Earned("Direct" if own else "Unknown", at, minor, orders * WHOLE)]


def cents(told: str | None) -> int:
    return int(Decimal(told or 0) * 100)


def worth(order: OrderTruth) -> int:
    """What the shop took in the end: as placed, or with the line that was added."""
    return cents(order.edited or order.value)


def counted(known: Truth) -> list[OrderTruth]:
    """The orders that reached the server and count."""
    return [order for order in known.orders if order.reason is None and order.server]


Sums = dict[str, tuple[Decimal, Decimal]]
"""Orders and revenue by channel; channels without either are left out."""


def summed(earned: Iterable[Earned]) -> Sums:
    shares: Counter[str] = Counter()
    minor: Counter[str] = Counter()
    for part in earned:
        shares[part.channel] += part.share
        minor[part.channel] += part.minor
    return {
        channel: (Decimal(shares[channel]) / WHOLE, Decimal(minor[channel]) / 100)
        for channel in shares.keys() | minor.keys()
        if shares[channel] or minor[channel]
    }


def true(known: Truth, model: Model, window: str) -> Sums:
    """What the orders that reached the server earned each channel."""
    return summed(
        part for order in counted(known) for part in credited(order, model, WINDOWS[window])
    )


def told(rows: list[dict[str, Any]], orders: str, revenue: str, key: str = "channel") -> Sums:
    """The same of a report's rows, by the names of its columns."""
    found = [(row[key], (Decimal(str(row[orders])), Decimal(row[revenue]))) for row in rows]
    return {channel: cell for channel, cell in found if any(cell)}


def ask(live: Live, report: str, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = live.get(f"/api/v1/reports/{report}?{urlencode(query)}")["rows"]
    return rows


def test_the_truth_holds_what_tells_models_and_windows_apart(played: tuple[Live, Truth]) -> None:
    _, known = played
    assert any(order.carried and not order.landings for order in known.orders)
    assert any(not order.carried and not order.landings for order in known.orders)
    assert any(len(order.landings) > len(MODELS) for order in known.orders)
    assert len(returning(known)) > 10
    assert any(inside(moment(order.refund_at)) for order in known.orders if order.refund_at)
    by_window = [true(known, "linear", w) for w in WINDOWS if w != "lifetime"]
    by_model = [true(known, model, "30") for model in MODELS]
    for found in (by_window, by_model):
        assert all(one != other for one, other in combinations(found, 2))


@pytest.mark.parametrize("window", WINDOWS)
def test_every_model_gives_each_channel_what_is_true(
    played: tuple[Live, Truth], window: str
) -> None:
    live, known = played
    rows = ask(live, "models", window=window)
    for model in MODELS:
        assert told(rows, model, f"{model}_revenue") == true(known, model, window), model


FIRST, LAST = date(2026, 3, 10), date(2026, 4, 4)
SPAN = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
"""Days of the shop's zone, among them one on which the clocks change."""


def inside(at: int) -> bool:
    zone = ZoneInfo("America/New_York")
    return FIRST <= datetime.fromtimestamp(at, zone).date() <= LAST


@pytest.mark.parametrize("window", ["7", "90", "lifetime"])
def test_by_touch_date_each_landing_counts_on_its_own_day(
    played: tuple[Live, Truth], window: str
) -> None:
    live, known = played
    rows = ask(live, "models", window=window, basis="accrual", **SPAN)
    for model in MODELS:
        earned = [p for o in counted(known) for p in credited(o, model, WINDOWS[window])]
        within = summed(part for part in earned if inside(part.at))
        assert told(rows, model, f"{model}_revenue") == within, model


@pytest.mark.parametrize("window", ["7", "90"])
def test_a_refund_counts_on_its_own_day(played: tuple[Live, Truth], window: str) -> None:
    live, known = played
    rows = ask(live, "models", window=window, refunds="refund_day", **SPAN)
    for model in MODELS:
        earned: list[Earned] = []
        for order in counted(known):
            sold = int(inside(moment(order.at)))
            back = bool(order.refund_at) and inside(moment(order.refund_at or order.at))
            minor = sold * worth(order) - back * cents(order.refunded)
            if sold or back:
                earned += credited(order, model, WINDOWS[window], minor, sold)
        assert told(rows, model, f"{model}_revenue") == summed(earned), model


def returning(known: Truth) -> set[str]:
    """Orders of a customer or an e-mail that had one before."""
    seen: set[tuple[str, str]] = set()
    found = set()
    for order in sorted(counted(known), key=lambda order: order.at):
        by_name = dict(reversed(order.keys))
        keys = {(k, by_name[k]) for k in ("em", "external_id") if k in by_name}
        if keys & seen:
            found.add(order.order_id)
        seen |= keys
    return found


@pytest.mark.parametrize("model", MODELS)
def test_new_and_returning_buyers_are_told_apart(played: tuple[Live, Truth], model: Model) -> None:
    live, known = played
    again = returning(known)
    for buyers in ("new", "returning"):
        rows = ask(live, "drill", window="30", model=model, buyers=buyers)
        earned = [
            part
            for order in counted(known)
            if order.keys and (order.order_id in again) == (buyers == "returning")
            for part in credited(order, model, WINDOWS["30"])
        ]
        assert told(rows, "orders", "revenue", "key") == summed(earned), buyers


def ways(known: Truth, window: str) -> dict[str, tuple[int, int]]:
    """Orders and cents by the channels that their true landings took, the oldest first."""
    found: dict[str, tuple[int, int]] = {}
    for order in counted(known):
        at = moment(order.at) + 1
        carried = touch(order.carried) if order.carried else None
        journey = with_carried([touch(one) for one in order.landings], carried, at, WINDOWS[window])
        steps = eligible(journey, at, WINDOWS[window])
        if steps:
            path = " > ".join(step.label for step in steps)
            orders, minor = found.get(path, (0, 0))
            found[path] = orders + 1, minor + worth(order) - cents(order.refunded)
    return found


@pytest.mark.parametrize("window", ["7", "lifetime"])
def test_paths_and_what_learns_from_them_are_true(played: tuple[Live, Truth], window: str) -> None:
    live, known = played
    true_ways = ways(known, window)
    rows = ask(live, "journeys", window=window)
    assert {row["path"]: (row["orders"], cents(row["revenue"])) for row in rows} == true_ways
    earned: Counter[str] = Counter()
    for path, (_, minor) in true_ways.items():
        channels = sorted(set(path.split(" > ")))
        earned.update(dict(zip(channels, split(minor, (1,) * len(channels)), strict=True)))
    learned = ask(live, "path_models", window=window)
    assert {row["channel"]: cents(row["shapley_revenue"]) for row in learned} == earned
    whole = sum(minor for _, minor in true_ways.values())
    for order in (1, 2, 3):
        assert sum(cents(row[f"markov_{order}_revenue"]) for row in learned) == whole
    assert ask(live, "path_models", window=window, basis="accrual") == learned


@pytest.mark.parametrize("name", columns.ABOUT)
def test_every_column_of_a_report_is_told_in_words(played: tuple[Live, Truth], name: str) -> None:
    live, _ = played
    found = ask(live, name)
    assert found or name == "missing"
    assert all(columns.meaning(name, column) for row in found for column in row)
