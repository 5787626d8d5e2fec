"""Cohorts of a shop that told of them itself: what winning customers cost and when it came back.

Counted by hand, with the 15th of each month: four months ago Ada pays 30.00 and Bo 50.00, and
ads cost 120.00, so each was won for 60.00 and has spent 40.00. A month later Ada pays 20.00
(50.00 each), two months after that Bo 40.00 (70.00 each): paid back after three months.
Two months ago Di pays 25.00, and no ad was paid for.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.acceptance.test_screens import key
from tests.live import Live, wait_for
from tests.orders import money, order
from tests.signed import owner

CLAIM = (
    (8201, 1, "30.00", 4), (8202, 2, "50.00", 4), (8203, 1, "20.00", 3), (8204, 2, "40.00", 1),
    (8205, 3, "25.00", 2),
)  # fmt: skip
"""(order, customer, amount, months ago)"""


def ago(months: int) -> datetime:
    """Noon of the 15th, so many months ago."""
    now = datetime.now(UTC)
    count = now.year * 12 + now.month - 1 - months
    return datetime(count // 12, count % 12 + 1, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(one_server: Live) -> Live:
    server = one_server
    for number, customer, amount, months in CLAIM:
        when = ago(months).isoformat()
        made = order(
            number, created_at=when, processed_at=when, updated_at=when,
            total_price=amount, total_price_set=money(amount),
        )  # fmt: skip
        made["customer"] = {**made["customer"], "id": 7_700_000_000 + customer}
        assert server.webhook(made).status == 200
    spend = f"date,platform,campaign,spend,currency\n{ago(4).date()},meta,Spring,120.00,USD\n"
    told = server.ask("POST", "/api/v1/spend/demo", spend.encode(), authorization=key(server))
    assert told.status == 200, told.body
    wait_for(lambda: server.get("/channels.json?days=0")["check"]["orders"] == len(CLAIM))
    return server


def test_each_month_tells_what_a_customer_has_spent_and_when_it_was_paid_back(shop: Live) -> None:
    found = shop.get("/cohorts.json?days=0")
    latest, first = found["cohorts"]
    assert (first["month"], first["customers"]) == (f"{ago(4):%Y-%m}", 2)
    assert (first["cac"], first["payback"]) == ("60.00", "after 3 months")
    cells = [(c["ltv"], c["retention"], c["pays"]) for c in first["cells"]]
    assert cells == [
        ("40.00", 1.0, False), ("50.00", 0.5, False), ("50.00", 0.0, False), ("70.00", 0.5, True),
    ]  # fmt: skip
    assert (latest["month"], latest["payback"]) == (f"{ago(2):%Y-%m}", "no spend known")


def test_the_page_shows_the_same(shop: Live) -> None:
    text = owner(shop).text("/cohorts?days=0")
    row = text.split(f'<th scope="row">{ago(4):%Y-%m}</th>')[1].split("</tr>")[0]
    told: list[Any] = [part.split("<")[0].strip() for part in row.split(">") if part.strip()]
    assert [part for part in told if part] == [
        "2", "$60.00", "after 3 months", "$40.00", "100.0%", "$50.00", "50.0%", "$50.00", "0.0%",
        "$70.00", "50.0%",
    ]  # fmt: skip
    assert row.count(" pays") == 1
