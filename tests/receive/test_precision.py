"""Matching held to a population whose truth is known (`tests.population`)."""

import pytest
from tests.population import HARD, Sharing, population
from tests.precision import Figures, measured


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    return measured(population(5_000))


def test_events_with_keys_of_their_own_find_the_right_account(figures: dict[str, Figures]) -> None:
    found = figures["Purchase"]
    assert found.given > 5_000
    assert found.precision >= 0.999


def test_all_that_share_a_usable_key_are_found(figures: dict[str, Figures]) -> None:
    found = figures["Purchase"]
    assert found.missed == 0
    assert found.recall_of_sharing >= 0.998


def test_much_sharing_costs_little(figures: dict[str, Figures]) -> None:
    hard = measured(population(5_000, sharing=HARD))["Purchase"]
    assert hard.precision >= 0.997
    assert hard.missed == 0
    assert hard.given < figures["Purchase"].given


def test_what_is_known_of_a_browser_alone_is_as_sure(figures: dict[str, Figures]) -> None:
    visits = figures["AddToCart"]
    assert visits.given > 2_000
    assert visits.precision >= 0.998, "of few: three that are wrong show"


def test_much_sharing_of_browsers_costs_matches_rather_than_truth() -> None:
    everywhere = Sharing(browser=1.0)
    shared = measured(population(5_000, sharing=everywhere))["AddToCart"]
    assert shared.precision >= 0.998
