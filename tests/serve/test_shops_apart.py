"""Several shops in one server: nothing of one reaches the other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.live import TWO_SHOPS

from tillpost.ports import Rows
from tillpost.serve import configure
from tillpost.serve.access import Access
from tillpost.serve.clock import SystemClock
from tillpost.serve.node import destination_name
from tillpost.serve.reading import Reading, ShopBasis
from tillpost.serve.settings import Settings


def _settings(folder: Path, dataset: str) -> Settings:
    path = folder / "tillpost.toml"
    path.write_text(TWO_SHOPS.format(second=dataset))
    return configure.load(path, {})


@pytest.mark.parametrize(
    ("dataset", "names"), [("2", ["meta:1", "meta:2"]), ("1", ["meta:1@a", "meta:1@b"])]
)
def test_every_shop_has_lines_of_its_own(tmp_path: Path, dataset: str, names: list[str]) -> None:
    settings = _settings(tmp_path, dataset)
    assert [destination_name(d, settings) for d in settings.destinations] == names


def _told(*shops: tuple[str, frozenset[str]]) -> dict[str, ShopBasis]:
    return {f"shop{i}": ShopBasis("UTC", *given) for i, given in enumerate(shops)}


@pytest.mark.parametrize(
    ("shops", "claimants"),
    [
        (_told(("USD", frozenset("1")), ("EUR", frozenset("2"))), ["shop0", "shop1"]),
        (_told(("USD", frozenset("12")), ("EUR", frozenset("2"))), ["shop0", None]),
        (_told(("EUR", frozenset("12")), ("EUR", frozenset("2"))), ["shop0", "shop0"]),
        (_told(("USD", frozenset())), ["shop0", "shop0"]),
        (_told(("USD", frozenset()), ("EUR", frozenset("2"))), [None, "shop1"]),
    ],
)
def test_a_claim_is_told_in_the_currency_of_who_sends_to_its_dataset(
    shops: dict[str, ShopBasis], claimants: list[str | None]
) -> None:
    reading = Reading(_Nothing(), _Claims(), shops)
    names, rows = reading.tables("campaigns")["conversions"]
    assert [dict(zip(names, row, strict=True)) for row in rows] == [
        {"dataset_id": dataset, "shop": claimant}
        for dataset, claimant in zip("12", claimants, strict=True)
    ]


def test_a_shop_reads_no_claim_of_another_shops_dataset() -> None:
    shops = _told(("USD", frozenset("1")), ("EUR", frozenset("2")))
    _, rows = Reading(_Nothing(), _Claims(), shops).tables("campaigns", "shop1")["conversions"]
    assert rows == [("2", "shop1")]


class _Nothing:
    """A store without facts."""

    def tables(self, names: Iterable[str]) -> dict[str, Rows]:
        return {name: ([], []) for name in names}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


class _Claims:
    """A receiver that credits one sale of each of two datasets."""

    def tables(self, names: Iterable[str]) -> dict[str, Rows]:
        assert list(names) == ["conversions"]
        return {"conversions": (["dataset_id"], [("1",), ("2",)])}

    def purchases(self) -> Iterable[dict[str, Any]]:
        return ()


def test_a_key_opens_its_own_shop_and_its_own_scopes(tmp_path: Path) -> None:
    access = Access(_settings(tmp_path, "2"), SystemClock())
    ours = {"authorization": "Bearer key-of-a-0000000"}
    assert access.key(ours, "events", "a") is not None
    assert access.key(ours, "events", "b") is None
    assert access.key(ours, "admin", "a") is None
    assert access.key({"authorization": "Bearer key-of-b-0000000"}, "reports", "b") is None
    assert access.key({"authorization": "Basic key-of-a-0000000"}, "events", "a") is None
    assert access.key({}, "events", "a") is None
