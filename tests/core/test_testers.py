"""The shop's own people, by what the settings name and what an order tells."""

import pytest

from tillpost.core.testers import NOBODY, is_tester, read

OURS = read(["QA@acme.example", "@Agency.example", "203.0.113.7", "2001:db8:7::/48"])


@pytest.mark.parametrize(
    ("emails", "address", "ours"),
    [
        ([" qa@ACME.example "], None, True),
        (["other@acme.example"], None, False),
        (["anybody@agency.example"], "8.8.8.8", True),
        (["anybody@not-agency.example"], None, False),
        ([], "203.0.113.7", True),
        ([], "203.0.113.8", False),
        ([], "2001:db8:7::1", True),
        ([""], "2001:db8:8::1", False),
    ],
)
def test_who_is_a_tester(emails: list[str], address: str | None, ours: bool) -> None:
    assert is_tester(OURS, emails, address) is ours
    assert not is_tester(NOBODY, emails, address)


@pytest.mark.parametrize("text", ["acme", "qa@", "", "10.0.0.0/40"])
def test_what_names_nobody(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read([text])
