"""What is kept of free-form data names no person, at any depth, and stays what it was else."""

from tillpost.core.scrub import REMOVED, scrub


def test_numbers_and_words_in_lists_stay_and_persons_go() -> None:
    given = {
        "sizes": [40, 42.5, None, True, "M"],
        "email": "ada@mail.example",
        "labels": ["ada@mail.example"],
    }
    assert scrub(given) == {"sizes": [40, 42.5, None, True, "M"], "labels": [REMOVED]}
