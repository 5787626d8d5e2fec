"""Tables sort as numbers where they are numbers, show what was chosen, and go along as files."""

from typing import Any

from tillpost.serve.screens import ask
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.table import MOST_ROWS, Column, Table, state, total

COLUMNS = (
    Column("name", "Name"),
    Column("revenue", "Revenue", "money"),
    Column("orders", "Orders", "number", shown=False),
)
ROWS: list[dict[str, Any]] = [
    {"name": "b", "revenue": "9.00", "orders": 10, "currency": "USD", "href": "/b"},
    {"name": "A", "revenue": "100.50", "orders": None, "currency": "USD", "href": "/a"},
    {"name": "c", "revenue": None, "orders": 2, "currency": "EUR", "href": "/c"},
]


def table(*pairs: tuple[str, str]) -> Table:
    made = Table(name="t", caption="T", columns=COLUMNS, rows=ROWS, empty="Import some.")
    return made.as_asked(asked(*pairs))


def asked(*pairs: tuple[str, str]) -> Ask:
    return ask.read(pairs, ["demo"])


def names(found: Table) -> list[str]:
    return [row["name"] for row in found.rows]


def test_rows_keep_their_order_until_a_column_is_chosen() -> None:
    assert names(table()) == ["b", "A", "c"]
    assert names(table(("sort", "nonsense"))) == ["b", "A", "c"]
    assert names(table(("sort", "-revenue"))) == ["A", "b", "c"]
    assert names(table(("sort", "revenue"))) == ["b", "A", "c"]
    assert names(table(("sort", "name"))) == ["A", "b", "c"]
    assert names(table(("sort", "-orders"))) == ["b", "c", "A"]


def test_states_sort_by_name_and_cells_without_one_come_last() -> None:
    columns = (Column("name", "Name"), Column("server", "Server", "state"))
    told = {"a": state("sent", None, 7), "b": None, "c": state("dead", "refused")}
    rows = [{"name": name, "server": value} for name, value in told.items()]
    made = Table(name="t", caption="T", columns=columns, rows=rows, empty="")
    assert names(made.as_asked(asked(("sort", "server")))) == ["c", "a", "b"]


def test_a_heading_asks_for_the_largest_number_first_and_then_the_other_way() -> None:
    revenue, name = COLUMNS[1], COLUMNS[0]
    assert table().next_sort(revenue) == "-revenue"
    assert table(("sort", "-revenue")).next_sort(revenue) == "revenue"
    assert table(("sort", "name")).next_sort(name) == "-name"


def test_columns_are_chosen_and_the_first_stays() -> None:
    assert [c.name for c in table().visible] == ["name", "revenue"]
    chosen = table(("columns", "orders"), ("columns", "nonsense"))
    assert [c.name for c in chosen.visible] == ["name", "orders"]
    assert chosen.plain()[0] == {"name": "b", "orders": 10}
    assert table().plain()[0] == {"name": "b", "revenue": "9.00", "currency": "USD"}


def test_a_page_shows_some_rows_and_the_file_all() -> None:
    long = Table(name="t", caption="T", columns=COLUMNS, rows=ROWS * 100, empty="")
    assert (len(long.first_rows), long.left, len(long.plain())) == (MOST_ROWS, 100, 300)


def test_a_total_is_of_one_currency() -> None:
    assert str(total(ROWS, "revenue", "USD")) == "109.50"
