"""The roll-up of a large shop: made once, and from then on brought up to date."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.report.conftest import Shop

from tillpost.report.query import Query
from tillpost.report.roas import channels
from tillpost.report.rollup import RollUp, left
from tillpost.serve.kept import behind
from tillpost.serve.rounds import rolling
from tillpost.serve.rounds.rolling import RollUps


def tables(*orders: str, rate: str = "1.1") -> dict[str, Any]:
    return {
        "orders": Shop.orders(*({"order_id": name} for name in orders)),
        "shops": (["shop", "currency"], [("demo", "USD")]),
        "rates": (["day", "currency", "quote", "rate"], [("2026-01-01", "EUR", "USD", rate)]),
    }


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(rolling, "REST", 0)
    return {"facts": rolling.FACTS, "marks": 1, "tables": tables("1")}


def kept(
    told: dict[str, Any], folder: Path | None = None, zones: Mapping[str, str] = {"demo": "UTC"}
) -> RollUps:
    return RollUps(
        lambda: told["facts"], lambda: told["marks"], lambda _: told["tables"], zones, folder
    )


def orders_of(rollups: RollUps) -> int:
    rows = rollups.answer("channels", Query(), channels, dict)
    assert rows is not None
    return sum(row["orders"] for row in rows)


def test_a_small_shop_has_none(told: dict[str, Any]) -> None:
    told["facts"] = rolling.FACTS - 1
    rollups = kept(told)
    assert rollups.round() == 0
    assert rollups.answer("channels", Query(), channels, dict) is None


def test_the_sums_follow_what_is_written(told: dict[str, Any]) -> None:
    rollups = kept(told)
    assert rollups.round() == 1
    assert orders_of(rollups) == 1
    told |= {"tables": tables("1", "2"), "marks": 2}
    assert [rollups.round(), rollups.round()] == [1, 0]
    assert orders_of(rollups) == 2


def test_who_waits_is_answered_while_a_reading_behind_goes_on(told: dict[str, Any]) -> None:
    rollups = kept(told)
    rollups.round()
    with ThreadPoolExecutor() as waiting, behind():
        found = rollups.answer(
            "channels",
            Query(),
            lambda *_: [waiting.submit(orders_of, rollups).result(timeout=20)],
            dict,
        )
    assert found == [1]


def test_after_other_rates_all_is_summed_again(told: dict[str, Any]) -> None:
    rollups = kept(told)
    rollups.round()
    told |= {"tables": tables("1", "2", "3", rate="1.2"), "marks": 2}
    assert rollups.round() == 1
    assert orders_of(rollups) == 3


def test_what_was_broken_off_is_made_anew(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rollups = kept(told)
    rollups.round()
    told |= {"tables": tables("1", "2"), "marks": 2}
    with monkeypatch.context() as broken:
        broken.setattr("tillpost.report.rollup.RollUp._follow", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rollups.round()
    assert orders_of(rollups) == 1
    assert rollups.round() == 1
    assert orders_of(rollups) == 2


def test_after_a_restart_it_answers_before_it_has_looked(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept(told, tmp_path)
    first.round()
    first.close()
    told |= {"tables": tables("1", "2"), "marks": 2}
    again = kept(told, tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(RollUp, "prepare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            again.round()
    assert orders_of(again) == 1
    assert again.behind() > 0
    with monkeypatch.context() as never:
        never.setattr(RollUp, "_make", lambda *_: 1 / 0)
        again.round()
    assert orders_of(again) == 2
    assert again.behind() == 0
    again.close()


@pytest.mark.parametrize("broken", ["zones", "damaged", "half"])
def test_a_file_that_says_something_else_is_made_anew(
    told: dict[str, Any], tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "half":
        monkeypatch.setattr(RollUp, "_note", lambda *_: None)
    first = kept(told, tmp_path)
    first.round()
    first.close()
    monkeypatch.undo()
    if broken == "damaged":
        next(tmp_path.iterdir()).write_bytes(b"x" * 5000)
    zones = {"demo": "Asia/Tokyo" if broken == "zones" else "UTC"}
    assert left(zones, next(tmp_path.iterdir())) is None
    again = kept(told | {"tables": tables("1", "2")}, tmp_path, zones)
    assert again.round() == 1
    assert orders_of(again) == 2
    again.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_erased_leaves_the_file(told: dict[str, Any], tmp_path: Path) -> None:
    rollups = kept(told, tmp_path)
    rollups.round()
    told |= {"tables": tables("2")}
    rollups.forget()
    assert not list(tmp_path.iterdir())
    assert rollups.round() == 1
    assert orders_of(rollups) == 1
    rollups.close()
    assert len(list(tmp_path.iterdir())) == 1
