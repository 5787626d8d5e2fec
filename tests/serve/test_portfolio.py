"""The portfolio puts the shop first that most needs a look, and says what is wrong with each."""

from typing import Any

import pytest

from tillpost.serve.screens import ask, portfolio
from tillpost.serve.screens.portfolio import Facts

DAY = 86_400.0


def facts(shop: str = "a", **changes: Any) -> Facts:
    """A shop that is well: ten web orders of 10.00 USD, all seen, for 25.00 of spend."""
    well = {
        "currency": "USD", "orders": 10, "minor": 10_000, "spend_minor": 2_500, "web": 10,
        "seen": 10, "delivered": 10, "last": 1_780_000_000.0, "quiet": 60.0,
    }  # fmt: skip
    return Facts(shop=shop, **{**well, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "good"),
        ({"balanced": False}, "ledger does not balance"),
        ({"paused": True}, "destination paused"),
        ({"dead": 1_234}, "1,234 refused"),
        ({"overdue": 600.0}, "good"),
        ({"overdue": 601.0}, "late"),
        ({"last": None, "orders": 0}, "no order yet"),
        ({"quiet": 2 * DAY}, "good"),
        ({"quiet": 3 * DAY}, "no order for 3 days"),
        ({"seen": 5}, "good"),
        ({"seen": 4}, "browser rarely heard"),
        ({"web": 4, "seen": 0}, "good"),
        ({"spend_minor": 0}, "no spend"),
        ({"dead": 2, "spend_minor": 0}, "2 refused; no spend"),
    ],
)
def test_what_is_wrong_with_a_shop(changes: dict[str, Any], words: str) -> None:
    (table,) = portfolio.view([facts(**changes)], ask.read([], ["a"])).tables
    assert table.rows[0]["health"] == words


def test_the_worst_health_comes_first_and_figures_are_of_each_shops_own_money() -> None:
    shops = [
        facts("a-well"),
        facts("b-quiet", quiet=5 * DAY),
        facts("c-broken", balanced=False),
        facts("d-refused", dead=1, currency="JPY", minor=9_000, spend_minor=3_000),
        facts("e-well"),
    ]
    (table,) = portfolio.view(shops, ask.read([], [s.shop for s in shops])).tables
    assert [row["shop"] for row in table.rows] == [
        "c-broken", "d-refused", "b-quiet", "a-well", "e-well",
    ]  # fmt: skip
    yen, well = table.rows[1], table.rows[3]
    assert (yen["revenue"], yen["spend"], yen["mer"]) == ("9000", "3000", 3.0)
    assert (well["revenue"], well["mer"], well["browser"]) == ("100.00", 4.0, 1.0)
    assert well["href"] == "/?shop=a-well"
