from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core.outcome import Misconfigured
from tillpost.report.spend.csv import COLUMNS, Layout, headings, read
from tillpost.report.spend.problem import Problem
from tillpost.report.spend.text import decoded

CASES = Path(__file__).parent.parent / "cases/spend"


def only(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def case(name: str) -> str:
    return (CASES / name).read_text("utf-8")


def test_metas_export() -> None:
    rows, problems = read(case("meta.csv"))
    assert problems == []
    assert only(rows, "platform", "day", "campaign_id", "ad", "spend_minor", "clicks") == [
        ("meta", "2026-11-20", "120210001", "Red shoes", 12_345, 57),
        ("meta", "2026-11-21", "120210001", "Red shoes", 0, 0),
    ]
    assert only(rows, "currency", "adset", "impressions")[0] == ("USD", "Women 25-34", 10_432)


def test_googles_export_with_its_title_totals_and_thousands() -> None:
    rows, problems = read(case("google.csv"))
    assert problems == []
    assert only(rows, "platform", "account_id", "campaign", "spend_minor", "impressions") == [
        ("google", "123-456-7890", "Brand", 123_456, 9_876),
        ("google", "123-456-7890", "Performance Max", 50, 3),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_same_file_as_excel_writes_it(encoding: str) -> None:
    tabs = "Tag\tKampagne\tKosten\n2026-11-20\tFr\u00fchling\t1.234,50\n"
    layout = Layout({"day": "Tag", "campaign": "Kampagne", "spend": "Kosten"}, "google", "EUR")
    rows, problems = read(decoded(tabs.encode(encoding)), layout)
    assert problems == []
    assert only(rows, "campaign", "spend_minor") == [("Fr\u00fchling", 123_450)]


def test_a_name_is_never_read_wrongly() -> None:
    with pytest.raises(Misconfigured, match="export it as CSV UTF-8"):
        decoded("Fr\u00fchling".encode("latin-1"))


def test_tiktoks_export_in_euro_spelling() -> None:
    rows, problems = read(case("tiktok.csv"))
    assert problems == []
    assert only(rows, "platform", "currency", "spend_minor", "adset_id") == [
        ("tiktok", "EUR", 123_450, "g1"),
    ]


def test_our_own_columns_and_a_yen_account() -> None:
    text = (
        "date,platform,account_id,campaign_id,campaign,spend,currency,impressions,clicks\n"
        "2026-11-20,Meta,act_9,1,Spring,1500,jpy,10,1\n"
    )
    rows, problems = read(text)
    assert problems == []
    assert only(rows, "platform", "account_id", "currency", "spend_minor") == [
        ("meta", "9", "JPY", 1500)
    ]


def test_rows_of_one_key_are_added_up() -> None:
    text = "day,campaign,spend,clicks\n2026-11-20,A,1.10,1\n2026-11-20,A,2.20,2\n"
    rows, problems = read(text, Layout(currency="USD", platform="meta"))
    assert problems == []
    assert only(rows, "spend_minor", "clicks", "impressions") == [(330, 3, 0)]


def test_a_mapping_names_the_files_own_headings() -> None:
    text = "Tag;Kampagne;Kosten\n20.11.2026;Frühling;1.234,50\n"
    mapping = {"day": "Tag", "campaign": "Kampagne", "spend": "Kosten"}
    rows, problems = read(text, Layout(mapping, currency="EUR", platform="meta"))
    assert problems == []
    assert only(rows, "day", "campaign", "spend_minor") == [("2026-11-20", "Frühling", 123_450)]


def test_micros() -> None:
    text = "date,campaign,metrics.cost_micros,currency\n2026-11-20,A,1230000,USD\n"
    assert read(text)[0][0]["spend_minor"] == 123


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        ("03/04/2026,A,1,USD", "day", "'03/04/2026' is not a day"),
        ("2026-11-20,A,twelve,USD", "spend", "'twelve' is not an amount"),
        ("2026-11-20,A,-5,USD", "spend", "'-5' is not an amount"),
        ("2026-11-20,A,1-2,USD", "spend", "'1-2' is not an amount"),
        ("2026-11-20,A,1,Taler", "currency", "'Taler' is not a currency"),
        ("2026-11-20,A,1,", "currency", "nothing says which currency"),
        ("2026-11-20,A", "", "only 2 cells"),
        ("2026-11-20,A," + "9" * 25 + ",USD", "spend", "is not money"),
    ],
)
def test_each_wrong_row_is_named_and_the_others_are_read(row: str, column: str, what: str) -> None:
    text = f"date,campaign,spend,currency\n2026-11-20,B,1,USD\n{row}\n"
    rows, problems = read(text, Layout(platform="meta"))
    assert len(rows) == 1
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column) == (3, column)
    assert what in problems[0].what
    assert problems[0].fix


