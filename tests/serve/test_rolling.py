"""The roll-up of a large shop: made once, and from then on brought up to date."""

from typing import Any

import pytest
from tests.report.conftest import Shop

from tillpost.report.query import Query
from tillpost.report.roas import channels
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


def kept(told: dict[str, Any]) -> RollUps:
    return RollUps(
        lambda: told["facts"], lambda: told["marks"], lambda: told["tables"], {"demo": "UTC"}
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
        broken.setattr("tillpost.report.rollup.RollUp._follow", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rollups.round()
    assert orders_of(rollups) == 1
    assert rollups.round() == 1
    assert orders_of(rollups) == 2
