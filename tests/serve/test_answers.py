"""Answers of the API: a large shop's are kept, a long list is given in parts."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.report.conftest import Shop

from tillpost.ports import Rows
from tillpost.serve import answers, kept
from tillpost.serve.answers import Answers
from tillpost.serve.reading import Asked, Reading, ShopBasis
from tillpost.serve.rounds.rolling import FACTS

NAMES = [str(number) for number in range(5)]


class Store:
    """Facts of five orders; it counts how often they are read."""

    def __init__(self) -> None:
        self.read = 0

    def tables(self, names: Any) -> dict[str, Rows]:
        self.read += 1
        orders = [{"order_id": name, "at": Shop.NOW + int(name)} for name in NAMES]
        return {"orders": Shop.orders(*orders)} if "orders" in names else {}


@pytest.fixture
def store() -> Store:
    return Store()


def answers_of(store: Store, directory: Path, facts: int = FACTS) -> Answers:
    (directory / "a.db").write_bytes(b"x")
    reading = Reading(store, None, {"demo": ShopBasis("UTC", "USD")})  # type: ignore[arg-type]
    return Answers(reading, directory, ("a.db",), lambda: facts)


def ids(made: Answers, **asked: Any) -> list[str]:
    rows = msgspec.json.decode(made.give("orders", Asked(**asked), "json").body)["rows"]
    return [row["order_id"] for row in rows]


def test_a_large_shop_is_read_once_until_it_changes(store: Store, tmp_path: Path) -> None:
    made = answers_of(store, tmp_path)
    assert ids(made) == ids(made) == NAMES
    assert store.read == 1
    assert ids(answers_of(store, tmp_path, FACTS - 1)) == NAMES
    assert store.read == 2


def test_what_took_long_is_given_with_its_age(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LONG_SECONDS", 0)
    monkeypatch.setattr(kept, "_REST", -1)
    monkeypatch.setattr(kept, "_STALEST", 1e6)
    made = answers_of(store, tmp_path)
    made.give("orders", Asked(), "json")
    (tmp_path / "a.db").write_bytes(b"xx")
    assert made.give("orders", Asked(), "csv").age == 0
    assert made.give("orders", Asked(), "json").age > 0


def test_a_long_answer_is_not_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 100)
    made = answers_of(store, tmp_path)
    assert ids(made) == ids(made) == NAMES
    assert store.read == 2


@pytest.mark.parametrize("where", [{}, {"currency": "USD"}])
def test_a_list_is_given_in_parts(store: Store, tmp_path: Path, where: dict[str, str]) -> None:
    made = answers_of(store, tmp_path)
    assert ids(made, limit=2, where=where) == NAMES[:2]
    assert ids(made, limit=2, skip=3, where=where) == NAMES[3:]
    assert ids(made, skip=4, where=where) == NAMES[4:]
    assert ids(made, limit=0, where=where) == []
