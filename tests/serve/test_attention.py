"""What asks for attention beside the path of an event."""

from msgspec import structs

from tillpost.serve.attention import Signs, notes
from tillpost.store.pulls import Pull

SIGNS = Signs(
    shop="demo",
    url="http://127.0.0.1",
    now=1_780_000_000.0,
    ledger={"destinations": []},
    troubles=[],
    overdue=[],
    expiring=[],
    bad_rows=None,
    doubled=None,
    latest=[],
    heard={},
    spends=True,
    paid=True,
)


def with_pull(read_at: float | None) -> Signs:
    pull = Pull(
        shop="demo",
        platform="meta",
        account_id="123",
        tried_at=1_780_000_000.0,
        read_at=read_at,
        rows_read=0,
        trouble="the access token has expired",
        next_at=1_780_000_900.0,
    )
    return structs.replace(SIGNS, unread_accounts=[pull])


def test_where_all_is_in_order_nothing_is_said() -> None:
    assert notes(SIGNS) == []


def test_an_account_that_cannot_be_read_is_told_with_its_reason_and_age() -> None:
    (note,) = notes(with_pull(1_779_990_000.0))
    assert note.title == "The meta ad account 123 could not be read"
    assert note.detail == "the access token has expired. What it told is of 2026-05-28T17:40:00Z."
    (never,) = notes(with_pull(None))
    assert never.detail.endswith("It never was.")


def test_orders_that_only_the_shop_has_are_told_with_what_takes_them_in() -> None:
    signs = structs.replace(SIGNS, missing=2, not_compared="the token is not valid")
    first, second = notes(signs)
    assert first.title == "2 orders of the shop missing here, or not as it has them"
    assert first.command == "tillpost reconcile --fetch"
    assert second.detail == "the token is not valid."


def test_an_event_id_that_a_cache_gives_to_many_is_told_with_its_events() -> None:
    few = structs.replace(SIGNS, shared_ids=[("PageView", 1), ("ViewContent", 1)])
    assert notes(few) == []
    (note,) = notes(structs.replace(SIGNS, shared_ids=[("PageView", 1200), ("ViewContent", 1)]))
    assert note.detail.startswith("Of the latest events, 1,200 PageView, 1 ViewContent came with")
