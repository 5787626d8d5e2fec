import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import markov, paths
from tillpost.core.markov import removal_effects
from tillpost.core.paths import Path, by_rule, shapley, shapley_rate, shapley_total


def table(*rows: tuple[str, float, float]) -> list[Path]:
    return [Path(tuple(p.split(" > ")), conversions, 0.0, null) for p, conversions, null in rows]


CHAIN = table(("C1 > C2 > C3", 1, 0), ("C1", 0, 1), ("C2 > C3", 0, 1))
MIXED = table(("direct", 2, 1), ("search > email", 3, 2), ("search > social > email", 5, 4))
REPEATS = table(
    ("A > A > B", 4, 6), ("B > A", 3, 7), ("A", 2, 18), ("B > C > A", 5, 5), ("C", 1, 9)
)


@pytest.mark.parametrize(
    ("rows", "order", "chance", "effects", "conversions"),
    [
        (CHAIN, 1, 1 / 3, {"C1": 0.5, "C2": 1, "C3": 1}, {"C1": 0.2, "C2": 0.4, "C3": 0.4}),
        (CHAIN, 2, 1 / 3, {"C1": 0.5, "C2": 1, "C3": 1}, {"C1": 0.2, "C2": 0.4, "C3": 0.4}),
        (
            MIXED,
            1,
            10 / 17,
            {"direct": 0.2, "email": 0.8, "search": 0.8, "social": 18 / 35},
            {"direct": 70 / 81, "email": 280 / 81, "search": 280 / 81, "social": 20 / 9},
        ),
        (
            MIXED,
            2,
            10 / 17,
            {"direct": 0.2, "email": 0.8, "search": 0.8, "social": 0.5},
            {"direct": 20 / 23, "email": 80 / 23, "search": 80 / 23, "social": 50 / 23},
        ),
        (
            REPEATS,
            1,
            0.25,
            {"A": 23 / 30, "B": 0.5, "C": 8 / 35},
            {"A": 7.69108280254777, "B": 5.015923566878981, "C": 2.292993630573248},
        ),
        (
            REPEATS,
            2,
            0.25,
            {"A": 14 / 15, "B": 0.8, "C": 0.4},
            {"A": 6.5625, "B": 5.625, "C": 2.8125},
        ),
    ],
)
def test_markov_worked_by_hand(
    rows: list[Path],
    order: int,
    chance: float,
    effects: dict[str, float],
    conversions: dict[str, float],
) -> None:
    found = removal_effects(rows, order)
    assert found.p_conversion == pytest.approx(chance, abs=1e-14)
    assert found.removal_effect == pytest.approx(effects, abs=1e-13)
    assert found.conversions == pytest.approx(conversions, abs=1e-12)


def test_a_longer_memory_tells_what_a_shorter_one_would_have_kept() -> None:
    first, second = markov.by_order(REPEATS, 2)
    assert second == removal_effects(REPEATS, 2)
    assert first.removal_effect == pytest.approx({"A": 23 / 30, "B": 0.5, "C": 8 / 35}, abs=1e-13)


def test_per_journey_shares_each_path_among_its_own_touches() -> None:
    effects = removal_effects(MIXED).removal_effect
    assert markov.per_journey(MIXED, effects) == pytest.approx(
        {"direct": 2.0, "search": 251 / 74, "email": 251 / 74, "social": 45 / 37}
    )
    assert markov.per_journey(table(("a > b", 2, 0)), {}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("order", [1, 2])
def test_without_conversions_nothing_has_an_effect(order: int) -> None:
    found = removal_effects(table(("a > b", 0, 5), ("c", 0, 0)), order)
    assert found.p_conversion == 0
    assert set(found.removal_effect.values()) == {0.0} == set(found.conversions.values())


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcde"), min_size=1, max_size=6),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        min_size=1,
    )
)
def test_one_inversion_says_what_deleting_each_channel_does(
    rows: list[tuple[list[str], int, int]],
) -> None:
    paths = [Path(tuple(steps), won, null=lost) for steps, won, lost in rows]
    chain = markov._chain(markov._moves(paths, 1))
    names = {name for steps, _, _ in rows for name in steps}
    base, effects = markov._by_meeting(chain)
    again, deleted = markov._by_deleting(chain, names)
    assert base == pytest.approx(again, abs=1e-12)
    assert effects == pytest.approx(deleted, abs=1e-12)


