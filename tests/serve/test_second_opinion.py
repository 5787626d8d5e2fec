"""The shop system's own view of an order's visits stands beside ours and changes nothing."""

from typing import Any

from tillpost.core.event import Journey, Visit
from tillpost.serve.screens.journey import Step
from tillpost.serve.screens.opinion import opinions
from tillpost.store.page_rows import Landing


def _step(**told: Any) -> Step:
    given = dict.fromkeys(Landing.__struct_fields__)
    return Step(Landing(**{**given, "order_id": "1", "visitor_id": "v", "at": 50, **told}), {})


NEWS = Visit(at=10, utm_source="News", utm_medium="email", utm_campaign="May")
GOOGLE = Visit(at=20, source="Google")


def test_first_and_last_visit_stand_side_by_side_with_whether_they_agree() -> None:
    way = [_step(source="news", medium="email", campaign="May"), _step(source="facebook")]
    (table,) = opinions(Journey(ready=True, first=NEWS, last=GOOGLE), way)
    first, last = table.rows
    assert first["shop_source"] == "News / email / May"
    assert first["own_source"] == "news / email / May"
    assert (first["agrees"], last["agrees"]) == (True, False)
    assert last["shop_at"] == "1970-01-01T00:00:20Z"


def test_where_one_side_saw_nothing_nobody_disagrees() -> None:
    (table,) = opinions(Journey(ready=True, last=GOOGLE), [])
    assert [(row["which"], row["own_at"], row["agrees"]) for row in table.rows] == [
        ("last", None, None)
    ]


def test_a_shop_that_told_nothing_has_no_table() -> None:
    assert opinions(None, []) == ()
    assert opinions(Journey(ready=False), []) == ()
