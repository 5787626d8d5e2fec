"""Each sign becomes an alert at its limit, and says nothing below it."""

import pytest
from msgspec import structs

from tillpost.report.alerts import FIXES, RULES, Limits, Vitals, alerts

NOW = 1_780_000_000.0
WELL = Vitals(
    now=NOW,
    heard_at=NOW - 3600,
    orders=50,
    accounted=50,
    seen_now=(15, 20),
    seen_before=(75, 100),
    free_mib=5000,
)


def test_a_shop_that_is_well_says_nothing() -> None:
    assert alerts(WELL, Limits()) == {}
    assert alerts(Vitals(now=NOW), Limits()) == {}, "nor does one that never sold"


@pytest.mark.parametrize(
    ("code", "below", "beyond", "words"),
    [
        ("silence", {"heard_at": NOW - 86_399}, {"heard_at": NOW - 90_001}, "25 hours"),
        ("accuracy", {"accounted": 45}, {"accounted": 44}, "44 of the last 50"),
        ("accuracy", {"orders": 9, "accounted": 0}, {"orders": 10, "accounted": 0}, "0 of"),
        ("overlap", {"seen_now": (9, 20)}, {"seen_now": (8, 20)}, "40%"),
        ("overlap", {"seen_now": (0, 9)}, {"seen_now": (0, 10)}, "75% of those before"),
        ("lag", {"overdue_since": NOW - 1800}, {"overdue_since": NOW - 1861}, "31 minutes"),
        ("expiring", {"expiring": 0}, {"expiring": 7}, "7 events expire within 24 hours"),
        ("dead_letters", {"dead": 0}, {"dead": 1}, "1 events"),
        ("missing_orders", {"missing": 0}, {"missing": 2}, "2 orders of the shop"),
        (
            "token",
            {"paused": {"meta:1": "rate_limited"}},
            {"paused": {"meta:1": "token"}},
            "meta:1",
        ),
        ("disk", {"free_mib": 1024}, {"free_mib": 1000}, "1000 MiB"),
    ],
)
def test_a_sign_becomes_an_alert_at_its_limit(
    code: str, below: dict[str, object], beyond: dict[str, object], words: str
) -> None:
    assert alerts(structs.replace(WELL, **below), Limits()) == {}
    found = alerts(structs.replace(WELL, **beyond), Limits())
    assert list(found) == [code]
    assert words in found[code]


def test_limits_are_the_owners_to_set() -> None:
    late = structs.replace(WELL, heard_at=NOW - 30 * 3600, dead=4)
    assert alerts(late, Limits(silence_hours=48, dead_letters=5)) == {}


def test_every_alert_says_what_to_do() -> None:
    assert list(FIXES) == [rule.code for rule in RULES]
    assert all(FIXES.values())