def test_sweeps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markov, "MAX_SWEEPS", 1)
    assert 0 < removal_effects(REPEATS, 2).p_conversion <= 1


def test_journeys_told_one_by_one_are_counted_by_path() -> None:
    assert paths.counted(["a > b", "c", "a > b"], [True, False, False]) == [
        Path(("a", "b"), 1, 0.0, 1),
        Path(("c",), 0, 0.0, 1),
    ]


def test_rules_over_paths() -> None:
    assert by_rule("first", REPEATS) == {"A": 6, "B": 8, "C": 1}
    assert by_rule("last", REPEATS) == {"A": 10, "B": 4, "C": 1}
    assert by_rule("linear", table(("A > A > B", 3, 0))) == {"A": 2, "B": 1}
    assert by_rule("position", table(("A > B > C", 10, 0))) == {"A": 4, "B": 2, "C": 4}
    assert by_rule("last_non_direct", table(("A > Direct", 1, 0))) == {"A": 1, "Direct": 0}


def test_shapley_of_the_textbook_game() -> None:
    worth = {"O": 7, "F": 6, "D": 4, "OF": 15, "OD": 7, "FD": 9, "OFD": 19, "": 0}
    assert shapley({frozenset(s): v for s, v in worth.items()}) == pytest.approx(
        {"O": 23 / 3, "F": 49 / 6, "D": 19 / 6}
    )


def test_shapley_of_conversions_is_linear_over_distinct_channels() -> None:
    assert shapley_total(REPEATS) == pytest.approx({"A": 43 / 6, "B": 31 / 6, "C": 8 / 3})
    inside = {
        frozenset(s): sum(p.conversions for p in REPEATS if set(p.steps) <= set(s))
        for s in ("A", "B", "C", "AB", "AC", "BC", "ABC")
    }
    assert shapley(inside) == pytest.approx(shapley_total(REPEATS))


def test_shapley_of_rates_may_be_negative() -> None:
    assert shapley_rate(REPEATS) == pytest.approx({"A": 29 / 120, "B": 23 / 120, "C": 1 / 15})
    assert shapley_rate(MIXED)["social"] < 0
    assert shapley_rate(table(("never", 0, 0))) == {}


journeys = st.lists(
    st.builds(
        Path,
        steps=st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(tuple),
        conversions=st.integers(0, 50).map(float),
        null=st.integers(0, 50).map(float),
    ),
    min_size=1,
    max_size=12,
)


@given(journeys)
def test_every_model_gives_all_conversions_away(rows: list[Path]) -> None:
    total = sum(path.conversions for path in rows)
    for rule in paths.RULES:
        assert sum(by_rule(rule, rows).values()) == pytest.approx(total)
    assert sum(shapley_total(rows).values()) == pytest.approx(total)
    for order in (1, 2, 3):
        found = removal_effects(rows, order)
        assert sum(found.conversions.values()) == pytest.approx(total)
        assert all(-1e-12 <= effect <= 1 + 1e-12 for effect in found.removal_effect.values())
        seen = sum(path.conversions + path.null for path in rows)
        assert found.p_conversion == pytest.approx(total / seen if seen else 0)


@given(journeys)
def test_paths_that_are_walked_once_tell_every_order(rows: list[Path]) -> None:
    for order, found in enumerate(markov.by_order(rows, 3), 1):
        alone = removal_effects(rows, order)
        assert found.removal_effect == pytest.approx(alone.removal_effect, abs=1e-12)
        assert found.p_conversion == pytest.approx(alone.p_conversion, abs=1e-12)
