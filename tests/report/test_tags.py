"""UTM health: what is wrong with tags is told once for each place, with how to mend it."""

from typing import Any

from tillpost.report import tags
from tillpost.report.query import Period, Query

DAY = "2026-05-28"
COLUMNS = [
    *("shop", "day", "source", "medium", "campaign", "channel", "click_kind", "flags"),
    *("landing_path", "times"),
]


def faults(*rows: tuple[Any, ...]) -> dict[str, Any]:
    return {"tag_faults": (COLUMNS, list(rows))}


def fault(day: str, flags: str, times: int, shop: str = "demo") -> tuple[Any, ...]:
    return (shop, day, "facebook", "cpc", "Spring", "Paid Social", "fbclid", flags, "/tea", times)


def test_one_row_for_each_fault_of_a_place() -> None:
    given = faults(
        fault("2026-05-27", "upper_case macro_unexpanded", 2),
        fault(DAY, "upper_case", 3),
        ("demo", DAY, "banner", "", "home", None, None, "internal_utm", "/sale", 9),
    )
    found = tags.health(given, Query())
    assert [(row["finding"], row["times"], row["source"]) for row in found] == [
        ("macro_unexpanded", 2, "facebook"),
        ("internal_utm", 9, "banner"),
        ("upper_case", 5, "facebook"),
    ]
    capitals = found[2]
    assert (capitals["first_day"], capitals["last_day"]) == ("2026-05-27", DAY)
    assert (capitals["landing_path"], capitals["click"]) == ("/tea", "fbclid")
    assert all(row["title"] and row["fix"] for row in found)


def test_only_the_periods_days_and_the_shop_asked_for() -> None:
    given = faults(fault("2026-05-01", "upper_case", 1), fault(DAY, "upper_case", 1, shop="other"))
    span = Period(first_day="2026-05-20", last_day="2026-05-31")
    assert tags.health(given, Query(period=span, shop="demo")) == []
    assert len(tags.health(given, Query(period=span))) == 1


def test_what_the_tags_report_finds_stands_there_too(shop: Any) -> None:
    given = {
        "touches": shop.touches(("v", shop.NOW, "adwords"), ("v", shop.NOW + 1, "adwords")),
        "spend": ([], []),
    }
    (row,) = tags.health(given, Query())
    assert (row["finding"], row["times"], row["campaign"]) == ("no_spend", 2, "Brand")


def test_every_flag_of_a_landing_has_its_finding() -> None:
    flags = (
        "duplicate_utm macro_unexpanded escaped_ampersand second_question_mark fragment "
        "double_encoded source_fallback conflict untagged_ad upper_case"
    )
    found = tags.health(faults(fault(DAY, flags, 1)), Query())
    assert {row["finding"] for row in found} == set(flags.split())
