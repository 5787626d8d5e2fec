"""What is kept of free-form data names no person, at any depth, and stays what it was else."""

import pytest

from tillpost.core.click import strip_query
from tillpost.core.scrub import REMOVED, scrub, scrub_text


def test_numbers_and_words_in_lists_stay_and_persons_go() -> None:
    given = {
        "sizes": [40, 42.5, None, True, "M"],
        "email": "ada@mail.example",
        "labels": ["ada@mail.example"],
    }
    assert scrub(given) == {"sizes": [40, 42.5, None, True, "M"], "labels": [REMOVED]}


def test_every_address_in_a_text_goes_and_its_neighbours_stay() -> None:
    text = "to ada@mail.example, (bob@x.y.example) or c@d: 5@6 @nobody a@b@c.example"
    assert scrub_text(text) == f"to {REMOVED}, {REMOVED} or c@d: 5@6 @nobody a@{REMOVED}"


@pytest.mark.parametrize("pattern", ["{}@", "@{}", "{}(", "https://x.example/{}@", "{}@x@"])
def test_a_very_long_word_is_looked_through_once(pattern: str) -> None:
    """Tried at every letter of it, this would take hours, and a beacon may hold it."""
    text = pattern.format("a" * 1_000_000)
    assert scrub_text(text) == text
    assert strip_query(f"https://x.example/?utm_source={text}").startswith("https://x.example/")
