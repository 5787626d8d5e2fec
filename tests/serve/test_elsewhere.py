"""Claims in currencies without a rate stand beside their row, and nothing else is lost."""

from operator import itemgetter
from typing import Any

from tillpost.serve.screens.elsewhere import ELSEWHERE, column, gathered


def row(key: str, currency: str, claims: float, **more: Any) -> dict[str, Any]:
    return {"key": key, "currency": currency, "claims": claims, **more}


def found(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    made = gathered(rows, "USD", "claims", itemgetter("key"))
    return [(r["key"], r["currency"], r["claims"], r[ELSEWHERE]) for r in made]


def test_bare_claims_go_to_their_row() -> None:
    assert found(
        row("a", "USD", 5, orders=2), row("a", "EUR", 3), row("a", "GBP", 1), row("b", "USD", 0)
    ) == [("a", "USD", 5, 4), ("b", "USD", 0, 0)]


def test_what_holds_an_order_or_a_cost_or_has_no_row_to_go_to_stays() -> None:
    rows = (
        row("a", "USD", 5),
        row("a", "EUR", 3, orders=1),
        row("a", "GBP", 3, spend_minor=1),
        row("b", "EUR", 2),
    )
    assert found(*rows) == [
        ("a", "USD", 5, 0), ("a", "EUR", 3, 0), ("a", "GBP", 3, 0), ("b", "EUR", 2, 0),
    ]  # fmt: skip


def test_the_column_is_there_when_there_is_such_a_claim() -> None:
    assert column([{ELSEWHERE: 0}, {ELSEWHERE: 2}]).shown
    assert not column([{ELSEWHERE: 0}]).shown
