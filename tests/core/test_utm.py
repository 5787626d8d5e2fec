import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import utm

LANDINGS = tomllib.loads(
    (Path(__file__).parent.parent / "cases/utm/landings.toml").read_text("utf-8")
)["landing"]


@pytest.mark.parametrize("case", LANDINGS, ids=lambda case: json.dumps(case["name"]))
def test_landings(case: dict[str, Any]) -> None:
    found = utm.parse(case["url"])
    assert msgspec.to_builtins(found.raw) == case["raw"]
    assert msgspec.to_builtins(found.normal) == case["normal"]
    assert list(found.flags) == case.get("flags", [])
    ids = {name: getattr(found, name) for name in ("campaign_id", "adset_id", "ad_id")}
    assert {name: value for name, value in ids.items() if value} == case.get("ids", {})


@pytest.mark.parametrize(
    "url", [None, "", "https://shop.example/", "?", "#", "not a url", "http://["]
)
def test_nothing_to_read(url: str | None) -> None:
    assert utm.parse(url) == utm.Utm()


def test_long_values_are_cut() -> None:
    assert len(utm.parse("/?utm_source=" + "é" * 900).raw.source or "") == utm.MAX_LENGTH


@given(st.text(), st.text())
def test_any_address_is_read(text: str, value: str) -> None:
    utm.parse(text)
    found = utm.parse(f"/?utm_source={value}&utm_medium={text}").raw.source
    assert found is None or (found == utm.clean(found) and len(found) <= utm.MAX_LENGTH)


@given(st.text(max_size=300))
def test_cleaning_and_normalising_are_stable(text: str) -> None:
    once = utm.clean(text)
    assert utm.clean(once) == once
