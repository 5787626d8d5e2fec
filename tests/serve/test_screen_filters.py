"""Filters stand in the address, and a wrong one is told."""

from datetime import date

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.serve.screens import ask

TODAY = date(2026, 11, 24)


def test_an_address_gives_the_filters_and_they_give_the_address_back() -> None:
    pairs = [
        ("shop", "b"), ("days", "7"), ("model", "linear"), ("window", "90d"), ("buyers", "new"),
        ("sort", "-spend"), ("columns", "orders"), ("columns", "roas"), ("channel", "Email"),
        ("other", "x"),
    ]  # fmt: skip
    given = ask.read(pairs, ["a", "b"], own=("channel",))
    assert (given.shop, given.days, given.window, given.more) == (
        "b", 7, "90", {"channel": "Email"},
    )  # fmt: skip
    again = ask.read(given.params(), ["a", "b"], own=("channel",))
    assert again == given
    assert given.link("/channels", channel="Paid Social", sort=None) == (
        "/channels?shop=b&days=7&model=linear&window=90&buyers=new&channel=Paid+Social"
        "&columns=orders&columns=roas"
    )
    assert given.leave("/orders") == "/orders?shop=b&days=7&model=linear&window=90&buyers=new"


def test_the_period_is_days_back_or_two_days_both_included() -> None:
    week = ask.read([("days", "7")], ["a"])
    assert week.span(TODAY) == (date(2026, 11, 18), None)
    assert week.before(TODAY) == (date(2026, 11, 11), date(2026, 11, 17))
    own = ask.read([("since", "2026-11-01"), ("until", "2026-11-03")], ["a"])
    assert own.span(TODAY) == (date(2026, 11, 1), date(2026, 11, 3))
    assert own.before(TODAY) == (date(2026, 10, 29), date(2026, 10, 31))
    assert ask.read([("days", "0")], ["a"]).before(TODAY) is None


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (("shop", "c"), "shop: there is no 'c' here; shops: a, b"),
        (("model", "best"), "model: no 'best'; use one of first, last"),
        (("window", "8"), "window: no '8'; use one of 1, 7, 14"),
        (("since", "yesterday"), "since: 'yesterday' is no day; write it as 2026-11-01"),
    ],
)
def test_a_value_that_is_none_is_told_with_what_may_stand_there(
    pair: tuple[str, str], told: str
) -> None:
    with pytest.raises(Misconfigured) as error:
        ask.read([pair], ["a", "b"])
    assert str(error.value).startswith(told)
