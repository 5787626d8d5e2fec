"""A log whose entries hang together: the first that was changed is found."""

from tillpost.core.chain import START, first_broken, link


def test_the_first_entry_that_does_not_fit_is_named() -> None:
    first = link(START, ["a", 1])
    second = link(first, ["b", 2])
    assert first_broken([(1, ["a", 1], first), (2, ["b", 2], second)]) is None
    assert first_broken([(1, ["a", 1], first), (2, ["b", 3], second)]) == 2
    assert first_broken([(2, ["b", 2], second)]) == 2