def test_more_that_cannot_be_a_row() -> None:
    two = "day,date_stop,campaign,spend,currency\n2026-11-01,2026-11-30,A,1,USD\n"
    assert (
        read(two, Layout(platform="meta"))[1][0].what
        == "2026-11-01 to 2026-11-30 is more than a day"
    )
    clicks = "day,campaign,spend,clicks,currency\n2026-11-20,A,1,1.5,USD\n"
    assert read(clicks, Layout(platform="meta"))[1][0].column == "clicks"
    unnamed = "day,campaign,spend,currency\n2026-11-20,A,1,USD\n"
    assert read(unnamed)[1] == [
        Problem(2, "platform", "nothing says which platform", "add a column platform")
    ]
    mixed = "day,campaign,spend,currency\n2026-11-20,A,1,USD\n2026-11-20,A,1,EUR\n"
    assert read(mixed, Layout(platform="meta"))[1][0].what == "EUR and USD for one ad"


def test_a_file_that_is_no_table() -> None:
    assert read("hello")[1][0].what == "no heading line with a day and a spend column"
    assert read("")[1][0].line == 1
    huge = 'date,spend\n2026-11-20,"' + "x" * 200_000 + '"\n'
    assert read(huge)[1][0].what.startswith("not a CSV file")


def test_a_date_format_may_be_given() -> None:
    text = "date,campaign,spend,currency\n03/04/2026,A,1,USD\n"
    rows, _ = read(text, Layout(platform="meta", date_format="%d/%m/%Y"))
    assert rows[0]["day"] == "2026-04-03"


def test_a_mapping_that_the_file_or_the_program_does_not_know() -> None:
    text = "day,campaign,Kosten,currency\n2026-11-20,A,1,USD\n"
    (problem,) = read(text + "x", Layout({"spend": "Kosten", "clicks": "Klicks"}))[1][:1]
    assert (problem.column, problem.what) == ("clicks", "no column 'Klicks'")
    with pytest.raises(Misconfigured, match="there is no field 'costs' to map: use one of day"):
        Layout({"costs": "Kosten"}).checked()
    with pytest.raises(Misconfigured, match="unknown currency 'Taler'"):
        Layout(currency="Taler").checked()


def test_the_columns_that_were_found_are_told() -> None:
    assert headings(case("google.csv"))["spend"] == "Cost"
    assert headings(case("google.csv"))["account_id"] == "Customer ID"
    assert headings("hello") == {}


def test_what_the_platform_claims_comes_with_the_spend() -> None:
    text = (
        "Day,Campaign,Campaign ID,Currency code,Cost,Impr.,Clicks,Conversions,Conv. value\n"
        "2026-11-20,Brand,77,USD,10,5,2,1.50,31.20\n"
        "2026-11-20,Brand,77,USD,10,5,2,--,--\n"
        "2026-11-21,Brand,77,USD,10,5,2,,\n"
    )
    rows, problems = read(text)
    assert problems == []
    names = ("spend_minor", "claims_micro", "claims_minor")
    assert only(rows, *names) == [(2_000, 1_500_000, 3_120), (1_000, None, None)]


@given(st.text(), st.lists(st.text(max_size=20), max_size=6))
def test_any_text_is_read(text: str, cells: list[str]) -> None:
    read(text)
    heading = ",".join(names[0] for _, names in COLUMNS[: len(cells)])
    read(f"{heading},spend\n{','.join(cells)},1\n", Layout(currency="USD", platform="meta"))
