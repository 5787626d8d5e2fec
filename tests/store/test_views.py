"""The SQL views that others read: nothing of a person in them, every column told, none writable."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from docs import views
from tillpost.store import queries

NAMES = ("view_events", "view_orders", "view_refunds", "view_spend", "view_touches")
PERSONAL = {
    "sealed", "fact", "checkout_token", "customer_id", "click_id", "url", "referrer",
    "fold_key", "value", "detail",
}  # fmt: skip
"""Columns of the tables that may tell whose a row is."""

FACTS = """
INSERT INTO orders (shop, order_id, version, name, at, kind, eligible, value_minor, currency,
    presentment_minor, presentment_currency, customer_id, cancelled_at, browser, server,
    first_received_at, fact)
VALUES ('demo', '1', 1, '#1', 1780000000, 'web', 1, 5900, 'USD', 5900, 'USD', 'c1', NULL, 1, 1, 1,
        x'00'),
    ('demo', '2', 1, '#2', 1780086400, 'web', 1, 100, 'USD', 100, 'USD', 'c1', 1780090000, 0, 1, 1,
        x'00');
INSERT INTO refunds VALUES ('demo', 'r1', '1', 1780050000, 900, 'USD'),
    ('demo', 'r2', '1', 1780050001, 77, 'EUR');
INSERT INTO touches (shop, visitor_id, at, channel, direct, paid, rules, dropped)
VALUES ('demo', 'v1', 1779990000, 'Email', 0, 0, 1, 0),
    ('demo', 'v1', 1779990001, 'Email', 0, 0, 1, 1);
INSERT INTO events (id, shop, fold_key, source, event_name, event_id, event_time, order_id,
    received_at, event)
VALUES (1, 'demo', 'k', 'shopify', 'Purchase', 'e1', 1780000000, '1', 1780000001.5, x'00'),
    (2, 'demo', 'l', 'pixel', 'ViewContent', 'e2', 1780000000, NULL, 1780000001.5, x'00');
INSERT INTO outbox (event, destination, shop, state, due_at, updated_at)
VALUES (1, 'meta:1', 'demo', 'pending', 0, 1780000002),
    (1, 'ga4:2', 'demo', 'pending', 0, 1780000002);
"""


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.row_factory = sqlite3.Row
        for _, _, text in queries.migrations("gateway"):
            made.executescript(text)
        made.executescript(FACTS)
        yield made


def test_every_column_is_told_and_none_names_a_person(database: sqlite3.Connection) -> None:
    told = dict(zip(NAMES, views.reference(), strict=True))
    for name, page in told.items():
        columns = [column["name"] for column in database.execute(f"PRAGMA table_info({name})")]
        assert [
            line.split("`")[1] for line in page.splitlines() if line.startswith("| `")
        ] == columns
        assert page.splitlines()[2].endswith("."), name
        assert PERSONAL.isdisjoint(columns)


def test_orders_are_told_with_what_was_given_back(database: sqlite3.Connection) -> None:
    rows = {row["order_id"]: row for row in database.execute("SELECT * FROM view_orders")}
    assert rows["1"]["placed_at"] == "2026-05-28T20:26:40Z"
    assert (rows["1"]["given_back_minor"], rows["1"]["cancelled_at"]) == (900, None)
    assert (rows["2"]["given_back_minor"], rows["2"]["value_minor"]) == (100, 100)


def test_events_stand_once_a_destination_or_with_none(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT event_id, destination FROM view_events ORDER BY 1, 2")
    assert [tuple(row) for row in rows] == [("e1", "ga4:2"), ("e1", "meta:1"), ("e2", None)]


def test_what_is_no_touch_today_is_not_told(database: sqlite3.Connection) -> None:
    assert database.execute("SELECT COUNT(*) FROM view_touches").fetchone()[0] == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_view_cannot_be_written_to(database: sqlite3.Connection, name: str) -> None:
    with pytest.raises(sqlite3.OperationalError, match="because it is a view"):
        database.execute(f"DELETE FROM {name}")
