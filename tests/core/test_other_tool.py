"""Another tool's sales beside ours: found by whatever they have in common, told field by field."""

from typing import Any

import pytest

from tillpost.core import match_key
from tillpost.core.match_key import Code
from tillpost.core.other_tool import Own, Pair, fields, pairs
from tillpost.core.received import ReceivedEvent
from tillpost.core.traits import Trait

NOW = 1_780_000_000
EM, OTHER = match_key.of_value(Code.em, "ada"), match_key.of_value(Code.em, "bo")
PH = match_key.of_value(Code.ph, "1")


def event(**told: Any) -> ReceivedEvent:
    """A Purchase of 42.00 dollars with an e-mail."""
    plain = {
        "dataset_id": "1", "source": "server", "event_name": "Purchase", "event_id": "e1",
        "event_time": NOW, "received_at": 0.0, "keys": (EM,), "action_source": "website",
        "value": 4200, "currency": "USD", "order_id": "1001",
    }  # fmt: skip
    return ReceivedEvent(**{**plain, **told})


def own(name: str = "#1", *, is_sent: bool = True, why: str | None = None, **told: Any) -> Own:
    return Own(event(**told), name, is_sent, why)


def verdicts(pair: Pair) -> dict[str, str]:
    return {d.field: d.verdict for d in pair.differences if d.verdict != "same"}


def test_the_same_sale_has_no_difference() -> None:
    (pair,) = pairs([own()], [event()])
    assert (pair.who, pair.copies, pair.ids, verdicts(pair)) == ("both", 1, 1, {})


@pytest.mark.parametrize(
    "told",
    [
        {"order_id": "#1", "event_id": "x"},
        {"order_id": "gid://shopify/Order/1001", "event_id": "x"},
        {"order_id": None, "event_id": "e1"},
        {"order_id": "other", "event_id": "e1"},
        {"order_id": None, "event_id": "x", "event_time": NOW + 3600},
        {"order_id": None, "event_id": None},
    ],
)
def test_a_sale_is_found_by_its_order_its_id_or_its_person(told: dict[str, Any]) -> None:
    (pair,) = pairs([own()], [event(**told)])
    assert pair.who == "both"


@pytest.mark.parametrize(
    "told",
    [{"event_time": NOW + 3601}, {"keys": (OTHER,)}, {"value": 4201}, {"value": None}],
)
def test_what_has_nothing_in_common_is_another_sale(told: dict[str, Any]) -> None:
    ours, theirs = pairs([own()], [event(order_id=None, event_id=None, **told)])
    assert (ours.who, theirs.who) == ("ours", "theirs")


def test_two_of_ours_that_fit_are_no_answer() -> None:
    twice = [own(), own("#2", order_id="1002", event_id="e2")]
    found = pairs(twice, [event(order_id=None, event_id=None)])
    assert [pair.who for pair in found] == ["ours", "ours", "theirs"]


def test_an_order_without_id_or_number_is_found_by_its_event_id() -> None:
    (pair,) = pairs([own("", order_id=None)], [event(order_id="77")])
    assert pair.who == "both"
    ours, theirs = pairs([own("", order_id=None, event_id=None)], [event(order_id="77", keys=())])
    assert (ours.who, theirs.who) == ("ours", "theirs")


def test_a_sale_that_is_sent_twice_is_one_with_two_ids() -> None:
    (pair,) = pairs([own()], [event(), event(event_id="e2"), event()])
    assert (pair.copies, pair.ids) == (3, 2)
    first, second = pairs([], [event(order_id="7"), event(order_id="8"), event(order_id="7")])
    assert ((first.copies, first.ids), second.copies) == ((2, 1), 1)


def test_what_we_leave_out_is_the_other_tool_s_alone_or_nobody_s() -> None:
    left_out = own(is_sent=False, why="test_order")
    (pair,) = pairs([left_out], [event()])
    assert pair.who == "theirs"
    (alone,) = pairs([left_out], [])
    assert alone.who == "neither"


def test_every_field_is_told_with_its_verdict() -> None:
    ours = event(keys=(EM, PH), traits=Trait.IP | Trait.USER_AGENT, event_id="ours")
    theirs = event(
        event_time=NOW + 60, keys=(OTHER,), value=None, traits=Trait.USER_AGENT | Trait.URL,
        unusable=("ph", "em"), event_id="theirs",
    )  # fmt: skip
    (pair,) = pairs([Own(ours, "#1", is_sent=True)], [theirs])
    assert verdicts(pair) == {
        "event_id": "differs",
        "value": "only_ours",
        "event_time": "differs",
        "em": "differs",
        "ph": "unusable",
        "client_ip_address": "only_ours",
        "event_source_url": "only_theirs",
    }
    told = {d.field: (d.ours, d.theirs) for d in pair.differences}
    assert told["value"] == ("42.00 USD", None)
    assert told["em"] == (None, None)


@pytest.mark.parametrize(
    ("mine", "theirs", "told"), [((), (PH,), "only_theirs"), ((PH,), (), "only_ours")]
)
def test_a_key_that_one_side_lacks(mine: Any, theirs: Any, told: str) -> None:
    (pair,) = pairs([own(keys=mine)], [event(keys=theirs)])
    assert verdicts(pair) == {"ph": told}


def test_money_without_its_currency_is_none() -> None:
    (pair,) = pairs([own(currency=None)], [event(currency=None)])
    assert "value" not in {d.field for d in pair.differences}


def test_fields_are_counted_over_all_sales() -> None:
    found = pairs([own(), own("#2", order_id="2", event_id="e2")], [event(), event(order_id="2")])
    counts = fields(found)
    assert [*counts][:2] == ["event_id", "value"]
    assert dict(counts["event_id"]) == {"same": 1, "differs": 1}
    assert dict(counts["em"]) == {"same": 2}
