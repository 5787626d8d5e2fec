"""What may go again, what would change, and what is said to mend."""

from typing import Any

import pytest

from tillpost.core.event import Event
from tillpost.core.outcome import State
from tillpost.deliver import letters
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.deliver.letters import Change, Verdict
from tillpost.deliver.outbox import Line
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW, SHOP

LINE = Line(DESTINATION, destination, Settings(shop=SHOP, dataset_id="1", access_token="t"))
HOUR = 3600


@pytest.mark.parametrize(
    ("event", "state", "hours", "reason"),
    [
        (make.event(), State.DEAD, 1, None),
        (make.event(), State.EXPIRED, 7 * 24, "too_old"),
        (make.event(action_source="physical_store"), State.DEAD, 30 * 24, None),
        (make.event(direct="sent", direct_at=float(NOW)), State.DEAD, 46.9, None),
        (make.event(direct="sent", direct_at=float(NOW)), State.DEAD, 47.1, "late_twin"),
        (make.event(), State.DELIVERED, 46.9, None),
        (make.event(), State.DELIVERED, 47.1, "counted"),
        (make.event(custom_data={"value": 1}), State.DEAD, 1, "invalid"),
    ],
)
def test_who_may_go_again(event: Event, state: State, hours: float, reason: str | None) -> None:
    told = letters.verdict(LINE, event, state, float(NOW), NOW + hours * HOUR)
    assert (told.may, told.reason) == (reason is None, reason)


def test_a_destination_that_is_gone_takes_nothing() -> None:
    assert letters.verdict(None, make.event(), State.DEAD, NOW, NOW) == Verdict(
        may=False, reason="no_destination", detail="it is not in the settings"
    )


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Change("a.b", 1, 2)]),
        ({"a": 1}, {"b": 1}, [Change("a", 1, None), Change("b", None, 1)]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [Change("a[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [Change("a", [1], [1, 2])]),
    ],
)
def test_where_two_payloads_differ(was: Any, now: Any, found: list[Change]) -> None:
    assert list(letters.changes(was, now)) == found


def test_what_to_mend_is_said_of_every_end() -> None:
    assert "no longer" in letters.fix("too_old", None)
    assert "count again" in letters.fix("late_twin", None)
    assert "retry" in letters.fix("refused", "somebody else's words")


@pytest.mark.parametrize("subcode", sorted(letters._FIXES))
def test_metas_subcodes_have_the_fix_of_their_own_row(subcode: int) -> None:
    assert letters.fix("refused", f"100/{subcode}: words") == letters._FIXES[subcode]
