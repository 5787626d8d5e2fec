"""Every figure of the published attribution vectors, and of the public path data, is ours too."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from tests.shared import SHARED, needs_shared

from tillpost.core.attribution import DAY, Model, Touch, attribute
from tillpost.core.markov import removal_effects
from tillpost.core.paths import Path, by_rule, shapley, shapley_rate, shapley_total
from tillpost.report.models import read_paths

NOW = 1_780_000_000
NAMES = {"time_decay_7d": "time_decay", "position_40_20_40": "position"}
"""The vectors' names of models, where ours differ."""

CENTS = 100


def vectors() -> dict[str, Any]:
    file = SHARED / "vectors" / "attribution.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return found


def public_paths(known: Mapping[str, Any]) -> list[Path]:
    body = (SHARED / "data" / known["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == known["sha256"]
    return read_paths(body.decode("utf-8").splitlines(keepends=True))


def journey(vector: Mapping[str, Any]) -> tuple[Touch, ...]:
    """The touches of a vector of one order, in either of the two shapes that they come in."""
    steps = vector.get("touches") or [
        {"channel": channel, "days_before": days}
        for channel, days in zip(vector["path"], vector["days_before"], strict=True)
    ]
    paid = vector.get("paid", ["meta"])
    return tuple(
        Touch(
            NOW - s["days_before"] * DAY,
            s["channel"],
            s["channel"] == "direct",
            s["channel"] in paid,
        )
        for s in steps
    )


def of_paths(rows: list[Path], told: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, figures told, and ours, of every model in a vector of counted paths."""
    for name, figures in told.items():
        if name.startswith("markov_order"):
            ours = removal_effects(rows, int(name[-1]))
            yield f"{name} chance", figures["p_conv"], ours.p_conversion
            yield f"{name} effects", figures["removal_effect"], ours.removal_effect
            yield name, figures["conversions"], ours.conversions
        elif name == "shapley_subset_total":
            yield name, figures, shapley_total(rows)
        elif name == "shapley_exact_set_rate":
            yield name, figures, shapley_rate(rows)
        elif name not in {"rows", "file", "sha256"}:
            yield name, figures, by_rule(NAMES.get(name, name), rows)


@needs_shared
@pytest.mark.parametrize("case", ["V1_single_order", "V1b_direct_last"])
def test_one_order_under_every_rule(case: str) -> None:
    vector = vectors()[case]
    touches, minor = journey(vector), round(vector["value"] * CENTS)
    for name, told in vector["credit"].items():
        model = NAMES.get(name, name)
        assert model in get_args(Model)
        earned = attribute(model, touches, NOW, minor)
        assert sum(credit.minor for credit in earned) == minor
        # A cent cannot be split: a part that is not whole cents lies within one of ours.
        assert [c.minor for c in earned] == pytest.approx([p * CENTS for p in told], abs=1), name
        finer = attribute(model, touches, NOW, minor * 1_000_000)
        assert [c.minor for c in finer] == pytest.approx(
            [p * CENTS * 1_000_000 for p in told], abs=100
        ), name


@needs_shared
@pytest.mark.parametrize("case", ["V2", "V3", "V4"])
def test_counted_paths_under_every_model(case: str) -> None:
    vector = vectors()[case]
    rows = [Path(tuple(r["path"]), r["conv"], 0.0, r["null"]) for r in vector["rows"]]
    compared = list(of_paths(rows, vector))
    assert len(compared) == 2 * 3 + 2
    for name, told, ours in compared:
        assert ours == pytest.approx(told, abs=1e-12), name


@needs_shared
def test_the_textbook_game() -> None:
    vector = vectors()["V5_textbook_game"]
    assert shapley({frozenset(s): worth for s, worth in vector["v"].items()}) == pytest.approx(
        vector["shapley"], abs=1e-12
    )


@needs_shared
def test_ten_thousand_public_paths_under_every_model() -> None:
    known = vectors()["PathData"]
    rows = public_paths(known)
    assert len(rows) == 10_000
    compared = list(of_paths(rows, known))
    assert len(compared) == 3 * 3 + 5
    for name, told, ours in compared:
        assert ours == pytest.approx(told, abs=1e-6), name


@needs_shared
def test_no_vector_is_left_out() -> None:
    assert set(vectors()) == {
        "V1_single_order", "V1b_direct_last", "V2", "V3", "V4", "V5_textbook_game", "PathData",
    }  # fmt: skip
