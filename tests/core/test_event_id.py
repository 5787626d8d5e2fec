from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import event_id
from tillpost.testing import entries as make
from tillpost.testing.entries import CHECKOUT

KEY = b"0123456789abcdef"


def test_the_first_id_there_is_wins() -> None:
    order = make.order(event_id="sh-9")
    assert event_id.choose(order, make.beacon(event_id="page-1"), KEY) == "page-1"
    assert event_id.choose(order, make.beacon(event_id=""), KEY) == "sh-9"
    assert event_id.choose(order, None, KEY) == "sh-9"
    assert event_id.choose(make.order(), None, KEY) == f"purchase.{CHECKOUT}"
    keyed = event_id.choose(make.order(checkout_token=None), None, KEY)
    assert keyed == event_id.of_order(KEY, "1001")


def test_both_sides_name_a_checkout_alike() -> None:
    assert event_id.of_purchase("t") == "purchase.t"
    assert event_id.of_checkout("t") == "ic.t"


def test_a_keyed_id_is_always_the_same() -> None:
    assert event_id.of_order(KEY, "1001") == "order.3547d31db2a8e6e913acea4d9c9df164"


@given(st.text(max_size=20), st.text(max_size=20), st.binary(min_size=1, max_size=64))
def test_a_keyed_id_tells_nothing_without_the_key(one: str, two: str, key: bytes) -> None:
    made = event_id.of_order(KEY, one)
    assert len(made) == 38
    assert (made == event_id.of_order(KEY, two)) == (one == two)
    assert (made == event_id.of_order(key, one)) == (key.rstrip(b"\0") == KEY)
